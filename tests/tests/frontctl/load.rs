//! `bench` and `top`.

use crate::world::World;
use frontier_sdk::{Request, Response, Service};
use frontier_tests::{DEADLINE, Frontlas, Gateway, eventually, tool};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn a_load_of_each_kind_is_measured() {
    let gateway = Gateway::start().await;
    let world = World::at(&gateway);
    for (kind, more) in [("calls", &["--edges", "2"][..]), ("publish", &[]), ("stream", &["--size", "65536"])]
    {
        let arguments =
            ["bench", kind, "--callers", "4", "--duration", "300ms", "--warmup", "100ms", "-o", "json"];
        let result = world.run(&[&arguments[..], more].concat()).await.json();
        assert!(
            result["done"].as_u64().unwrap() > 0 && result["per_second"].as_f64().unwrap() > 0.0,
            "{result}"
        );
        assert_eq!(result["failed"], json!({}));
        assert!(result["latency_us"]["p50"].as_u64() <= result["latency_us"]["max"].as_u64(), "{result}");
    }
    let arguments = ["bench", "calls", "--rate", "200", "--duration", "500ms", "--warmup", "0", "-o", "json"];
    let result = world.run(&arguments).await.json();
    assert!((1..=100).contains(&result["done"].as_u64().unwrap()), "{result}");
    let echo = |request: Request| async move { Ok(Response::new(request.data)) };
    let _service = Service::builder(gateway.service_url()).register("echo", echo).connect().await.unwrap();
    let arguments = ["bench", "calls", "--to", "echo", "--duration", "200ms", "--warmup", "0"];
    let table = world.run(&arguments).await.text();
    assert!(table.starts_with("WHAT") && table.contains("calls/s") && table.contains("p99 µs"), "{table}");
    let arguments = ["bench", "calls", "--to", "nothing", "--duration", "200ms", "--warmup", "0"];
    world.run(&arguments).await.failed(1, "everything failed: method not found");
}

#[tokio::test]
async fn top_draws_on_a_terminal_and_gives_it_back() {
    let frontlas = Frontlas::builder().start().await;
    let gateway = Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
        .set("daemon.frontier_id", "f1")
        .start()
        .await;
    let control = format!("http://{}", gateway.control().await);
    let world = World::at(&gateway).and(&frontlas).with("FRONTCTL_GATEWAY", control);
    world.run(&["top"]).await.failed(64, "--once");
    let listed = async || {
        let list = world.run(&["top", "--once", "-o", "json"]).await.json();
        (list[0]["frontier_id"] == json!("f1")).then_some(())
    };
    eventually(DEADLINE, "the gateway is listed", listed).await;

    // A terminal of its own, which `script` makes.
    let frontctl = world.command(&[]);
    let mut command = std::process::Command::new(tool("script", "bsdutils"));
    let line = format!("{} top --interval 100ms", frontctl.get_program().to_str().unwrap());
    command.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
    command.envs(frontctl.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let drawn = Arc::new(Mutex::new(Vec::new()));
    let reading = drawn.clone();
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stdout.read(&mut buffer) {
            reading.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    });
    let text = || String::from_utf8_lossy(&drawn.lock().unwrap()).into_owned();
    let shows = async || {
        let text = text();
        let of_cluster = ["1 frontiers", "f1", "online/s"];
        let of_gateway = ["calls up/s", "p99.9", "refreshed in "];
        of_cluster.iter().chain(&of_gateway).all(|it| text.contains(it)).then_some(())
    };
    eventually(DEADLINE, "it draws", shows).await;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"q").unwrap();
    stdin.flush().unwrap();
    let status = eventually(DEADLINE, "it ends", async || child.try_wait().unwrap()).await;
    drop(stdin);
    reader.join().unwrap();
    assert!(status.success(), "{}", text());
    // It has left the other screen, and the cursor is there again.
    assert!(text().contains("\x1b[?1049l") && text().contains("\x1b[?25h"), "{}", text());
}
