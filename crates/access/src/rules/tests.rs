//! What edges and services may do under a set of rules, and what is wrong with files of rules.

use super::*;
use crate::Labels;
use frontier_protocol::{EdgeId, Role};
use proptest::prelude::*;

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap()
}

fn labels(text: &[(&str, &str)]) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in text {
        labels.set(key, value).unwrap();
    }
    labels
}

fn service<'a>(name: &'a str, labels: &'a Labels) -> Principal<'a> {
    let address = Some([10, 0, 0, 1].into());
    Principal { role: Role::Service, subject: "", edge_id: None, service: name, labels, address }
}

fn edge(id: u64, labels: &Labels) -> Principal<'_> {
    let address = Some([10, 0, 0, 1].into());
    Principal { role: Role::Edge, subject: "", edge_id: Some(EdgeId(id)), service: "", labels, address }
}

static NONE: Labels = Labels::new();

const FILE: &str = "
default: deny
rules:
  - name: files-team
    who: {service: 'files*'}
    allow:
      register_methods: [echo, 'files.*']
      register_topics: 'files.*'
      reach_edges: {ids: 100-199, labels: {region: eu}}
      call: '*'
  - name: sensors
    who: {edge: 100-199}
    allow: {call: ['files.*'], publish: [telemetry], open_streams_to: [files]}
  - name: nothing is deleted
    deny: {call: ['*.delete']}
";

#[test]
fn a_service_may_what_its_rules_list() {
    let grants = rules(FILE).grants(&service("files-1", &NONE));
    assert_eq!(grants.may_register_method("files.read"), Ok(()));
    assert_eq!(grants.may_register_topic("files.new"), Ok(()));
    assert_eq!(grants.may_reach(EdgeId(100), &labels(&[("region", "eu")])), Ok(()));
    assert_eq!(grants.may_call("reboot"), Ok(()));
    for (denied, text) in [
        (grants.may_register_method("auth"), "registering method `auth` is not allowed by any rule"),
        (grants.may_register_topic("*"), "registering topic `*` is not allowed by any rule"),
        (grants.may_reach(EdgeId(100), &NONE), "reaching edge 100 is not allowed by any rule"),
        (
            grants.may_reach(EdgeId(99), &labels(&[("region", "eu")])),
            "reaching edge 99 is not allowed by any rule",
        ),
        (grants.may_call("disk.delete"), "calling `disk.delete` is denied by rule `nothing is deleted`"),
        (grants.may_publish("x"), "publishing `x` is not allowed by any rule"),
    ] {
        assert_eq!(denied.unwrap_err().to_string(), text);
    }
}

#[test]
fn an_edge_may_what_its_rules_list() {
    let rules = rules(FILE);
    let grants = rules.grants(&edge(150, &NONE));
    assert_eq!(grants.may_call("files.read"), Ok(()));
    assert_eq!(grants.may_publish("telemetry"), Ok(()));
    assert_eq!(grants.may_open_stream("files"), Ok(()));
    let denial = grants.may_open_stream("auth").unwrap_err();
    assert_eq!(denial.to_string(), "opening a stream to `auth` is not allowed by any rule");
    assert_eq!((denial.rule(), denial.code()), (None, frontier_protocol::Code::Denied));
    let denial = grants.may_call("files.delete").unwrap_err();
    assert_eq!(denial.rule(), Some("nothing is deleted"), "deny beats allow");
    assert!(rules.grants(&edge(200, &NONE)).may_call("files.read").is_err(), "another edge");
}

#[test]
fn the_default_decides_where_no_rule_has_a_list() {
    let text = |default| format!("default: {default}\nrules: [{{who: {{edge: 7}}, allow: {{call: [a]}}}}]");
    let open = rules(&text("allow")).grants(&edge(7, &NONE));
    assert!(open.may_publish("x").is_ok() && open.may_call("a").is_ok());
    assert!(open.may_call("b").is_err(), "a list leaves out the rest");
    let closed = rules(&text("deny")).grants(&edge(7, &NONE));
    assert!(closed.may_publish("x").is_err() && closed.may_call("a").is_ok());
    let other = rules(&text("allow")).grants(&edge(8, &NONE));
    assert!(other.may_call("b").is_ok() && other.is_unrestricted());
}

#[test]
fn lists_of_several_rules_add_up() {
    let text = "default: deny\nrules: [{allow: {call: [a]}}, {name: x, allow: {call: [b], publish: []}}]";
    let grants = rules(text).grants(&edge(7, &NONE));
    assert!(grants.may_call("a").is_ok() && grants.may_call("b").is_ok() && grants.may_call("c").is_err());
    let empty = "default: allow\nrules: [{allow: {call: []}}]";
    assert!(rules(empty).grants(&edge(7, &NONE)).may_call("a").is_err(), "an empty list allows nothing");
}

#[test]
fn reaching_edges_by_id_by_label_or_at_all() {
    let eu = labels(&[("region", "eu")]);
    let reach = |edges: &str| {
        let text = format!("default: deny\nrules: [{{allow: {{reach_edges: {edges}}}}}]");
        let grants = rules(&text).grants(&service("x", &NONE));
        [(7, &NONE), (7, &eu), (8, &eu)].map(|(id, labels)| grants.may_reach(EdgeId(id), labels).is_ok())
    };
    assert_eq!(reach("{}"), [true, true, true]);
    assert_eq!(reach("{ids: 7}"), [true, true, false]);
    assert_eq!(reach("{ids: []}"), [false, false, false]);
    assert_eq!(reach("{labels: {region: 'e*'}}"), [false, true, true]);
    assert_eq!(reach("{ids: '8', labels: {region: eu}}"), [false, false, true]);
    let text = "default: allow\nrules: [{name: no eu, deny: {reach_edges: {labels: {region: eu}}}}]";
    let grants = rules(text).grants(&service("x", &NONE));
    assert_eq!(grants.may_reach(EdgeId(7), &NONE), Ok(()));
    let denial = grants.may_reach(EdgeId(7), &eu).unwrap_err();
    assert_eq!(denial.to_string(), "reaching edge 7 is denied by rule `no eu`");
}

#[test]
fn without_rules_everything_is_allowed() {
    let grants = Rules::none().grants(&edge(7, &NONE));
    assert!(grants.is_unrestricted());
    assert_eq!(grants.may_reach(EdgeId(1), &NONE), Ok(()));
}

#[test]
fn peers_with_the_same_rules_share_their_grants() {
    let rules = rules(FILE);
    let (one, other) = (rules.grants(&edge(100, &NONE)), rules.grants(&edge(101, &NONE)));
    assert!(Arc::ptr_eq(&one, &other));
    assert!(!Arc::ptr_eq(&one, &rules.grants(&edge(7, &NONE))));
}

#[test]
fn a_name_in_a_denial_is_short_and_on_one_line() {
    let grants = rules("default: deny").grants(&edge(7, &NONE));
    let text = grants.may_call(&format!("a\n{}", "x".repeat(10_000))).unwrap_err().to_string();
    assert!(text.starts_with("calling `a\\nxxx") && text.len() < 200, "{text}");
}

#[test]
fn all_mistakes_are_reported_with_their_lines() {
    let report = Rules::parse(
        "defualt: allow
rules:
  - name: a
    who: {service: x, edge: 7}
    allow: {call: [''], publish: ['a\\'], calls: [x]}
  - name: a
    who: {edge: 9-7, address: 10.0.0.1/8}
    deny: {reach_edges: {ids: [x], labels: [eu]}}
  - who: {}
",
    )
    .unwrap_err()
    .to_string();
    assert_eq!(
        report,
        "12 mistakes in the configuration:
  default: is required
  line 1, column 1: defualt: unknown key, did you mean `default`?
  line 4, column 29: rules[0].who.edge: nobody is a service and an edge at once; write two
  line 5, column 20: rules[0].allow.call[0]: a pattern must have 1 to 1024 bytes
  line 5, column 35: rules[0].allow.publish[0]: ends with a lone `\\`; a backslash itself is written as `\\\\`
  line 5, column 42: rules[0].allow.calls: unknown key, did you mean `call`?
  line 6, column 11: rules[1].name: another rule has this name
  line 7, column 17: rules[1].who.edge: expected an EdgeID such as 7, a range such as 100-199, or *, found `9-7`
  line 7, column 31: rules[1].who.address: has bits set after the first 8; the network is 10.0.0.0/8
  line 8, column 32: rules[1].deny.reach_edges.ids[0]: expected an EdgeID such as 7, a range such as 100-199, or *, found `x`
  line 8, column 44: rules[1].deny.reach_edges.labels: expected a section (`key: value` lines), found a list
  line 9, column 5: rules[2].allow: a rule needs something to allow or deny"
    );
}

proptest! {
    #[test]
    fn no_file_panics(text in ".{0,200}", key in "(who|allow|deny|name)", inner in "[a-z_]{0,16}", value in ".{0,30}") {
        let _ = Rules::parse(&text);
        let _ = Rules::parse(&format!("default: allow\nrules:\n  - {key}: {{{inner}: [{value}]}}\n"));
    }

    #[test]
    fn what_a_rule_denies_no_rule_allows(name in "[a-c]{1,3}", denied in "[a-c*?]{1,3}", allowed in "[a-c*?]{1,3}") {
        let text = format!(
            "default: allow\nrules: [{{name: x, allow: {{call: '{allowed}'}}}}, {{name: y, deny: {{call: '{denied}'}}}}]"
        );
        let grants = rules(&text).grants(&edge(7, &NONE));
        let matches = |pattern: &str| crate::Pattern::new(pattern).unwrap().matches(&name);
        let expected = matches(&allowed) && !matches(&denied);
        prop_assert_eq!(grants.may_call(&name).is_ok(), expected);
    }
}
