//! What stands in the streams.

use super::resp::{Entry, Resp, Value, field};
use frontier_test_redis::Server;
use frontier_tests::eventually;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) const FAULTS: [&str; 5] = ["turn_fault", "insulation", "bearing", "eccentricity", "broken_bar"];

/// Within this readings of a test are diagnosed, on a machine that does much else.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A result, as it stands in its stream.
#[derive(Debug)]
pub(super) struct DiagnosisResult(Entry);

impl DiagnosisResult {
    pub(super) fn get(&self, name: &str) -> &str {
        std::str::from_utf8(field(&self.0, name)).unwrap()
    }

    /// Which reading it is of, to be compared.
    pub(super) fn reading(&self) -> (u64, u64) {
        let (time, number) = self.get("original_message_id").split_once('-').unwrap();
        (time.parse().unwrap(), number.parse().unwrap())
    }
}

pub(super) fn results(server: &Server) -> Vec<DiagnosisResult> {
    Resp::connect(server.addr()).entries("fault_diagnosis_results").into_iter().map(DiagnosisResult).collect()
}

/// How many entries a stream has.
pub(super) fn len(server: &Server, stream: &str) -> usize {
    match Resp::connect(server.addr()).ask(&["XLEN", stream]) {
        Value::Number(len) => usize::try_from(len).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Waits until there are so many results at least.
pub(super) async fn results_come(server: &Server, count: usize) {
    let come = async || (len(server, "fault_diagnosis_results") >= count).then_some(());
    eventually(PATIENCE, &format!("{count} results come"), come).await;
}

/// Waits until every group has acked all readings.
pub(super) async fn all_is_acked(server: &Server) {
    let acked = async || {
        let mut client = Resp::connect(server.addr());
        let pending = FAULTS.map(|fault| {
            client.ask(&["XPENDING", "motor_raw_data", &format!("{fault}_diagnosis_group")]).list().remove(0)
        });
        pending.iter().all(|pending| *pending == Value::Number(0)).then_some(())
    };
    eventually(PATIENCE, "every group has acked all readings", acked).await;
}

/// Every reading has one result for each fault.
pub(super) fn are_whole(results: &[DiagnosisResult], readings: usize) {
    let of: BTreeSet<_> = results.iter().map(|it| (it.reading(), it.get("fault_type"))).collect();
    assert_eq!((of.len(), results.len()), (FAULTS.len() * readings, FAULTS.len() * readings), "each once");
}

/// Those of each vehicle are in the order of its readings.
pub(super) fn are_in_order(results: &[DiagnosisResult]) {
    let mut newest = BTreeMap::new();
    for result in results {
        let key = (result.get("vehicle_id"), result.get("fault_type"));
        let before = newest.insert(key, result.reading());
        assert!(before < Some(result.reading()), "{key:?}: {before:?} comes before {:?}", result.reading());
    }
}
