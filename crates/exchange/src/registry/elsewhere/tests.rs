//! What other gateways offer, and who of them is chosen.

use super::*;
use crate::balance::Balance;
use crate::testing;
use crate::{Identity, Stage};
use Offered::{Method, Service, Topic};
use frontier_protocol::EdgeId;

fn gateway(id: &str) -> Arc<Peer> {
    let gateway = testing::lone(Identity::OwnerGateway { id: id.into() });
    gateway.advance(Stage::Online);
    gateway
}

fn name(of: Offered, name: &str) -> OfferedName<'_> {
    OfferedName { of, name, is_offered: true }
}

fn offer(elsewhere: &Elsewhere, gateway: &Arc<Peer>, names: &[OfferedName<'_>]) {
    elsewhere.apply(gateway, false, true, names);
}

fn chosen(elsewhere: &Elsewhere, of: Offered, name: &str) -> Option<String> {
    let edge = Chooser { id: EdgeId(7), ip: None, affinity: None };
    let chosen = elsewhere.choose(&Balancer::new(Balance::EdgeId), of, name, edge, &Tried::new());
    chosen.map(|gateway| gateway.name().to_owned())
}

#[test]
fn a_name_is_reached_where_it_is_offered_until_it_is_no_more() {
    let elsewhere = Elsewhere::default();
    let (a, b) = (gateway("a"), gateway("b"));
    offer(&elsewhere, &a, &[name(Method, "m"), name(Topic, "t"), name(Service, "s")]);
    offer(&elsewhere, &b, &[name(Method, "only b")]);
    for of in [Method, Topic, Service] {
        let own = ["m", "t", "s"][place(of)];
        assert_eq!(chosen(&elsewhere, of, own).as_deref(), Some("a"));
        assert_eq!(chosen(&elsewhere, of, "x"), None);
    }
    assert_eq!(chosen(&elsewhere, Method, "only b").as_deref(), Some("b"));
    offer(&elsewhere, &a, &[OfferedName { is_offered: false, ..name(Method, "m") }]);
    offer(&elsewhere, &b, &[OfferedName { is_offered: false, ..name(Topic, "t") }]);
    assert_eq!((chosen(&elsewhere, Method, "m"), chosen(&elsewhere, Topic, "t")), (None, Some("a".into())));
}

#[test]
fn what_receives_every_topic_is_asked_where_nothing_receives_that_one() {
    let elsewhere = Elsewhere::default();
    let (all, one) = (gateway("all"), gateway("one"));
    offer(&elsewhere, &all, &[name(Topic, "*"), name(Method, "*")]);
    offer(&elsewhere, &one, &[name(Topic, "t")]);
    assert_eq!(chosen(&elsewhere, Topic, "t").as_deref(), Some("one"));
    assert_eq!(chosen(&elsewhere, Topic, "u").as_deref(), Some("all"));
    assert_eq!(chosen(&elsewhere, Method, "u"), None);
}

#[test]
fn a_first_part_voids_what_was_said_before() {
    let elsewhere = Elsewhere::default();
    let a = gateway("a");
    offer(&elsewhere, &a, &[name(Method, "m"), name(Method, "m"), name(Method, "n")]);
    assert_eq!(elsewhere.len(), 2);
    elsewhere.apply(&a, true, true, &[name(Method, "n")]);
    assert_eq!((elsewhere.len(), chosen(&elsewhere, Method, "m")), (1, None));
}

#[test]
fn what_a_gateway_offers_ends_with_its_link_and_a_later_link_is_another_one() {
    let elsewhere = Elsewhere::default();
    let (old, new, other) = (gateway("a"), gateway("a"), gateway("b"));
    for gateway in [&old, &new, &other] {
        offer(&elsewhere, gateway, &[name(Method, "m")]);
    }
    old.advance(Stage::Gone);
    other.advance(Stage::Gone);
    elsewhere.forget(&old);
    elsewhere.forget(&other);
    assert_eq!(chosen(&elsewhere, Method, "m").as_deref(), Some("a"));
    elsewhere.forget(&new);
    assert_eq!(elsewhere.len(), 0);
    offer(&elsewhere, &old, &[name(Method, "m")]);
    assert_eq!(elsewhere.len(), 0, "nobody would take it out any more");
}

#[test]
fn more_names_than_a_gateway_may_offer_are_not_known() {
    let elsewhere = Elsewhere::default();
    let a = gateway("a");
    let names: Vec<String> = (0..MAX_NAMES + 10).map(|n| n.to_string()).collect();
    let names: Vec<_> = names.iter().map(|text| name(Method, text)).collect();
    offer(&elsewhere, &a, &names);
    assert_eq!(elsewhere.len(), MAX_NAMES);
    offer(&elsewhere, &a, &[OfferedName { is_offered: false, ..names[0] }, names[MAX_NAMES]]);
    assert_eq!(elsewhere.len(), MAX_NAMES, "there is room again");
    elsewhere.forget(&a);
    assert_eq!(elsewhere.len(), 0);
}

#[test]
fn more_bytes_of_names_than_a_gateway_may_offer_are_not_known() {
    let elsewhere = Elsewhere::default();
    let a = gateway("a");
    let long = "x".repeat(60_000);
    let names: Vec<String> = (0..MAX_BYTES / long.len() + 2).map(|n| format!("{long}{n:04}")).collect();
    let names: Vec<_> = names.iter().map(|text| name(Method, text)).collect();
    let fit = MAX_BYTES / (long.len() + 4);
    offer(&elsewhere, &a, &names);
    assert_eq!(elsewhere.len(), fit);
    offer(&elsewhere, &a, &[OfferedName { is_offered: false, ..names[0] }, names[fit], names[fit + 1]]);
    assert_eq!(elsewhere.len(), fit, "there is room again, for one");
    elsewhere.apply(&a, true, true, &names[..3]);
    assert_eq!(elsewhere.len(), 3, "nothing of before counts");
    offer(&elsewhere, &a, &names);
    assert_eq!(elsewhere.len(), fit);
}

#[tokio::test]
async fn who_waits_hears_when_a_gateway_has_told_everything_or_has_gone() {
    let elsewhere = Elsewhere::default();
    let (whole, gone) = (gateway("a"), gateway("b"));
    let waits = async { tokio::join!(elsewhere.whole(&whole), elsewhere.whole(&gone)) };
    let tells = async {
        elsewhere.apply(&whole, true, false, &[]);
        elsewhere.apply(&whole, false, true, &[]);
        gone.advance(Stage::Gone);
        elsewhere.forget(&gone);
    };
    testing::soon(async { tokio::join!(waits, tells) }).await;
    elsewhere.whole(&whole).await;
}
