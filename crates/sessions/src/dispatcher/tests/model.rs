//! Whatever happens, in whatever order.

use super::*;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

#[derive(Clone, Debug)]
enum Step {
    Host(u64, u64, u32, u8),
    Leave(u64, u64),
    Drain(u64, u64),
    Open(u8, u16, u8, u32, Wish),
    Close(u8),
    Offer(u8, u64),
    Grant(u8),
    Finish(usize, Ending),
    Wait(u16),
}

/// A node and labels that a session prefers, 0 for none.
type Wish = (u64, u8);

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        6 => Just(Ending::Answered),
        2 => Just(Ending::Failed),
        2 => Just(Ending::Unreachable),
        1 => Just(Ending::NotInitialized),
        1 => Just(Ending::Preempted),
        2 => Just(Ending::Unused),
        1 => Just(Ending::Superseded),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..6_u64, 0..3_u64, 1..5_u32, 0..3_u8).prop_map(|(a, b, c, d)| Step::Host(a, b, c, d)),
        1 => (0..6_u64, 0..3_u64).prop_map(|(a, b)| Step::Leave(a, b)),
        1 => (0..6_u64, 0..3_u64).prop_map(|(a, b)| Step::Drain(a, b)),
        2 => (0..6_u8, 0..=4000_u16, 0..3_u8, 0..3_u32, (0..4_u64, 0..3_u8))
            .prop_map(|(a, b, c, d, e)| Step::Open(a, b, c, d, e)),
        1 => (0..6_u8).prop_map(Step::Close),
        5 => (0..6_u8, 0..30_u64).prop_map(|(a, b)| Step::Offer(a, b)),
        5 => (1..9_u8).prop_map(Step::Grant),
        8 => (any::<usize>(), ending()).prop_map(|(a, b)| Step::Finish(a, b)),
        2 => any::<u16>().prop_map(Step::Wait),
    ]
}

fn labels(kind: u8) -> Labels {
    if kind == 0 { Labels::new() } else { Labels::from([("kind".to_owned(), kind.to_string())]) }
}

fn preference((node, kind): Wish) -> Preference {
    let nodes = (node > 0).then(|| format!("node{node}")).into_iter().collect();
    Preference { nodes, labels: labels(kind) }
}

/// A session as it was opened, and nodes that can't offer it the service.
struct Opened {
    pool: Labels,
    preferred: Preference,
    without: HashSet<String>,
}

impl Opened {
    fn prefers(&self, host: &Host) -> bool {
        let has = |labels: &Labels| labels.iter().all(|(name, value)| host.labels.get(name) == Some(value));
        let Preference { nodes, labels } = &self.preferred;
        nodes.contains(&host.node) || !labels.is_empty() && has(labels)
    }

    /// Of those hosts that begin a call of it at once, those that it prefers, and the others.
    fn at_once(&self, dispatcher: &Dispatcher) -> (Vec<HostKey>, Vec<HostKey>) {
        let has = |it: &Host| self.pool.iter().all(|(name, value)| it.labels.get(name) == Some(value));
        let begins = |it: &(&Host, HostState, u32)| {
            it.1 == HostState::Ready
                && it.2 < it.0.capacity
                && has(it.0)
                && !self.without.contains(&it.0.node)
        };
        let (preferred, others): (Vec<_>, Vec<_>) =
            dispatcher.hosts().filter(begins).map(|(host, ..)| host).partition(|host| self.prefers(host));
        let keys = |hosts: Vec<&Host>| hosts.into_iter().map(|host| host.key).collect();
        (keys(preferred), keys(others))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    /// Whatever happens, in whatever order: no more is in flight than was granted and has not finished, nobody gets more than
    /// it wants or may have, and whoever wants a call that a host could take gets one: at one that begins it at once if there is
    /// one, and at one that it prefers if that does.
    #[test]
    fn what_is_in_flight_is_what_was_granted(steps in prop::collection::vec(step(), 1..120)) {
        let mut now = start();
        let hedge = HedgeConfig { after: Duration::from_millis(1), quantile: 0.5, factor: 1.0, share: 0.2 };
        let mut dispatcher = Dispatcher::new(DispatchConfig { hedge: Some(hedge), ..DispatchConfig::default() });
        let mut flying: Vec<Grant> = Vec::new();
        let mut wanted: HashMap<SessionId, u64> = HashMap::new();
        let mut got: HashMap<SessionId, u64> = HashMap::new();
        let mut opened: HashMap<SessionId, Opened> = HashMap::new();
        for step in steps {
            match step {
                Step::Host(edge, generation, capacity, kind) => {
                    let key = HostKey { edge, generation };
                    dispatcher.host_joined(Host { key, labels: labels(kind), ..host(edge, capacity) }, now);
                }
                Step::Leave(edge, generation) => dispatcher.host_left(HostKey { edge, generation }),
                Step::Drain(edge, generation) => dispatcher.host_draining(HostKey { edge, generation }),
                Step::Open(number, priority, kind, maximum_units, wish) => {
                    let id = session(u128::from(number));
                    if let std::collections::hash_map::Entry::Vacant(entry) = wanted.entry(id) {
                        entry.insert(0);
                        got.insert(id, 0);
                        let (pool, preferred) = (labels(kind), preference(wish));
                        let (kept, without) = (preferred.clone(), HashSet::new());
                        opened.insert(id, Opened { pool: pool.clone(), preferred: kept, without });
                        let plan = SessionPlan { priority, pool, preferred, maximum_units, ..plan() };
                        dispatcher.session_opened(id, plan);
                    }
                }
                Step::Close(number) => {
                    let id = session(u128::from(number));
                    dispatcher.session_closed(id, now);
                    wanted.remove(&id);
                    opened.remove(&id);
                    flying.retain(|grant| grant.session != id);
                }
                Step::Offer(number, more) => {
                    let id = session(u128::from(number));
                    if let Some(total) = wanted.get_mut(&id) {
                        *total += more;
                        dispatcher.offered(id, *total);
                    }
                }
                Step::Grant(count) => {
                    for _ in 0..count {
                        let before: HashMap<SessionId, _> =
                            opened.iter().map(|(id, it)| (*id, it.at_once(&dispatcher))).collect();
                        let Some(grant) = dispatcher.next(now) else { break };
                        let (preferred, others) = &before[&grant.session];
                        let best = if preferred.is_empty() { others } else { preferred };
                        prop_assert!(best.is_empty() || best.contains(&grant.host), "{:?} {:?}", grant, best);
                        *got.get_mut(&grant.session).unwrap() += 1;
                        prop_assert!(got[&grant.session] <= wanted[&grant.session]);
                        flying.push(grant);
                    }
                    while let Some(grant) = dispatcher.hedge(now) {
                        let of_same = flying.iter().filter(|it| it.hedges == grant.hedges).count();
                        let first = flying.iter().find(|it| Some(it.attempt) == grant.hedges);
                        let first = first.expect("it is in flight");
                        prop_assert!(of_same == 0 || grant.hedges.is_none(), "no call is made three times");
                        prop_assert!(first.session == grant.session && first.host != grant.host);
                        flying.push(grant);
                    }
                }
                Step::Finish(which, ending) => {
                    if !flying.is_empty() {
                        let grant = flying.swap_remove(which % flying.len());
                        if ending == Ending::NotInitialized {
                            let of_session = opened.get_mut(&grant.session).unwrap();
                            of_session.without.insert(format!("node{}", grant.host.edge));
                        }
                        if ending == Ending::Unused && grant.hedges.is_none() {
                            *got.get_mut(&grant.session).unwrap() -= 1;
                        }
                        dispatcher.finished(grant.attempt, ending, now);
                    }
                }
                Step::Wait(milliseconds) => {
                    now += Duration::from_millis(u64::from(milliseconds));
                    dispatcher.on_time(now);
                }
            }
            dispatcher.check();
            prop_assert_eq!(dispatcher.figures().in_flight, flying.len() as u64);
        }
    }
}
