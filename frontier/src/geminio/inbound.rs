//! What a peer sends, for the exchange: packets of the connection itself, and of its streams.

use super::framing::{self, Framed};
use super::lane::Lane;
use super::leg::StreamLeg;
use super::payload::Received;
use super::{presence, text, timeout_ms};
use crate::inner_leg::Inner;
use crate::policy::Policies;
use bytes::{Bytes, BytesMut};
use frontier_exchange::{
    Batch, CorrelationId, Destination, Envelope, Exchange, Inbound, Outcome, Peer, Registration, Reply,
    RequestKind, Stage, StreamRequest, StreamTarget, Violation,
};
use frontier_geminio as wire;
use frontier_protocol::{Code, Custom, EdgeId, FRAGMENT, Names};
use frontier_transport::CloseReason;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While a connection is not read because a stream is full, its reader has to take so much in each such time. Else it is
/// that stream which is given up, and not the others.
const STALL: Duration = Duration::from_secs(2);
const MIN_TAKEN: u64 = 64 * 1024;

/// How often a connection that is not read counts as heard.
const HEARD: Duration = Duration::from_millis(500);

/// How many packets a registration of an edge counts for: it takes a copy of all that the edge has registered.
const EDGE_REGISTRATION_COST: usize = 16;

const NO_EDGE_ID: &str = "illegal edgeID";

/// What the packets of a connection are read with.
pub(super) struct Reader<'a> {
    pub(super) exchange: &'a Arc<Exchange>,
    pub(super) peer: &'a Arc<Peer>,
    pub(super) lane: &'a Arc<Lane>,
    pub(super) policies: &'a Policies,
    /// The longest body of a packet, in bytes.
    pub(super) max_body: usize,
    pub(super) max_frame: usize,
}

/// How far it came.
pub(super) enum Turn {
    /// There is no whole packet left.
    Done,
    /// There may be; with it a stream that has to be read first.
    More(Option<u64>),
}

fn broken(error: &impl ToString) -> CloseReason {
    CloseReason::Protocol(error.to_string())
}

impl Reader<'_> {
    /// Acts on packets that came together, and on `most` at once.
    pub(super) fn on_packets(&self, buffer: &mut BytesMut, most: usize) -> Result<Turn, CloseReason> {
        let mut batch = self.exchange.batch();
        let mut left = most;
        while left > 0 {
            let Some(frame) = wire::decode(buffer, self.max_body).map_err(|error| broken(&error))? else {
                return Ok(Turn::Done);
            };
            let is_costly = frame.kind == wire::Kind::Register && !self.peer.is_service();
            left = left.saturating_sub(if is_costly { EDGE_REGISTRATION_COST } else { 1 });
            if let Some(full) = self.on_frame(&frame, &mut batch)? {
                return Ok(Turn::More(Some(full)));
            }
        }
        Ok(Turn::More(None))
    }

    /// Acts on one packet. A stream is returned that has to be read before more comes for it.
    fn on_frame(&self, frame: &wire::Frame, batch: &mut Batch<'_>) -> Result<Option<u64>, CloseReason> {
        let (id, lane) = (frame.id, self.lane);
        match wire::Packet::parse(frame).map_err(|error| broken(&error))? {
            wire::Packet::Heartbeat => lane.say(|out| wire::heartbeat_ack(id, out)),
            wire::Packet::Request(request) if request.session != wire::MAIN_SESSION => {
                let framed = framing::request(id, &request, self.max_frame);
                return Ok(self.deliver(request.session, framed));
            }
            wire::Packet::Request(request) => {
                self.on_request(id, request, batch).map_err(|violation| broken(&violation))?;
            }
            wire::Packet::Reply(reply) if reply.session != wire::MAIN_SESSION => {
                if reply.kind == wire::RequestKind::Message {
                    lane.write(reply.session, super::stream::Stream::acked);
                }
                let framed = framing::reply(id, &reply, self.max_frame);
                return Ok(self.deliver(reply.session, framed));
            }
            wire::Packet::Reply(reply) => {
                self.on_reply(id, reply, batch).map_err(|violation| broken(&violation))?;
            }
            wire::Packet::Raw(session, bytes) => {
                if session != wire::MAIN_SESSION && !bytes.is_empty() {
                    return Ok(self.deliver(session, framing::raw(&frame.body, bytes)));
                }
            }
            wire::Packet::Register(wire::MAIN_SESSION, method) if self.peer.is_service() => {
                let names: &[&str] = &[&method];
                let register = Inbound::Register { id, change: Registration::Add, of: Names::Methods, names };
                self.exchange.on(self.peer, register, batch).map_err(|violation| broken(&violation))?;
            }
            // Nothing depends on it: the client answers these calls whether they are listed or not. Nobody asks what a stream
            // takes calls of.
            wire::Packet::Register(session, method) => {
                if session == wire::MAIN_SESSION
                    && let Err(error) = self.exchange.add_methods(self.peer, &[&method])
                    && let Some(addr) = self.peer.addr()
                {
                    self.exchange.log_unlisted(addr, &error);
                }
                let said = lane.reply(|out| wire::registered(id, session, "", out));
                if said.is_ok() {
                    lane.work.notify_one();
                }
            }
            wire::Packet::Cancel(wire::Cancelled { session: wire::MAIN_SESSION }) => {
                let cancelled = self.exchange.on(self.peer, Inbound::Cancel(id), batch);
                cancelled.map_err(|violation| broken(&violation))?;
            }
            wire::Packet::Open(open) => self.on_open(id, open),
            wire::Packet::OpenAck(ack) => {
                lane.with(ack.number, |stream| {
                    let refused = !ack.error.is_empty();
                    stream.answer = Some(if refused { Err(ack.error) } else { Ok(()) });
                    stream.wake();
                });
            }
            wire::Packet::Dismiss(session) => {
                lane.say(|out| wire::dismissed(id, session, out));
                if session == wire::MAIN_SESSION {
                    // The client is about to leave, and says so itself.
                    lane.say(|out| wire::dismiss(lane.next_id(), session, out));
                    self.peer.advance(Stage::Leaving);
                } else {
                    lane.dismissed_by_peer(session);
                }
            }
            wire::Packet::Disconnect => {
                lane.answer_goodbye(id);
                return Err(CloseReason::Peer);
            }
            wire::Packet::Conn(_) | wire::Packet::ConnAck(_) => {
                return Err(CloseReason::Protocol(format!("a {:?} packet out of place", frame.kind)));
            }
            wire::Packet::Cancel(_)
            | wire::Packet::Dismissed(_)
            | wire::Packet::Disconnected
            | wire::Packet::HeartbeatAck
            | wire::Packet::Registered(..) => {}
        }
        Ok(None)
    }

    fn deliver(&self, session: u64, framed: Framed) -> Option<u64> {
        match framed {
            Framed::Pieces(pieces) => self.lane.deliver(session, pieces).then_some(session),
            Framed::Answer(packet) => {
                self.lane.write(session, |stream| stream.packet(packet));
                None
            }
            Framed::Nothing => None,
        }
    }

    fn on_request(
        &self,
        id: u64,
        request: wire::Request<'_>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Violation> {
        let timeout = timeout_ms(request.deadline);
        let deadline = self.exchange.deadline(timeout, batch.now());
        if request.payload.len() <= FRAGMENT {
            let envelope = envelope(self.peer, id, &request, &request.payload, deadline);
            return self.exchange.on(self.peer, Inbound::Request(envelope), batch);
        }
        let (exchange, peer, lane) = (self.exchange.clone(), self.peer.clone(), self.lane.clone());
        let request = wire::Request {
            name: request.name.into_owned().into(),
            custom: request.custom.into_owned().into(),
            payload: request.payload.into_owned().into(),
            ..request
        };
        tokio::spawn(async move {
            let payload = Bytes::from(request.payload.to_vec());
            let envelope = envelope(&peer, id, &request, b"", deadline);
            let (len, leg) = (payload.len() as u64, Box::new(Inner(Received(payload))));
            if let Err(violation) = exchange.on_payload_request(&peer, envelope, len, leg, false).await {
                lane.close(broken(&violation));
            }
        });
        Ok(())
    }

    fn on_reply(&self, id: u64, reply: wire::Reply, batch: &mut Batch<'_>) -> Result<(), Violation> {
        let wire::Reply { kind, custom, outcome, .. } = reply;
        let (kind, outcome) = match kind {
            wire::RequestKind::Call if self.lane.was_id_request(id) => {
                (RequestKind::Call, presence::edge_id(outcome))
            }
            wire::RequestKind::Call => (RequestKind::Call, outcome),
            wire::RequestKind::Message => {
                self.lane.acked(id);
                (RequestKind::Message, outcome.map(|_| Vec::new()))
            }
        };
        let (code, payload) = match &outcome {
            Ok(value) => (Code::Ok, &value[..]),
            Err(error) => {
                let (code, text) = text::code(error);
                (code, text.as_bytes())
            }
        };
        let correlation = CorrelationId(id);
        if payload.len() <= FRAGMENT {
            let outcome = Outcome { code, detail: 0, custom: &custom, payload };
            let reply = Reply { correlation, kind, outcome, edge: None };
            return self.exchange.on(self.peer, Inbound::Reply(reply), batch);
        }
        let (exchange, peer, lane) = (self.exchange.clone(), self.peer.clone(), self.lane.clone());
        let payload = Bytes::from(outcome.unwrap_or_else(String::into_bytes));
        tokio::spawn(async move {
            let outcome = Outcome { code, detail: 0, custom: &custom, payload: b"" };
            let reply = Reply { correlation, kind, outcome, edge: None };
            let (len, leg) = (payload.len() as u64, Box::new(Inner(Received(payload))));
            if let Err(violation) = exchange.on_payload_reply(&peer, reply, len, leg).await {
                lane.close(broken(&violation));
            }
        });
        Ok(())
    }

    /// The peer opens a stream. Its own number becomes the session wherever that is free: a client of the original loses
    /// what comes early under any other.
    fn on_open(&self, id: u64, open: wire::Open) {
        let wire::Open { number, chooses, peer: to, meta } = open;
        let (lane, exchange, peer) = (self.lane, self.exchange, self.peer);
        let session = lane.add_stream(Some(number)).or_else(|| lane.add_stream(None).filter(|_| chooses));
        let Some(session) = session else {
            return lane.say(|out| {
                let ack = wire::OpenAck { number, session: number, error: "too many streams".to_owned() };
                // Openers go by no error: it is taken and closed.
                let _ = ack.encode(id, out);
                wire::dismiss(lane.next_id(), number, out);
            });
        };
        let leg = Box::new(StreamLeg::new(lane.clone(), session, self.max_frame, Some((id, number))));
        let (exchange, peer) = (exchange.clone(), peer.clone());
        let deadline = exchange.deadline(0, Instant::now());
        tokio::spawn(async move {
            let (target, name) = match (peer.edge_id(), to.parse()) {
                (Some(_), _) => (StreamTarget::Name, &*to),
                (None, Ok(edge)) => (StreamTarget::Edge(EdgeId(edge)), ""),
                (None, Err(_)) => (StreamTarget::Unreadable("the peer of a stream is no EdgeID"), ""),
            };
            let request = StreamRequest { to: target, name, meta: &meta, trace: b"", deadline };
            exchange.on_stream(&peer, request, leg, false).await;
        });
    }

    /// Waits until a stream has room again, and gives it up if nobody reads it.
    pub(super) async fn wait_for_room(&self, session: u64) {
        self.lane.hold(true);
        self.room(session).await;
        self.lane.hold(false);
    }

    async fn room(&self, session: u64) {
        let (mut since, mut before) = (Instant::now(), None);
        while let Some((taken, waiting)) = self.lane.fullness(session) {
            let before = before.get_or_insert(taken);
            if since.elapsed() >= STALL {
                if taken - *before < MIN_TAKEN {
                    self.policies.log_unread_stream(self.peer, waiting);
                    return self.lane.overrun(session);
                }
                (since, *before) = (Instant::now(), taken);
            }
            self.peer.hear(self.exchange.millis());
            // Nobody may read it again: then it is looked at all the same.
            let _ = tokio::time::timeout(HEARD, self.lane.read.notified()).await;
        }
    }
}

/// A request of `peer`, with the payload that it carries itself.
fn envelope<'a>(
    peer: &Peer,
    id: u64,
    request: &'a wire::Request<'_>,
    payload: &'a [u8],
    deadline: Instant,
) -> Envelope<'a> {
    let kind = match request.kind {
        wire::RequestKind::Call => RequestKind::Call,
        wire::RequestKind::Message => RequestKind::Message,
    };
    let (to, custom) = match (peer.edge_id(), Custom::split_tail(&request.custom)) {
        (Some(_), _) => (Destination::Name, &*request.custom),
        (None, Some((custom, edge))) => (Destination::Edge(edge), custom),
        (None, None) => (Destination::Unreadable(NO_EDGE_ID), &*request.custom),
    };
    Envelope { kind, id, wants_reply: true, to, name: &request.name, custom, trace: b"", payload, deadline }
}
