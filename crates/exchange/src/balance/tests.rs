//! Shares, stickiness and order of each way to choose a service.

use super::*;
use crate::pending::PendingRequest;
use crate::shares::Asker;
use crate::testing;
use crate::{RequestKind, Stage};
use frontier_protocol::ServiceId;
use std::net::Ipv4Addr;
use std::time::Instant;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EDGES: u64 = 10_000;

fn candidates(ids: impl IntoIterator<Item = u64>) -> Candidates {
    candidates_at(None, ids)
}

fn candidates_at(gateway: Option<&str>, ids: impl IntoIterator<Item = u64>) -> Candidates {
    let candidate = |id| {
        let service = testing::lone(testing::service(id));
        service.advance(Stage::Online);
        Candidate::new(service, gateway)
    };
    ids.into_iter().map(candidate).collect()
}

fn of(candidates: &[Candidate]) -> Candidates {
    candidates.iter().cloned().collect()
}

fn edge(id: u64) -> Chooser<'static> {
    Chooser { id: EdgeId(id), ip: Some(HERE), affinity: None }
}

fn choose(balancer: &Balancer, among: &Candidates, id: u64, tried: &Tried) -> Option<u64> {
    balancer.choose(among, edge(id), tried).map(|service| service.number())
}

fn shares(balancer: &Balancer, among: &Candidates) -> Vec<u64> {
    (0..EDGES).map(|edge| choose(balancer, among, edge, &Tried::new()).unwrap()).collect()
}

#[test]
fn an_edge_stays_with_its_service_and_services_have_even_shares() {
    let (balancer, among) = (Balancer::new(Balance::EdgeId), candidates(1..=5));
    let chosen = shares(&balancer, &among);
    assert_eq!(chosen, shares(&balancer, &among));
    let reversed: Candidates = among.iter().rev().cloned().collect();
    assert_eq!(chosen, shares(&balancer, &reversed), "in whatever order they came");
    for id in 1..=5 {
        let share = chosen.iter().filter(|chosen| **chosen == id).count();
        assert!((1_800..=2_200).contains(&share), "service {id} has {share} of {EDGES}");
    }
}

#[test]
fn an_edge_goes_to_the_same_service_of_a_cluster_wherever_it_is() {
    let balancer = Balancer::new(Balance::EdgeId);
    let mut chosen = Vec::new();
    for frontier in ["f1", "f2"] {
        let among = candidates_at(Some(frontier), (1..=5).map(|id| ServiceId(id).at(frontier).0));
        let own = shares(&balancer, &among).into_iter().map(|id| ServiceId(id).at(frontier).0);
        chosen.push(own.collect::<Vec<_>>());
    }
    assert_eq!(chosen[0], chosen[1]);
}

#[test]
fn one_more_service_takes_its_share_and_one_less_gives_back_its_own() {
    let balancer = Balancer::new(Balance::EdgeId);
    for n in [1, 2, 4, 9] {
        let more = candidates(1..=n + 1);
        let before = shares(&balancer, &of(&more[..more.len() - 1]));
        let after = shares(&balancer, &more);
        let moved: Vec<(u64, u64)> =
            before.into_iter().zip(after).filter(|(before, after)| before != after).collect();
        assert!(moved.iter().all(|(_, after)| *after == n + 1), "an edge moved between services that stay");
        let fair = EDGES / (n + 1);
        assert!(
            (fair * 9 / 10..=fair * 11 / 10).contains(&(moved.len() as u64)),
            "{} of {fair}",
            moved.len()
        );
    }
}

#[test]
fn what_is_not_online_or_was_tried_is_passed_over() {
    for strategy in
        [Balance::EdgeId, Balance::SrcIp, Balance::Random, Balance::RoundRobin, Balance::LeastInflight]
    {
        let (balancer, among) = (Balancer::new(strategy), candidates(1..=3));
        among[0].service.advance(Stage::Leaving);
        let tried = Tried::from_iter([among[1].service.clone()]);
        for edge in 0..50 {
            assert_eq!(choose(&balancer, &among, edge, &tried), Some(3), "{strategy:?}");
            assert_eq!(choose(&balancer, &of(&among[..2]), edge, &tried), None, "{strategy:?}");
            assert_eq!(choose(&balancer, &of(&among[..1]), edge, &tried), None, "{strategy:?}");
            assert_eq!(choose(&balancer, &of(&among[1..2]), edge, &Tried::new()), Some(2), "{strategy:?}");
            assert_eq!(choose(&balancer, &of(&[]), edge, &Tried::new()), None, "{strategy:?}");
        }
    }
}

#[test]
fn turns_are_even() {
    let (balancer, among) = (Balancer::new(Balance::RoundRobin), candidates(1..=3));
    let turns: Vec<u64> = (0..6).map(|_| choose(&balancer, &among, 7, &Tried::new()).unwrap()).collect();
    assert_eq!(turns, [1, 2, 3, 1, 2, 3]);
}

#[test]
fn the_least_busy_one_is_chosen() {
    let (balancer, among) = (Balancer::new(Balance::LeastInflight), candidates(1..=3));
    let requester = testing::lone(testing::edge(7));
    let send = |service: &Arc<Peer>| {
        let (kind, deadline) = (RequestKind::Call, Instant::now());
        let asker = Asker::of(&requester);
        let request = PendingRequest {
            requester: requester.clone(),
            asker,
            id: 1,
            kind,
            deadline,
            begun: deadline,
            edge: None,
        };
        service.pending.lock().insert(request, 9).unwrap();
    };
    for expected in [1, 2, 3, 1, 2, 3] {
        let chosen = balancer.choose(&among, edge(7), &Tried::new()).unwrap();
        assert_eq!(chosen.number(), expected);
        send(chosen);
    }
}

#[test]
fn an_address_stays_with_its_service() {
    let (balancer, among) = (Balancer::new(Balance::SrcIp), candidates(1..=4));
    let chosen = |ip: IpAddr, id| {
        balancer.choose(&among, Chooser { ip: Some(ip), ..edge(id) }, &Tried::new()).unwrap().number()
    };
    let mut seen = std::collections::HashSet::new();
    for last in 0..=255 {
        let ip = Ipv4Addr::new(10, 0, 0, last);
        assert_eq!(chosen(ip.into(), 1), chosen(ip.into(), 2));
        assert_eq!(chosen(ip.to_ipv6_mapped().into(), 1), chosen(ip.to_ipv6_mapped().into(), 2));
        seen.insert(chosen(ip.into(), 1));
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn by_address_an_edge_without_one_stays_with_its_service_by_its_id() {
    let among = candidates(1..=4);
    let chosen = |strategy, id| {
        let chooser = Chooser { ip: None, ..edge(id) };
        Balancer::new(strategy).choose(&among, chooser, &Tried::new()).unwrap().number()
    };
    for id in 1..=100 {
        assert_eq!(chosen(Balance::SrcIp, id), chosen(Balance::EdgeId, id));
    }
}

#[test]
fn what_is_remembered_for_an_edge_is_what_would_be_chosen_anew() {
    let balancer = Balancer::new(Balance::EdgeId);
    let all = candidates(1..=9);
    let lists: Vec<Candidates> = (1..=9).map(|n| of(&all[..n])).collect();
    for id in 0..100 {
        let affinity = Affinity::default();
        let remembering = Chooser { affinity: Some(&affinity), ..edge(id) };
        for _ in 0..3 {
            for list in &lists {
                let chosen = balancer.choose(list, remembering, &Tried::new()).unwrap();
                assert_eq!(Some(chosen.number()), choose(&balancer, list, id, &Tried::new()));
            }
        }
    }
}

#[test]
fn who_stood_in_for_the_best_is_not_remembered() {
    let (balancer, among) = (Balancer::new(Balance::EdgeId), candidates(1..=3));
    let affinity = Affinity::default();
    let remembering = Chooser { affinity: Some(&affinity), ..edge(7) };
    let best = balancer.choose(&among, remembering, &Tried::new()).unwrap();
    let tried = Tried::from_iter([best.clone()]);
    for _ in 0..2 {
        let second = balancer.choose(&among, remembering, &tried).unwrap();
        assert!(!Arc::ptr_eq(second, best));
        assert!(Arc::ptr_eq(balancer.choose(&among, remembering, &Tried::new()).unwrap(), best));
    }
    best.advance(Stage::Leaving);
    assert!(!Arc::ptr_eq(balancer.choose(&among, remembering, &Tried::new()).unwrap(), best));
}
