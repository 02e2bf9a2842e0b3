//! What an idle connection costs its gateway, in resident memory:
//! `cargo test --release -p frontier-transport idle_memory -- --ignored --nocapture`.

use super::world::{Identity, World, config, soon};
use crate::quic::{QuicAccepted, QuicClient};
use crate::{Event, Link, LinkConfig, Priority};
use frontier_protocol::{ping, pong};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const LINKS: usize = 2_000;

/// For thread stacks, the runtime, and what is in use only while connections come in.
const WARM_UP: usize = 500;

/// Names the port to the process that dials.
const DIAL: &str = "FRONTIER_TEST_IDLE_DIAL";

fn limits() -> LinkConfig {
    LinkConfig { max_streams: 1024, ..config() }
}

#[test]
#[ignore = "a measurement, which prints what it finds"]
fn idle_memory() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    match std::env::var(DIAL) {
        Ok(port) => runtime.block_on(be_dialler(port.parse().unwrap())),
        Err(_) => runtime.block_on(measure()),
    }
}

async fn measure() {
    let world = World::new(limits());
    let mut dialler = Command::new(std::env::current_exe().unwrap())
        .args(["quic::tests::idle_memory::idle_memory", "--exact", "--ignored", "--nocapture"])
        .env(DIAL, world.listener.local_addr().port().to_string())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    dialler.stdin.as_mut().unwrap().write_all(&world.identity.to_bytes()).unwrap();
    let before = accept(&world, WARM_UP).await;
    let after = accept(&world, LINKS).await;
    end(&mut dialler);
    let each = (after - before) / LINKS;
    println!("{LINKS} idle links over QUIC, {each} bytes each, of which Link itself {}", size_of::<Link>());
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Accepts so many links, and says what is resident when they have come to rest.
async fn accept(world: &World, count: usize) -> usize {
    for _ in 0..count {
        let accepted = world.listener.accept().await.link(&world.tls, Arc::new(limits()));
        let QuicAccepted { link, .. } = soon(accepted).await.unwrap();
        tokio::spawn(answer(link));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

async fn answer(mut link: Link) {
    while let Ok(Event::Frames) = link.next().await {
        while let Ok(Some(frame)) = link.frame() {
            let _ = link.handle().send(Priority::Reply, |out| {
                pong(frame.id, out);
                Ok(())
            });
        }
    }
}

async fn be_dialler(port: u16) {
    let mut identity = [0; Identity::MAX];
    let n = std::io::stdin().read(&mut identity).unwrap();
    let tls = Identity::from_bytes(&identity[..n]).client();
    let client = QuicClient::default();
    for _ in 0..WARM_UP + LINKS {
        let mut link = client.dial(("127.0.0.1", port), "localhost", &tls, limits()).await.unwrap();
        let _ = link.handle().send(Priority::Reply, |out| {
            ping(0, out);
            Ok(())
        });
        assert!(matches!(link.next().await, Ok(Event::Frames)));
        tokio::spawn(async move { while link.next().await.is_ok() {} });
    }
    std::future::pending().await
}
