//! Messages, and what they say.

use crate::api::{Figures, Notes, RETRY_AFTER, Refusal, invalid, session_state};
use crate::session::Session;
use frontier_api::broker::{
    BrokerResponse, CreateSessionRequest, EndOfResponses, GetResponsesRequest, ResponsePosition,
    SessionInfoReply, SessionStatusReply, SessionType, TransportScheme,
};
use frontier_sessions::{
    self as domain, Affinity, Closing, FaultCode, Outcome, Preference, SessionKind, Settings, Start,
    StoredResponse, Timeouts,
};
use prost_types::{Duration, Timestamp};
use std::time;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// The settings of a session, where `timeouts` hold unless it says otherwise.
pub(super) fn settings(
    create: CreateSessionRequest,
    timeouts: Timeouts,
) -> Result<(Settings, Notes), Refusal> {
    let units = |name: &str, number: i32| {
        u32::try_from(number).map_err(|_| invalid(format!("{name} must not be negative")))
    };
    let time = |name: &str, said: Option<Duration>, default: time::Duration| match said {
        None => Ok(default),
        Some(said) => time::Duration::try_from(said)
            .map_err(|_| invalid(format!("{name} must be a time that is not negative"))),
    };
    let scheme = TransportScheme::try_from(create.transport_scheme)
        .map_err(|_| invalid("there is no such transport_scheme"))?;
    let priority = create.priority.unwrap_or(2000);
    let settings = Settings {
        kind: kind(create.session_type)?,
        priority: u16::try_from(priority).unwrap_or(u16::MAX),
        affinity: if create.sticky { Affinity::Sticky } else { Affinity::Spread },
        minimum_units: units("minimum_units", create.minimum_units)?,
        maximum_units: units("maximum_units", create.maximum_units)?,
        shared: create.share_session,
        timeouts: Timeouts {
            session_idle: time("session_idle_timeout", create.session_idle_timeout, timeouts.session_idle)?,
            client_idle: time("client_idle_timeout", create.client_idle_timeout, timeouts.client_idle)?,
            client_connection: time(
                "client_connection_timeout",
                create.client_connection_timeout,
                timeouts.client_connection,
            )?,
            operation: time(
                "service_operation_timeout",
                create.service_operation_timeout,
                timeouts.operation,
            )?,
        },
        service: create.service_name,
        pool: create.pool,
        preferred: Preference { nodes: create.preferred_nodes, labels: create.preferred_pool },
    };
    let scheme = u8::try_from(i32::from(scheme)).unwrap_or_default();
    Ok((settings, Notes { transport_scheme: scheme, properties: create.properties }))
}

/// The kind of a session, by its number.
pub(super) fn kind(number: i32) -> Result<SessionKind, Refusal> {
    match SessionType::try_from(number) {
        Ok(SessionType::Interactive) => Ok(SessionKind::Interactive),
        Ok(SessionType::Durable) => Ok(SessionKind::Durable),
        Err(_) => Err(invalid("session_type must be INTERACTIVE (0) or DURABLE (1)")),
    }
}

/// A session, as its clients see it.
pub(super) fn info(session: &Session, client_id: Option<String>) -> SessionInfoReply {
    let (settings, notes) = (&session.record.settings, Notes::of(session));
    let Timeouts { client_connection, session_idle, client_idle, operation } = settings.timeouts;
    SessionInfoReply {
        session_id: session.id().to_string(),
        service_name: settings.service.clone(),
        state: session_state(&session.view()).0.into(),
        session_type: match settings.kind {
            SessionKind::Interactive => SessionType::Interactive.into(),
            SessionKind::Durable => SessionType::Durable.into(),
        },
        minimum_units: number(settings.minimum_units),
        maximum_units: number(settings.maximum_units),
        client_id: client_id.unwrap_or_default(),
        created_at: timestamp(session.record.created_at),
        broker_endpoint: String::new(),
        transport_scheme: notes.transport_scheme.into(),
        last_accessed_at: timestamp(session.used_at()),
        session_idle_timeout: duration(session_idle),
        client_idle_timeout: duration(client_idle),
        client_connection_timeout: duration(client_connection),
        service_operation_timeout: duration(operation),
        priority: settings.priority.into(),
        pool: settings.pool.clone(),
        preferred_nodes: settings.preferred.nodes.clone(),
        preferred_pool: settings.preferred.labels.clone(),
        sticky: settings.affinity == Affinity::Sticky,
        share_session: settings.shared,
        properties: notes.properties,
    }
}

/// How a session stands.
pub(super) fn status(session: &Session, figures: Figures) -> SessionStatusReply {
    let view = session.view();
    let counts = view.counts;
    SessionStatusReply {
        session_id: session.id().to_string(),
        state: session_state(&view).0.into(),
        current_units: number(counts.running),
        pending_requests: number(counts.queued + counts.running),
        processed_requests: number(counts.answered),
        failed_requests: number(counts.failed),
        last_accessed_at: timestamp(session.used_at()),
        unfetched_responses: number(counts.unfetched),
        hosts: number(figures.hosts),
        capacity: number(figures.capacity),
        failure: match view.closing {
            Some(Closing::Failed(why)) => why,
            _ => String::new(),
        },
    }
}

/// The greatest number of its kind stands for all that are greater.
fn number<N: TryInto<M>, M: TryFrom<i64> + Bounded>(number: N) -> M {
    number.try_into().unwrap_or(M::MOST)
}

trait Bounded {
    const MOST: Self;
}

impl Bounded for i32 {
    const MOST: Self = Self::MAX;
}

impl Bounded for i64 {
    const MOST: Self = Self::MAX;
}

/// Of milliseconds since 1970.
#[expect(clippy::unnecessary_wraps, reason = "it is a field of a message")]
fn timestamp(ms: u64) -> Option<Timestamp> {
    let nanos = i32::try_from(ms % 1000 * 1_000_000).unwrap_or_default();
    Some(Timestamp { seconds: number(ms / 1000), nanos })
}

fn duration(time: time::Duration) -> Option<Duration> {
    Duration::try_from(time).ok()
}

/// Where responses begin.
pub(super) fn start(get: &GetResponsesRequest) -> Result<Start, Refusal> {
    match (get.from, ResponsePosition::try_from(get.position)) {
        (Some(from), _) => Ok(Start::At(from)),
        (None, Ok(ResponsePosition::Current)) => Ok(Start::Current),
        (None, Ok(ResponsePosition::Begin)) => Ok(Start::Begin),
        (None, Err(_)) => Err(invalid("position must be CURRENT (0) or BEGIN (1)")),
    }
}

/// A response.
pub(super) fn response(stored: StoredResponse) -> BrokerResponse {
    let StoredResponse { position, response } = stored;
    let request_message_id = response.request.to_string();
    let mut message_id = String::with_capacity(request_message_id.len() + 2);
    message_id.push_str(&request_message_id);
    message_id.push_str("-r");
    let answer = BrokerResponse {
        message_id,
        request_message_id,
        user_data: (*response.user_data).to_owned(),
        position,
        ..BrokerResponse::default()
    };
    match response.outcome {
        Outcome::Answer(body) => BrokerResponse { payload: body.into(), ..answer },
        Outcome::Fault(fault) => BrokerResponse {
            is_fault: true,
            fault_message: (*fault.text).to_owned(),
            fault_code: (*fault.code).to_owned(),
            fault_detail: fault.detail,
            ..answer
        },
    }
}

/// That no response follows.
pub(super) fn end(end: domain::EndOfResponses) -> BrokerResponse {
    let end = EndOfResponses { count: end.count, reason: end.reason.name().to_owned() };
    BrokerResponse { end_of_responses: Some(end), ..BrokerResponse::default() }
}

/// A fault, as gRPC tells it.
pub(super) fn refused(refusal: Refusal) -> Status {
    let fault = match refusal {
        Refusal::Api(error) => return error.into(),
        Refusal::Fault(fault) => fault,
    };
    let mut metadata = MetadataMap::new();
    // They are ASCII.
    if let (Ok(name), Ok(category)) =
        (fault.code.name().parse(), (fault.code.category() as u8).to_string().parse())
    {
        metadata.insert("fault-code", name);
        metadata.insert("fault-category", category);
    }
    if fault.code.is_retryable() {
        metadata.insert("retry-after", RETRY_AFTER.into());
    }
    Status::with_metadata(code(fault.code), fault.to_string(), metadata)
}

fn code(code: FaultCode) -> Code {
    use FaultCode as F;
    match code {
        F::InvalidSessionId => Code::NotFound,
        F::InvalidAttachInteractiveSession
        | F::InvalidAttachDurableSession
        | F::SessionFinished
        | F::SessionFailure
        | F::StaleBatch
        | F::SendRejected
        | F::FlushRejected
        | F::FlushIncomplete
        | F::EndedTwice
        | F::EndedAndAnswered
        | F::EndRejected
        | F::NothingSent => Code::FailedPrecondition,
        F::TooManySessions | F::TooManyClients | F::Throttled | F::StorageFull => Code::ResourceExhausted,
        F::InvalidSettings
        | F::InvalidClientId
        | F::InvalidMessageId
        | F::InvalidRequest
        | F::UserDataTooLong
        | F::MessageTooLarge
        | F::TooManyRequests => Code::InvalidArgument,
        F::AccessDenied | F::AccessDeniedQueue => Code::PermissionDenied,
        F::Unsupported => Code::Unimplemented,
        F::Draining | F::StoreUnavailable | F::NotOwner => Code::Unavailable,
        // These are told of requests, not of what clients ask the broker.
        F::RetryOperationError | F::ServiceFault => Code::Aborted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_sessions::Fault;

    #[test]
    fn numbers_that_are_too_great_are_the_greatest() {
        assert_eq!((number::<u64, i32>(u64::MAX), number::<u64, i64>(7)), (i32::MAX, 7));
        assert_eq!(timestamp(1_700_000_000_123).unwrap().nanos, 123_000_000);
    }

    #[test]
    fn a_fault_is_named_in_the_trailers() {
        let status = refused(Fault::new(FaultCode::Throttled, "too much").into());
        assert_eq!(
            (status.code(), status.message()),
            (Code::ResourceExhausted, "Broker_Throttled: too much")
        );
        assert_eq!(status.metadata().get("fault-code").unwrap(), "Broker_Throttled");
        assert_eq!(status.metadata().get("retry-after").unwrap(), "1");
        let status = refused(Fault::new(FaultCode::InvalidSessionId, "none").into());
        assert!(status.code() == Code::NotFound && status.metadata().get("retry-after").is_none());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let request = |change: fn(&mut CreateSessionRequest)| {
            let mut create = CreateSessionRequest { service_name: "a".into(), ..Default::default() };
            change(&mut create);
            settings(create, Timeouts::default()).map(|(settings, _)| settings)
        };
        assert_eq!(request(|_| {}).unwrap(), Settings::interactive("a"));
        type Change = fn(&mut CreateSessionRequest);
        let cases: [(Change, &str); 4] = [
            (|it| it.session_type = 9, "session_type"),
            (|it| it.transport_scheme = 9, "transport_scheme"),
            (|it| it.minimum_units = -1, "minimum_units"),
            (|it| it.client_idle_timeout = Some(Duration { seconds: -1, nanos: 0 }), "client_idle_timeout"),
        ];
        for (change, name) in cases {
            let Refusal::Fault(fault) = request(change).unwrap_err() else { panic!("it is a fault") };
            assert!(fault.text.contains(name), "{fault}");
        }
        // It is told with the other settings that make no sense.
        let greatest = request(|it| it.priority = Some(70_000)).unwrap();
        assert_eq!(greatest.check().unwrap_err().code, FaultCode::InvalidSettings);
    }
}
