//! Real jobs of ecFlow and of Slurm, on servers of this test: what they send arrives, and whoever is away, they end well.

use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::relay::{relay, relay_of, texts, to_queues};
use crate::slurm::{Daemons, Slurm, free_port, output, spawn, write};
use crate::world::connected;
use frontier_tests::{DEADLINE, Gateway, Process, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The messages of a queue, as they came.
fn events(host: &VirtualHost, queue: &str) -> Vec<Value> {
    texts(&host.drain(queue)).iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

/// An ecFlow server with a suite of one task.
struct Ecflow {
    home: TempDir,
    port: u16,
    _server: Daemons,
}

impl Ecflow {
    async fn start(script: &str) -> Self {
        let (home, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = home.path().display().to_string();
        std::fs::create_dir(home.path().join("s")).unwrap();
        let suite = format!(
            "suite s\n edit ECF_HOME '{path}'\n edit ECF_FILES '{path}'\n \
             edit ECF_JOB_CMD '%ECF_JOB% > %ECF_JOBOUT% 2>&1 &'\n task t\nendsuite\n"
        );
        write(&home.path().join("s.def"), &suite);
        let head = "#!/bin/bash\nset -e\nexport ECF_PORT=%ECF_PORT% ECF_HOST=%ECF_HOST% ECF_NAME=%ECF_NAME% \
                    ECF_PASS=%ECF_PASS% ECF_TRYNO=%ECF_TRYNO% ECF_RID=$$\necflow_client --init=$$\n\
                    trap 'ecflow_client --abort; exit 0' ERR\n";
        write(&home.path().join("s/t.ecf"), &format!("{head}{script}\necflow_client --complete\n"));
        let mut command = Command::new("ecflow_server");
        command.args(["--port", &port.to_string()]).env("ECF_HOME", home.path()).current_dir(home.path());
        let server = spawn(command, &home.path().join("server.log"));
        let ecflow = Self { home, port, _server: Daemons(vec![server]) };
        let answers = async || ecflow.client(&["--ping"]).contains("succeeded").then_some(());
        eventually(DEADLINE, "ecflow_server answers", answers).await;
        for arguments in [&["--load=s.def"][..], &["--restart"], &["--begin=s"]] {
            let said = ecflow.client(arguments);
            assert!(!said.contains("Error"), "{said}");
        }
        ecflow
    }

    fn client(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("ecflow_client");
        command.args(["--host=localhost", &format!("--port={}", self.port)]).args(arguments);
        output(command.current_dir(self.home.path()))
    }

    /// The task has come to its end, well, so often.
    async fn completes(&self, times: usize) {
        let completed = async || {
            let log = std::fs::read_dir(self.home.path()).unwrap().filter_map(Result::ok);
            let log = log.map(|it| it.path()).find(|path| path.to_string_lossy().ends_with(".ecf.log"))?;
            let log = std::fs::read_to_string(log).unwrap();
            assert!(!log.contains("aborted: /s/t"), "{}", self.said());
            (log.matches("complete: /s/t").count() >= times).then_some(())
        };
        eventually(DEADLINE, "the task is complete", completed).await;
    }

    fn said(&self) -> String {
        let files = std::fs::read_dir(self.home.path().join("s")).unwrap().filter_map(Result::ok);
        let outputs = files
            .filter(|it| it.path().extension().is_some_and(|it| it.to_string_lossy().parse::<u32>().is_ok()));
        outputs.map(|it| std::fs::read_to_string(it.path()).unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ecflow-server and ecflow-client: CONTRIBUTING.md says how to run it"]
async fn a_task_of_ecflow_tells_what_it_does_and_completes_whoever_is_away() {
    let host = VirtualHost::of(RabbitMq::shared(), "ecflow");
    let mut gateway: Gateway = to_queues(relay(), &host, &["flow"]).start().await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    let spool = tempfile::tempdir().unwrap();
    let send = format!(
        "{} --gateway {addr} --budget 3s --spool-dir {}",
        Process::binary("send-under-test").display(),
        spool.path().display()
    );
    let to = "--exchange-name= --route-key-name=flow";
    let script = format!(
        "{send} ecflow-client --command-options=\"--init=$$\" {to}\n\
         {send} message --message-body='{{\"data\": \"in the middle\"}}' {to}\n\
         {send} ecflow-client --command-options=--complete {to}"
    );
    let ecflow = Ecflow::start(&script).await;
    ecflow.completes(1).await;
    let told = events(&host, "flow");
    let commands: Vec<&Value> = told.iter().map(|event| &event["data"]["command"]).collect();
    assert_eq!(commands, [&json!("init"), &Value::Null, &json!("complete")], "{}", ecflow.said());
    let data = &told[0]["data"];
    assert_eq!((&data["ecf_name"], &data["ecf_tryno"]), (&json!("/s/t"), &json!("1")), "{data}");
    assert_eq!(data["ecf_rid"], data["args"][0]);

    // The login node hangs, and the task does not.
    gateway.freeze();
    let start = Instant::now();
    ecflow.client(&["--force=queued", "/s/t"]);
    ecflow.client(&["--run", "/s/t"]);
    ecflow.completes(2).await;
    assert!(start.elapsed() < Duration::from_secs(30), "three messages, of 3 s each");
    gateway.thaw();
    // Gone altogether.
    gateway.kill().await;
    ecflow.client(&["--force=queued", "/s/t"]);
    ecflow.client(&["--run", "/s/t"]);
    ecflow.completes(3).await;
    drop(gateway);
    let gateway = to_queues(relay(), &host, &["flow"]).start().await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    let drain = format!("--gateway={addr} --budget=20s drain --spool-dir={}", spool.path().display());
    let drain = output(Command::new(Process::binary("send-under-test")).args(drain.split(' ')).arg("-v"));
    let told = events(&host, "flow");
    // Of the one that the killed gateway had, nobody knows; it is there once or not at all.
    assert!((5..=6).contains(&told.len()), "{drain} {told:?}");
    let rids: BTreeSet<String> = told.iter().map(|event| event["data"]["ecf_rid"].to_string()).collect();
    assert!(rids.len() >= 2, "{told:?}");
}

/// The names of the jobs that messages are from.
fn jobs(host: &VirtualHost, queue: &str) -> Vec<(String, String)> {
    let messages = host.drain(queue);
    let text = texts(&messages);
    let job = |message: &Value| message["headers"]["Frontier-Job"].as_str().unwrap().to_owned();
    let mut jobs: Vec<_> = messages.iter().map(job).zip(text).collect();
    jobs.sort();
    jobs
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes slurm-wlm, and root: CONTRIBUTING.md says how to run it"]
async fn jobs_of_slurm_send_from_scripts_steps_and_arrays_and_an_epilog_sends_what_was_kept() {
    let host = VirtualHost::of(RabbitMq::shared(), "slurm");
    let gateway = to_queues(relay(), &host, &["slurm"]).start().await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    let spool = tempfile::tempdir().unwrap();
    let program = Process::binary("send-under-test").display().to_string();
    let send = |text: &str| {
        let spool = spool.path().display();
        format!("{program} amqp --gateway {addr} --budget 2s --spool-dir {spool} --routing-key slurm {text}")
    };
    let mark = spool.path().join("epilog-may");
    // As root, without PATH.
    let epilog = format!(
        "[ -e {} ] || exit 0\n{program} drain --gateway {addr} --budget 10s --spool-dir {}",
        mark.display(),
        spool.path().display()
    );
    let slurm = Slurm::start(&epilog).await;
    slurm.batch(&format!("{}\nsrun {}\n", send("batch"), send("step")), &["-n", "1"]);
    let expected = [("slurm:pi/1.0/0.0", "step"), ("slurm:pi/1.0/batch", "batch")];
    let expected = expected.map(|(job, text)| (job.to_owned(), text.to_owned()));
    assert_eq!(jobs(&host, "slurm"), expected, "{}", slurm.said());
    slurm.batch(&send("task-$SLURM_ARRAY_TASK_ID"), &["--array=1-3", "-n", "1"]);
    let told: BTreeSet<String> = jobs(&host, "slurm").into_iter().map(|(_, text)| text).collect();
    assert_eq!(told, ["task-1", "task-2", "task-3"].map(str::to_owned).into(), "{}", slurm.said());
    // The login node hangs: the job ends well and in time, and what it could not send is kept.
    gateway.freeze();
    let start = Instant::now();
    slurm.batch(&format!("{}\nsrun {}\n", send("late"), send("later")), &["-n", "1"]);
    assert!(start.elapsed() < Duration::from_secs(30), "two messages, of 2 s each");
    gateway.thaw();
    std::fs::write(&mark, "").unwrap();
    slurm.batch("true", &["-n", "1"]);
    let arrived = async || {
        let waits = std::fs::read_dir(spool.path()).unwrap().filter_map(Result::ok);
        let waits = waits.filter(|it| it.path().extension().is_some_and(|it| it == "message")).count();
        (waits == 0).then_some(())
    };
    eventually(DEADLINE, "the epilog has sent what was kept", arrived).await;
    let told: Vec<String> = jobs(&host, "slurm").into_iter().map(|(_, text)| text).collect();
    assert_eq!(told, ["later", "late"], "each once: by the step, and by the batch script");
}
