//! Whom a decision is about, and the `who` of rules and quotas that selects such principals.

use crate::description::Condition;
use crate::id_range::IdRange;
use crate::labels::Labels;
use crate::network::Network;
use crate::pattern::Pattern;
use frontier_config::Section;
use frontier_protocol::{EdgeId, Role};
use std::net::IpAddr;

/// A connected peer as rules and quotas see it: what a decision is about.
#[derive(Clone, Copy, Debug)]
pub struct Principal<'a> {
    /// What it is.
    pub role: Role,
    /// The name of its credentials; empty if it needed none.
    pub subject: &'a str,
    /// Its id, if it is an edge.
    pub edge_id: Option<EdgeId>,
    /// Its name, if it is a service.
    pub service: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// The address that it comes from. What has none is in no network, and has no quota by address.
    pub address: Option<IpAddr>,
}

/// Which peers a rule or a quota is about. All that is given must match; nothing given matches everybody.
///
/// ```yaml
/// who:
///   service: "files*"        # or a list; matches services only
///   edge: 100-199            # or a list, or "*"; matches edges only
///   subject: "sensor *"      # the name of the credentials; peers without credentials do not match
///   labels: {region: eu}     # patterns too; all of them
///   address: 10.0.0.0/8      # or a list
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    service: Option<Vec<Pattern>>,
    edge: Option<Vec<IdRange>>,
    subject: Option<Vec<Pattern>>,
    labels: Vec<(String, Pattern)>,
    address: Option<Vec<Network>>,
}

impl Selector {
    pub(crate) fn read(who: &Section<'_>) -> Self {
        let read = Self {
            service: who.one_or_more("service"),
            edge: who.one_or_more("edge"),
            subject: who.one_or_more("subject"),
            labels: who.map("labels"),
            address: who.one_or_more("address"),
        };
        if read.service.is_some() && read.edge.is_some() {
            who.reject("edge", "nobody is a service and an edge at once; write two");
        }
        read
    }

    /// What it says.
    pub(crate) fn describe(&self) -> Vec<Condition> {
        let Self { service, edge, subject, labels, address } = self;
        let mut all = Vec::new();
        all.extend(service.as_ref().map(|values| Condition::of("service", values)));
        all.extend(edge.as_ref().map(|values| Condition::of("edge", values)));
        all.extend(subject.as_ref().map(|values| Condition::of("subject", values)));
        all.extend(Condition::of_labels("", labels));
        all.extend(address.as_ref().map(|values| Condition::of("address", values)));
        all
    }

    /// Whether it names services.
    pub(crate) fn names_services(&self) -> bool {
        self.service.is_some()
    }

    /// Whether `peer` is one of those.
    #[must_use]
    pub fn matches(&self, peer: &Principal<'_>) -> bool {
        let service = |patterns: &Vec<Pattern>| {
            peer.role == Role::Service && patterns.iter().any(|pattern| pattern.matches(peer.service))
        };
        let edge = |ranges: &Vec<IdRange>| {
            peer.role == Role::Edge
                && peer.edge_id.is_some_and(|id| ranges.iter().any(|range| range.contains(id)))
        };
        let subject = |patterns: &Vec<Pattern>| {
            !peer.subject.is_empty() && patterns.iter().any(|pattern| pattern.matches(peer.subject))
        };
        let address = |networks: &Vec<Network>| {
            peer.address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
        };
        self.service.as_ref().is_none_or(service)
            && self.edge.as_ref().is_none_or(edge)
            && self.subject.as_ref().is_none_or(subject)
            && self.address.as_ref().is_none_or(address)
            && labels_match(&self.labels, peer.labels)
    }
}

/// Whether each of the labels is there with a value that matches.
pub(crate) fn labels_match(wanted: &[(String, Pattern)], labels: &Labels) -> bool {
    wanted.iter().all(|(key, pattern)| labels.get(key).is_some_and(|value| pattern.matches(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_config::load;

    fn who(text: &str) -> Selector {
        load(&format!("who: {text}"), &|_| None, &[], |root| Selector::read(&root.section("who"))).unwrap()
    }

    fn matching(text: &str) -> Vec<&'static str> {
        let who = who(text);
        let mut eu = Labels::new();
        eu.set("region", "eu-1").unwrap();
        let none = Labels::new();
        let edge = |id, subject, labels| Principal {
            role: Role::Edge,
            subject,
            edge_id: Some(EdgeId(id)),
            service: "",
            labels,
            address: Some([10, 0, 0, 1].into()),
        };
        let service = Principal {
            role: Role::Service,
            subject: "ops",
            edge_id: None,
            service: "files-1",
            labels: &none,
            address: Some([192, 0, 2, 1].into()),
        };
        let nowhere = Principal { address: None, ..service };
        let peers = [
            ("edge 7", edge(7, "", &none)),
            ("edge 150", edge(150, "sensor", &eu)),
            ("service", service),
            ("nowhere", nowhere),
        ];
        peers.iter().filter(|(_, peer)| who.matches(peer)).map(|(name, _)| *name).collect()
    }

    #[test]
    fn all_that_is_given_must_match() {
        let cases: [(&str, &[&str]); 14] = [
            ("{}", &["edge 7", "edge 150", "service", "nowhere"]),
            // Not even in the network of all addresses.
            ("{address: [0.0.0.0/0, '::/0']}", &["edge 7", "edge 150", "service"]),
            ("{service: 'files*'}", &["service", "nowhere"]),
            ("{service: '*'}", &["service", "nowhere"]),
            ("{service: [a, files-1]}", &["service", "nowhere"]),
            ("{service: []}", &[]),
            ("{edge: '*'}", &["edge 7", "edge 150"]),
            ("{edge: [7, 200-300]}", &["edge 7"]),
            ("{edge: 100-199, labels: {region: 'eu-*'}}", &["edge 150"]),
            ("{edge: 100-199, labels: {region: us}}", &[]),
            ("{subject: '*'}", &["edge 150", "service", "nowhere"]),
            ("{address: 10.0.0.0/8}", &["edge 7", "edge 150"]),
            ("{address: [192.0.2.0/24], service: 'f?les*'}", &["service"]),
            ("{address: [192.0.2.0/24], edge: '*'}", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(matching(text), expected, "{text}");
        }
    }
}
