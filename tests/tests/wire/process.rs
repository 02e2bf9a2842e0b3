//! The process: its start, its command line, its end.

use frontier_protocol::{Code, GoAway, Kind, Request};
use frontier_tests::{DEADLINE, Gateway, Process, RawPeer, Witness, eventually, none};
use nix::sys::signal::Signal;
use std::net::TcpListener;

/// All lines, once the last that must come has come.
async fn printed(process: &Process, last: &str) -> Vec<String> {
    eventually(DEADLINE, last, async || {
        Some(process.log().lines()).filter(|lines| lines.iter().any(|line| line.contains(last)))
    })
    .await
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for (key, side) in [("edgebound.listen.addr", "edges"), ("servicebound.listen.addr", "services")] {
        let (code, lines) = Gateway::builder().set(key, addr.clone()).set("log.level", "warn").fail().await;
        assert_eq!(code, Some(1), "{lines:?}");
        let [line] = &lines[..] else { panic!("not one line: {lines:#?}") };
        assert!(line.contains(&format!("can't listen on {addr} for {side}")), "{line}");
    }
}

/// CONF-030
#[tokio::test]
async fn a_bad_configuration_is_told_whole_and_exits_with_64() {
    let builder = Gateway::builder()
        .set("edgebound.listen.adr", "127.0.0.1:1")
        .set("limits.heartbeat", "20")
        .set("limits.outbox_size", "1KiB")
        .set("exchange.hashby", "edge_id")
        .set("mistake", 1);
    let (code, lines) = builder.fail().await;
    assert_eq!(code, Some(64), "{lines:?}");
    let text = lines.join("\n");
    for key in
        ["edgebound.listen.adr", "limits.heartbeat", "limits.outbox_size", "exchange.hashby", "mistake"]
    {
        assert!(text.contains(key), "{key} is not named in {text}");
    }
}

#[tokio::test]
async fn check_says_yes_or_no_and_does_not_listen() {
    let file = frontier_tests::Settings::default().file();
    let path = file.path().to_str().unwrap();
    let mut process = Process::start(&["--config", path, "--check"], None);
    assert_eq!(process.exit().await, Some(0));
    assert_eq!(printed(&process, "valid").await.len(), 1);
    let mut bad = frontier_tests::Settings::default();
    bad.set("limits.frame_size", "1");
    let file = bad.file();
    let mut process = Process::start(&["--check", "--config", file.path().to_str().unwrap()], None);
    assert_eq!(process.exit().await, Some(64));
    printed(&process, "limits.frame_size").await;
}

#[tokio::test]
async fn a_configuration_that_is_not_there_and_a_wrong_command_line_exit_with_64() {
    let mut process = Process::start(&["--config", "/nowhere/frontier.yaml"], None);
    assert_eq!(process.exit().await, Some(64));
    printed(&process, "/nowhere/frontier.yaml").await;
    for (wrong, what) in [
        (&["--no-such-option"][..], "--no-such-option"),
        (&["--config"], "--config"),
        (&["cert", "dev", "--no-such-option"], "--no-such-option"),
        (&["no-such-command"], "no-such-command"),
    ] {
        let mut process = Process::start(wrong, None);
        assert_eq!(process.exit().await, Some(64), "{wrong:?}");
        printed(&process, what).await;
    }
}

#[tokio::test]
async fn help_and_version_are_no_mistakes() {
    for (option, text) in [("--help", "Usage:"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let mut process = Process::start(&[option], None);
        assert_eq!(process.exit().await, Some(0), "{option}");
        printed(&process, text).await;
    }
}

/// It must not be that a signal which comes as soon as it listens ends it without a drain.
#[tokio::test]
async fn a_signal_right_after_it_listens_is_heeded() {
    for _ in 0..10 {
        let mut gateway = Gateway::start().await;
        gateway.terminate();
        assert_eq!(gateway.process().exit().await, Some(0));
    }
}

#[tokio::test]
async fn either_signal_ends_an_idle_gateway_with_exit_code_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut gateway = Gateway::start().await;
        let mut edge = RawPeer::edge(gateway.edges()).await;
        gateway.process().signal(signal);
        assert_eq!(gateway.process().exit().await, Some(0));
        assert_eq!(edge.ended().await, Some(Code::Draining));
    }
}

/// CONF-025
#[tokio::test]
async fn edges_go_first_and_what_is_in_flight_ends() {
    let mut gateway = Gateway::builder().set("daemon.grace", "10s").start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.request(1, "m", none(), b"");
    let asked = service.frame().await.id;
    gateway.terminate();
    // Services are told at once, and have time to hear of the edges that are closed at the very end.
    let notice = service.frame().await;
    let GoAway { code, grace_ms, delay_ms, .. } = GoAway::parse(&notice).unwrap();
    assert!(code == Code::Draining && delay_ms == 0, "{code} {delay_ms}");
    assert!((9_000..=10_000).contains(&grace_ms), "{grace_ms}");
    let notice = edge.frame().await;
    assert_eq!(notice.kind, Kind::GoAway);
    let GoAway { code, grace_ms, .. } = GoAway::parse(&notice).unwrap();
    assert!(code == Code::Draining && (6_000..=8_000).contains(&grace_ms), "{code} {grace_ms}");
    // Services are needed as long as there are edges.
    service.is_alive().await;
    service.respond(asked, b"in time");
    assert_eq!(edge.response(1).await, (Code::Ok, b"in time".to_vec()));
    edge.ended().await;
    // The last word, behind which it may leave. It does not, and is closed.
    let last_word = service.frame().await;
    assert_eq!((last_word.kind, last_word.code), (Kind::GoAway, Code::Ok));
    assert_eq!(service.ended().await, Some(Code::Draining));
    assert_eq!(gateway.process().exit().await, Some(0));
}

/// CONF-025
#[tokio::test]
async fn services_hear_of_every_edge_that_goes_before_they_are_let_go() {
    let mut gateway = Gateway::start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["edge_offline"]).await;
    let mut edges = Vec::new();
    for _ in 0..5 {
        edges.push(RawPeer::edge(gateway.edges()).await);
    }
    gateway.terminate();
    assert_eq!(service.frame().await.kind, Kind::GoAway);
    for _ in &edges {
        let frame = service.frame().await;
        assert_eq!(Request::parse(&frame).unwrap().method, "edge_offline");
        service.respond(frame.id, b"");
    }
    assert_eq!(service.ended().await, Some(Code::Draining));
    assert_eq!(gateway.process().exit().await, Some(0));
}

#[tokio::test]
async fn the_grace_has_an_end() {
    let mut gateway = Gateway::builder().set("daemon.grace", "300ms").start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.request(1, "m", none(), b"");
    service.frame().await;
    gateway.terminate();
    assert_eq!(gateway.process().exit().await, Some(0));
    edge.ended().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut gateway = Gateway::builder().set("daemon.grace", "1h").start().await;
    let mut service = RawPeer::service(gateway.services(), "s", &[]).await;
    service.take_methods(&["m"]).await;
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.request(1, "m", none(), b"");
    service.frame().await;
    gateway.terminate();
    assert_eq!(edge.frame().await.kind, Kind::GoAway);
    gateway.process().signal(Signal::SIGINT);
    assert_eq!(gateway.process().exit().await, Some(130));
    let line = gateway.log().find("a second signal").expect("it says what it cuts");
    assert!(format!("{line:?}").contains("connections"), "{line:?}");
}

/// CONF-018
#[tokio::test]
async fn without_file_descriptors_it_waits_and_then_accepts_again() {
    let gateway = Gateway::builder().open_files(64).start().await;
    let mut witness = Witness::new(&gateway).await;
    let mut connections = Vec::new();
    for _ in 0..100 {
        connections.push(RawPeer::dial(gateway.edges()).await);
    }
    eventually(DEADLINE, "it runs out of files", async || gateway.log().find("can't accept")).await;
    witness.check().await;
    drop(connections);
    let edge = RawPeer::edge(gateway.edges()).await;
    assert_ne!(edge.id(), 0);
    witness.check().await;
}
