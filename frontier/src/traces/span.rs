//! The span of one request or stream at this gateway.

use frontier_exchange::{Asked, Identity, Peer, Span, Traffic};
use frontier_protocol::{Code, Fault, TRACEPARENT_LEN, traceparent};
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Characters of a name that a peer chose.
const NAME_LEN: usize = 128;

/// Targets that are noted, of a request that had several.
const MAX_EVENTS: usize = 8;

/// A span that has not ended. Durations are of a clock that nobody sets.
pub(super) struct RequestSpan {
    data: SpanData,
    began: Instant,
    /// As it goes on.
    trace: Vec<u8>,
    processor: Arc<BatchSpanProcessor>,
}

impl std::fmt::Debug for RequestSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestSpan").field("name", &self.data.name).finish_non_exhaustive()
    }
}

impl RequestSpan {
    pub(super) fn new(
        asked: &Asked<'_>,
        span_context: SpanContext,
        parent_span_id: SpanId,
        processor: Arc<BatchSpanProcessor>,
        instrumentation_scope: InstrumentationScope,
    ) -> Self {
        let name: String = asked.name.chars().take(NAME_LEN).collect();
        let (what, mut attributes) = match asked.traffic {
            Traffic::Call => (
                "call",
                vec![KeyValue::new("rpc.system.name", "frontier"), KeyValue::new("rpc.method", name.clone())],
            ),
            Traffic::Message => (
                "publish",
                vec![
                    KeyValue::new("messaging.system", "frontier"),
                    KeyValue::new("messaging.destination.name", name.clone()),
                ],
            ),
            Traffic::Stream => ("stream", vec![KeyValue::new("frontier.stream.name", name.clone())]),
        };
        attributes.extend(who(asked.requester, "from"));
        let name = if name.is_empty() { what.to_owned() } else { format!("{what} {name}") };
        let mut trace = Vec::with_capacity(TRACEPARENT_LEN);
        let (id, own) = (span_context.trace_id().to_bytes(), span_context.span_id().to_bytes());
        trace.extend_from_slice(&traceparent(id, own, span_context.trace_flags().to_u8()));
        trace.extend_from_slice(span_context.trace_state().header().as_bytes());
        let now = SystemTime::now();
        let data = SpanData {
            parent_span_is_remote: parent_span_id != SpanId::INVALID,
            span_context,
            parent_span_id,
            span_kind: SpanKind::Server,
            name: name.into(),
            start_time: now,
            end_time: now,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope,
        };
        Self { data, began: Instant::now(), trace, processor }
    }

    fn now(&self) -> SystemTime {
        self.data.start_time + self.began.elapsed()
    }
}

impl Span for RequestSpan {
    fn context(&self) -> &[u8] {
        &self.trace
    }

    fn routed(&mut self, target: &Peer) {
        if self.data.events.events.len() < MAX_EVENTS {
            let event = Event::new("forwarded", self.now(), who(target, "to").into_iter().collect(), 0);
            self.data.events.events.push(event);
        } else {
            self.data.events.dropped_count += 1;
        }
    }

    fn end(self: Box<Self>, code: Code) {
        let end_time = self.now();
        let Self { mut data, processor, .. } = *self;
        data.end_time = end_time;
        data.attributes.push(KeyValue::new("frontier.code", code.to_string()));
        if code != Code::Ok {
            data.status = Status::error(code.to_string());
            data.attributes.push(KeyValue::new("error.type", code.to_string()));
        }
        if let Some(fault) = fault(code) {
            data.attributes.push(KeyValue::new("frontier.fault", fault));
        }
        processor.on_end(data);
    }
}

fn fault(code: Code) -> Option<&'static str> {
    match code.fault() {
        Fault::None => None,
        Fault::Caller => Some("caller"),
        Fault::Callee => Some("callee"),
        Fault::Transit => Some("transit"),
    }
}

/// A peer, as attributes.
fn who(peer: &Peer, end: &'static str) -> Vec<KeyValue> {
    let key = |what: &str| format!("frontier.{end}.{what}");
    // As text: an id may be greater than what a signed number holds.
    let id = || peer.number().to_string();
    match peer.identity() {
        Identity::Edge { .. } => vec![KeyValue::new(key("edge.id"), id())],
        Identity::Service { name, .. } => {
            let name: String = name.chars().take(NAME_LEN).collect();
            vec![KeyValue::new(key("service.id"), id()), KeyValue::new(key("service.name"), name)]
        }
        Identity::OriginGateway { id } | Identity::OwnerGateway { id } => {
            vec![KeyValue::new(key("gateway.id"), id.chars().take(NAME_LEN).collect::<String>())]
        }
        Identity::Gateway | Identity::Lobby => Vec::new(),
    }
}
