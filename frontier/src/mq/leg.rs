//! A large payload on its way to a broker: it is gathered here, within the sink's bound, since brokers take messages whole.

use super::confirms::refusal;
use super::outlet::{SinkOutlet, check_kind, timeout, token};
use crate::inner_leg::{Inner, InnerLeg};
use bytes::{Bytes, BytesMut};
use frontier_exchange::{BeginError, BoxFuture, Failure, Head, Leg, NewLeg};
use frontier_mq::{Confirm, Message, Outcome, Room, SendError};
use frontier_protocol::Code;
use std::io;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A leg of which it is not known yet what it carries.
#[derive(Debug)]
pub(super) struct NewSinkLeg {
    outlet: SinkOutlet,
}

/// A payload that is coming.
#[derive(Debug)]
struct SinkLeg {
    outlet: SinkOutlet,
    token: Option<u64>,
    state: State,
}

/// ```text
///   Coming ──(its end)──▶ Ended
///      └──(no room)──▶ Refused ──(its end)──▶ Ended
/// ```
#[derive(Debug)]
enum State {
    Coming(Coming),
    /// What still comes is dropped: its sender is told at its end.
    Refused(SendError),
    Ended,
}

#[derive(Debug)]
struct Coming {
    message: Message,
    /// Grows with what comes, whatever length was announced.
    payload: BytesMut,
    room: Room,
    deadline: Instant,
}

impl NewSinkLeg {
    pub(super) fn new(outlet: SinkOutlet) -> Self {
        Self { outlet }
    }

    fn start(self, head: &Head<'_>) -> Result<Box<dyn Leg>, Failure> {
        let Head::Request(request, len) = head else {
            return Err(Failure::new(Code::StreamRefused, "a broker takes messages, and no streams"));
        };
        check_kind(request).map_err(|(code, text)| Failure::new(code, text))?;
        let message = self.outlet.message(request);
        let (size, len) = (message.size(), usize::try_from(*len).unwrap_or(usize::MAX));
        let room = self.outlet.sink().reserve(size, size.saturating_add(len));
        let room = room.map_err(|error| failure(&error))?;
        let deadline = Instant::now() + timeout(request);
        let state = State::Coming(Coming { message, payload: BytesMut::new(), room, deadline });
        Ok(Box::new(Inner(SinkLeg { outlet: self.outlet, token: token(request), state })))
    }
}

fn failure(error: &SendError) -> Failure {
    let (code, text) = refusal(error);
    Failure::new(code, text)
}

impl NewLeg for NewSinkLeg {
    fn begin<'a>(self: Box<Self>, head: Head<'a>) -> BoxFuture<'a, Result<Box<dyn Leg>, BeginError>> {
        Box::pin(async move { self.start(&head).map_err(BeginError::Refused) })
    }
}

impl SinkLeg {
    /// All of it has come.
    fn send(&mut self) {
        let sent = match std::mem::replace(&mut self.state, State::Ended) {
            State::Coming(Coming { message, payload, room, deadline }) => {
                let message = Message { payload: payload.freeze(), ..message };
                let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                room.send(message, self.token, left)
            }
            State::Refused(error) => Err(error),
            State::Ended => return,
        };
        if let (Err(error), Some(token)) = (sent, self.token) {
            self.outlet.confirms().ended(vec![Outcome { token, result: Err(error) }]);
        }
    }
}

impl InnerLeg for SinkLeg {
    /// A broker says nothing on it, and does not end it.
    fn poll_chunk(&mut self) -> Poll<Option<Bytes>> {
        Poll::Pending
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Coming(coming) => match coming.room.grow(bytes.len()) {
                Ok(()) => coming.payload.extend_from_slice(bytes),
                Err(error) => self.state = State::Refused(error),
            },
            State::Refused(_) => {}
            State::Ended => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(bytes.len())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.send();
        Ok(())
    }
}
