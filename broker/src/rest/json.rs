//! What is read and written, in the names and numbers of CloudSOA.

use super::time_span;
use crate::api::{Figures, Notes, session_state};
use crate::session::Session;
use frontier_sessions::{Affinity, Closing, SessionKind, SessionState, Settings, Timeouts};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A session to be made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    pub(super) service_name: String,
    #[serde(default)]
    pub(super) session_type: Value,
    #[serde(default)]
    pub(super) minimum_units: u32,
    #[serde(default)]
    pub(super) maximum_units: u32,
    #[serde(default)]
    pub(super) transport_scheme: Value,
    pub(super) session_idle_timeout: Option<String>,
    pub(super) client_idle_timeout: Option<String>,
    pub(super) client_connection_timeout: Option<String>,
    pub(super) service_operation_timeout: Option<String>,
    pub(super) priority: Option<u16>,
    #[serde(default)]
    pub(super) pool: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) sticky: bool,
    #[serde(default)]
    pub(super) share_session: bool,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, String>,
}

impl Create {
    /// The settings, where `timeouts` hold unless it says otherwise.
    ///
    /// # Errors
    /// What of it can't be read.
    pub(super) fn settings(&self, timeouts: Timeouts) -> Result<(Settings, Notes), String> {
        let kind = match choice("sessionType", &self.session_type, &["Interactive", "Durable"])? {
            0 => SessionKind::Interactive,
            _ => SessionKind::Durable,
        };
        let scheme = choice("transportScheme", &self.transport_scheme, &["Grpc", "Http", "WebSocket"])?;
        let time = |name: &str, text: &Option<String>, default: Duration| match text {
            None => Ok(default),
            Some(text) => time_span::parse(text)
                .ok_or_else(|| format!("{name} must be a time such as 00:05:00 or 1.00:00:00, is {text:?}")),
        };
        let settings = Settings {
            service: self.service_name.clone(),
            kind,
            priority: self.priority.unwrap_or(2000),
            pool: self.pool.clone(),
            affinity: if self.sticky { Affinity::Sticky } else { Affinity::Spread },
            minimum_units: self.minimum_units,
            maximum_units: self.maximum_units,
            shared: self.share_session,
            timeouts: Timeouts {
                session_idle: time("sessionIdleTimeout", &self.session_idle_timeout, timeouts.session_idle)?,
                client_idle: time("clientIdleTimeout", &self.client_idle_timeout, timeouts.client_idle)?,
                client_connection: time(
                    "clientConnectionTimeout",
                    &self.client_connection_timeout,
                    timeouts.client_connection,
                )?,
                operation: time(
                    "serviceOperationTimeout",
                    &self.service_operation_timeout,
                    timeouts.operation,
                )?,
            },
        };
        Ok((settings, Notes { transport_scheme: scheme, properties: self.properties.clone() }))
    }
}

/// A choice by its number or its name; the first one where there is none.
pub(super) fn choice(name: &str, value: &Value, names: &[&str]) -> Result<u8, String> {
    let found = match value {
        Value::Null => Some(0),
        Value::Number(number) => {
            number.as_u64().and_then(|it| usize::try_from(it).ok()).filter(|it| *it < names.len())
        }
        Value::String(text) => names.iter().position(|it| it.eq_ignore_ascii_case(text)),
        _ => None,
    };
    let found = found.and_then(|it| u8::try_from(it).ok());
    found.ok_or_else(|| format!("{name} must be a number or one of {}", names.join(", ")))
}

/// A session, as its clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionInfo {
    session_id: String,
    service_name: String,
    state: u8,
    session_type: u8,
    minimum_units: u32,
    maximum_units: u32,
    client_id: Option<String>,
    created_at: String,
    last_accessed_at: String,
    session_idle_timeout: String,
    client_idle_timeout: String,
    client_connection_timeout: String,
    service_operation_timeout: String,
    transport_scheme: u8,
    broker_endpoint: Option<String>,
    broker_state: &'static str,
    priority: u16,
    pool: BTreeMap<String, String>,
    sticky: bool,
    share_session: bool,
    properties: BTreeMap<String, String>,
}

impl SessionInfo {
    pub(super) fn new(session: &Session, client_id: Option<String>) -> Self {
        let (view, settings, notes) = (session.view(), &session.record.settings, Notes::of(session));
        let Timeouts { client_connection, session_idle, client_idle, operation } = settings.timeouts;
        Self {
            session_id: session.id().to_string(),
            service_name: settings.service.clone(),
            state: session_state(&view).0,
            session_type: session_type(settings.kind).0,
            minimum_units: settings.minimum_units,
            maximum_units: settings.maximum_units,
            client_id,
            created_at: timestamp(session.record.created_at),
            last_accessed_at: timestamp(session.used_at()),
            session_idle_timeout: time_span::format(session_idle),
            client_idle_timeout: time_span::format(client_idle),
            client_connection_timeout: time_span::format(client_connection),
            service_operation_timeout: time_span::format(operation),
            transport_scheme: notes.transport_scheme,
            broker_endpoint: None,
            broker_state: broker_state(view.state),
            priority: settings.priority,
            pool: settings.pool.clone(),
            sticky: settings.affinity == Affinity::Sticky,
            share_session: settings.shared,
            properties: notes.properties,
        }
    }
}

fn broker_state(state: SessionState) -> &'static str {
    match state {
        SessionState::Started => "Started",
        SessionState::Running => "Running",
        SessionState::Idle => "Idle",
        SessionState::Suspended => "Suspend",
        SessionState::Finished => "Finished",
    }
}

pub(super) fn session_type(kind: SessionKind) -> (u8, &'static str) {
    match kind {
        SessionKind::Interactive => (0, "Interactive"),
        SessionKind::Durable => (1, "Durable"),
    }
}

/// RFC 3339, of milliseconds since 1970.
pub(super) fn timestamp(ms: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    time.ok().and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}

/// One of the list of sessions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    id: String,
    service_name: String,
    status: &'static str,
    session_type: &'static str,
    created_at: String,
    last_accessed_at: String,
    client_id: Option<String>,
    request_count: u64,
    response_count: u64,
}

impl From<&Session> for Listed {
    fn from(session: &Session) -> Self {
        let view = session.view();
        Self {
            id: session.id().to_string(),
            service_name: session.record.settings.service.clone(),
            status: session_state(&view).1,
            session_type: session_type(session.record.settings.kind).1,
            created_at: timestamp(session.record.created_at),
            last_accessed_at: timestamp(session.used_at()),
            client_id: None,
            request_count: view.counts.received,
            response_count: view.counts.answered,
        }
    }
}

/// How a session stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) session_id: String,
    pub(super) state: u8,
    pub(super) broker_state: &'static str,
    pub(super) current_units: u64,
    pub(super) pending_requests: u64,
    pub(super) running_requests: u64,
    pub(super) processed_requests: u64,
    pub(super) failed_requests: u64,
    pub(super) unfetched_responses: u64,
    pub(super) last_accessed_at: String,
    /// Hosts of its service, and what they do at once.
    pub(super) hosts: usize,
    pub(super) capacity: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
}

impl Status {
    pub(super) fn new(session: &Session, figures: Figures) -> Self {
        let view = session.view();
        let failure = match &view.closing {
            Some(Closing::Failed(why)) => Some(why.clone()),
            _ => None,
        };
        let counts = view.counts;
        Self {
            session_id: session.id().to_string(),
            state: session_state(&view).0,
            broker_state: broker_state(view.state),
            current_units: counts.running,
            pending_requests: counts.queued + counts.running,
            running_requests: counts.running,
            processed_requests: counts.answered,
            failed_requests: counts.failed,
            unfetched_responses: counts.unfetched,
            last_accessed_at: timestamp(session.used_at()),
            hosts: figures.hosts,
            capacity: figures.capacity,
            failure,
        }
    }
}

/// Requests that are sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendRequests<'a> {
    #[serde(borrow)]
    pub(super) requests: Vec<Item<'a>>,
    #[serde(borrow, default)]
    pub(super) client_id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) batch_id: u64,
}

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) payload: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) user_data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message_id: Option<Cow<'a, str>>,
}

/// They were accepted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Enqueued {
    pub(super) enqueued: usize,
    pub(super) message_ids: Vec<String>,
}

/// A flush.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FlushRequests {
    pub(super) client_id: Option<String>,
    pub(super) batch_id: Option<u64>,
    pub(super) sent: Option<u64>,
    pub(super) end: bool,
}

/// It is done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlushedRequests {
    pub(super) session_id: String,
    pub(super) pending_requests: u64,
    pub(super) committed_requests: u64,
    pub(super) message: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_numbers_or_names() {
        let kind = |value: Value| choice("sessionType", &value, &["Interactive", "Durable"]);
        assert_eq!((kind(Value::Null), kind(1.into()), kind("durable".into())), (Ok(0), Ok(1), Ok(1)));
        for wrong in [Value::from(2), Value::from(-1), Value::from("x"), Value::from(true)] {
            assert!(kind(wrong).unwrap_err().starts_with("sessionType must be"));
        }
    }

    #[test]
    fn what_is_left_out_is_as_configured() {
        let create =
            |text: &str| serde_json::from_str::<Create>(text).map(|it| it.settings(Timeouts::default()));
        let (settings, notes) = create(r#"{"serviceName": "a"}"#).unwrap().unwrap();
        assert_eq!(settings, Settings::interactive("a"));
        assert_eq!(notes.transport_scheme, 0);
        let long = r#"{"serviceName": "a", "sessionIdleTimeout": "1.00:00:00", "priority": 4000, "transportScheme": 2}"#;
        let (settings, notes) = create(long).unwrap().unwrap();
        assert_eq!((settings.timeouts.session_idle, settings.priority), (Duration::from_secs(86_400), 4000));
        assert_eq!(notes.transport_scheme, 2);
        let wrong = create(r#"{"serviceName": "a", "clientIdleTimeout": "5m"}"#).unwrap().unwrap_err();
        assert!(wrong.contains("clientIdleTimeout"), "{wrong}");
        assert!(create("{}").is_err());
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        assert_eq!(timestamp(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
