//! The console and `frontctl top` beside 10,000 edges and as many calls as the machine gives: figures, not for CI.
//!
//! ```sh
//! FRONTIER_BIN=target/dist/frontier FRONTCTL_BIN=target/dist/frontctl \
//!     cargo test -p frontier-tests --test console -- --ignored --nocapture with_10_000
//! ```

use crate::browser::Browser;
use crate::world::log_in_to_nobody;
use frontier_sdk::{Edge, EdgeId};
use frontier_tests::{DEADLINE, Gateway, Process, eventually, tool};
use futures_util::StreamExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const EDGES: u64 = 10_000;
/// Edges that leave and come again each tenth of a second.
const CHURN: u64 = 20;
/// How long each page is watched.
const WATCHED: Duration = Duration::from_secs(10);

/// How long it was between two pictures, and what kept the page busy for more than 50 ms, over so many milliseconds.
const WATCH: &str = "
    const tasks = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((it) => it.duration)));
    observer.observe({type: 'longtask'});
    const gaps = [];
    let last = performance.now();
    const end = last + TIME;
    while (last < end) {
        await new Promise((go) => requestAnimationFrame(go));
        const now = performance.now();
        gaps.push(now - last);
        last = now;
    }
    observer.disconnect();
    gaps.sort((one, other) => one - other);
    const round = (it) => Math.round(it * 10) / 10;
    return [gaps.length, round(gaps[Math.floor(gaps.length * 0.99)]), round(gaps.at(-1)), tasks.length, round(Math.max(0, ...tasks))];";

/// What the page was like: pictures, the gap between two at p99 and at most, long tasks, the longest; times in ms.
async fn watch(browser: &Browser, what: &str) -> f64 {
    let time = WATCHED.as_millis().to_string();
    let found = browser.run_async(&WATCH.replace("TIME", &time)).await;
    println!(
        "{what}: {} pictures, p99 gap {} ms, longest gap {} ms, {} tasks over 50 ms, longest {} ms",
        found[0], found[1], found[2], found[3], found[4]
    );
    found[2].as_f64().unwrap()
}

fn frontctl() -> PathBuf {
    std::env::var_os("FRONTCTL_BIN").map_or_else(|| Process::binary("frontctl-under-test"), Into::into)
}

async fn edge(gateway: &Gateway, id: u64) -> Edge {
    let edge = gateway.edge().id(EdgeId(id)).meta(format!("sn-{id}")).connect_timeout(2 * DEADLINE);
    edge.connect().await.unwrap()
}

/// Puts a load of calls on the gateway until it is dropped.
fn calls(gateway: &Gateway, more: &[&str]) -> Process {
    let mut command = Command::new(frontctl());
    command.args(["bench", "calls", "--edges", "8", "--duration", "1h"]).args(more);
    command.args(["--edgebound", &gateway.edge_url(), "--servicebound", &gateway.service_url()]);
    Process::spawn("bench", command)
}

/// What `top` says of its own refreshes, in milliseconds, the longest last.
async fn refreshes(control: &str) -> Vec<f64> {
    let mut command = Command::new(tool("timeout", "coreutils"));
    let top =
        format!("stty cols 160 rows 50; {} top --interval 500ms --gateway {control}", frontctl().display());
    command.arg(WATCHED.as_secs().to_string()).arg(tool("script", "bsdutils"));
    command.args(["--quiet", "--flush", "--command", &top, "/dev/null"]).env("TERM", "xterm");
    let mut top = Process::spawn("top", command);
    top.exit().await;
    let text = top.log().lines().join("");
    let told = text.split("refreshed in ").skip(1).filter_map(|rest| {
        let digits = rest.find(|it: char| it != '.' && !it.is_ascii_digit())?;
        let value: f64 = rest[..digits].parse().ok()?;
        Some(if rest[digits..].starts_with("ms") { value } else { value / 1000.0 })
    });
    let mut told: Vec<f64> = told.collect();
    told.sort_by(f64::total_cmp);
    told
}

/// Calls a second, and their p99 in seconds, as the gateway tells.
async fn rates(control: &str) -> (f64, f64) {
    let mut command = Command::new(frontctl());
    command.args(["top", "--once", "-o", "json", "--gateway", control]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rates = &told["rates"];
    let number = |it: &serde_json::Value| it.as_f64().unwrap_or(0.0);
    (number(&rates["calls"]["to_service"]), number(&rates["latency"]["all"]["p99"]))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures of a quiet machine: two minutes with both processors busy"]
async fn the_console_and_top_answer_with_10_000_edges_and_all_the_calls_that_there_can_be() {
    let gateway = Gateway::builder().set("controlplane.listen.addr", "127.0.0.1:0").start().await;
    let plane = gateway.control().await;
    let control = format!("http://{plane}");
    let connecting = futures_util::stream::iter(1..=EDGES).map(|id| edge(&gateway, id)).buffer_unordered(64);
    let mut connected: Vec<Edge> = connecting.collect().await;
    let browser = log_in_to_nobody(plane).await;
    browser.sees(".tiles", "10,000").await;
    let mut longest: f64 = 0.0;
    for (load, more) in
        [("50,000 calls/s", &["--callers", "32", "--rate", "50000"][..]), ("all calls", &["--callers", "64"])]
    {
        let _calls = calls(&gateway, more);
        let flows = async || (rates(&control).await.0 > 1000.0).then_some(());
        eventually(DEADLINE, "calls go through", flows).await;
        browser.run("location.hash = '#/';").await;
        browser.sees("h1", "Overview").await;
        longest = longest.max(watch(&browser, &format!("{load}, overview")).await);
        browser.run("location.hash = '#/edges';").await;
        browser.sees(".note", "The first 500").await;
        // Some leave and come again, as at any time.
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let churn = async {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            for round in 0u64.. {
                tokio::select! { _ = tick.tick() => {}, _ = &mut stopped => return }
                for it in 0..CHURN {
                    let place = usize::try_from((round * CHURN + it) * 7 % EDGES).unwrap();
                    let id = connected[place].id().0;
                    let _ = connected[place].close().await;
                    connected[place] = edge(&gateway, id).await;
                }
            }
        };
        let watching = async {
            let gap = watch(&browser, &format!("{load}, edges, of whom some come and go")).await;
            let _ = stop.send(());
            gap
        };
        let ((), gap) = tokio::join!(churn, watching);
        longest = longest.max(gap);
        let told = refreshes(&control).await;
        let (median, most) = (told[told.len() / 2], told.last().unwrap());
        let (rate, p99) = rates(&control).await;
        println!("{load}: top refreshed {} times, in {median} ms, {most} ms at most", told.len());
        println!("{load}: {rate:.0} calls/s, of whom 99 % within {:.2} ms", p99 * 1000.0);
        assert!(*most < 1000.0, "top stands still for {most} ms");
    }
    assert!(longest < 1000.0, "a page that stands still for {longest} ms");
    browser.has_no_complaints().await;
}
