//! In whose names another gateway may ask, and for what.

use super::*;
use crate::testing;
use frontier_exchange::AuthorizationCell;
use frontier_protocol::ServiceId;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

fn wire(name: &str, subject: &str, labels: &[(&str, &str)], address: [u8; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    let (id, labels, address) = (ServiceId(3), labels.to_vec(), Some(address.into()));
    frontier_protocol::RemoteCaller { id, name, subject, labels, address }.encode(&mut out);
    out
}

/// Policies with a file of rules, which goes when it is dropped.
fn policies(rules: &str) -> (Arc<Policies>, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rules).unwrap();
    let yaml = format!("access: {{rules_file: '{}'}}", file.path().display());
    (testing::policies(&yaml), file)
}

fn may_reach(callers: &RemoteCallers, caller: &[u8]) -> bool {
    let found = callers.get(caller);
    found.grants.as_ref().is_none_or(|grants| grants.may_reach(EdgeId(7), &Labels::new()).is_ok())
}

#[test]
fn rules_are_about_all_that_is_told_of_a_service() {
    for (who, fits, other) in [
        ("service: files", wire("files", "", &[], [9; 4]), wire("ops", "", &[], [9; 4])),
        ("subject: ops", wire("", "ops", &[], [9; 4]), wire("ops", "", &[], [9; 4])),
        (
            "labels: {team: eu}",
            wire("", "", &[("team", "eu")], [9; 4]),
            wire("", "", &[("team", "us")], [9; 4]),
        ),
        ("address: 192.0.2.0/24", wire("", "", &[], [192, 0, 2, 1]), wire("", "", &[], [9; 4])),
    ] {
        let rules = format!("default: deny\nrules: [{{who: {{{who}}}, allow: {{reach_edges: {{}}}}}}]");
        let (policies, _file) = policies(&rules);
        let callers = RemoteCallers::new(policies, true, HERE);
        assert!(may_reach(&callers, &fits) && !may_reach(&callers, &other), "{who}");
    }
}

#[test]
fn an_origin_gateway_that_showed_nothing_is_believed_the_name_only() {
    for (who, believed) in [
        ("service: files", true),
        ("subject: ops", false),
        ("labels: {team: eu}", false),
        ("address: 192.0.2.0/24", false),
        ("address: 10.0.0.0/8", true),
    ] {
        let rules = format!("default: deny\nrules: [{{who: {{{who}}}, allow: {{reach_edges: {{}}}}}}]");
        let (policies, _file) = policies(&rules);
        let callers = RemoteCallers::new(policies, false, HERE);
        let told = wire("files", "ops", &[("team", "eu")], [192, 0, 2, 1]);
        assert_eq!(may_reach(&callers, &told), believed, "{who}");
    }
}

#[test]
fn other_rules_hold_at_once() {
    let (policies, file) = policies("default: allow");
    let callers = RemoteCallers::new(policies.clone(), true, HERE);
    let caller = wire("files", "", &[], [9; 4]);
    assert!(may_reach(&callers, &caller));
    std::fs::write(file.path(), "default: deny").unwrap();
    let yaml = format!("access: {{rules_file: '{}'}}", file.path().display());
    let config = crate::Config::parse(&yaml, &|_| None).unwrap();
    policies.replace(&config, crate::config::load(&config.access).unwrap());
    assert!(!may_reach(&callers, &caller));
}

#[test]
fn what_is_remembered_is_bounded_and_what_is_broken_is_refused() {
    let callers = RemoteCallers::new(testing::policies(""), true, HERE);
    let long = "x".repeat(10_000);
    for number in 0..300 {
        let found = callers.get(&wire(&format!("{number}{long}"), "", &[], [9; 4]));
        assert!(found.id == ServiceId(3) && found.name.ends_with(&long));
        assert!(callers.cache.lock().size <= MAX_CACHED);
    }
    let no_label = wire("", "", &[("", "")], [9; 4]);
    let nobody = [0; 8];
    for broken in [&b""[..], b"\0\0\0\0\0\0\0", &nobody, &no_label] {
        let found = callers.get(broken);
        assert!(found.unreadable.is_some() && *found.encoded == *broken, "{found:?}");
    }
}

#[test]
fn a_service_is_described_by_what_its_gateway_knows() {
    let authorization = AuthorizationCell::default();
    let address = Some(testing::ADDR.ip());
    let told = encode_caller(LocalCaller {
        id: ServiceId(3),
        name: "service-3",
        address,
        authorization: &authorization,
    });
    let caller = frontier_protocol::RemoteCaller::parse(&told).unwrap();
    assert_eq!((caller.id, caller.name, caller.subject), (ServiceId(3), "service-3", ""));
    assert_eq!((caller.labels.len(), caller.address), (0, address));
}
