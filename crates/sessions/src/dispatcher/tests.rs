//! Who is next, and on which host: balances, shares, pools, preferences, retries, hosts that are left alone; and a model beside it.

mod choice;
mod hosts;
mod model;
mod preference;
mod sharing;

use super::*;

fn start() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "some time has to be the first")]
    Instant::now()
}

fn host(edge: u64, capacity: u32) -> Host {
    let key = HostKey { edge, generation: 1 };
    Host { key, node: format!("node{edge}"), capacity, labels: Labels::new(), depth: 0 }
}

fn plan() -> SessionPlan {
    SessionPlan::from(&Settings::interactive("x"))
}

fn without_prefetch() -> DispatchConfig {
    DispatchConfig { prefetch: 0, ..DispatchConfig::default() }
}

fn session(number: u128) -> SessionId {
    SessionId(number)
}

fn drain(dispatcher: &mut Dispatcher, now: Instant) -> Vec<Grant> {
    std::iter::from_fn(|| dispatcher.next(now)).collect()
}

fn edges(grants: &[Grant]) -> Vec<u64> {
    grants.iter().map(|grant| grant.host.edge).collect()
}
