//! Real jobs of ecFlow and of Slurm, on servers of this test: what they send arrives, and whoever is away, they end well.

use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::relay::{relay, relay_of, texts, to_queues};
use crate::world::connected;
use frontier_tests::{DEADLINE, Gateway, Process, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Programs that end with the test.
struct Daemons(Vec<Child>);

impl Drop for Daemons {
    fn drop(&mut self) {
        for daemon in &mut self.0 {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}

fn spawn(mut command: Command, log: &Path) -> Child {
    let log = std::fs::File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: install ecflow-server, ecflow-client, slurm-wlm")
    })
}

fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

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

/// Slurm with one node, which is this machine.
struct Slurm {
    home: TempDir,
    _daemons: Daemons,
}

impl Slurm {
    async fn start(epilog: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        for name in ["state", "spool"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        write(&path("epilog"), &format!("#!/bin/bash\n{epilog}\n"));
        let node = output(&mut Command::new("hostname"));
        let (node, here) = (node.trim(), home.path().display());
        let config = format!(
            "ClusterName=pi\nSlurmctldHost={node}(127.0.0.1)\nSlurmctldPort={}\nSlurmdPort={}\nAuthType=auth/none\n\
             CredType=cred/none\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSlurmUser=root\nSlurmdUser=root\n\
             StateSaveLocation={here}/state\nSlurmdSpoolDir={here}/spool\nSlurmctldPidFile={here}/ctld.pid\n\
             SlurmdPidFile={here}/d.pid\nSlurmctldLogFile={here}/ctld.log\nSlurmdLogFile={here}/d.log\nReturnToService=2\n\
             SwitchType=switch/none\nMpiDefault=none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n\
             SchedulerParameters=batch_sched_delay=0,sched_interval=1\nAccountingStorageType=accounting_storage/none\n\
             JobCompType=jobcomp/none\nKillWait=5\nEpilog={here}/epilog\nNodeName={node} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN\n\
             PartitionName=p Nodes={node} Default=YES MaxTime=INFINITE State=UP\n",
            free_port(),
            free_port()
        );
        write(&path("slurm.conf"), &config);
        let daemons = ["slurmctld", "slurmd"].map(|name| {
            let mut command = Command::new(name);
            command.arg("-D").env("SLURM_CONF", path("slurm.conf")).current_dir(home.path());
            spawn(command, &path(name))
        });
        let slurm = Self { _daemons: Daemons(daemons.into()), home };
        let idle = async || slurm.run("sinfo", &["-h", "-o", "%t"]).contains("idle").then_some(());
        eventually(DEADLINE, "the node is idle", idle).await;
        slurm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).env("SLURM_CONF", self.path("slurm.conf")).current_dir(self.home.path());
        output(&mut command)
    }

    /// Runs a batch script to its end, which is well.
    fn batch(&self, script: &str, options: &[&str]) {
        write(&self.path("job.sh"), &format!("#!/bin/bash\nset -e\n{script}\n"));
        let mut command = Command::new("sbatch");
        command.args(["-W", "-o", "out.%j"]).args(options).arg("job.sh");
        let status =
            command.env("SLURM_CONF", self.path("slurm.conf")).current_dir(self.home.path()).status();
        assert!(status.unwrap().success(), "{}", self.said());
    }

    fn said(&self) -> String {
        let files = std::fs::read_dir(self.home.path()).unwrap().filter_map(Result::ok);
        let outputs = files.filter(|it| it.file_name().to_string_lossy().starts_with("out."));
        outputs.map(|it| std::fs::read_to_string(it.path()).unwrap()).collect()
    }
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
