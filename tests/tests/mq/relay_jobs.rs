//! What jobs do with the relay: the program for them, whose job never fails and is never late, whoever is away.

use crate::rabbitmq::{RabbitMq, VirtualHost};
use crate::relay::{curl, relay, relay_of, texts, to_queues};
use crate::world::{connected, logged};
use frontier_tests::{Authority, DEADLINE, Process, SERVER_NAME, Validity, eventually, replace};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// What a program takes beside its budget, on a machine that is busy.
const LATE: Duration = Duration::from_secs(10);

/// The program, in an environment of its own.
fn send(gateways: &[SocketAddr], arguments: &[&str]) -> Command {
    let mut command = Command::new(Process::binary("send-under-test"));
    let gateways: Vec<String> = gateways.iter().map(ToString::to_string).collect();
    command.args(arguments).env_clear().env("FRONTIER_RELAY", gateways.join(","));
    command
}

/// Runs it to its end: the code, what it said, and how long it took.
async fn run(mut command: Command) -> (i32, String, Duration) {
    let start = Instant::now();
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap_or_else(|| panic!("{said}")), said, start.elapsed())
}

/// One that nobody listens at.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Messages that wait.
fn waiting(spool: &Path) -> usize {
    let files = std::fs::read_dir(spool).into_iter().flatten();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "message")).count()
}

const PRODUCTION: [&str; 11] = [
    "production",
    "--system=gfs",
    "--production-stream=oper",
    "--production-type=grib2",
    "--production-name=orig",
    "--event=storage",
    "--start-time=2020050100",
    "--forecast-time=3h",
    "--exchange-name=",
    "--route-key-name=jobs",
    "--rabbitmq-server=amqp://guest:secret@RABBIT",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_sends_by_whichever_gateway_is_there() {
    let host = VirtualHost::of(RabbitMq::shared(), "jobs");
    let gateway = to_queues(relay(), &host, &["jobs"]).start().await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    let production = PRODUCTION.map(|it| it.replace("RABBIT", &host.server.addr().to_string()));
    let production: Vec<&str> = production.iter().map(String::as_str).collect();
    // The first gateway is away.
    let mut command = send(&[nobody(), addr], &[&production[..], &["--strict", "--budget=20s"]].concat());
    command.env("SLURM_JOB_ID", "7").env("SLURM_CLUSTER_NAME", "pi").env("ECF_PASS", "secret");
    let (code, said, _) = run(command).await;
    assert_eq!((code, &*said), (0, ""));
    let ctl = Process::binary("frontctl-under-test");
    let mut command = Command::new(ctl);
    let arguments =
        ["send", "amqp", "--routing-key", "jobs", "by frontctl", "--strict", "--key", "k", "--job", "j"];
    command.args(arguments).env("FRONTIER_RELAY", addr.to_string()).env("FRONTIER_RELAY_BUDGET", "20s");
    assert_eq!(run(command).await.0, 0);
    // What is set to nothing is not set: it gets as far as to the relay.
    let mut command = send(&[addr], &["kafka", "--topic=t", "x", "--strict"]);
    for name in ["TOKEN_FILE", "TOKEN", "CA", "CERT", "CERT_KEY", "BUDGET", "JOB", "SPOOL"] {
        command.env(format!("FRONTIER_RELAY_{name}"), "");
    }
    let (code, said, _) = run(command).await;
    assert!(code != 64 && !said.contains("Usage"), "{code} {said}");
    // The key is known.
    let again =
        send(&[addr], &["amqp", "--routing-key=jobs", "again", "--strict", "--key=k", "--budget=20s"]);
    assert_eq!(run(again).await.0, 0);
    // On a machine that is busy a gateway may be not ready for a while: then it stops before the message.
    let checked = async || {
        let (code, said, _) = run(send(&[addr], &["check", "--routing-key=jobs", "--budget=20s"])).await;
        (code == 0).then_some(said)
    };
    let said = eventually(DEADLINE, "nothing stops it", checked).await;
    assert_eq!(said.matches("  ok ").count(), 6, "{said}");
    let (code, said, _) =
        run(send(&[addr], &["check", "--exchange=nope", "--routing-key=jobs", "--budget=20s"])).await;
    assert!(code == 2 && said.contains(r#"sends to no exchange "nope""#), "{code} {said}");
    let refused = send(&[addr], &["kafka", "--topic=t", "x", "--strict", "--budget=20s"]);
    let (code, said, _) = run(refused).await;
    assert!(code == 77 && said.contains("sends to no topic"), "{code} {said}");
    // A file that nobody ever writes to the end of.
    let pipe = gateway.dir().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let hangs = send(&[addr], &["kafka", "--topic=t", "--budget=200ms", "--file", pipe.to_str().unwrap()]);
    let (code, said, took) = run(hangs).await;
    assert!(code == 0 && said.contains("within the budget") && took < LATE, "{code} {said}");
    let away = send(&[nobody()], &["check", "--budget=5s"]);
    let (code, said, _) = run(away).await;
    assert!(code == 2 && said.contains("stops at: network"), "{code} {said}");

    let stored = host.drain("jobs");
    assert_eq!(stored.len(), 3, "{stored:?}");
    let header =
        |index: usize, name: &str| stored[index]["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header(0, "Frontier-Job"), "slurm:pi/7.0/batch");
    assert!(header(0, "Frontier-Idempotency-Key").starts_with("slurm:pi/7.0/batch-"));
    assert_eq!((header(1, "Frontier-Job"), header(1, "Frontier-Idempotency-Key")), ("j".into(), "k".into()));
    let event: Value = serde_json::from_str(&texts(&stored)[0]).unwrap();
    assert_eq!((&event["type"], &event["data"]["status"]), (&json!("production"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_away_no_job_fails_and_what_was_kept_arrives_once() {
    let server = RabbitMq::shared();
    let host = VirtualHost::of(server, "kept");
    let gateway = to_queues(relay(), &host, &["kept"])
        .set("mq.connect_timeout", "1s")
        .set("relay.attempt_timeout", "500ms")
        .start()
        .await;
    connected(&gateway, 1).await;
    let addr = relay_of(&gateway).await;
    // From here on it knows of what it is sent.
    let knows = async || {
        let headers = ["Idempotency-Key: probe", "Frontier-Repeat-Age: 100"];
        let (_, answer) = curl(addr, "/relay/v1/amqp?routing_key=nowhere", "x", &headers);
        (answer["error"] == json!("no_target")).then_some(())
    };
    eventually(DEADLINE, "a repeat of now is none of another time", knows).await;
    let home = tempfile::tempdir().unwrap();
    let spool = home.path().join("spool");
    let keep = |gateways: &[SocketAddr], text: &str| {
        let directory = format!("--spool-dir={}", spool.display());
        send(gateways, &["amqp", "--routing-key=kept", text, "--budget=1s", &directory])
    };
    let ended_well = |(code, said, took): (i32, String, Duration)| {
        assert!(code == 0 && said.contains("kept") && took < LATE, "{code} {took:?} {said}");
    };
    // The login node is away.
    ended_well(run(keep(&[nobody()], "1")).await);
    // Frozen: it takes the connection, and says nothing. Nobody else is asked then.
    gateway.freeze();
    ended_well(run(keep(&[addr], "2")).await);
    gateway.thaw();
    assert_eq!(waiting(&spool), 2);
    // The broker is away.
    host.set_password("another");
    host.disconnect();
    let lost = async || (logged(&gateway, "the broker can't be connected") > 0).then_some(());
    eventually(DEADLINE, "the broker is away", lost).await;
    ended_well(run(keep(&[addr], "3")).await);
    let without = send(&[addr], &["amqp", "--routing-key=kept", "lost", "--budget=50s", "--strict"]);
    let (code, said, _) = run(without).await;
    assert_eq!(code, 75, "{said}");
    // The frozen gateway may have sent the one that it had.
    assert!((2..=3).contains(&waiting(&spool)));
    host.set_password(host.name);
    connected(&gateway, 2).await;
    // An epilog sends what is there.
    let drained = async || {
        let directory = format!("--spool-dir={}", spool.display());
        let (code, said, _) = run(send(&[addr], &["drain", "--strict", "--budget=20s", &directory])).await;
        (code == 0).then_some(()).ok_or(said).ok()
    };
    eventually(DEADLINE, "all of it is sent", drained).await;
    assert_eq!(waiting(&spool), 0);
    let mut stored = texts(&host.drain("kept"));
    // The one that the frozen gateway had is sent once, by whoever came first.
    stored.sort();
    assert_eq!(stored, ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_at_once_are_all_served_over_tls() {
    let host = VirtualHost::of(RabbitMq::shared(), "many");
    let builder = to_queues(relay(), &host, &["many"]).set("relay.job_rate", 0);
    let ca = builder.file("ca-of-the-relay.pem");
    replace(&ca, Authority::common().pem());
    let server = Authority::common().server(&[SERVER_NAME], Validity::Now);
    let server = server.write(builder.dir(), "relay");
    let tls = json!({"enable": true, "certs": [{"cert": server.cert, "key": server.key}]});
    let gateway = builder.set("relay.listen.tls", tls).start().await;
    connected(&gateway, 1).await;
    let url = format!("--gateway=https://{SERVER_NAME}:{}", relay_of(&gateway).await.port());
    let ca = format!("--ca={}", ca.display());
    let secured = |arguments: &[&str]| {
        let mut command = send(&[], &[arguments, &[url.as_str()]].concat());
        command.env_remove("FRONTIER_RELAY");
        command
    };
    let jobs = (0..40).map(|number: u32| {
        let text = number.to_string();
        let mut command = secured(&["amqp", "--routing-key=many", &text, "--strict", "--budget=50s", &ca]);
        command.env("SLURM_JOB_ID", &text);
        tokio::spawn(run(command))
    });
    for job in jobs.collect::<Vec<_>>() {
        let (code, said, _) = job.await.unwrap();
        assert_eq!(code, 0, "{said}");
    }
    let (code, said, _) = run(secured(&["check", "--budget=20s"])).await;
    assert!(code == 2 && said.contains("stops   gateway"), "whoever trusts another authority: {said}");
    let mut stored: Vec<u32> = texts(&host.drain("many")).iter().map(|text| text.parse().unwrap()).collect();
    stored.sort_unstable();
    assert_eq!(stored, (0..40).collect::<Vec<_>>());
}
