//! What lists of very many cost the calls that go on beside them: figures of a quiet machine, not for CI.
//!
//! ```sh
//! cargo build --release -p frontctl
//! FRONTCTL_BIN=$PWD/target/release/frontctl cargo test --release -p frontier --lib measuring_lists -- --ignored --nocapture
//! ```

use super::*;
use crate::control_plane::testing::edge;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Start};

const EDGES: u64 = 100_000;
const CALLS: u32 = 50_000;
const ROUNDS: usize = 5;
/// A page is asked for this often, as by several consoles at once.
const PACE: Duration = Duration::from_millis(20);

/// A connection to the control plane, which is kept.
struct Plane(TcpStream);

impl Plane {
    /// Asks for the path: how long that took, with the whole answer.
    fn get(&mut self, path: &str) -> (Duration, String) {
        let start = Start::now();
        // In one write: a request in pieces waits for the acknowledgement of the first.
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut part) = (Vec::new(), [0; 65_536]);
        loop {
            let count = self.0.read(&mut part).unwrap();
            assert!(count > 0, "the plane has closed: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == len.parse::<usize>().unwrap() {
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                return (start.elapsed(), body.to_owned());
            }
        }
    }
}

/// Calls over sockets from another process: how many a second, and their p99 in microseconds.
fn load(edges: SocketAddr, services: SocketAddr) -> JoinHandle<(f64, f64)> {
    let program = std::env::var("FRONTCTL_BIN").expect("FRONTCTL_BIN names a release build of frontctl");
    let mut command = Command::new(program);
    command.args(["bench", "calls", "--edges", "10", "--callers", "64", "--duration", "4s", "-o", "json"]);
    command.args(["--rate", &CALLS.to_string(), "--edgebound", &format!("tcp://{edges}")]);
    command.args(["--servicebound", &format!("tcp://{services}")]).stderr(Stdio::inherit());
    std::thread::spawn(move || {
        let output = command.output().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["failed"].as_object().unwrap().len(), 0, "{told}");
        (told["per_second"].as_f64().unwrap(), told["latency_us"]["p99"].as_f64().unwrap())
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures of a quiet machine, and takes release builds"]
async fn measuring_lists_beside_calls() {
    let yaml = "
edgebound: {listen: {addr: 127.0.0.1:0}}
servicebound: {listen: {addr: 127.0.0.1:0}}
controlplane: {listen: {addr: 127.0.0.1:0}}
";
    let gateway = Gateway::bind(&Config::parse(yaml, &|_| None).unwrap()).unwrap();
    let seats: Vec<_> =
        (1..=EDGES).map(|id| edge(&gateway.exchange, id + 1_000_000, b"sn", "10.0.0.1:1")).collect();
    let (edges, services) = (gateway.edgebound(), gateway.servicebound());
    let plane = gateway.control_plane().unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(gateway.run(stop.clone()));
    let measure = move || {
        let mut plane = Plane(TcpStream::connect(plane).unwrap());
        let (mut without, mut beside, mut pages) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            without.push(load(edges, services).join().unwrap());
            let calls = load(edges, services);
            let mut path = "/v1/edges?page_size=100".to_owned();
            while !calls.is_finished() {
                let (took, body) = plane.get(&path);
                let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body["edges"].as_array().unwrap().len(), 100);
                // From page to page, as who scrolls.
                path = format!(
                    "/v1/edges?page_size=100&page_token={}",
                    body["next_page_token"].as_str().unwrap()
                );
                pages.push(took.as_secs_f64() * 1000.0);
                std::thread::sleep(PACE);
            }
            beside.push(calls.join().unwrap());
        }
        pages.sort_by(f64::total_cmp);
        let p99 = |of: &[(f64, f64)]| median(of.iter().map(|it| it.1).collect());
        let rate = |of: &[(f64, f64)]| median(of.iter().map(|it| it.0).collect());
        println!("without lists: {:.0} calls/s, p99 {} µs", rate(&without), p99(&without));
        println!("beside lists: {:.0} calls/s, p99 {} µs", rate(&beside), p99(&beside));
        println!("p99 of each round: {without:?} and {beside:?}");
        let at = |quantile: usize| pages[(pages.len() - 1) * quantile / 100];
        println!(
            "{} pages: median {:.2} ms, p99 {:.2} ms, at most {:.2} ms",
            pages.len(),
            at(50),
            at(99),
            at(100)
        );
    };
    tokio::task::spawn_blocking(measure).await.unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();
    drop(seats);
}
