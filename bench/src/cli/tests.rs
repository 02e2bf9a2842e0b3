//! Command lines that are understood, and some that are not.

use clap::CommandFactory;

use super::*;
use crate::plan::Plan;

fn job(line: &str) -> Result<Job> {
    Cli::try_parse_from(format!("frontier-bench {line}").split(' '))?.command.into_job()
}

fn plan(line: &str) -> Plan {
    match job(line).unwrap() {
        Job::Compare(plan) => plan,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_system_is_compared_once() {
    let plan = plan("relay --callers 64 --edges 10 --vs proxy,nats,relay,proxy");
    assert_eq!(plan.systems, [System::Relay, System::Proxy, System::Nats]);
}

#[test]
fn every_system_does_plain_calls() {
    let plan = plan("rpc --callers 64 --edges 10 --vs proxy,relay,nats,nats-current,nats-lean");
    assert_eq!(plan.systems.len(), 6);
    assert!(plan.systems.iter().all(|system| system.supports(&plan.work)));
}

#[test]
fn mixed_is_compared_with_undisturbed_calls() {
    let plan = plan("mixed");
    assert_eq!(plan.systems, [System::Frontier, System::Alone]);
    assert!(plan.work.scene().disturbed);
}

#[test]
fn programs_are_measured_as_they_run_by_default_and_with_one_thread() {
    let threads = |line: &str| {
        let layouts = plan(line).layouts;
        layouts.iter().map(|layout| (layout.threads, layout.gateway_threads)).collect::<Vec<_>>()
    };
    let processors = std::thread::available_parallelism().unwrap().get();
    let mut expected = vec![(processors, processors), (1, 1)];
    expected.dedup();
    assert_eq!(threads("rpc"), expected);
    assert_eq!(threads("rpc --threads 1"), [(1, 1)]);
    assert_eq!(threads("rpc --gateway-threads 3"), [(3, 3)]);
    assert_eq!(threads("rpc --threads 2 --gateway-threads 1"), [(2, 1)]);
}

#[test]
fn a_load_is_scaled_over_all_cores_unless_told_otherwise() {
    let cores = |line: &str| match job(line).unwrap() {
        Job::Scale(plan) => {
            let layouts = plan.layouts.iter();
            layouts.map(|layout| (layout.cores, layout.threads, layout.gateway_threads)).collect::<Vec<_>>()
        }
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(cores("scale --cores 1"), [(Some(1), 1, 1)]);
    assert_eq!(cores("scale --cores 1 --threads 4 --gateway-threads 3"), [(Some(1), 4, 3)]);
    let all = std::thread::available_parallelism().unwrap().get();
    let (first, last) = (cores("scale")[0], *cores("scale").last().unwrap());
    assert_eq!((first, last), ((Some(1), 1, 1), (Some(all), all, all)));
}

#[test]
fn mistakes_are_refused() {
    for line in [
        "relay --callers 0",
        "relay --edges 0",
        "relay --seconds 0",
        "relay --seconds NaN",
        "relay --rounds 0",
        "relay --threads 0",
        "relay --gateway-threads 0",
        "relay --vs abacus",
        "relay --vs alone",
        "proxy --bulk --vs nats",
        "proxy --writes 1KiB",
        "rpc --services 0",
        "rpc --reverse --services 2",
        "rpc --reverse --idle-services 2",
        "rpc --across --vs proxy",
        "rpc --across --gateways 2",
        "rpc --rate 0",
        "rpc --rate 100 --vs relay",
        "relay --rate 100",
        "rpc --edges 4 --callers 4 --gateways 0",
        "rpc --edges 4 --callers 4 --gateways 5",
        "rpc --reverse --vs relay",
        "rpc --idle-edges 10 --vs proxy",
        "stream --streams 0",
        "stream --vs relay",
        "publish --vs nats",
        "open --size 64",
        "connections --edges 0",
        "connections --seconds 0",
        "storm --rounds 0",
        "cluster --frontiers 0",
        "cluster --frontiers 10 --edges 19",
        "cluster --seconds 0",
        "cluster --callers 0",
        "cluster --rate 0",
        "storm --client-processes 0",
        "scale --cores 0",
        "scale --cores 1000000",
        "scale --cores one",
        "scale --reverse --vs relay",
    ] {
        assert!(job(line).is_err(), "{line}");
    }
}
