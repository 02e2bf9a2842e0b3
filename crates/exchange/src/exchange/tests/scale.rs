//! What many services and many names cost, in time: run by hand, optimised, on a quiet machine. What else runs there
//! counts where the time of the processor is not what is measured.
//!
//! ```sh
//! cargo test --release -p frontier-exchange -- --ignored --nocapture --test-threads 1
//! ```

use super::*;
use frontier_protocol::{Names, Registration};

const SERVICES: u64 = 100;
const NAMES: usize = 10_000;

/// The processor's time of this thread, as far as Linux tells: some milliseconds late at most.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("it is Linux");
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("a number"))
}

fn names(prefix: &str) -> Vec<String> {
    (0..NAMES).map(|n| format!("{prefix}/some.package.Service/Method{n}")).collect()
}

/// All services come, register, and are gone again.
fn mass(exchange: &Arc<Exchange>, names: &[Vec<String>]) -> (Duration, Duration) {
    let start = cpu_time();
    let services: Vec<TestPeer> = names
        .iter()
        .zip(1..)
        .map(|(names, id)| {
            let service = TestPeer::service(exchange, id, &[], &[]);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let register = exchange.register(&service.peer, 1, Registration::Add, Names::Methods, &names);
            testing::run(register);
            service
        })
        .collect();
    let came = cpu_time() - start;
    for service in &services {
        testing::run(exchange.unregister_all(&service.peer));
    }
    drop(services);
    (came, cpu_time() - start - came)
}

#[test]
#[ignore = "a bound in time"]
fn a_hundred_services_with_ten_thousand_names_each_are_back_within_a_second() {
    let exchange = testing::exchange_with(|settings| settings.limits.names = NAMES);
    let same: Vec<_> = (0..SERVICES).map(|_| names("all")).collect();
    let own: Vec<_> = (0..SERVICES).map(|id| names(&id.to_string())).collect();
    for (what, names) in [("the same", same), ("names of their own", own)] {
        let (came, went) = mass(&exchange, &names);
        println!("{what}: {came:?} to come, {went:?} to go");
        assert!(came < Duration::from_secs(1), "{came:?}");
        assert!(went < Duration::from_secs(2), "{went:?}");
    }
}

#[test]
#[ignore = "a bound in time"]
fn a_call_costs_the_same_however_many_names_are_registered() {
    const CALLS: u64 = 200_000;
    let mut per_call = Vec::new();
    for count in [1, 10, 100, 1000, NAMES] {
        let exchange = testing::exchange_with(|settings| settings.limits.names = NAMES);
        let (edge, service) = (TestPeer::edge(&exchange, EDGE), TestPeer::service(&exchange, 1, &[], &[]));
        let names = names("all");
        let names: Vec<&str> = names[..count].iter().map(String::as_str).collect();
        testing::run(exchange.register(&service.peer, 1, Registration::Add, Names::Methods, &names));
        service.outlet.take();
        let mut best = Duration::MAX;
        for _ in 0..9 {
            let start = cpu_time();
            for id in 0..CALLS {
                edge.send(Envelope { name: names[0], ..call(id, Destination::Name) });
                let request = service.requests().pop().expect("it is routed");
                service.reply(&request, ok());
                edge.replies();
            }
            best = best.min(cpu_time() - start);
        }
        per_call.push((count, best / u32::try_from(CALLS).unwrap()));
    }
    println!("{per_call:?}");
    let (one, many) = (per_call[0].1, per_call[per_call.len() - 1].1);
    assert!(many.as_secs_f64() < one.as_secs_f64() * 1.05, "{per_call:?}");
}

/// 50,000 calls a second, and 10,000 registrations a second beside them by another thread.
#[test]
#[ignore = "a bound in time, on a machine that has a processor for each of two threads"]
fn calls_hardly_notice_registrations_beside_them() {
    let exchange = testing::exchange_with(|settings| settings.limits.names = NAMES);
    let (edge, service) = (TestPeer::edge(&exchange, EDGE), TestPeer::service(&exchange, 1, &["m"], &[]));
    let _others: Vec<TestPeer> = (10..60)
        .map(|id| {
            let other = TestPeer::service(&exchange, id, &[], &[]);
            let names = names(&id.to_string());
            let names: Vec<&str> = names.iter().take(1000).map(String::as_str).collect();
            testing::run(exchange.register(&other.peer, 1, Registration::Add, Names::Methods, &names));
            other
        })
        .collect();
    let p99 = || {
        let (start, mut times) = (Instant::now(), Vec::new());
        for id in 0..100_000 {
            let due = start + Duration::from_micros(20) * u32::try_from(id).unwrap();
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            edge.send(call(id, Destination::Name));
            let request = service.requests().pop().expect("it is routed");
            service.reply(&request, ok());
            edge.replies();
            times.push(due.elapsed());
        }
        times.sort_unstable();
        times[times.len() * 99 / 100]
    };
    let alone = p99();
    let stop = AtomicBool::new(false);
    let beside = std::thread::scope(|threads| {
        threads.spawn(|| {
            let registering = TestPeer::service(&exchange, 2, &[], &[]);
            let (start, mut done) = (Instant::now(), 0);
            while !stop.load(Ordering::Relaxed) {
                let name = format!("name-{}", done % 5000);
                let change = if done % 10_000 < 5000 { Registration::Add } else { Registration::Remove };
                let names = [name.as_str()];
                registering
                    .on(Inbound::Register { id: 1, change, of: Names::Methods, names: &names })
                    .unwrap();
                registering.outlet.take();
                done += 1;
                let due = start + Duration::from_micros(100) * done;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            println!("{} registrations a second", f64::from(done) / start.elapsed().as_secs_f64());
        });
        let beside = p99();
        stop.store(true, Ordering::Relaxed);
        beside
    });
    println!("p99 of a call: {alone:?} alone, {beside:?} beside registrations");
    assert!(beside < alone * 2, "{alone:?}, {beside:?}");
}
