//! A stream of the mux as a leg of the exchange: what is said first on it, and the bytes behind.

use super::encode::{encode_request, reply_custom};
use super::outlet::reply_flags;
use super::remote_callers::{encode_caller, encode_edge};
use bytes::Bytes;
use frontier_exchange::{
    BeginError, BoxFuture, Failure, Head, IncomingLeg, Leg, NewLeg, Outgoing, Sender, StreamHead,
    StreamSender, write_all,
};
use frontier_protocol::{
    Code, Custom, EncodeError, Flags, HEADER_LEN, MAX_CUSTOM, Open, OpenAck, ParseError, Response,
    push_remote_caller, push_trace,
};
use frontier_transport::{CloseReason, FirstFrame, FirstFrameError, LinkHandle, MuxStream};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// Bytes beside each part that stands behind the meta of a stream.
const BEHIND_OVERHEAD: usize = 2;

/// A stream whose first frame was read or written.
#[derive(Debug)]
pub(super) struct NativeLeg {
    stream: MuxStream,
    /// What came while it was watched.
    early: Bytes,
    /// Whether the end came then.
    is_over: bool,
}

impl NativeLeg {
    pub(super) fn new(stream: MuxStream) -> Self {
        Self { stream, early: Bytes::new(), is_over: false }
    }
}

impl Leg for NativeLeg {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.early.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.early))));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        self.stream.poll_chunk(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_reset(&self) -> bool {
        self.stream.is_reset()
    }

    fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx)
    }

    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_taken(cx)
    }

    fn is_refused(&self) -> bool {
        self.stream.is_refused()
    }

    fn linger(self: Box<Self>) {
        self.stream.linger();
    }

    fn reset(self: Box<Self>) {
        self.stream.reset();
    }

    fn poll_abandoned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.early.is_empty() && !self.is_over {
            match ready!(self.stream.poll_chunk(cx)) {
                Some(Ok(early)) => self.early = early,
                None if !self.stream.is_reset() => self.is_over = true,
                Some(Err(_)) | None => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}

impl IncomingLeg for NativeLeg {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async {
            let mut ack = Vec::with_capacity(HEADER_LEN);
            OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack).map_err(io::Error::other)?;
            write_all(self, &ack).await
        })
    }

    fn refuse<'a>(mut self: Box<Self>, failure: &'a Failure) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut ack = Vec::new();
            let Failure { code, detail, text } = failure;
            let encoded = OpenAck { code: *code, detail: *detail, text }.encode(&mut ack);
            if encoded.is_ok() && write_all(&mut *self, &ack).await.is_ok() {
                let _ = std::future::poll_fn(|cx| self.poll_shutdown(cx)).await;
                // A drop might take the answer along.
                self.linger();
            }
        })
    }
}

/// A stream that was opened to a peer, and on which nothing was said yet.
#[derive(Debug)]
pub(super) struct NewNativeLeg {
    pub(super) stream: MuxStream,
    pub(super) link: LinkHandle,
    pub(super) first_frame: usize,
    pub(super) is_owner_gateway: bool,
    pub(super) tells_tails: bool,
    pub(super) takes_traces: bool,
}

impl NewLeg for NewNativeLeg {
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Result<Box<dyn Leg>, BeginError>> {
        Box::pin(async move {
            let Self { stream, link, first_frame, is_owner_gateway, tells_tails, takes_traces } = *self;
            let encoded = encode(&head, tells_tails, takes_traces)
                .map_err(|error| BeginError::Refused(Failure::new(Code::TooLarge, error.to_string())))?;
            let mut leg = NativeLeg::new(stream);
            write_all(&mut leg, &encoded).await.map_err(|_| BeginError::Lost)?;
            let waits = head.is_stream() || (is_owner_gateway && matches!(head, Head::Request(..)));
            if waits {
                leg.stream = taken(leg.stream, &link, first_frame, head.is_stream()).await?;
            }
            let leg: Box<dyn Leg> = Box::new(leg);
            Ok(leg)
        })
    }
}

/// Waits until the peer has taken the stream.
async fn taken(
    stream: MuxStream,
    link: &LinkHandle,
    first_frame: usize,
    is_stream: bool,
) -> Result<MuxStream, BeginError> {
    let FirstFrame { frame, stream } = match FirstFrame::read(stream, first_frame).await {
        Ok(first) => first,
        Err(FirstFrameError::Decode(error)) => return Err(broken(link, error.to_string())),
        Err(error @ FirstFrameError::Refused) => {
            return Err(BeginError::Refused(Failure::new(Code::Overloaded, error.to_string())));
        }
        Err(_) if link.is_closed() || !is_stream => return Err(BeginError::Lost),
        Err(_) => {
            let failure = Failure::new(Code::StreamRefused, "the receiver reset the stream");
            return Err(BeginError::Refused(failure));
        }
    };
    let refusal = match OpenAck::parse(&frame) {
        Ok(OpenAck { code: Code::Ok, .. }) => None,
        Ok(OpenAck { code, detail, text }) => Some(Failure::new(code, text.to_owned()).detailed(detail)),
        Err(error) => return Err(broken(link, ParseError::to_string(&error))),
    };
    refusal.map_or(Ok(stream), |failure| Err(BeginError::Refused(failure)))
}

/// The acceptor broke the protocol, which ends its connection.
fn broken(link: &LinkHandle, text: String) -> BeginError {
    link.close(CloseReason::Protocol(text));
    BeginError::Refused(Failure::new(Code::Protocol, "the receiver broke the protocol"))
}

fn encode(head: &Head<'_>, tells_tails: bool, takes_traces: bool) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(128);
    match *head {
        Head::Stream(head) => {
            let trace = if takes_traces { head.trace } else { b"" };
            encode_open(&head, trace, &mut out)?;
        }
        Head::Request(request, len) => {
            let trace = if takes_traces { request.trace } else { b"" };
            encode_detached(&Outgoing { trace, ..*request }, len, &mut out)?;
        }
        Head::Reply(id, edge, outcome, len) => {
            let custom = reply_custom(outcome.custom, edge);
            let (code, detail, payload) = (outcome.code, outcome.detail, &announced(len)?[..]);
            let flags = reply_flags(tells_tails, edge).with(Flags::DETACHED);
            Response { code, detail, custom, payload }.encode_with(id, flags, &mut out)?;
        }
    }
    Ok(out)
}

fn encode_open(head: &StreamHead<'_>, trace: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let StreamHead { from, meta, timeout_ms, .. } = *head;
    let (peer, name, caller) = match from {
        StreamSender::Edge(id, name) => (id.0, name, None),
        StreamSender::Service(id, name) => (id.0, name, None),
        StreamSender::Remote(service, edge) => (edge.0, "", Some(encode_caller(service))),
        StreamSender::ByName(edge, name) => (edge.id.0, name, Some(encode_edge(edge))),
    };
    let mut flags = match from {
        StreamSender::ByName(..) => Flags::BY_NAME,
        _ => Flags::default(),
    };
    if trace.is_empty() && caller.is_none() {
        return Open { peer, timeout_ms, name, meta }.encode_with(flags, out);
    }
    let mut told = meta.to_vec();
    let behind = caller.as_ref().map_or(0, |caller| caller.len() + BEHIND_OVERHEAD);
    // It is left out where there is no room for it.
    if !trace.is_empty() && meta.len() + trace.len() + BEHIND_OVERHEAD + behind <= MAX_CUSTOM {
        push_trace(trace, &mut told)?;
        flags = flags.with(Flags::TRACED);
    }
    if let Some(caller) = caller {
        push_remote_caller(&caller, &mut told)?;
    }
    Open { peer, timeout_ms, name, meta: &told }.encode_with(flags, out)
}

fn encode_detached(request: &Outgoing<'_>, len: u64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let payload = announced(len)?;
    let encode = |custom: Custom<'_>, out: &mut Vec<u8>| {
        encode_request(request, custom.traced(request.trace), &payload, Flags::DETACHED, out)
    };
    match request.from {
        Sender::Edge { id, .. } => encode(Custom::tailed(request.custom, id), out),
        Sender::Unnamed => encode(Custom::plain(request.custom), out),
        Sender::Service { service, edge, .. } => {
            encode(Custom::forwarded(request.custom, &encode_caller(service), edge), out)
        }
        Sender::ByName { edge, .. } => {
            encode(Custom::forwarded(request.custom, &encode_edge(edge), edge.id), out)
        }
    }
}

/// The length that stands in place of a detached payload.
fn announced(len: u64) -> Result<[u8; 4], EncodeError> {
    let len = u32::try_from(len).map_err(|_| EncodeError::FieldTooLong(usize::MAX))?;
    Ok(len.to_be_bytes())
}
