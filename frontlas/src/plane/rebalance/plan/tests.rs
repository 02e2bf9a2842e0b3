//! Who is to give edges to whom, and where those of a drain go.

use super::*;

const SECOND: u64 = 1_000_000;
const NOW: Timestamp = Timestamp(1_000 * SECOND);

fn frontier(id: &str, edge_count: u64, age: u64) -> Frontier {
    Frontier {
        id: id.into(),
        advertised_sb_addr: format!("tcp://{id}:1"),
        advertised_eb_addr: format!("tcp://{id}:2"),
        edge_count,
        service_count: 0,
        service_names: Vec::new(),
        since: Timestamp(NOW.0 - age * SECOND),
        draining: false,
        away: false,
        forwarding: false,
    }
}

fn cluster(frontiers: Vec<Frontier>) -> ClusterPlan {
    ClusterPlan::new(frontiers, NOW, &RebalanceConfig::default(), &mut Balances::new(5))
}

fn plan(cluster: &ClusterPlan, id: &str) -> (u64, Vec<(String, u64)>) {
    let plan = cluster.of(id);
    (plan.keep, plan.others.iter().map(|other| (other.frontier.to_owned(), other.want)).collect())
}

fn named(others: &[(&str, u64)]) -> Vec<(String, u64)> {
    others.iter().map(|(id, want)| ((*id).to_owned(), *want)).collect()
}

#[test]
fn a_plan_names_the_others_and_how_many_edges_they_get() {
    let cluster = cluster(vec![
        frontier("a", 90, 99),
        frontier("b", 90, 99),
        frontier("c", 0, 99),
        frontier("d", 60, 99),
    ]);
    assert_eq!(plan(&cluster, "a"), (60, named(&[("c", 30), ("d", 0), ("b", 0)])));
    assert_eq!(plan(&cluster, "c"), (60, named(&[("d", 0), ("a", 0), ("b", 0)])));
    assert_eq!(plan(&cluster, "x"), (u64::MAX, named(&[("c", 0), ("d", 0), ("a", 0), ("b", 0)])));
    assert_eq!(cluster.edges_to_move(), 60);
}

#[test]
fn nobody_is_sent_to_one_that_drains_is_away_or_has_just_come() {
    let draining = Frontier { draining: true, ..frontier("b", 0, 99) };
    let away = Frontier { away: true, ..frontier("c", 0, 99) };
    let cluster = cluster(vec![frontier("a", 90, 99), draining, away, frontier("d", 0, 9)]);
    assert_eq!(plan(&cluster, "a"), (u64::MAX, named(&[("d", 0)])), "the last resort of one that drains");
    assert_eq!(plan(&cluster, "b"), (u64::MAX, named(&[("a", 0), ("d", 0)])));
}

/// With forwarding all of them reach all services; without it a gateway has its own.
#[test]
fn edges_stay_where_services_are_reached() {
    let serving = |it: Frontier| Frontier { service_count: 2, ..it };
    let forwarding = |it: Frontier| Frontier { forwarding: true, ..it };
    let bare = || frontier("bare", 0, 99);
    let alone = cluster(vec![serving(frontier("a", 90, 99)), bare()]);
    assert_eq!(plan(&alone, "a"), (u64::MAX, named(&[("bare", 0)])), "the last resort of one that drains");
    let two = cluster(vec![serving(frontier("a", 90, 99)), serving(frontier("b", 30, 99)), bare()]);
    assert_eq!(plan(&two, "a"), (60, named(&[("b", 30)])));
    assert_eq!(plan(&two, "bare"), (u64::MAX, named(&[("b", 0), ("a", 0)])), "it has nothing to lose");
    let drains = Frontier { draining: true, ..serving(frontier("a", 90, 99)) };
    let left = cluster(vec![drains, serving(frontier("b", 30, 99)), bare()]);
    assert_eq!(plan(&left, "a"), (u64::MAX, named(&[("b", 0)])));
    let all = cluster(vec![forwarding(serving(frontier("a", 90, 99))), forwarding(bare())]);
    assert_eq!(plan(&all, "a"), (45, named(&[("bare", 45)])));
}

fn offering(names: &[&str], it: Frontier) -> Frontier {
    let service_names = names.iter().map(|&name| name.to_owned()).collect();
    Frontier { service_count: names.len() as u64, service_names, ..it }
}

#[test]
fn edges_are_not_moved_away_from_the_services_that_they_reach() {
    let cluster = cluster(vec![
        offering(&["files"], frontier("a", 90, 99)),
        offering(&["mail"], frontier("b", 0, 99)),
        offering(&["files", "mail"], frontier("c", 10, 99)),
    ]);
    assert_eq!(cluster.edges_to_move(), 0);
    for id in ["a", "b"] {
        assert_eq!(plan(&cluster, id), (u64::MAX, named(&[("c", 0)])), "there they reach the same, and more");
    }
    assert_eq!(
        plan(&cluster, "c"),
        (u64::MAX, named(&[("b", 0), ("a", 0)])),
        "the last resort of one that drains"
    );
}

#[test]
fn each_class_of_equal_reach_is_evened_out_by_itself() {
    let forwarding = |it: Frontier| Frontier { forwarding: true, ..it };
    let cluster = cluster(vec![
        offering(&["files"], frontier("a", 90, 99)),
        offering(&["files"], frontier("b", 30, 99)),
        offering(&["mail"], frontier("c", 0, 99)),
        forwarding(frontier("d", 500, 99)),
        forwarding(offering(&["files"], frontier("e", 100, 99))),
    ]);
    assert_eq!(plan(&cluster, "a"), (60, named(&[("b", 30), ("e", 0), ("d", 0)])));
    assert_eq!(plan(&cluster, "b"), (60, named(&[("a", 0), ("e", 0), ("d", 0)])));
    assert_eq!(plan(&cluster, "c"), (u64::MAX, named(&[("e", 0), ("d", 0)])));
    assert_eq!(plan(&cluster, "d"), (300, named(&[("e", 200)])));
    assert_eq!(cluster.edges_to_move(), 230);
}

#[test]
fn one_that_drains_sends_its_edges_where_they_reach_the_same() {
    let drains = |it: Frontier| Frontier { draining: true, ..it };
    let (mail, files) =
        (offering(&["mail"], frontier("b", 0, 99)), offering(&["files"], frontier("c", 9, 99)));
    let draining = || drains(offering(&["files"], frontier("a", 90, 99)));
    let with_both = cluster(vec![draining(), mail.clone(), files, frontier("bare", 0, 99)]);
    assert_eq!(plan(&with_both, "a"), (u64::MAX, named(&[("c", 0)])));
    let without = cluster(vec![draining(), mail, frontier("bare", 0, 99)]);
    assert_eq!(plan(&without, "a"), (u64::MAX, named(&[("b", 0)])));
    let bare = cluster(vec![draining(), frontier("bare", 0, 99)]);
    assert_eq!(plan(&bare, "a"), (u64::MAX, named(&[("bare", 0)])));
}

#[test]
fn one_that_drains_is_known_by_the_services_that_it_had() {
    let mut balances = Balances::new(5);
    let mut at = |first: Frontier| {
        let others = [offering(&["mail"], frontier("b", 0, 99)), offering(&["files"], frontier("c", 9, 99))];
        let frontiers = [first].into_iter().chain(others).collect();
        let cluster = ClusterPlan::new(frontiers, NOW, &RebalanceConfig::default(), &mut balances);
        plan(&cluster, "a").1
    };
    let bare = || frontier("a", 9, 99);
    assert_eq!(at(offering(&["files"], bare())), named(&[("c", 0)]));
    assert_eq!(
        at(Frontier { draining: true, ..bare() }),
        named(&[("c", 0)]),
        "its services have left before"
    );
    assert_eq!(at(Frontier { draining: true, ..bare() }), named(&[("c", 0)]));
    assert_eq!(at(bare()), named(&[("b", 0), ("c", 0)]), "it is another process, and has none");
}

/// A frontlas of before tells how many services there are, and no names.
#[test]
fn without_names_all_that_have_services_are_alike() {
    let unnamed = |it: Frontier| Frontier { service_count: 1, ..it };
    let cluster = cluster(vec![
        unnamed(frontier("a", 90, 99)),
        unnamed(frontier("b", 30, 99)),
        offering(&["files"], frontier("c", 0, 99)),
    ]);
    assert_eq!(plan(&cluster, "a"), (60, named(&[("b", 30), ("c", 0)])));
}

#[test]
fn moving_goes_on_in_one_class_while_another_is_at_rest() {
    let mut balances = Balances::new(20);
    let mut to_move = |a: u64, c: u64| {
        let frontiers = vec![
            offering(&["files"], frontier("a", a, 99)),
            offering(&["files"], frontier("b", 200 - a, 99)),
            offering(&["mail"], frontier("c", c, 99)),
            offering(&["mail"], frontier("d", 200 - c, 99)),
        ];
        ClusterPlan::new(frontiers, NOW, &RebalanceConfig::default(), &mut balances).edges_to_move()
    };
    assert_eq!(to_move(110, 110), 0);
    assert_eq!(to_move(150, 110), 50);
    assert_eq!(to_move(110, 110), 10, "the first goes on to the end");
    assert_eq!(to_move(100, 110), 0);
}

#[test]
fn what_an_earlier_version_has_written_is_a_url_in_a_plan() {
    let mut old = frontier("old", 0, 99);
    (old.advertised_sb_addr, old.advertised_eb_addr) = ("h:1".into(), "h:2".into());
    let cluster = cluster(vec![frontier("a", 9, 99), old]);
    let plan = cluster.of("a");
    assert_eq!((plan.others[0].servicebound, plan.others[0].edgebound), ("tcp://h:1", "tcp://h:2"));
}

#[test]
fn a_plan_is_bounded() {
    let mut frontiers: Vec<_> = (0..40).map(|n| frontier(&format!("f{n:02}"), 10 * n, 99)).collect();
    frontiers[0].advertised_eb_addr = "x".repeat(MAX_URL_SIZE + 1);
    frontiers[1].advertised_eb_addr.clear();
    let cluster = cluster(frontiers);
    let plan = cluster.of("f39");
    assert_eq!(plan.others.len(), MAX_OTHERS);
    assert_eq!(plan.others.iter().map(|other| other.frontier).next(), Some("f02"));
    let mut wire = Vec::new();
    plan.encode(0, &mut wire).unwrap();
    assert!(wire.len() < frontier_protocol::MIN_MAX_FRAME as usize / 2);
}

#[test]
fn it_can_be_switched_off() {
    let config = RebalanceConfig { enable: false, ..RebalanceConfig::default() };
    let frontiers = vec![frontier("a", 90, 99), frontier("b", 0, 99)];
    let cluster = ClusterPlan::new(frontiers, NOW, &config, &mut Balances::new(5));
    assert_eq!(plan(&cluster, "a"), (u64::MAX, named(&[("b", 0)])));
}
