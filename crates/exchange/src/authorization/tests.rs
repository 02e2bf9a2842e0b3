//! What is kept of a peer's authorization, and what holds after it was replaced.

use super::*;
use crate::testing;

/// The authorization of edge 7 under these quotas, with these labels.
fn authorization(quotas: &str, labels: &[(&str, &str)]) -> Option<Arc<Authorization>> {
    testing::authorization("", quotas, &testing::edge(7), labels)
}

#[test]
fn who_may_do_everything_has_no_authorization_and_is_not_asked() {
    assert!(authorization("", &[]).is_none());
    let known = authorization("", &[("region", "eu")]);
    let cell = AuthorizationCell::new(0, known);
    assert!(cell.restricted().is_none() && cell.get().is_some());
    assert_eq!(cell.with_labels(|labels| labels.to_string()), "region=eu");
    assert_eq!(AuthorizationCell::default().with_labels(Labels::len), 0);
    assert!(cell.charge_bytes(usize::MAX).is_ok());
}

#[test]
fn another_authorization_holds_from_then_on() {
    let cell = AuthorizationCell::new(3, None);
    cell.set(authorization("quotas: [{for: edge, bytes: {rate: 1B, burst: 10B}}]", &[]));
    assert!(cell.restricted().is_some() && cell.listener() == 3);
    assert!(cell.charge_bytes(10).is_ok());
    assert_eq!(cell.charge_bytes(10).unwrap_err().which, "bytes");
    cell.set(None);
    assert!(cell.restricted().is_none() && cell.charge_bytes(10).is_ok());
}

#[test]
fn a_token_is_not_shown() {
    let token = Some(frontier_protocol::Token::new("hunter2"));
    let presented = Arc::new(PresentedCredentials { token, certificate: None });
    let known = authorization("", &[("region", "eu")]).unwrap();
    let verified = known.verified.clone();
    let cell = AuthorizationCell::new(0, Authorization::unrestricted(&presented, &verified));
    assert!(cell.get().is_some());
    assert!(!format!("{cell:?} {cell:#?}").contains("hunter2"));
}

#[test]
fn a_cell_is_two_words() {
    assert_eq!(size_of::<AuthorizationCell>(), 16);
}
