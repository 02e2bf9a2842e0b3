//! What scripts go by: exit codes, and texts that say what to do.

use crate::world::{World, prints};
use frontier_sdk::{Code, Edge, HandlerError, Request, Response, Service};
use frontier_tests::{DEADLINE, Frontlas, Gateway, Network, eventually, within};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

const TOKENS: &str = "
- hash: HASH1
  name: reader
  role: read
- hash: HASH2
  name: sensor
  edge_id: 7
";

/// Two new tokens, and the file that lists them.
async fn tokens(world: &World) -> [String; 2] {
    let mut file = TOKENS.to_owned();
    let mut made = Vec::new();
    for hash in ["HASH1", "HASH2"] {
        let text = world.run(&["token", "new"]).await.text();
        let (token, line) = text.trim_end().split_once('\n').unwrap();
        file = file.replace(hash, line.strip_prefix("hash: ").unwrap());
        made.push(token.strip_prefix("token: ").unwrap().to_owned());
    }
    std::fs::write(world.path("tokens.yaml"), file).unwrap();
    made.try_into().unwrap()
}

#[tokio::test]
async fn who_cant_be_reached_is_69() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::new();
    let url = format!("http://{closed}");
    world.run(&["edges", "ls", "--frontlas", &url]).await.failed(69, "is it running?");
    let url = format!("tcp://{closed}");
    let ended = world.run(&["call", "echo", "--edgebound", &url, "--timeout", "300ms"]).await;
    ended.failed(69, "`frontctl doctor` looks at each part");
    world.run(&["edges", "ls", "--frontlas", "tcp://a"]).await.failed(64, "http://host:port");
    world.run(&["call", "echo", "--edgebound", "a:1"]).await.failed(64, "a:1");
    world.run(&["call", "echo", "--cert", "c.pem"]).await.failed(64, "needs its --key");
}

/// It tries for as long as it may: what can't go well is said at the first attempt.
#[tokio::test]
async fn why_it_does_not_connect_is_said_while_it_tries() {
    let (plain, secured) = (Gateway::start().await, Gateway::over(Network::Tls).start().await);
    let ca = secured.dir().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let url = |scheme: &str, gateway: &Gateway| format!("{scheme}://{}", gateway.edges());
    let world = World::new();
    for (url, options, reason) in [
        (secured.edge_url(), &[][..], "CA"),
        (url("tcp", &secured), &[], "tls"),
        (url("tls", &plain), &["--ca", ca][..], "TLS"),
    ] {
        let call = ["call", "echo", "--timeout", "600s", "-o", "json", "--edgebound", &url];
        let mut process = world.start(&[&call[..], options].concat());
        let line = prints(&process, "could not connect: trying on").await;
        assert!(line.contains("WARN") && line.contains(reason), "{line}");
        assert!(process.is_running(), "{url}");
    }
    // `RUST_LOG` counts, unless it is wrong.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("tcp://{closed}");
    let call = ["call", "echo", "--edgebound", &url, "--timeout", "300ms"];
    let silent = World::new().with("RUST_LOG", "off").run(&call).await;
    assert!(!silent.stderr.contains("WARN"), "{silent:?}");
    let wrong = World::new().with("RUST_LOG", "frontier_sdk=loud").run(&call).await;
    assert!(wrong.stderr.contains("RUST_LOG is not used") && wrong.stderr.contains("WARN"), "{wrong:?}");
}

#[tokio::test]
async fn credentials_that_are_missing_or_wrong_are_77() {
    let world = World::new();
    let [reader, sensor] = tokens(&world).await;
    let methods = serde_json::json!([{"token": {"file": world.path("tokens.yaml")}}]);
    let frontlas = Frontlas::builder().set("control_plane.auth.methods", methods.clone()).start().await;
    let gateway = Gateway::builder().set("edgebound.auth.methods", methods).start().await;
    let url = format!("http://{}", frontlas.control());
    let ls = ["edges", "ls", "--frontlas", &url];
    world.run(&ls).await.failed(77, "FRONTCTL_TOKEN");
    let call = ["call", "echo", "--edgebound", &gateway.edge_url()];
    world.run(&call).await.failed(77, "--token-file");

    let world = world.with("FRONTCTL_TOKEN", sensor.clone());
    world.run(&ls).await.failed(77, "another role");
    // It is let in, and only then is nobody there.
    world.run(&call).await.failed(1, "method not found");
    std::fs::write(world.path("reader"), format!("{reader}\n")).unwrap();
    world.run(&[&ls[..], &["--token-file", "reader"]].concat()).await.failed(64, "leave one of them out");
    let other = World::new();
    std::fs::write(other.path("reader"), reader).unwrap();
    let added = ["context", "add", "lab", "--frontlas", &url, "--token-file", "reader"];
    other.run(&added).await.text();
    assert_eq!(other.run(&["edges", "ls", "-o", "json"]).await.json(), serde_json::json!([]));
}

#[tokio::test]
async fn ctrl_c_before_it_is_done_is_130_and_a_second_one_ends_what_is_held_up() {
    let gateway = Gateway::start().await;
    let service = Service::builder(gateway.service_url());
    let hangs = |_: Request| std::future::pending::<Result<Response, HandlerError>>();
    let (started, mut starts) = tokio::sync::mpsc::channel(1);
    let wait = move |request: Request| {
        let _ = started.try_send(());
        hangs(request)
    };
    let _service = service.register("wait", wait).connect().await.unwrap();
    let world = World::at(&gateway);
    let mut call = world.start(&["call", "wait"]);
    within("the call comes", starts.recv()).await;
    call.signal(Signal::SIGINT);
    assert_eq!(call.exit().await, Some(130));

    // Nobody reads what it prints, and the pipe is full at some time.
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut command = world.command(&["sub", "telemetry", "--raw"]);
    let mut sub = command.stdin(Stdio::null()).stdout(writer).spawn().unwrap();
    let edge = Edge::builder(gateway.edge_url()).connect().await.unwrap();
    let is_full = async || {
        let sent = edge.publish("telemetry", vec![b'x'; 100_000]).timeout(Duration::from_secs(1)).await;
        sent.is_err_and(|error| error.code() == Code::Deadline).then_some(())
    };
    eventually(DEADLINE, "the pipe is full", is_full).await;
    let pid = Pid::from_raw(sub.id().cast_signed());
    let ends = async || {
        // Signals that come at the same time are one.
        let _ = kill(pid, Signal::SIGINT);
        tokio::time::sleep(Duration::from_millis(50)).await;
        sub.try_wait().unwrap()
    };
    assert_eq!(eventually(DEADLINE, "it ends", ends).await.code(), Some(130));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let world = World::new();
    let mut command: Command = world.command(&["completion", "bash"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command.stdin(Stdio::null()).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_variable_that_is_set_to_nothing_is_not_set() {
    let gateway = Gateway::start().await;
    let mut world = World::at(&gateway);
    for name in
        ["CONFIG", "CONTEXT", "TOKEN", "TOKEN_FILE", "CA", "SERVER_NAME", "CERT", "KEY", "OUTPUT", "FRONTLAS"]
    {
        world = world.with(&format!("FRONTCTL_{name}"), "");
    }
    world.run(&["call", "echo"]).await.failed(1, "method not found");
    // The default one, where nobody listens, or who is asked for is not there.
    let said = world.run(&["peers", "ls", "--gateway", ""]).await;
    assert_eq!(said.code, Some(64), "of an option it is a mistake: {said:?}");
}
