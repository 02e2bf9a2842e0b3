//! The streams, what is kept of them, and the texts in their fields.

use time::OffsetDateTime;

/// Readings: `vehicle_id`, `timestamp`, `sensor_data`, `metadata`, `data_type`.
pub(crate) const READINGS: &str = "motor_raw_data";
/// What was found: `vehicle_id`, `fault_type`, `timestamp`, `status`, `score`, `features`, `charts`, `consumer_id`,
/// `processing_time`, `original_message_id`.
pub(crate) const RESULTS: &str = "fault_diagnosis_results";
/// Of each vehicle: `vehicle_id`, `assessment_type`, `overall_health`, `fault_states`, `timestamp`.
pub(crate) const HEALTH: &str = "vehicle_health_assessments";
/// What cannot wait: `alert_type`, `vehicle_id`, `severity`, `health_score`, `critical_faults`, …
pub(crate) const ALERTS: &str = "system_alerts";
/// How long it takes: `metric_type`, `fault_type`, `consumer_id`, `processing_time`, `timestamp`, `messages_processed`.
pub(crate) const METRICS: &str = "performance_metrics";

/// About how many entries are kept of each.
pub(crate) const KEPT_READINGS: usize = 50_000;
pub(crate) const KEPT_RESULTS: usize = 50_000;
pub(crate) const KEPT_HEALTH: usize = 20_000;
pub(crate) const KEPT_ALERTS: usize = 5000;
pub(crate) const KEPT_METRICS: usize = 10_000;

/// Fields and values, one after the other.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// Now, as the fields have it: ISO 8601 without a zone, in UTC.
pub(crate) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.microsecond()
    )
}

/// Seconds since 1970.
pub(crate) fn epoch() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64()
}

/// `XADD` with these fields, which keeps about so many entries.
pub(crate) fn add(stream: &str, kept: usize, fields: &[(&'static str, String)]) -> redis::Cmd {
    let mut add = redis::cmd("XADD");
    add.arg(stream).arg("MAXLEN").arg("~").arg(kept).arg("*");
    for (name, value) in fields {
        add.arg(name).arg(value);
    }
    add
}
