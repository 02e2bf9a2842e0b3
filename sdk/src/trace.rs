//! The trace that a call, a message or a stream belongs to.

#[cfg(feature = "trace")]
mod spans;

#[cfg(feature = "trace")]
pub(crate) use spans::handler_span;

use frontier_protocol as wire;
use std::fmt;
use std::sync::Arc;

/// A trace context as the W3C has it: by which trace, and which span of it, something was sent.
///
/// It travels with calls, messages and the opening of streams, through any number of gateways, where the gateway takes
/// part in it; an older one leaves it out. With the feature `trace` what is sent belongs to the span of `tracing` in which
/// it is first polled, and a handler runs in a span that goes on from the sender's. Without it, say it:
///
/// ```
/// use frontier_sdk::{Edge, Request, TraceContext};
///
/// # async fn example(edge: Edge, headers: (String, String)) -> Result<(), frontier_sdk::Error> {
/// let context = TraceContext::new(&headers.0, &headers.1);
/// edge.call("echo", "hello").trace(context).await?;
///
/// edge.register("reboot", async |request: Request| {
///     if let Some(context) = &request.trace {
///         println!("in the trace {}", context.traceparent());
///     }
///     Ok("done".into())
/// })
/// .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext(
    /// The traceparent and then the tracestate; both have been checked.
    Arc<str>,
);

impl TraceContext {
    /// From the headers `traceparent` and `tracestate`. `None` if the first is not valid; a tracestate that is not, or
    /// has more than 512 bytes, is left out.
    #[must_use]
    pub fn new(traceparent: &str, tracestate: &str) -> Option<Self> {
        wire::TraceContext::new(traceparent, tracestate).map(Self::owned)
    }

    /// What came with something. `None` also if that can't be read: it counts as absent then.
    pub(crate) fn received(trace: &[u8]) -> Option<Self> {
        if trace.is_empty() { None } else { wire::TraceContext::parse(trace).map(Self::owned) }
    }

    /// The users' own part of a header that may have a trace context behind it, and that.
    pub(crate) fn split(own: &[u8], flags: wire::Flags) -> Option<(&[u8], Option<Self>)> {
        if !flags.has(wire::Flags::TRACED) {
            return Some((own, None));
        }
        wire::split_trace(own).map(|(own, trace)| (own, Self::received(trace)))
    }

    fn owned(context: wire::TraceContext<'_>) -> Self {
        Self([context.traceparent(), context.tracestate()].concat().into())
    }

    /// As it goes over the wire.
    pub(crate) fn encoded(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn parts(&self) -> Option<wire::TraceContext<'_>> {
        wire::TraceContext::parse(self.0.as_bytes())
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        self.0.split_at(wire::TRACEPARENT_LEN).0
    }

    /// The header `tracestate`; empty without one.
    #[must_use]
    pub fn tracestate(&self) -> &str {
        self.0.split_at(wire::TRACEPARENT_LEN).1
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 16] {
        self.parts().map(|parts| parts.trace_id()).unwrap_or_default()
    }

    /// The span that sent it.
    #[must_use]
    pub fn span_id(&self) -> [u8; 8] {
        self.parts().map(|parts| parts.parent_id()).unwrap_or_default()
    }

    /// Whether the sender records the trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.parts().is_some_and(|parts| parts.is_sampled())
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TraceContext").field(&self.traceparent()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_protocol::Flags;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn its_parts_are_those_of_the_headers() {
        let context = TraceContext::new(PARENT, "a=b").unwrap();
        assert_eq!((context.traceparent(), context.tracestate()), (PARENT, "a=b"));
        assert!(context.is_sampled() && context.trace_id()[0] == 0x4b && context.span_id()[1] == 0xf0);
        assert_eq!(TraceContext::received(context.encoded()), Some(context));
        assert_eq!(TraceContext::new("no", ""), None);
    }

    #[test]
    fn it_is_taken_off_only_where_it_is_said_to_be() {
        let context = TraceContext::new(PARENT, "").unwrap();
        let mut custom = b"own".to_vec();
        frontier_protocol::push_trace(context.encoded(), &mut custom).unwrap();
        assert_eq!(TraceContext::split(&custom, Flags::TRACED), Some((&b"own"[..], Some(context))));
        assert_eq!(TraceContext::split(&custom, Flags::ACKED), Some((&custom[..], None)));
        assert_eq!(TraceContext::split(b"own", Flags::TRACED), None);
    }
}
