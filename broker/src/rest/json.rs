//! Between sessions and what is read and written of them in JSON.

use super::time_span;
use crate::api::{Figures, Notes, session_state};
use crate::session::Session;
use frontier_api::session_json::{Create, ListedSession, SessionInfo, SessionStatus};
use frontier_sessions::{Affinity, Closing, Preference, SessionKind, SessionState, Settings, Timeouts};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The settings of a session to be made, where `timeouts` hold unless it says otherwise.
///
/// # Errors
/// What of it can't be read.
pub(super) fn settings(create: &Create, timeouts: Timeouts) -> Result<(Settings, Notes), String> {
    let kind = match choice("sessionType", &create.session_type, &["Interactive", "Durable"])? {
        0 => SessionKind::Interactive,
        _ => SessionKind::Durable,
    };
    let scheme = choice("transportScheme", &create.transport_scheme, &["Grpc", "Http", "WebSocket"])?;
    let time = |name: &str, text: &Option<String>, default: Duration| match text {
        None => Ok(default),
        Some(text) => time_span::parse(text)
            .ok_or_else(|| format!("{name} must be a time such as 00:05:00 or 1.00:00:00, is {text:?}")),
    };
    let settings = Settings {
        service: create.service_name.clone(),
        kind,
        priority: create.priority.unwrap_or(2000),
        pool: create.pool.clone(),
        preferred: Preference {
            nodes: create.preferred_nodes.clone(),
            labels: create.preferred_pool.clone(),
        },
        affinity: if create.sticky { Affinity::Sticky } else { Affinity::Spread },
        minimum_units: create.minimum_units,
        maximum_units: create.maximum_units,
        shared: create.share_session,
        timeouts: Timeouts {
            session_idle: time("sessionIdleTimeout", &create.session_idle_timeout, timeouts.session_idle)?,
            client_idle: time("clientIdleTimeout", &create.client_idle_timeout, timeouts.client_idle)?,
            client_connection: time(
                "clientConnectionTimeout",
                &create.client_connection_timeout,
                timeouts.client_connection,
            )?,
            operation: time(
                "serviceOperationTimeout",
                &create.service_operation_timeout,
                timeouts.operation,
            )?,
        },
    };
    Ok((settings, Notes { transport_scheme: scheme, properties: create.properties.clone() }))
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
pub(super) fn session_info(session: &Session, client_id: Option<String>) -> SessionInfo {
    let (view, settings, notes) = (session.view(), &session.record.settings, Notes::of(session));
    let Timeouts { client_connection, session_idle, client_idle, operation } = settings.timeouts;
    SessionInfo {
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
        broker_state: broker_state(view.state).into(),
        priority: settings.priority,
        pool: settings.pool.clone(),
        preferred_nodes: settings.preferred.nodes.clone(),
        preferred_pool: settings.preferred.labels.clone(),
        sticky: settings.affinity == Affinity::Sticky,
        share_session: settings.shared,
        properties: notes.properties,
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
pub(super) fn listed(session: &Session) -> ListedSession {
    let view = session.view();
    ListedSession {
        id: session.id().to_string(),
        service_name: session.record.settings.service.clone(),
        status: session_state(&view).1.into(),
        session_type: session_type(session.record.settings.kind).1.into(),
        created_at: timestamp(session.record.created_at),
        last_accessed_at: timestamp(session.used_at()),
        client_id: None,
        request_count: view.counts.received,
        response_count: view.counts.answered,
    }
}

/// How a session stands.
pub(super) fn status(session: &Session, figures: Figures) -> SessionStatus {
    let view = session.view();
    let failure = match &view.closing {
        Some(Closing::Failed(why)) => Some(why.clone()),
        _ => None,
    };
    let counts = view.counts;
    SessionStatus {
        session_id: session.id().to_string(),
        state: session_state(&view).0,
        broker_state: broker_state(view.state).into(),
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
            |text: &str| serde_json::from_str::<Create>(text).map(|it| settings(&it, Timeouts::default()));
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
