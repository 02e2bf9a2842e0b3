//! A part of the gateway asks services by name, as a source of a broker's messages does.

use super::*;
use crate::OfferedName;
use frontier_protocol::Offered;
use std::collections::BTreeSet;

/// A part of the gateway, in no registry.
fn part(exchange: &Arc<Exchange>) -> TestPeer {
    let outlet = testing::Recorder::default();
    let identity = testing::edge(0);
    let peer = Peer::new(identity, exchange.next_epoch(), None, Box::new(outlet.clone()), Duration::MAX);
    let peer = Arc::new(peer.of_gateway());
    peer.advance(Stage::Online);
    TestPeer { exchange: exchange.clone(), peer, outlet, seat: None }
}

fn name_for(edge: Option<u64>, key: u64) -> Destination<'static> {
    Destination::NameFor { edge: edge.map(EdgeId), key }
}

#[test]
fn it_asks_in_the_name_of_an_edge_or_of_nobody() {
    let exchange = testing::exchange();
    let part = part(&exchange);
    let mut service = TestPeer::service(&exchange, 1, &["m"], &["t"]);
    part.send(acked(1, name_for(Some(EDGE), 1)));
    let request = service.request();
    assert_eq!(request.from, SentFrom::Edge(EDGE));
    service.reply(&request, ok());
    part.send(call(2, name_for(None, 1)));
    let request = service.request();
    assert_eq!(request.from, SentFrom::Unnamed);
    service.reply(&request, ok());
    assert_eq!(part.codes(), [(1, Code::Ok), (2, Code::Ok)]);
    // What was not sent is asked again by whoever asked.
    part.send(acked(3, name_for(Some(EDGE), 1)));
    let _other = TestPeer::service(&exchange, 2, &["m"], &["t"]);
    service.leave();
    assert_eq!(part.codes(), [(3, Code::Disconnected)]);
}

#[test]
fn nobody_else_may_and_whoever_is_not_there_is_told() {
    let exchange = testing::exchange();
    let (part, edge) = (part(&exchange), TestPeer::edge(&exchange, EDGE));
    edge.send(acked(1, name_for(Some(7), 7)));
    assert_eq!(edge.codes(), [(1, Code::Protocol)]);
    part.send(acked(1, name_for(None, 7)));
    part.send(call(2, name_for(Some(EDGE), 7)));
    assert_eq!(part.codes(), [(1, Code::TopicNotOnline), (2, Code::MethodNotFound)]);
}

#[test]
fn a_key_stays_with_its_service_and_others_go_to_others() {
    let exchange = testing::exchange();
    let part = part(&exchange);
    let services = [1, 2, 3].map(|id| TestPeer::service(&exchange, id, &[], &["t"]));
    for id in 1..=60 {
        part.send(acked(id, name_for(None, id % 20)));
    }
    let counts = services.each_ref().map(|service| service.requests().len());
    assert!(counts.iter().all(|count| *count > 0 && count.is_multiple_of(3)), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 60);
}

#[test]
fn another_gateway_is_asked_in_the_name_of_an_edge_alone() {
    let exchange = testing::exchange_reaching(Arc::<Elsewhere>::default());
    let part = part(&exchange);
    let owner = TestPeer::owner_gateway(&exchange, "a");
    let names = [OfferedName { of: Offered::Topic, name: "t", is_offered: true }];
    owner.on(Inbound::Offer { is_first: true, is_last: true, names: &names }).unwrap();
    part.send(acked(1, name_for(None, 7)));
    part.send(acked(2, name_for(Some(EDGE), EDGE)));
    let request = owner.request();
    assert_eq!(request.from, SentFrom::ByName { edge: EDGE, returns: false });
    owner.reply(&request, outcome(Code::TopicNotOnline, "gone"));
    let codes: BTreeSet<(u64, u16)> =
        part.codes().into_iter().map(|(id, code)| (id, code.to_wire())).collect();
    let expected = [(1, Code::TopicNotOnline.to_wire()), (2, Code::TopicNotOnline.to_wire())];
    assert_eq!(codes, BTreeSet::from(expected));
}
