//! The wire: a line of text for each thing that is said. It has no headers of the users' own, no payloads on legs
//! of their own, and no windows; what it can't carry it refuses.
//!
//! | from the peer | to the peer |
//! |---|---|
//! | `HELLO edge 7`, `HELLO service 1 files echo orders` | `BYE <reason>` |
//! | `CALL <id> [@edge] <method> <text>` | `CALL <id> <from> <method> <text>` |
//! | `PUB <id or -> [@edge] <topic> <text>` | `PUB <id or -> <from> <topic> <text>` |
//! | `REPLY <id> <ok or failed> <text>`, `ACK …` | `REPLY <id> <from> <code> <text>`, `ACK …` |
//! | `CANCEL <id>`, `LEAVE` | `CANCEL <id>`, `LEFT` |
//! | `ADD <id> <methods or topics> <names>`, `REMOVE …` | `DONE <id> <ok or the error>` |
//! | `OPEN <stream> <service or @edge> <meta>` | `OPEN <stream> <from> <meta>` |
//! | `ACCEPT`, `REFUSE`, `DATA`, `END`, `RESET` with the stream | the same |

use crate::leg::{LineLeg, NewLineLeg, Part};
use frontier_exchange::{
    Batch, BoxFuture, CloseReason, CorrelationId, Destination, Envelope, Exchange, Identity, Inbound, NewLeg,
    OpenError, Outcome, Outgoing, Outlet, Peer, QueueError, Queued, Registration, RegistrationError, Reply,
    RequestKind, Seat, Sender, StreamRequest, StreamTarget, Violation,
};
use frontier_protocol::{Code, EdgeId, Names, ServiceId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Where the lines for one peer go, and what of them are streams.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// `None` once the connection is closed.
    out: Option<mpsc::UnboundedSender<String>>,
    streams: HashMap<String, mpsc::UnboundedSender<Part>>,
    opened: u32,
}

impl Lines {
    fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (out, lines) = mpsc::unbounded_channel();
        (Self(Arc::new(Mutex::new(State { out: Some(out), streams: HashMap::new(), opened: 0 }))), lines)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    pub(crate) fn say(&self, line: String) -> Result<Queued, QueueError> {
        if line.contains('\n') {
            return Err(QueueError::TooLarge("a line carries no line break".into()));
        }
        let sent = self.state().out.as_ref().is_some_and(|out| out.send(line).is_ok());
        if sent { Ok(Queued::SENT) } else { Err(QueueError::Closed("hung up".into())) }
    }

    /// One more stream, with what comes on it.
    fn stream(&self, id: String) -> LineLeg {
        let (part, parts) = mpsc::unbounded_channel();
        self.state().streams.insert(id.clone(), part);
        LineLeg::new(id, self.clone(), parts)
    }

    fn hang_up(&self) {
        let mut state = self.state();
        (state.out, state.streams) = (None, HashMap::new());
    }
}

fn text(bytes: &[u8]) -> Result<&str, QueueError> {
    std::str::from_utf8(bytes).map_err(|_| QueueError::TooLarge("a line carries text".into()))
}

impl Outlet for Lines {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        let verb = if request.kind == RequestKind::Call { "CALL" } else { "PUB" };
        let id = request.correlation.map_or("-".to_owned(), |correlation| correlation.0.to_string());
        let from = if let Sender::Edge { id, .. } = request.from { format!("@{id}") } else { "-".to_owned() };
        self.say(format!("{verb} {id} {from} {} {}", request.name, text(request.payload)?))
    }

    fn reply(
        &self,
        id: u64,
        kind: RequestKind,
        edge: Option<EdgeId>,
        outcome: Outcome<'_>,
    ) -> Result<Queued, QueueError> {
        let verb = if kind == RequestKind::Call { "REPLY" } else { "ACK" };
        let from = edge.map_or("-".to_owned(), |id| format!("@{id}"));
        self.say(format!("{verb} {id} {from} {:?} {}", outcome.code, text(outcome.payload)?))
    }

    fn cancel(&self, correlation: CorrelationId) -> Result<Queued, QueueError> {
        self.say(format!("CANCEL {}", correlation.0))
    }

    fn registered(
        &self,
        id: u64,
        _: Registration,
        outcome: Result<(), &RegistrationError>,
    ) -> Result<Queued, QueueError> {
        self.say(format!("DONE {id} {}", outcome.err().map_or("ok".to_owned(), ToString::to_string)))
    }

    fn seal(&self) -> Result<Queued, QueueError> {
        self.say("LEFT".to_owned())
    }

    fn open(&self) -> BoxFuture<'_, Result<Box<dyn NewLeg>, OpenError>> {
        Box::pin(async {
            let id = {
                let mut state = self.state();
                state.opened += 1;
                state.out.is_some().then(|| format!("g{}", state.opened)).ok_or(OpenError::Closed)?
            };
            Ok(Box::new(NewLineLeg(self.stream(id))) as Box<dyn NewLeg>)
        })
    }

    fn close(&self, reason: CloseReason) {
        // Whoever has hung up does not hear it.
        let _ = self.say(format!("BYE {reason}"));
        self.hang_up();
    }

    fn is_closed(&self) -> bool {
        self.state().out.is_none()
    }
}

/// A connection on this wire.
#[derive(Debug)]
pub(crate) struct LineWire {
    exchange: Arc<Exchange>,
    seat: Seat,
    lines: Lines,
}

/// The words of a line, and what is left of it.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> &'a str {
        let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
        self.0 = rest;
        word
    }

    fn number(&mut self) -> Result<u64, Violation> {
        let word = self.next();
        word.trim_start_matches('@').parse().map_err(|_| Violation::new(format!("{word:?} is no number")))
    }
}

impl LineWire {
    /// Lets a peer in by its first line. What is said to it comes out of the receiver.
    pub(crate) fn hello(
        exchange: &Arc<Exchange>,
        line: &str,
    ) -> Result<(Self, mpsc::UnboundedReceiver<String>), String> {
        let mut words = Words(line.strip_prefix("HELLO ").ok_or("it does not begin with HELLO")?);
        let is_edge = words.next() == "edge";
        let id = words.number().map_err(|error| error.to_string())?;
        let (name, methods, topics) = (words.next(), names(words.next()), names(words.next()));
        let identity = match is_edge {
            true => Identity::Edge { id: EdgeId(id), meta: Default::default() },
            false => Identity::Service { id: ServiceId(id), name: name.into() },
        };
        let (lines, out) = Lines::new();
        let silence = Duration::from_secs(60);
        let outlet = Box::new(lines.clone());
        let peer = Arc::new(Peer::new(identity, exchange.next_epoch(), None, outlet, silence));
        let (seat, predecessor) = match is_edge {
            true => exchange.join_edge(&peer).map_err(|error| error.to_string())?,
            false => exchange.join_service(&peer, &methods, &topics).map_err(|error| error.to_string())?,
        };
        if let Some(predecessor) = predecessor {
            predecessor.outlet().close(CloseReason::Superseded);
        }
        if !seat.publish() {
            return Err("it was taken over at once".to_owned());
        }
        Ok((Self { exchange: exchange.clone(), seat, lines }, out))
    }

    /// Acts on lines that came together.
    pub(crate) fn read(&self, lines: &str) -> Result<(), Violation> {
        let mut batch = self.exchange.batch();
        lines.lines().try_for_each(|line| self.line(line, &mut batch))
    }

    fn line(&self, line: &str, batch: &mut Batch<'_>) -> Result<(), Violation> {
        let mut words = Words(line);
        let verb = words.next();
        let (names, registration);
        let inbound = match verb {
            "CALL" | "PUB" => Inbound::Request(self.request(verb, words, batch)?),
            "REPLY" | "ACK" => {
                let correlation = CorrelationId(words.number()?);
                let code = if words.next() == "ok" { Code::Ok } else { Code::Application };
                let outcome = Outcome { code, detail: 0, custom: b"", payload: words.0.as_bytes() };
                let kind = if verb == "REPLY" { RequestKind::Call } else { RequestKind::Message };
                Inbound::Reply(Reply { correlation, kind, outcome, edge: None })
            }
            "CANCEL" => Inbound::Cancel(words.number()?),
            "LEAVE" => Inbound::Leave { is_draining: false },
            "ADD" | "REMOVE" => {
                let id = words.number()?;
                registration = if verb == "ADD" { Registration::Add } else { Registration::Remove };
                let of = if words.next() == "methods" { Names::Methods } else { Names::Topics };
                names = self::names(words.0);
                Inbound::Register { id, change: registration, of, names: &names }
            }
            "OPEN" => {
                self.open(words);
                return Ok(());
            }
            _ => return self.stream_part(verb, words),
        };
        self.exchange.on(self.seat.peer(), inbound, batch)
    }

    fn request<'a>(
        &self,
        verb: &str,
        mut words: Words<'a>,
        batch: &mut Batch<'_>,
    ) -> Result<Envelope<'a>, Violation> {
        let kind = if verb == "CALL" { RequestKind::Call } else { RequestKind::Message };
        let (wants_reply, mut of_id) = (!words.0.starts_with("- "), Words(words.next()));
        let id = if wants_reply { of_id.number()? } else { 0 };
        let to = match self.seat.peer().is_service() {
            true => Destination::Edge(EdgeId(words.number()?)),
            false => Destination::Name,
        };
        let (name, payload) = (words.next(), words.0.as_bytes());
        let deadline = self.exchange.deadline(0, batch.now());
        Ok(Envelope { kind, id, wants_reply, to, name, custom: b"", trace: b"", payload, deadline })
    }

    /// A stream is joined by a task of its own.
    fn open(&self, mut words: Words<'_>) {
        let leg = self.lines.stream(words.next().to_owned());
        let (to, meta) = (words.next().to_owned(), words.0.to_owned());
        let (exchange, peer) = (self.exchange.clone(), self.seat.peer().clone());
        let deadline = exchange.deadline(0, Instant::now());
        tokio::spawn(async move {
            let edge = to.strip_prefix('@').and_then(|id| id.parse().ok());
            let name = if edge.is_some() { "" } else { &*to };
            let to = edge.map_or(StreamTarget::Name, |id| StreamTarget::Edge(EdgeId(id)));
            let request = StreamRequest { to, name, meta: meta.as_bytes(), trace: b"", deadline };
            exchange.on_stream(&peer, request, Box::new(leg), false).await;
        });
    }

    fn stream_part(&self, verb: &str, mut words: Words<'_>) -> Result<(), Violation> {
        let stream = words.next();
        let part = match verb {
            "ACCEPT" => Part::Accepted,
            "REFUSE" => Part::Refused(words.0.to_owned()),
            "DATA" => Part::Data(words.0.to_owned().into()),
            "END" => Part::End,
            "RESET" => Part::Reset,
            _ => return Err(Violation::new(format!("{verb:?} means nothing"))),
        };
        // What comes for a stream that is over is late.
        self.lines.state().streams.get(stream).map(|parts| parts.send(part));
        Ok(())
    }
}

impl Drop for LineWire {
    /// The connection is lost.
    fn drop(&mut self) {
        self.lines.hang_up();
        self.exchange.leave(self.seat.peer(), &[]);
    }
}

/// Names with commas between.
fn names(word: &str) -> Vec<&str> {
    word.split(',').filter(|name| !name.is_empty() && *name != "-").collect()
}
