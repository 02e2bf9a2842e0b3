//! One connection to the gateway: what its task and everybody else share.

mod backlog;
mod calls;
mod clock;
mod collect;
pub(crate) mod detached;
mod drain;
mod driver;
mod end;
mod farewell;
mod inbound;
mod job;
mod running;
mod timers;
mod topics;
mod waiting;

pub(crate) use drain::Drain;
pub(crate) use driver::Driver;
pub(crate) use end::End;
pub(crate) use job::Job;
pub(crate) use waiting::Waiting;

use crate::Error;
use crate::message::Settle;
use calls::Calls;
use frontier_protocol::{Ack, Code, EncodeError, Kind, Response, Role};
use frontier_transport::{CloseReason, LinkHandle, Priority, PushError};
use running::Running;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::time::Instant;

/// The longest text of an error that is sent, in bytes.
const MAX_TEXT: usize = 8 * 1024;

/// A connection, as its users see it. Frames go straight into the outbox, without a hop over the
/// connection's task.
pub(crate) struct Connection {
    pub(crate) link: LinkHandle,
    pub(crate) role: Role,
    /// The longest payload that the gateway carries, in bytes.
    pub(crate) max_payload: u64,
    calls: Calls,
    running: Running,
    /// Handlers, messages in the user's hands, payloads under way.
    work: AtomicUsize,
    /// Whether the connection's task wants to hear when work ends.
    is_watched: AtomicBool,
    /// Until when to leave in good order, once the user wants that.
    leave: OnceLock<Instant>,
    /// Whether the gateway has said that it is about to stop.
    is_draining: AtomicBool,
    /// Whether another connection has taken its place.
    is_replaced: AtomicBool,
}

/// Why a question was not sent.
#[derive(Debug)]
pub(crate) enum NotAsked {
    /// The outbox is full: wait for [`LinkHandle::writable`].
    Full,
    /// The connection is lost or is left, and whoever was asked has not been reached.
    Gone,
    /// It can't be asked.
    Refused(Error),
}

impl Connection {
    pub(crate) fn new(link: LinkHandle, role: Role, max_payload: u64) -> Self {
        Self {
            link,
            role,
            max_payload,
            calls: Calls::new(),
            running: Running::default(),
            work: AtomicUsize::new(0),
            is_watched: AtomicBool::new(false),
            leave: OnceLock::new(),
            is_draining: AtomicBool::new(false),
            is_replaced: AtomicBool::new(false),
        }
    }

    /// Sends a question, and returns what waits for its answer, a frame of the kind `answer`.
    pub(crate) fn ask(
        self: &Arc<Self>,
        answer: Kind,
        deadline: Instant,
        encode: impl FnOnce(u64, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<Waiting, NotAsked> {
        let waiting = self.expect(answer, deadline)?;
        match self.link.send(Priority::Question, |out| encode(waiting.id(), out)) {
            Ok(()) => Ok(waiting),
            Err(error) => {
                waiting.withdraw();
                Err(error.into())
            }
        }
    }

    /// What waits for the answer to a question that the caller will send.
    pub(crate) fn expect(self: &Arc<Self>, answer: Kind, deadline: Instant) -> Result<Waiting, NotAsked> {
        let opened = self.calls.open(answer, deadline).map_err(|error| match error.code() {
            Code::Disconnected => NotAsked::Gone,
            _ => NotAsked::Refused(error),
        })?;
        if opened.is_first_due {
            self.link.wake();
        }
        Ok(Waiting::new(self.clone(), opened))
    }

    /// Waits until the outbox has room again, or the connection is lost.
    pub(crate) async fn room(&self, deadline: Instant) -> Result<(), Error> {
        let room = tokio::time::timeout_at(deadline, self.link.writable()).await;
        room.map(drop).map_err(|_| Error::new(Code::Deadline, "the outbox was full all the time"))
    }

    /// Sends a frame to which nobody answers.
    pub(crate) fn tell(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), NotAsked> {
        Ok(self.link.send(Priority::Question, encode)?)
    }

    /// Sends an answer or a notice. It is lost only with the connection, and then nobody needs it.
    pub(crate) fn notify(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        let _ = self.link.send(Priority::Answer, encode);
    }

    /// Answers the request `id` with an error.
    pub(crate) fn refuse_request(&self, id: u64, code: Code, text: &str) {
        let response = Response::error(code, limited(text));
        self.notify(|out| response.encode_with(id, frontier_protocol::Flags::default(), out));
    }

    /// Answers the message `id` with an error, if its sender wants to know.
    pub(crate) fn refuse_message(&self, id: u64, code: Code, text: &str) {
        if id != 0 {
            self.notify(|out| Ack { code, detail: 0, text: limited(text) }.encode(id, out));
        }
    }

    /// Ends the call `id` of ours with an error, whose answer can't be had.
    fn answer_error(&self, id: u64, code: Code, text: &str) {
        self.calls.answer(id, Kind::Response, || Err(Error::from_wire(code, 0, text)));
    }

    /// Asks the connection's task to leave in good order.
    pub(crate) fn leave(&self, until: Instant) {
        // A second wish changes nothing.
        let _ = self.leave.set(until);
        self.link.wake();
    }

    /// Another connection has taken the place of this one, whose gateway drains: asks its task to leave
    /// once everything here is done.
    pub(crate) fn replaced(&self) {
        self.is_replaced.store(true, Ordering::SeqCst);
        self.link.wake();
    }

    /// Whether a question that failed with `error` was put off: the gateway, which is about to stop, or
    /// the receiver has not taken it. It may be asked again elsewhere.
    pub(crate) fn has_put_off(&self, error: &Error) -> bool {
        error.code() == Code::Draining && self.is_draining.load(Ordering::SeqCst)
    }

    /// Takes no more questions, if none waits for its answer. Who comes too late asks elsewhere.
    fn seal(&self) -> bool {
        self.calls.close_if_empty(&Error::new(Code::Disconnected, "another connection has taken over"))
    }

    /// Ends everything that goes on here.
    fn end(&self, error: &Error) {
        self.link.close(CloseReason::Local);
        self.calls.close(error);
        self.running.abort_all();
    }

    fn work_begins(&self) {
        self.work.fetch_add(1, Ordering::SeqCst);
    }

    fn work_ends(&self) {
        self.work.fetch_sub(1, Ordering::SeqCst);
        self.work_changed();
    }

    fn work_changed(&self) {
        if self.is_watched.load(Ordering::SeqCst) {
            self.link.wake();
        }
    }

    fn is_idle(&self) -> bool {
        self.work.load(Ordering::SeqCst) == 0 && self.calls.is_empty()
    }
}

impl Settle for Connection {
    fn settle(&self, id: u64, code: Code, text: &str) {
        self.notify(|out| Ack { code, detail: 0, text: limited(text) }.encode(id, out));
        self.work_ends();
    }
}

impl From<PushError> for NotAsked {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Full(_) => Self::Full,
            PushError::Closed(_) | PushError::Sealed => Self::Gone,
            PushError::Encode(error) => Self::Refused(error.into()),
        }
    }
}

/// As much of `text` as is sent.
fn limited(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
