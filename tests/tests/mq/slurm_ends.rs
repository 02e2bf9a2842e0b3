//! Jobs of Slurm that do not end by themselves: requeued ones, and those that run into their time limit.

use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::relay::{relay, relay_of, texts, to_queues};
use crate::slurm::Slurm;
use crate::world::connected;
use frontier_tests::{DEADLINE, Gateway, Process, eventually};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What Slurm needs to hand out a job once more, and to end one whose time is over.
const MINUTES: Duration = Duration::from_secs(300);

/// A relay, and Slurm whose epilog sends what was kept once it may.
struct Site {
    host: VirtualHost,
    gateway: Gateway,
    slurm: Slurm,
    spool: TempDir,
    /// How a job sends: its text follows.
    send: String,
}

/// A message as it arrived: by which job and key, and its text.
#[derive(Clone, Debug)]
struct Got {
    job: String,
    key: String,
    text: String,
}

impl Site {
    async fn start(queue: &'static str) -> Self {
        let host = VirtualHost::of(RabbitMq::shared(), queue);
        let gateway = to_queues(relay(), &host, &[queue]).start().await;
        connected(&gateway, 1).await;
        let (addr, spool) = (relay_of(&gateway).await, tempfile::tempdir().unwrap());
        let (program, kept) = (Process::binary("send-under-test"), spool.path().join("kept"));
        let (program, kept) = (program.display(), kept.display());
        let epilog = format!(
            "[ -e {}/epilog-may ] || exit 0\n{program} drain --gateway {addr} --budget 10s --spool-dir {kept}",
            spool.path().display()
        );
        let slurm = Slurm::start(&epilog).await;
        let send =
            format!("{program} amqp --gateway {addr} --budget 2s --spool-dir {kept} --routing-key {queue}");
        Self { host, gateway, slurm, spool, send }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.spool.path().join(name)
    }

    async fn appears(&self, name: &str) {
        let file = self.file(name);
        eventually(MINUTES, name, async || file.exists().then_some(())).await;
    }

    /// Has an epilog send what was kept, and gives all that has arrived.
    async fn drained(&self) -> Vec<Got> {
        std::fs::write(self.file("epilog-may"), "").unwrap();
        self.slurm.batch("true", &["-n", "1"]);
        let kept = self.file("kept");
        eventually(DEADLINE, "the epilog has sent what was kept", async || {
            (waiting(&kept) == 0).then_some(())
        })
        .await;
        let messages = self.host.drain(self.host.name);
        let header = |index: usize, name: &str| messages[index]["headers"][name].as_str().unwrap().to_owned();
        let got = texts(&messages).into_iter().enumerate().map(|(index, text)| Got {
            job: header(index, "Frontier-Job"),
            key: header(index, "Frontier-Idempotency-Key"),
            text,
        });
        let got: Vec<Got> = got.collect();
        let keys: BTreeSet<&str> = got.iter().map(|it| &*it.key).collect();
        assert_eq!(keys.len(), got.len(), "nothing is there twice under one key: {got:?}");
        got
    }
}

/// Messages that are kept.
fn waiting(spool: &Path) -> usize {
    let files = std::fs::read_dir(spool).into_iter().flatten().filter_map(Result::ok);
    files.filter(|it| it.path().extension().is_some_and(|it| it == "message")).count()
}

/// The texts of each job, in the order of the alphabet.
fn by_job(got: &[Got]) -> BTreeMap<String, Vec<String>> {
    let mut jobs = BTreeMap::<String, Vec<String>>::new();
    for it in got {
        jobs.entry(it.job.clone()).or_default().push(it.text.clone());
    }
    jobs.values_mut().for_each(|texts| texts.sort());
    jobs
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes slurm-wlm, root and minutes: CONTRIBUTING.md says how to run it"]
async fn a_requeued_job_of_slurm_is_another_one_and_what_its_first_run_kept_arrives_once() {
    let site = Site::start("requeued").await;
    let (send, here) = (&site.send, site.spool.path().display());
    // The first run is killed in the middle of sending, with a login node that hangs.
    let script = format!(
        "{send} begun\n[ -z \"$SLURM_RESTART_COUNT\" ] || {{ {send} done; touch {here}/done; exit 0; }}\ntouch {here}/sent\n\
         while [ ! -e {here}/frozen ]; do sleep 0.1; done\n{send} kept\ntouch {here}/sending\n\
         while :; do {send} again; done"
    );
    let job = site.slurm.submit("requeued.sh", &script, &["-n", "1", "--requeue"]);
    site.appears("sent").await;
    site.gateway.freeze();
    std::fs::write(site.file("frozen"), "").unwrap();
    site.appears("sending").await;
    // At any time within an attempt.
    let said = site.slurm.run("scontrol", &["requeue", &job]);
    assert!(said.trim().is_empty(), "{said}");
    let requeued = async || (site.slurm.of_job(&job, "Restarts") == "1").then_some(());
    eventually(MINUTES, "it is requeued", requeued).await;
    let is_over = async || (site.slurm.of_job(&job, "JobState") == "PENDING").then_some(());
    eventually(MINUTES, "its first run has ended", is_over).await;
    let kept = waiting(&site.file("kept"));
    assert!(kept >= 2, "{kept}");
    site.gateway.thaw();
    // Slurm would wait for some minutes.
    site.slurm.run("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]);
    site.appears("done").await;
    let got = site.drained().await;
    let jobs = by_job(&got);
    let second = jobs.get(&format!("slurm:pi/{job}.1/batch"));
    assert_eq!(second, Some(&vec!["begun".to_owned(), "done".to_owned()]), "{got:?} {}", site.slurm.said());
    let first = &jobs[&format!("slurm:pi/{job}.0/batch")];
    // The last one may have been killed before it was in the spool.
    assert!(first[0] == "again" && first.ends_with(&["begun".to_owned(), "kept".to_owned()]), "{first:?}");
    assert_eq!((first.len(), jobs.len()), (kept + 1, 2), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes slurm-wlm, root and minutes: CONTRIBUTING.md says how to run it"]
async fn jobs_of_slurm_whose_time_is_over_are_ended_in_time_and_what_they_kept_arrives_once() {
    let site = Site::start("limit").await;
    let (send, here) = (&site.send, site.spool.path().display());
    // One says so at its end, the other is killed in the middle of sending.
    let ticks = |name: &str| {
        format!(
            "{send} {name}-begun\ntouch {here}/{name}\nwhile [ ! -e {here}/frozen ]; do sleep 0.1; done\nn=0\n\
             while :; do {send} {name}-$n; n=$((n+1)); echo $n > {here}/{name}-count; done"
        )
    };
    let told = format!("trap '{send} told-limit; exit 0' TERM\n{}", ticks("told"));
    let killed = format!("trap '' TERM\n{}", ticks("killed"));
    let start = Instant::now();
    let jobs = [("told.sh", told), ("killed.sh", killed)];
    let jobs = jobs.map(|(name, script)| site.slurm.submit(name, &script, &["-n", "1", "--time=1"]));
    site.appears("told").await;
    site.appears("killed").await;
    site.gateway.freeze();
    std::fs::write(site.file("frozen"), "").unwrap();
    for job in &jobs {
        let state = async || (site.slurm.of_job(job, "JobState") == "TIMEOUT").then_some(());
        eventually(MINUTES, "its time is over", state).await;
    }
    // 70 s until TERM, and 5 s until KILL, both in steps of Slurm's.
    assert!(start.elapsed() < Duration::from_secs(60 + 60), "{:?}", start.elapsed());
    site.gateway.thaw();
    let got = by_job(&site.drained().await);
    for (name, job) in ["told", "killed"].iter().zip(&jobs) {
        let texts = &got[&format!("slurm:pi/{job}.0/batch")];
        let count: u32 =
            std::fs::read_to_string(site.file(&format!("{name}-count"))).unwrap().trim().parse().unwrap();
        // Each that its script has gone on from; and the one in the middle of which it was ended, unless that was before it was kept.
        let of_count = (0..count).map(|number| format!("{name}-{number}"));
        for text in of_count.chain([format!("{name}-begun")]) {
            assert!(texts.contains(&text), "{text} is not in {texts:?}");
        }
        let limit = usize::from(*name == "told");
        assert_eq!(texts.iter().filter(|text| *text == "told-limit").count(), limit, "{texts:?}");
        let at_least = usize::try_from(count).unwrap() + 1 + limit;
        assert!((at_least..=at_least + 1).contains(&texts.len()), "{texts:?}");
    }
    assert_eq!(got.len(), 2, "{got:?}");
}
