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
    assert_eq!(refusal(&service, &["a"]), RegistrationError::Superseded);
}
