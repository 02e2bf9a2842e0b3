//! Who may displace whom, for edges and for services.

use super::*;
use crate::testing::{self, ADDR, Recorder};
use crate::{Authorization, AuthorizationCell, CloseReason, Outlet};
use frontier_protocol::{EdgeId, Epoch, ServiceId};
use std::time::Duration;

/// What credentials may say, from the least to the most; `b` is as good as `a`, and another's.
fn shown(what: &str) -> Verified {
    let mut verified = Verified { subject: what.chars().last().into_iter().collect(), ..Verified::default() };
    match what.split(' ').next().unwrap() {
        "nothing" => verified = Verified::default(),
        "subject" => {}
        "name" => verified.service = Some("files".into()),
        "id" => (verified.edge_id, verified.service_id) = (Some(EdgeId(7)), Some(ServiceId(7))),
        other => panic!("{other}"),
    }
    verified
}

fn peer(identity: Identity, shown: Verified) -> (Peer, Recorder) {
    let outlet = Recorder::default();
    let peer = Peer::new(identity, Epoch(1), Some(ADDR), Box::new(outlet.clone()), Duration::MAX);
    let authorization = Authorization::unrestricted(&Arc::default(), &Arc::new(shown));
    (peer.authorized(AuthorizationCell::new(0, authorization)), outlet)
}

fn service(name: &str) -> Identity {
    Identity::Service { id: ServiceId(7), name: name.into() }
}

fn judged(new: (Identity, &str), old: (Identity, &str)) -> Option<TakeOver> {
    let (new, old) = (peer(new.0, shown(new.1)).0, peer(old.0, shown(old.1)).0);
    TakeOver::judge(&new, &old).ok()
}

#[test]
fn equal_or_stronger_proof_displaces_and_weaker_does_not() {
    let (equal, stronger) = (Some(TakeOver::Equal), Some(TakeOver::Stronger));
    for identity in [|| testing::edge(7), || service("files")] {
        for (new, old, expected) in [
            ("nothing", "nothing", equal),
            ("nothing", "subject a", None),
            ("nothing", "id a", None),
            ("subject a", "nothing", stronger),
            ("subject a", "subject a", equal),
            ("subject b", "subject a", None),
            ("subject a", "id a", None),
            ("id a", "nothing", stronger),
            ("id a", "subject b", stronger),
            // Both have a right to it, as after a change of credentials.
            ("id b", "id a", equal),
        ] {
            assert_eq!(judged((identity(), new), (identity(), old)), expected, "{new} after {old}");
        }
    }
    for (new, old, expected) in [
        ("subject a", "name a", None),
        ("name a", "subject b", stronger),
        ("name b", "name a", equal),
        ("name a", "id a", None),
        ("id a", "name b", stronger),
    ] {
        assert_eq!(judged((service("files"), new), (service("files"), old)), expected, "{new} after {old}");
    }
}

#[test]
fn a_service_of_another_name_displaces_only_by_proof_of_the_id() {
    let stronger = Some(TakeOver::Stronger);
    for (new, old, expected) in [
        ("nothing", "nothing", None),
        ("subject a", "subject a", None),
        ("name a", "name a", None),
        ("id a", "id a", None),
        ("nothing", "name a", None),
        ("name a", "id a", None),
        ("name a", "nothing", None),
        ("id a", "nothing", stronger),
        ("id a", "subject b", stronger),
        ("id a", "name b", stronger),
    ] {
        assert_eq!(judged((service("auth"), new), (service("files"), old)), expected, "{new} after {old}");
    }
}

#[test]
fn who_is_closed_holds_nothing_against_anybody() {
    let (old, outlet) = peer(service("files"), shown("id a"));
    let (new, _) = peer(service("auth"), shown("nothing"));
    assert!(TakeOver::judge(&new, &old).is_err());
    outlet.close(CloseReason::Local);
    assert_eq!(TakeOver::judge(&new, &old), Ok(TakeOver::Over));
}
