//! What a service is told of the names that it adds and takes away.

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
