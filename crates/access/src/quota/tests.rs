//! Who shares which budget, and what is wrong with files of quotas.

use super::*;
use crate::Labels;
use proptest::prelude::*;
use std::time::Duration;

fn quotas(text: &str, now: Instant) -> Quotas {
    Quotas::new(QuotaConfig::parse(text).unwrap(), now)
}

static NONE: Labels = Labels::new();

fn edge<'a>(id: u64, labels: &'a Labels, address: &str) -> Principal<'a> {
    let address = Some(address.parse().unwrap());
    Principal { role: Role::Edge, subject: "", edge_id: Some(EdgeId(id)), service: "", labels, address }
}

fn service(name: &str) -> Principal<'_> {
    let address = Some([10, 0, 0, 9].into());
    Principal { role: Role::Service, subject: "", edge_id: None, service: name, labels: &NONE, address }
}

/// How many calls pass at once.
fn calls(quotas: &Quotas, peer: &Principal<'_>, now: Instant) -> usize {
    let meter = quotas.meter(peer, now);
    (0..100).take_while(|_| meter.call(1, now).is_ok()).count()
}

#[test]
fn without_quotas_nothing_is_counted() {
    let now = Instant::now();
    let meter = quotas("", now).connect(&edge(7, &NONE, "10.0.0.1"), now).unwrap();
    assert!(meter.is_unlimited() && meter.message(usize::MAX, now).is_ok());
}

#[test]
fn each_kind_has_its_budget_and_its_text() {
    let now = Instant::now();
    let text = "
quotas:
  - for: edge
    messages: {rate: 10, burst: 1}
    bytes: {rate: 1KiB, burst: 4KiB}
    calls: {rate: 2, burst: 1}
    streams: {rate: 30/m, burst: 1}
    connects: {rate: 1/h, burst: 1}
";
    let quotas = quotas(text, now);
    let meter = quotas.connect(&edge(7, &NONE, "10.0.0.1"), now).unwrap();
    let over = quotas.connect(&edge(7, &NONE, "10.0.0.1"), now).unwrap_err();
    assert_eq!(over.to_string(), "over the quota of connects per edge, try again in 3600000ms");
    assert_eq!(over.code(), frontier_protocol::Code::Overloaded);
    meter.message(1024, now).unwrap();
    meter.call(1024, now).unwrap();
    meter.stream(now).unwrap();
    for (outcome, text) in [
        (meter.message(1, now), "over the quota of messages per edge, try again in 100ms"),
        (meter.call(1, now), "over the quota of calls per edge, try again in 500ms"),
        (meter.stream(now), "over the quota of streams per edge, try again in 2000ms"),
        (meter.bytes(2049, now), "over the quota of bytes per edge, try again in 1ms"),
    ] {
        assert_eq!(outcome.unwrap_err().to_string(), text);
    }
    meter.bytes(2048, now).unwrap();
    let over = meter.call(1024, now + Duration::from_millis(500)).unwrap_err();
    assert_eq!((over.which, over.retry_after), ("bytes", Duration::from_millis(500)));
    meter.call(1024, now + Duration::from_secs(1)).expect("the call before was not charged");
}

#[test]
fn an_edge_has_one_budget_over_all_its_connections() {
    let now = Instant::now();
    let quotas = quotas("quotas: [{for: edge, calls: {rate: 1, burst: 5}}]", now);
    assert_eq!(calls(&quotas, &edge(7, &NONE, "10.0.0.1"), now), 5);
    assert_eq!(calls(&quotas, &edge(7, &NONE, "10.0.0.2"), now), 0);
    assert_eq!(calls(&quotas, &edge(8, &NONE, "10.0.0.1"), now), 5);
}

#[test]
fn an_address_shares_one_budget() {
    let now = Instant::now();
    let quotas = quotas("quotas: [{for: address, calls: {rate: 1, burst: 5}}]", now);
    assert_eq!(calls(&quotas, &edge(1, &NONE, "2001:db8::1"), now), 5);
    assert_eq!(calls(&quotas, &edge(2, &NONE, "2001:db8::2"), now), 0, "the same /64");
    assert_eq!(calls(&quotas, &edge(3, &NONE, "2001:db8:0:1::1"), now), 5);
}

#[test]
fn a_value_of_a_label_shares_one_budget() {
    let now = Instant::now();
    let quotas = quotas("quotas: [{for: {label: tenant}, calls: {rate: 1, burst: 5}}]", now);
    let labels = |tenant| {
        let mut labels = Labels::new();
        labels.set("tenant", tenant).unwrap();
        labels
    };
    let (acme, other) = (labels("acme"), labels("other"));
    assert_eq!(calls(&quotas, &edge(1, &acme, "10.0.0.1"), now), 5);
    let over = quotas.meter(&edge(2, &acme, "10.0.0.2"), now).call(1, now).unwrap_err();
    assert_eq!(over.to_string(), "over the quota of calls per label tenant, try again in 1000ms");
    assert_eq!(calls(&quotas, &edge(3, &other, "10.0.0.1"), now), 5);
    assert_eq!(calls(&quotas, &edge(4, &NONE, "10.0.0.1"), now), 100, "without the label");
}

#[test]
fn all_quotas_that_match_hold_and_who_does_not_fit_pays_nothing() {
    let now = Instant::now();
    let text = "
quotas:
  - {for: edge, calls: {rate: 1, burst: 5}}
  - {for: address, who: {address: 10.0.0.0/8}, calls: {rate: 1, burst: 3}}
";
    let quotas = quotas(text, now);
    assert_eq!(calls(&quotas, &edge(7, &NONE, "10.0.0.1"), now), 3);
    assert_eq!(calls(&quotas, &edge(7, &NONE, "192.0.2.1"), now), 2, "the refused calls were not charged");
}

#[test]
fn services_are_under_those_quotas_only_that_name_them() {
    let now = Instant::now();
    let text = "
quotas:
  - {for: address, calls: {rate: 1, burst: 5}}
  - {for: address, who: {service: 'b*'}, calls: {rate: 1, burst: 2}}
";
    let quotas = quotas(text, now);
    assert_eq!(calls(&quotas, &service("files"), now), 100);
    assert_eq!(calls(&quotas, &service("batch"), now), 2);
}

#[test]
fn what_nobody_holds_is_forgotten_when_there_is_too_much() {
    let now = Instant::now();
    let quotas = quotas("quotas: [{for: edge, connects: {rate: 1/h, burst: 2}}]", now);
    let held = quotas.connect(&edge(1, &NONE, "10.0.0.1"), now).unwrap();
    for id in 2..REMEMBERED as u64 + 1000 {
        quotas.connect(&edge(id, &NONE, "10.0.0.1"), now).unwrap();
    }
    assert!(quotas.buckets.lock().len() <= REMEMBERED);
    quotas.connect(&edge(1, &NONE, "10.0.0.1"), now).unwrap();
    assert!(quotas.connect(&edge(1, &NONE, "10.0.0.1"), now).is_err(), "what is held is remembered");
    drop(held);
}

#[test]
fn all_mistakes_are_reported_with_their_lines() {
    let report = QuotaConfig::parse(
        "quotas:
  - {for: edges, calls: {rate: 1}}
  - {for: edge}
  - {for: edge, who: {service: x}, calls: {rate: 1}}
  - {for: {lable: x}, calls: {burst: 1}}
  - {for: address, bytes: {rate: 0}, calls: {rate: 10/d, burst: 0}, call: {rate: 1}}
  - {calls: {rate: 1}}
",
    )
    .unwrap_err()
    .to_string();
    assert_eq!(
        report,
        "11 mistakes in the configuration:
  line 2, column 11: quotas[0].for: expected one of edge, address, {label: KEY}, found `edges`; did you mean `edge`?
  line 3, column 11: quotas[1].for: a quota needs a limit: one of messages, bytes, calls, streams, connects
  line 4, column 11: quotas[2].for: services are no edges; count them by address or label
  line 5, column 11: quotas[3].for.label: is required
  line 5, column 12: quotas[3].for.lable: unknown key, did you mean `label`?
  line 5, column 30: quotas[3].calls.rate: is required
  line 6, column 34: quotas[4].bytes.rate: must lie between 1B and 1TiB
  line 6, column 52: quotas[4].calls.rate: expected a rate such as 100 (per second), 0.5, 30/m or 1000/h, found `10/d`
  line 6, column 65: quotas[4].calls.burst: must lie between 1 and 2^40
  line 6, column 69: quotas[4].call: unknown key, did you mean `calls`?
  line 7, column 5: quotas[5].for: is required"
    );
}

proptest! {
    #[test]
    fn no_file_panics(text in ".{0,200}", key in "(for|who|calls|bytes)", value in ".{0,30}") {
        let _ = QuotaConfig::parse(&text);
        let _ = QuotaConfig::parse(&format!("quotas:\n  - {key}: {{rate: {value}, burst: {value}}}\n"));
    }
}
