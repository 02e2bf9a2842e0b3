//! How long results take from the stream to a page, with thousands of vehicles, on whatever machine this runs.
//!
//! ```sh
//! cargo build --release -p frontier -p frontier-diagnosis
//! FRONTIER_BIN=target/release/frontier DIAGNOSIS_BIN=target/release/diagnosis \
//!   cargo test -p frontier-tests --test examples -- --ignored --nocapture a_fleet
//! ```
//! `VEHICLES`, `RATE` (readings a second), `LASTS` (seconds), `WORKERS`, `ROWS` and `HEALTH=0` change what is measured.

use super::streams::{FAULTS, all_is_acked};
use frontier_test_redis::Server;
use frontier_tests::{Diagnosis, Process, eventually};
use std::time::{Duration, Instant};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number")))
}

/// The processor time that a process has taken.
fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, of programs that were built with --release"]
async fn a_fleet_of_thousands() {
    let (vehicles, rate, lasts) = (number("VEHICLES", 5000), number("RATE", 500), number("LASTS", 20));
    let (workers, rows) = (number("WORKERS", 2), number("ROWS", 8).to_string());
    let readings = rate * lasts;
    let server = Server::start();
    let diagnosis = Diagnosis::start(server.addr(), "http://127.0.0.1:1").await;
    let mut processes: Vec<(&str, Process)> = vec![("frames", diagnosis.frames("frontend").await)];
    if number("HEALTH", 1) == 1 {
        processes.push(("health", diagnosis.program("health", &[])));
    }
    for _ in 0..workers {
        processes.push(("worker", diagnosis.worker(&["--keep", "1000000"]).await.process));
    }
    let mut watch = diagnosis.watch(FAULTS.len() as u64 * readings).await;
    let begun = Instant::now();
    // A machine that does not keep up has them wait.
    let arguments = [("--vehicles", vehicles), ("--rate", rate), ("--count", readings), ("--keep", readings)]
        .map(|(name, it)| [name.to_owned(), it.to_string()]);
    let mut arguments: Vec<&str> = arguments.iter().flatten().map(String::as_str).collect();
    arguments.extend(["--rows", &rows]);
    processes.push(("produce", diagnosis.program("produce", &arguments)));
    let shown = async || (!watch.is_running()).then_some(());
    eventually(Duration::from_secs(10 * lasts + 30), "the page has all results", shown).await;
    let took = begun.elapsed();
    assert_eq!(watch.exit().await, Some(0), "{:?}", watch.log().lines());
    all_is_acked(&server).await;
    println!(
        "{vehicles} vehicles, {rate} readings a second for {lasts} s, {workers} workers; in all {:.1} s",
        took.as_secs_f64()
    );
    println!("{}", watch.log().find("all have come").unwrap());
    let redis = ("redis", server.pid());
    let of_programs =
        processes.iter().filter(|(name, _)| *name != "produce").map(|(name, it)| (*name, it.id()));
    for (name, pid) in [redis, ("gateway", diagnosis.gateway.id())].into_iter().chain(of_programs) {
        println!("{name}: {:.2} cores", cpu(pid).as_secs_f64() / took.as_secs_f64());
    }
    let written = server.cli(&["XINFO", "STREAM", "fault_diagnosis_results"]);
    let written =
        written.lines().skip_while(|line| *line != "entries-added").nth(1).unwrap().parse::<u64>().unwrap();
    assert_eq!(written, FAULTS.len() as u64 * readings, "each reading has one result for each fault");
    assert!(diagnosis.dead_letters().is_empty());
    for (name, process) in &processes {
        let said = process.log().lines();
        assert!(!said.iter().any(|line| line.contains("WARN")), "{name}: {said:?}");
    }
}
