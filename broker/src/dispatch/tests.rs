//! The task of all dispatchers: sessions, hosts and services that come and go.

use super::*;
use frontier_sessions::{Grant, HostKey, Labels, Settings};
use std::time::Duration;
use tokio::time::timeout;

fn config() -> HostConfig {
    crate::Config::parse("", &|_| None).unwrap().hosts
}

fn host(edge: u64) -> Host {
    let key = HostKey { edge, generation: 1 };
    Host { key, node: String::new(), capacity: 1, labels: Labels::new(), depth: 0 }
}

async fn announce(dispatch: &DispatchHandle, service: &str, edge: u64, draining: bool) {
    dispatch.tell(Event::Announced { service: service.into(), host: host(edge), draining }).await;
}

async fn open(dispatch: &DispatchHandle, session: u128, service: &str) -> Arc<Mailbox> {
    let mailbox = Arc::<Mailbox>::default();
    let plan = SessionPlan::from(&Settings::interactive(service));
    let session = SessionId(session);
    let opened = Event::Opened { session, service: service.into(), plan, mailbox: mailbox.clone() };
    dispatch.tell(opened).await;
    mailbox
}

async fn granted(mailbox: &Mailbox, count: usize) -> Vec<Grant> {
    let mut grants = Vec::new();
    while grants.len() < count {
        let more = timeout(Duration::from_secs(20), mailbox.take()).await;
        grants.extend(more.expect("it is granted"));
    }
    grants
}

#[tokio::test]
async fn sessions_get_what_the_hosts_of_their_service_can_take() {
    let dispatch = start(&config());
    let mailbox = open(&dispatch, 1, "a").await;
    let turn = |offered, ended| Event::Turn { session: SessionId(1), offered, ended };
    dispatch.tell(turn(10, Vec::new())).await;
    announce(&dispatch, "b", 7, false).await;
    announce(&dispatch, "a", 8, false).await;
    let grants = granted(&mailbox, 2).await;
    assert!(grants.iter().all(|grant| grant.host.edge == 8));
    dispatch.tell(turn(10, vec![(grants[0].attempt, Ending::Answered)])).await;
    assert_eq!(granted(&mailbox, 1).await.len(), 1);
    // A host that is of another service now takes no more of this one.
    announce(&dispatch, "a", 7, false).await;
    assert!(granted(&mailbox, 2).await.iter().all(|grant| grant.host.edge == 7));
}

#[tokio::test]
async fn what_is_said_of_services_is_forgotten_with_them() {
    let dispatch = start(&HostConfig { ttl: Duration::from_secs(2), ..config() });
    open(&dispatch, 1, "a").await;
    announce(&dispatch, "a", 8, true).await;
    let stands = async |dispatch: &DispatchHandle, wanted: Option<(usize, usize)>| {
        let found = async {
            loop {
                let standing = dispatch.standing();
                let found = standing.get("a").map(|it| (it.hosts, it.draining));
                if found == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(20), found).await.expect("it is told");
    };
    stands(&dispatch, Some((1, 1))).await;
    stands(&dispatch, Some((0, 0))).await;
    dispatch.tell(Event::Closed(SessionId(1))).await;
    stands(&dispatch, None).await;
}

#[test]
fn a_service_whose_time_has_come_wakes_no_other_and_each_has_its_own() {
    let mut owner = Owner {
        config: DispatchConfig { prefetch: 0, ..config().dispatch },
        services: HashMap::new(),
        sessions: HashMap::new(),
        leases: Leases::new(Duration::from_secs(3600), 10),
        lost: None,
        touched: HashSet::new(),
        wake: None,
    };
    let start = Instant::now();
    let names: [Arc<str>; 2] = ["a".into(), "b".into()];
    let mut until = Vec::new();
    for (number, service) in (1_u64..).zip(&names) {
        // The one host of each can't be reached; that of the second one a minute later.
        let now = start + Duration::from_secs(60) * u32::try_from(number).unwrap();
        owner.on(Event::Announced { service: service.clone(), host: host(number), draining: false }, now);
        let (session, mailbox) = (SessionId(number.into()), Arc::<Mailbox>::default());
        let plan = SessionPlan::from(&Settings::interactive(&**service));
        owner.on(Event::Opened { session, service: service.clone(), plan, mailbox }, now);
        owner.on(Event::Turn { session, offered: 1, ended: Vec::new() }, now);
        let grant = owner.services.get_mut(service).unwrap().dispatcher.next(now).expect("a place");
        // It wants another call in place of that one.
        owner.on(Event::Turn { session, offered: 2, ended: vec![(grant.attempt, Ending::Unreachable)] }, now);
        owner.grant(now);
        until.push(owner.services[service].dispatcher.deadline().expect("it is left alone for a while"));
    }
    assert_eq!((owner.wake, owner.touched.len()), (Some(until[0]), 0));
    for (index, (service, until)) in names.iter().zip(&until).enumerate() {
        owner.on_time(*until);
        assert_eq!(Vec::from_iter(&owner.touched), [service], "that one alone has something to do");
        owner.grant(*until);
        let later = names.get(index + 1).and_then(|it| owner.services[it].dispatcher.deadline());
        assert_eq!(owner.wake, later, "nobody sleeps past its own time");
        assert_eq!(owner.services[service].dispatcher.figures().in_flight, 1);
    }
}

#[test]
fn hosts_that_have_not_said_that_they_stop_are_told_as_lost_once() {
    let ttl = Duration::from_secs(30);
    let (sender, mut lost) = mpsc::channel(10);
    let mut owner = Owner {
        config: config().dispatch,
        services: HashMap::new(),
        sessions: HashMap::new(),
        leases: Leases::new(ttl, 10),
        lost: None,
        touched: HashSet::new(),
        wake: None,
    };
    owner.on(Event::Lost(sender), Instant::now());
    let start = Instant::now();
    for (edge, draining) in [(1, false), (2, true), (3, false)] {
        owner.on(Event::Announced { service: "a".into(), host: host(edge), draining }, start);
    }
    owner.on(Event::Announced { service: "a".into(), host: host(3), draining: false }, start + ttl / 2);
    owner.on_time(start + ttl);
    assert_eq!(lost.try_recv(), Ok(LostHost { service: "a".into(), edge: 1 }));
    assert!(lost.try_recv().is_err(), "one was draining, and one is there");
    owner.on_time(start + ttl * 2);
    assert_eq!(lost.try_recv(), Ok(LostHost { service: "a".into(), edge: 3 }));
    assert!(lost.try_recv().is_err());
}
