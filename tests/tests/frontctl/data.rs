//! Calls and messages, both ways.

use crate::world::{World, prints};
use frontier_sdk::{Edge, EdgeId, HandlerError, Request, Response, Service};
use frontier_tests::{Gateway, within};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

#[tokio::test]
async fn a_call_reaches_a_service_and_its_answer_is_printed_as_it_is() {
    let gateway = Gateway::start().await;
    let echo = |request: Request| async move { Ok(Response::new(request.data).custom(request.custom)) };
    let fail = |_: Request| async { Err(HandlerError::new(7, "no paper")) };
    let service = Service::builder(gateway.service_url()).register("echo", echo).register("print", fail);
    let _service = service.connect().await.unwrap();
    let world = World::at(&gateway);

    assert_eq!(world.run(&["call", "echo", "hello"]).await.text(), "hello");
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let output = world.output(&["call", "echo", "-"], &bytes).await;
    assert!(output.status.success() && output.stdout == bytes, "{} bytes", output.stdout.len());
    std::fs::write(world.path("data"), "from a file").unwrap();
    assert_eq!(world.run(&["call", "echo", "--file", "data"]).await.text(), "from a file");

    let answer = world.run(&["call", "echo", "hello", "--custom", "x", "-o", "json"]).await.json();
    assert_eq!((&answer["data"], &answer["custom"]), (&json!("hello"), &json!("x")));
    assert!(answer["elapsed_us"].as_u64().unwrap() > 0);
    let answer: Value =
        serde_json::from_slice(&world.output(&["call", "echo", "-", "-o", "json"], &[0xff]).await.stdout)
            .unwrap();
    assert_eq!(answer["data_base64"], json!("/w=="));
    let yaml = world.run(&["call", "echo", "yes", "-o", "yaml"]).await.text();
    assert!(yaml.contains("data: \"yes\"\n") || yaml.contains("data: 'yes'\n"), "{yaml}");

    world.run(&["call", "print"]).await.failed(1, "application error 7: no paper");
    world.run(&["call", "nothing"]).await.failed(1, "has to register the method first");
}

#[tokio::test]
async fn an_edge_is_called_and_sent_messages_by_its_id() {
    let gateway = Gateway::start().await;
    let edge = Edge::builder(gateway.edge_url()).id(EdgeId(7));
    let reboot =
        |request: Request| async move { Ok(Response::new([b"rebooting ", &request.data[..]].concat())) };
    let edge = edge.register("reboot", reboot).connect().await.unwrap();
    let world = World::at(&gateway);
    assert_eq!(world.run(&["call", "reboot", "now", "--edge", "7"]).await.text(), "rebooting now");
    let message = async {
        let message = edge.recv().await.unwrap();
        let told = (message.topic.to_string(), message.data.clone());
        message.done();
        told
    };
    let (ended, told) = tokio::join!(
        world.run(&["pub", "config", "new", "--edge", "7", "-o", "json"]),
        within("it comes", message)
    );
    assert_eq!(ended.json()["topic"], json!("config"));
    assert_eq!(told, ("config".to_owned(), "new".into()));
    world.run(&["call", "reboot", "--edge", "8"]).await.failed(75, "edge not online");
    world.run(&["publish", "alarm", "x"]).await.failed(75, "`frontctl sub` does");
}

#[tokio::test]
async fn messages_are_printed_and_then_acked() {
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    let sub = world.start(&["sub", "telemetry", "alarm", "-o", "json", "--count", "2"]);
    prints(&sub, "waiting for messages as service").await;
    world.run(&["publish", "telemetry", "21.5", "--id", "42"]).await.text();
    let line = sub.log().line("21.5").await;
    let message: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&message["topic"], &message["edge_id"], &message["data"]),
        (&json!("telemetry"), &json!("42"), &json!("21.5"))
    );
    world.run(&["publish", "alarm", "fire"]).await.text();
    let mut sub = sub;
    assert_eq!(sub.exit().await, Some(0));
}

#[tokio::test]
async fn an_edge_takes_messages_too_and_ctrl_c_is_a_good_end() {
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    let mut sub = world.start(&["sub", "--as", "edge", "--id", "9"]);
    prints(&sub, "waiting for messages as edge 9").await;
    world.run(&["publish", "config", "a\u{1b}[2Jb", "--edge", "9"]).await.text();
    let line = prints(&sub, "config").await;
    assert!(line.ends_with("config  a service  a\\u{1b}[2Jb"), "{line}");
    sub.signal(Signal::SIGINT);
    assert_eq!(sub.exit().await, Some(0));
}

#[tokio::test]
async fn a_message_that_could_not_be_printed_is_not_acked() {
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    let mut command = world.command(&["sub", "telemetry"]);
    // Whoever reads closes after nothing.
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdin(std::process::Stdio::null()).stdout(writer).stderr(std::process::Stdio::piped());
    let mut sub = command.spawn().unwrap();
    drop((command, reader));
    let mut stderr = std::io::BufReader::new(sub.stderr.take().unwrap());
    let waiting = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
        (line, stderr)
    });
    let (line, _stderr) = within("it connects", waiting).await.unwrap();
    assert!(line.contains("waiting for messages"), "{line}");
    world.run(&["publish", "telemetry", "lost"]).await.failed(1, "it could not be printed");
    let ended = within("it ends", tokio::task::spawn_blocking(move || sub.wait())).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0), "a closed pipe is no failure");
}
