//! The wire of the Go original, geminio: its packets as the exchange sees them.
//!
//! ```text
//!   bytes ─▶ packets ─▶ inbound ─▶ Exchange::on           Exchange ─▶ GeminioOutlet ─▶ packets ─▶ bytes
//!        ─▶ a stream's packet ─▶ framing ─▶ StreamLeg     StreamLeg ─▶ framing ─▶ a stream's packet
//! ```
//!
//! The task of a connection reads and writes its bytes; what it shares with those who send to its peer is its [`Lane`].
//! The wire knows no windows: of a stream that is read slowly some MiB wait, and then its connection is read at the pace of
//! that reader; a stream that is not read at all is given up.

mod credentials;
mod framing;
mod greeting;
mod inbound;
mod lane;
mod leg;
mod outbox;
mod outlet;
mod payload;
mod presence;
mod stream;
mod text;

pub(crate) use greeting::{Greeting, GreetingError};

use crate::config::Limits;
use crate::policy::Policies;
use bytes::BytesMut;
use frontier_exchange::{Batch, Exchange, Failure, Inbound, Outlet, Peer, Unsent};
use frontier_geminio as wire;
use frontier_protocol::{EdgeId, Role, TAIL_LEN};
use frontier_transport::{BoxedCarrier, CloseReason, Network, Traffic};
use inbound::Reader;
use lane::{Ended, Lane};
use outlet::GeminioOutlet;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How much is read at once, in bytes: little while nothing comes.
const READ: (usize, usize) = (256, 64 * 1024);

/// How many packets are acted on before others have their turn.
const PACKETS_PER_TURN: usize = 256;

/// How often it is looked whether anything is in flight on a connection that is to end.
const QUIET_INTERVAL: Duration = Duration::from_millis(20);

/// How long a peer may take to hear the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection whose client has said who it is.
pub(crate) struct Connection {
    io: BoxedCarrier,
    /// What has come and was not acted on.
    buffer: BytesMut,
    /// What is being written, and how much of it was.
    writing: Vec<u8>,
    written: usize,
    lane: Arc<Lane>,
    /// Bytes that have come.
    received: u64,
    /// The client's first packet, which is answered.
    opening: u64,
    is_edge: bool,
    max_frame: usize,
    wire: &'static str,
}

/// What lists, logs and metrics call this wire, and a configuration.
pub(crate) const fn wire(has_tls: bool) -> &'static str {
    if has_tls { "geminio+tls" } else { "geminio" }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("lane", &self.lane).finish_non_exhaustive()
    }
}

impl Connection {
    fn new(
        (io, network): (BoxedCarrier, Network),
        buffer: BytesMut,
        opening: u64,
        role: Role,
        limits: &Limits,
    ) -> Self {
        Self {
            received: buffer.len() as u64,
            io,
            buffer,
            writing: Vec::new(),
            written: 0,
            lane: Lane::new(limits.outbox, limits.streams),
            opening,
            is_edge: role == Role::Edge,
            max_frame: limits.frame,
            wire: wire(network == Network::Tls),
        }
    }

    /// The way to its peer.
    pub(crate) fn outlet(&self) -> Box<dyn Outlet> {
        let Self { is_edge, max_frame, wire, .. } = *self;
        Box::new(GeminioOutlet { lane: self.lane.clone(), is_edge, max_frame, wire })
    }

    /// Queues the word that the client is let in under this id. Whether it will go out.
    pub(crate) fn welcome(&self, id: u64) -> bool {
        let ack = wire::ConnAck { id, error: String::new() };
        let queued = self.lane.reply(|out| ack.encode(self.opening, out));
        if queued.is_ok() {
            self.lane.work.notify_one();
        }
        queued.is_ok()
    }

    /// What has come and gone so far.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic { received: self.received, sent: self.lane.written() }
    }

    /// Why it was closed.
    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        self.lane.close_reason()
    }

    /// Closes it, and throws away what was queued.
    pub(crate) fn take_back(&mut self, reason: CloseReason) {
        self.writing.clear();
        drop(self.lane.take_unsent(reason));
    }

    /// Ends a connection whose client is not let in.
    pub(crate) async fn reject(mut self, failure: &Failure) {
        let mut out = Vec::new();
        let error = text::refusal(failure).into_owned();
        // A text that fits no packet is none that we have.
        let _ = wire::ConnAck { id: 0, error }.encode(self.opening, &mut out);
        wire::disconnect(self.lane.next_id(), &mut out);
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.say_goodbye(out)).await;
    }

    /// Ends it after `reason`.
    pub(crate) async fn close(mut self, reason: &CloseReason) {
        let mut out = Vec::new();
        // What has begun is finished, or the peer could not read what is behind it.
        if let Some(rest) = self.writing.get(self.written..) {
            out.extend_from_slice(&rest[..rest_of_packet(&self.writing, self.written)]);
        }
        if !matches!(reason, CloseReason::Lost(_)) {
            out.extend_from_slice(&self.lane.take_goodbye());
            wire::disconnect(self.lane.next_id(), &mut out);
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.say_goodbye(out)).await;
        }
    }

    /// Writes the last words, and reads until the peer has left: what it still sends must not reset the connection before
    /// it has heard them.
    async fn say_goodbye(&mut self, mut out: Vec<u8>) -> io::Result<()> {
        let Self { io, buffer, .. } = self;
        loop {
            io.write_all(&out).await?;
            io.flush().await?;
            out.clear();
            while let Ok(Some(frame)) = wire::decode(buffer, wire::MAX_BODY) {
                match frame.kind {
                    wire::Kind::Disconnect => wire::disconnected(frame.id, &mut out),
                    wire::Kind::Disconnected => {
                        io.write_all(&out).await?;
                        return io.shutdown().await;
                    }
                    _ => {}
                }
            }
            if out.is_empty() && io.read_buf(buffer).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Carries packets until the connection ends.
    pub(crate) async fn serve(
        &mut self,
        exchange: &Arc<Exchange>,
        peer: &Arc<Peer>,
        policies: &Policies,
        limits: &Limits,
    ) -> CloseReason {
        let Self { io, buffer, writing, written, lane, max_frame, received, .. } = self;
        let (from, to) = tokio::io::split(io);
        let max_body = usize::try_from(limits.payload).unwrap_or(wire::MAX_BODY).saturating_mul(2);
        let max_body = max_body.min(wire::MAX_BODY);
        let reader = Reader { exchange, peer, lane, policies, max_body, max_frame: *max_frame };
        tokio::select! {
            reason = read(&reader, from, buffer, received) => reason,
            error = write(lane, to, writing, written) => match error.kind() {
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => CloseReason::Peer,
                _ => CloseReason::Lost(error.to_string()),
            },
            reason = watch(&reader) => reason,
        }
    }

    /// Closes it for everyone who sends to its peer: the requests that were never written.
    pub(crate) fn take_unsent(&mut self, reason: CloseReason) -> Vec<Unsent> {
        let queued = self.lane.take_unsent(reason);
        let begun = self.written + rest_of_packet(&self.writing, self.written);
        let mut unsent = self.writing.get(begun..).unwrap_or_default().to_vec();
        unsent.extend_from_slice(&queued);
        self.writing.truncate(begun);
        let mut unsent = BytesMut::from(&unsent[..]);
        let mut requests = Vec::new();
        while let Ok(Some(frame)) = wire::decode(&mut unsent, wire::MAX_BODY) {
            requests.extend(unsent_request(&frame));
        }
        requests
    }
}

/// How much of `packets` from `at` on belongs to the packet in which that lies.
fn rest_of_packet(packets: &[u8], at: usize) -> usize {
    let mut end = 0;
    while end < at {
        let Some(header) = packets.get(end..end + wire::HEADER_LEN) else { break };
        let &[.., w, x, y, z] = header else { break };
        end += wire::HEADER_LEN + u32::from_be_bytes([w, x, y, z]) as usize;
    }
    end.min(packets.len()).saturating_sub(at)
}

/// A request for a service that comes from an edge, as the exchange takes it back.
fn unsent_request(frame: &wire::Frame) -> Option<Unsent> {
    let Ok(wire::Packet::Request(request)) = wire::Packet::parse(frame) else { return None };
    if request.session != wire::MAIN_SESSION {
        return None;
    }
    let (custom, tail) = request.custom.split_last_chunk::<TAIL_LEN>()?;
    Some(Unsent {
        correlation: frontier_exchange::CorrelationId(frame.id),
        name: (*request.name).into(),
        custom: custom.to_vec().into(),
        trace: Default::default(),
        edge: EdgeId(u64::from_be_bytes(*tail)),
        payload: request.payload.into_owned().into(),
    })
}

/// Reads and acts on packets.
async fn read(
    reader: &Reader<'_>,
    mut io: impl AsyncRead + Unpin,
    buffer: &mut BytesMut,
    received: &mut u64,
) -> CloseReason {
    let mut room = READ.0;
    loop {
        reader.peer.hear(reader.exchange.millis());
        loop {
            let full = match reader.on_packets(buffer, PACKETS_PER_TURN) {
                Ok(inbound::Turn::Done) => break,
                Ok(inbound::Turn::More(full)) => full,
                Err(reason) => return reason,
            };
            match full {
                Some(session) => reader.wait_for_room(session).await,
                None => tokio::task::yield_now().await,
            }
        }
        if buffer.is_empty() {
            // An idle connection holds next to nothing.
            *buffer = BytesMut::new();
        }
        buffer.reserve(room);
        let len = match io.read_buf(buffer).await {
            Ok(0) => return CloseReason::Peer,
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return CloseReason::Peer,
            Err(error) => return CloseReason::Lost(error.to_string()),
        };
        *received += len as u64;
        if len >= room {
            room = (room * 4).min(READ.1);
        } else if len * 8 < room {
            room = (room / 2).max(READ.0);
        }
    }
}

/// Writes what is queued, as it comes.
async fn write(
    lane: &Arc<Lane>,
    mut io: impl AsyncWrite + Unpin,
    writing: &mut Vec<u8>,
    written: &mut usize,
) -> io::Error {
    loop {
        while *written < writing.len() {
            match io.write(&writing[*written..]).await {
                Ok(0) => return io::ErrorKind::BrokenPipe.into(),
                Ok(len) => {
                    *written += len;
                    lane.wrote(len);
                }
                Err(error) => return error,
            }
        }
        if !writing.is_empty()
            && let Err(error) = io.flush().await
        {
            return error;
        }
        (*writing, *written) = (Vec::new(), 0);
        lane.next_batch(writing).await;
    }
}

/// Waits until the connection is closed, or has to be.
async fn watch(reader: &Reader<'_>) -> CloseReason {
    let Reader { exchange, peer, lane, .. } = reader;
    loop {
        match lane.ended().await {
            Ended::Closed(reason) => return reason,
            Ended::Leaves(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    reason = closed(lane) => return reason,
                }
                leave(exchange, peer, peer.is_service());
            }
            Ended::Sealed => {
                while peer.is_busy() {
                    if let Some(reason) = lane.close_reason() {
                        return reason;
                    }
                    tokio::time::sleep(QUIET_INTERVAL).await;
                }
                return CloseReason::Local;
            }
        }
    }
}

async fn closed(lane: &Lane) -> CloseReason {
    loop {
        if let Ended::Closed(reason) = lane.ended().await {
            return reason;
        }
        tokio::time::sleep(QUIET_INTERVAL).await;
    }
}

/// The peer wants to leave, or has to.
fn leave(exchange: &Arc<Exchange>, peer: &Arc<Peer>, is_draining: bool) {
    let mut batch: Batch<'_> = exchange.batch();
    if let Err(violation) = exchange.on(peer, Inbound::Leave { is_draining }, &mut batch) {
        unreachable!("everyone may leave: {violation}");
    }
}

/// How long a client may be silent, as an interval of which [`Heartbeat::limit`](frontier_protocol::Heartbeat::limit) makes
/// three: two of its own, as with the original.
fn silence(heartbeat: Duration) -> Duration {
    heartbeat * 2 / 3
}

/// The time that is left until `deadline` by another's clock, in milliseconds; 0 for the default. One that has passed, or
/// is far away, says that the clocks differ. Most requests have none, and for those nobody looks at a clock.
fn timeout_ms(deadline: Option<SystemTime>) -> u32 {
    let left = deadline.and_then(|at| at.duration_since(SystemTime::now()).ok());
    let left = left.map_or(0, |left| left.as_millis());
    u32::try_from(left).unwrap_or(0)
}
