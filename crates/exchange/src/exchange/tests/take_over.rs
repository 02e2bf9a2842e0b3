//! What becomes of the one that had the id, and what of the one that does not get it.

use super::*;
use crate::testing::log::logged;
use crate::{Authorization, ClaimError, RegistrationError};
use frontier_access::authn::Verified;
use frontier_protocol::{ServiceId, Session};

fn with(exchange: &Arc<Exchange>, identity: Identity, verified: Verified) -> TestPeer {
    let authorization = Authorization::unrestricted(&Arc::default(), &Arc::new(verified));
    TestPeer::authorized(exchange, identity, authorization)
}

fn fixed(id: u64) -> Verified {
    let (edge_id, service_id) = (Some(EdgeId(id)), Some(ServiceId(id)));
    Verified { subject: "fixed".into(), edge_id, service_id, ..Verified::default() }
}

#[test]
fn an_edge_that_shows_less_is_refused_and_the_other_goes_on() {
    let exchange = testing::exchange();
    let service = TestPeer::service(&exchange, 1, &[], &[]);
    let holder = with(&exchange, testing::edge(EDGE), fixed(EDGE)).joined(&[], &[]);
    let thief = TestPeer::new(&exchange, testing::edge(EDGE));
    let lines = logged(|| {
        let refused = exchange.join_edge(&thief.peer).unwrap_err();
        let text = "this id is held by a connection with stronger credentials";
        assert_eq!((refused, refused.code()), (ClaimError::Protected(text), Code::Denied));
    });
    assert!(
        lines[0].starts_with("INFO edge refused id=7 ") && lines[0].contains("old_subject=fixed"),
        "{lines:?}"
    );
    assert!(holder.peer.is_online() && holder.outlet.close_reason().is_none());
    service.send(call(1, to_edge(EDGE)));
    assert_eq!(holder.requests().len(), 1);
}

#[test]
fn only_a_take_over_by_equal_proof_is_the_end_of_a_client() {
    for (old, new, reason) in [
        (Verified::default(), Verified::default(), CloseReason::Superseded),
        (fixed(EDGE), fixed(EDGE), CloseReason::Superseded),
        (
            Verified::default(),
            fixed(EDGE),
            CloseReason::Refused(
                Code::Disconnected,
                "a connection with stronger credentials took over this id".into(),
            ),
        ),
    ] {
        for identity in [testing::edge, testing::service] {
            let exchange = testing::exchange();
            let old = with(&exchange, identity(EDGE), old.clone()).joined(&[], &[]);
            let new = with(&exchange, identity(EDGE), new.clone()).joined(&[], &[]);
            assert_eq!(old.outlet.close_reason(), Some(reason.clone()));
            assert!(new.peer.is_online() && !old.peer.is_online());
        }
    }
    assert!(Code::Disconnected.is_retryable() && !Code::Superseded.is_retryable());
}

#[test]
fn a_service_of_another_name_does_not_get_the_id_nor_the_names() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let mut auth = TestPeer::service(&exchange, 5, &["m"], &[]);
    let named = |name: &str| Identity::Service { id: ServiceId(5), name: name.into() };
    let verified = Verified { service: Some("billing".into()), ..Verified::default() };
    let billing = with(&exchange, named("billing"), verified);
    let refused = exchange.join_service(&billing.peer, &[], &[]).unwrap_err();
    assert_eq!(refused, RegistrationError::Protected("another service has this id, and another name"));
    assert_eq!(refused.code(), Code::Denied);
    edge.send(call(1, Destination::Name));
    assert_eq!(auth.requests().len(), 1);
    // Not even when the other one is closed, and its session has not ended yet.
    auth.outlet.close(CloseReason::Local);
    let other = TestPeer::new(&exchange, named("billing")).joined(&[], &[]);
    edge.codes();
    edge.send(call(2, Destination::Name));
    assert_eq!(edge.codes(), [(2, Code::MethodNotFound)]);
    auth.vanish();
    assert!(other.peer.is_online() && exchange.is_service_taken(ServiceId(5)));
}

#[test]
fn who_shows_that_the_id_is_its_own_has_it_whatever_the_name_of_the_holder() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let squatter = TestPeer::service(&exchange, 5, &["m"], &[]);
    let owner = with(&exchange, Identity::Service { id: ServiceId(5), name: "billing".into() }, fixed(5));
    let owner = owner.joined(&[], &[]);
    assert!(matches!(squatter.outlet.close_reason(), Some(CloseReason::Refused(Code::Disconnected, _))));
    assert!(owner.peer.is_online());
    edge.codes();
    edge.send(call(1, Destination::Name));
    assert_eq!(edge.codes(), [(1, Code::MethodNotFound)], "what another name has registered is not its own");
}

#[test]
fn a_squatter_is_not_the_end_of_who_comes_back_with_more_proof() {
    for identity in [testing::edge, testing::service] {
        let exchange = testing::exchange();
        let squatter = with(&exchange, identity(EDGE), Verified::default()).joined(&[], &[]);
        let mut owner = with(&exchange, identity(EDGE), fixed(EDGE));
        let peer = Arc::into_inner(owner.peer).unwrap();
        owner.peer = Arc::new(peer.of_session(Session { client: 1, attempt: 2, since: Epoch(1) }));
        let owner = owner.joined(&[], &[]);
        assert!(owner.peer.is_online() && !squatter.peer.is_online());
    }
}

#[test]
fn a_client_that_comes_back_after_its_connection_was_closed_displaces_nobody() {
    let exchange = testing::exchange();
    let old = TestPeer::service(&exchange, 5, &["m"], &[]);
    old.outlet.close(CloseReason::Silent);
    let lines = logged(|| {
        let new = TestPeer::service(&exchange, 5, &[], &[]);
        assert!(new.peer.is_online());
    });
    assert_eq!(lines, [] as [&str; 0]);
    assert_eq!(old.outlet.close_reason(), Some(CloseReason::Silent));
}
