//! What a service, or an edge, is told of the names that it adds and takes away.

use super::*;
use crate::{Registration, RegistrationError};
use frontier_protocol::Names;

fn register(service: &TestPeer, id: u64, change: Registration, of: Names, names: &[&str]) -> Sent {
    service.on(Inbound::Register { id, change, of, names }).unwrap();
    let mut sent = service.outlet.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.remove(0)
}

#[test]
fn names_come_and_go_and_each_change_is_told() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    for (id, change, code) in
        [(5, Registration::Add, Code::Ok), (6, Registration::Remove, Code::MethodNotFound)]
    {
        let told = register(&service, id, change, Names::Methods, &["m"]);
        assert_eq!(told, Sent::Registered { id, change, error: None });
        edge.send(call(id, Destination::Name));
        service.requests().iter().for_each(|request| service.reply(request, ok()));
        assert_eq!(edge.codes(), [(id, code)]);
    }
    register(&service, 7, Registration::Add, Names::Topics, &["t"]);
    edge.send(unacked(Destination::Name));
    assert_eq!(service.request().name, "t");
}

#[test]
fn what_is_refused_is_told_with_the_reason() {
    let exchange = testing::exchange_with(|settings| settings.limits.names = 2);
    let rules = "
default: allow
rules: [{who: {service: service-1}, deny: {register_methods: [secret]}}]
";
    let authorization = testing::authorization(rules, "", &testing::service(1), &[]);
    let service = TestPeer::authorized(&exchange, testing::service(1), authorization).joined(&[], &[]);
    let refusal = |service: &TestPeer, names: &[&str]| match register(
        service,
        9,
        Registration::Add,
        Names::Methods,
        names,
    ) {
        Sent::Registered { id: 9, change: Registration::Add, error: Some(error) } => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(&service, &["a", "b", "c"]), RegistrationError::TooMany(2));
    assert_eq!(refusal(&service, &[""]), RegistrationError::EmptyName);
    assert_eq!(refusal(&service, &["secret"]).code(), Code::Denied);
    let _successor = TestPeer::service(&exchange, 1, &[], &[]);
    // It is closed, and so hears nothing any more.
    let names = &["a"];
    service.on(Inbound::Register { id: 9, change: Registration::Add, of: Names::Methods, names }).unwrap();
    assert_eq!(service.outlet.close_reason(), Some(CloseReason::Superseded));
    let edge = TestPeer::edge(&exchange, EDGE);
    edge.send(Envelope { name: "a", ..call(1, Destination::Name) });
    assert_eq!(edge.codes(), [(1, Code::MethodNotFound)]);
}

#[test]
fn names_without_end_are_registered_with_pauses_and_told_once() {
    const NAMES: usize = 5000;
    let exchange = testing::exchange_with(|settings| settings.limits.names = NAMES);
    let (edge, service) = (TestPeer::edge(&exchange, EDGE), TestPeer::service(&exchange, 1, &[], &[]));
    let names: Vec<String> = (0..NAMES).map(|n| format!("m{n}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Those that are there already, and those that come twice, are as free as in one piece.
    for _ in 0..2 {
        let register = exchange.register(&service.peer, 5, Registration::Add, Names::Methods, &names);
        let turns = testing::run(async {
            let (mut register, mut turns) = (std::pin::pin!(register), 0);
            std::future::poll_fn(|cx| {
                turns += 1;
                register.as_mut().poll(cx)
            })
            .await;
            turns
        });
        assert!(turns >= NAMES / 512, "{turns}");
        let told = Sent::Registered { id: 5, change: Registration::Add, error: None };
        assert_eq!(service.outlet.take(), [told]);
        names.push("m7");
    }
    edge.send(Envelope { name: "m4999", ..call(1, Destination::Name) });
    assert_eq!(service.requests().len(), 1);
    // One too many, and nothing is registered.
    testing::run(exchange.register(&service.peer, 6, Registration::Add, Names::Topics, &["t"]));
    let told =
        Sent::Registered { id: 6, change: Registration::Add, error: Some(RegistrationError::TooMany(NAMES)) };
    assert_eq!(service.outlet.take(), [told]);
    testing::run(exchange.unregister_all(&service.peer));
    edge.codes();
    edge.send(Envelope { name: "m4999", ..call(2, Destination::Name) });
    assert_eq!(edge.codes(), [(2, Code::MethodNotFound)]);
    assert!(service.peer.is_online(), "it is there, and takes nothing");
}

fn methods(edge: &TestPeer) -> Vec<String> {
    let mut names: Vec<_> =
        edge.exchange.names_of(&edge.peer, Names::Methods).iter().map(ToString::to_string).collect();
    names.sort();
    names
}

#[test]
fn what_an_edge_tells_is_seen_and_routes_nothing() {
    let exchange = testing::exchange();
    let (edge, service) = (TestPeer::edge(&exchange, EDGE), TestPeer::service(&exchange, 1, &[], &[]));
    exchange.add_methods(&edge.peer, &["reboot"]).unwrap();
    let told = register(&edge, 5, Registration::Add, Names::Methods, &["m"]);
    assert_eq!(told, Sent::Registered { id: 5, change: Registration::Add, error: None });
    assert_eq!(methods(&edge), ["m", "reboot"]);
    assert!(exchange.takes(&edge.peer, Names::Methods, "m"));
    assert!(!exchange.takes(&edge.peer, Names::Topics, "m"));
    register(&edge, 6, Registration::Remove, Names::Methods, &["m"]);
    assert_eq!((methods(&edge), exchange.name_count(&edge.peer, Names::Methods)), (vec!["reboot".into()], 1));
    // A service may call what the edge has not told of, and nobody else calls an edge by what it has.
    service.send(call(1, to_edge(EDGE)));
    assert_eq!(edge.request().name, "m");
    let other = TestPeer::edge(&exchange, EDGE + 1);
    other.send(Envelope { name: "reboot", ..call(1, Destination::Name) });
    assert_eq!(other.codes(), [(1, Code::MethodNotFound)]);
}

#[test]
fn what_an_edge_told_ends_with_its_connection_and_passes_to_no_successor() {
    let exchange = testing::exchange();
    let mut edge = TestPeer::edge(&exchange, EDGE);
    exchange.add_methods(&edge.peer, &["m"]).unwrap();
    let mut successor = TestPeer::edge(&exchange, EDGE);
    assert_eq!(methods(&successor), [] as [&str; 0]);
    // It is closed, and so hears nothing any more.
    let late = Inbound::Register { id: 9, change: Registration::Add, of: Names::Methods, names: &["late"] };
    edge.on(late).unwrap();
    assert_eq!(methods(&edge), ["m"]);
    edge.leave();
    exchange.add_methods(&successor.peer, &["m"]).unwrap();
    successor.vanish();
    assert_eq!(exchange.census().edge_methods, 0);
    assert_eq!(exchange.add_methods(&edge.peer, &["m"]), Err(RegistrationError::Superseded));
}

#[test]
fn an_edge_that_tells_too_much_hears_the_limit_and_keeps_what_it_told() {
    let exchange = testing::exchange_with(|settings| {
        let limits = &mut settings.limits;
        (limits.edge_names, limits.edge_names_len, limits.all_edge_names_len) = (2, 10, 200);
    });
    let edge = TestPeer::edge(&exchange, EDGE);
    exchange.add_methods(&edge.peer, &["a"]).unwrap();
    let refusal = |of, names: &[&str]| match register(&edge, 9, Registration::Add, of, names) {
        Sent::Registered { id: 9, change: Registration::Add, error: Some(error) } => error,
        other => panic!("{other:?}"),
    };
    let over = [
        (Names::Methods, vec!["b", "c"], Code::Overloaded, "limits.names_per_edge"),
        (Names::Methods, vec!["1234567890"], Code::TooLarge, "limits.edge_names_size"),
        (Names::Methods, vec!["b"], Code::Overloaded, "limits.all_edge_names_size"),
        (Names::Methods, vec![""], Code::Denied, "empty"),
        (Names::Topics, vec!["t"], Code::Denied, "an edge registers methods alone"),
    ];
    for (of, names, code, text) in over {
        let error = refusal(of, &names);
        assert_eq!(error.code(), code, "{names:?}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(methods(&edge), ["a"]);
    }
    assert!(exchange.check_methods(&["a", "b", "c"]).is_err() && exchange.check_methods(&["a"]).is_ok());
    let counted: Vec<_> =
        exchange.counters().refusals().filter(|(key, count)| *count > 0 && key.contains("edge")).collect();
    let (each, size, all) = ("limits.names_per_edge", "limits.edge_names_size", "limits.all_edge_names_size");
    assert_eq!(counted, [(each, 2), (size, 1), (all, 1)]);
}

#[test]
fn an_edge_that_registers_much_lets_others_run_before() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let register = exchange.register(&edge.peer, 5, Registration::Add, Names::Methods, &["m"]);
    let turns = testing::run(async {
        let (mut register, mut turns) = (std::pin::pin!(register), 0);
        std::future::poll_fn(|cx| {
            turns += 1;
            register.as_mut().poll(cx)
        })
        .await;
        turns
    });
    assert_eq!((turns, methods(&edge)), (2, vec!["m".into()]));
}
