//! What the ends of two calls of one request mean for it, in each order.

use super::*;
use crate::execution::HedgeCounters;
use frontier_sessions::{
    self as domain, CallFault, ClientId, DispatchConfig, Dispatcher, Host, HostKey, Labels, Limits,
    MessageId, Next, Outcome, Request, SessionPlan, Settings, Throttle,
};
use std::time::Instant;

const SESSION: SessionId = SessionId(1);

/// A request that is at two hosts.
struct World {
    flights: Flights,
    taken: Taken,
    first: AttemptId,
    second: AttemptId,
}

fn taken() -> Taken {
    let (settings, now) = (Settings::interactive("x"), Instant::now());
    let throttle = Throttle::new(8, 4);
    let mut session = domain::Session::new(SESSION, settings, None, Limits::default(), throttle, 3, now);
    let body = "x".into();
    let request = Request { id: MessageId(1), action: "a".into(), body, user_data: "".into() };
    let client = ClientId::anonymous();
    let sending = session.send(None, &client, 0, vec![request], now).unwrap();
    session.appended(&client, sending.requests);
    let Next::Take(taken) = session.next_call() else { panic!("there is one") };
    taken
}

fn grants() -> Vec<Grant> {
    let mut dispatcher = Dispatcher::new(DispatchConfig::default());
    let key = HostKey { edge: 1, generation: 1 };
    let host = Host { key, node: String::new(), capacity: 2, labels: Labels::new(), depth: 0 };
    let now = Instant::now();
    dispatcher.host_joined(host, now);
    dispatcher.session_opened(SESSION, SessionPlan::from(&Settings::interactive("x")));
    dispatcher.offered(SESSION, 2);
    std::iter::from_fn(|| dispatcher.next(now)).collect()
}

impl World {
    fn new(hedges: bool) -> Self {
        let caller = Caller {
            gateway: Arc::default(),
            message_size: 1,
            hang_timeout: None,
            hedges,
            counters: HedgeCounters::default(),
        };
        let mut flights = Flights::new(SESSION, Arc::new(caller), Duration::MAX);
        let [first, second] = grants()[..] else { panic!("there are two places") };
        flights.begin(first, taken());
        let second = Grant { hedges: Some(first.attempt), ..second };
        assert_eq!(flights.begin_second(first.attempt, second), hedges);
        Self { flights, taken: taken(), first: first.attempt, second: second.attempt }
    }

    fn ends(&mut self, attempt: AttemptId, verdict: &Verdict) -> Option<Verdict> {
        self.flights.settle(attempt, self.taken.clone(), verdict.clone()).map(|(_, verdict)| verdict)
    }

    /// Calls that the second one has won and lost.
    fn counted(&self) -> (u64, u64) {
        let HedgeCounters { won, lost } = &self.flights.caller.counters;
        (won.load(Ordering::Relaxed), lost.load(Ordering::Relaxed))
    }
}

fn answer(text: &'static str) -> Verdict {
    Verdict::Done(Outcome::Answer(text.into()))
}

fn failed(text: &str) -> Verdict {
    Verdict::Failed(text.to_owned())
}

#[tokio::test]
async fn whichever_answers_first_counts_and_the_other_is_ended_and_ignored() {
    let fault = CallFault { code: "x".into(), detail: 1, text: "y".into() };
    for answer in [answer("it"), Verdict::Done(Outcome::Fault(fault))] {
        let mut world = World::new(true);
        let (first, second) = (world.first, world.second);
        assert_eq!(world.ends(second, &answer), Some(answer.clone()));
        assert_eq!(world.ends(first, &answer), None);
        assert_eq!(world.counted(), (1, 0));
        let mut world = World::new(true);
        let (first, second) = (world.first, world.second);
        assert_eq!(world.ends(first, &answer), Some(answer.clone()));
        assert_eq!(world.ends(second, &answer), None);
        assert_eq!(world.counted(), (0, 1));
        let grant = Grant { attempt: second, hedges: Some(first), ..grants()[0] };
        assert!(!world.flights.begin_second(first, grant), "it comes too late");
        assert!(world.flights.flying.is_empty() && world.flights.firsts.is_empty());
    }
}

#[tokio::test]
async fn a_call_that_fails_waits_for_the_other_and_a_second_one_counts_as_no_try() {
    let mut world = World::new(true);
    let (first, second) = (world.first, world.second);
    assert_eq!(world.ends(first, &failed("one")), None);
    assert_eq!(world.ends(second, &answer("two")), Some(answer("two")));
    assert_eq!(world.counted(), (1, 0));
    for of_first in [failed("one"), Verdict::GivenBack] {
        for of_second in [failed("two"), Verdict::GivenBack] {
            let mut world = World::new(true);
            assert_eq!(world.ends(world.first, &of_first), None);
            assert_eq!(world.ends(world.second, &of_second), Some(of_first.clone()));
            assert_eq!(world.counted(), (0, 1));
            let mut world = World::new(true);
            assert_eq!(world.ends(world.second, &of_second), None);
            assert_eq!(world.ends(world.first, &of_first), Some(of_first.clone()));
            assert!(world.flights.flying.is_empty() && world.flights.firsts.is_empty());
        }
    }
}

#[tokio::test]
async fn where_nothing_is_made_twice_nothing_is_kept() {
    let mut world = World::new(false);
    assert!(world.flights.flying.is_empty());
    assert_eq!(world.ends(world.first, &failed("one")), Some(failed("one")));
    let done = world.flights.next().await.unwrap();
    assert_eq!((done.attempt, done.ending), (world.first, Ending::Unreachable));
}
