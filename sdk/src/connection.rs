//! One connection to the gateway: what its task and everybody else share.

mod backlog;
pub(crate) mod detached;
mod driver;
mod end;
mod inbound;
mod incoming_stream;
mod job;
mod lifecycle;
mod losses;
mod migrating_task;
mod pace;
mod pending_requests;
mod response_future;
mod runner;
mod running;
mod timers;
mod topics;

pub(crate) use driver::Driver;
pub(crate) use end::{Drain, End};
pub(crate) use job::Job;
pub(crate) use pending_requests::Answer;
pub(crate) use response_future::ResponseFuture;

use crate::Error;
use crate::client::ToldMethods;
use crate::delivery::Reply;
use crate::message::Settle;
use frontier_protocol::{Ack, Cancel, Code, EncodeError, FEATURE_TRACE, Kind, Response, Role, Welcome};
use frontier_transport::{CloseReason, LinkHandle, Priority, PushError};
use pending_requests::PendingRequests;
use running::Running;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::oneshot;
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
    /// Whether the gateway takes trace contexts.
    pub(crate) takes_traces: bool,
    /// What the gateway has been told of the methods of an edge, if it wants to know.
    pub(crate) told: Option<Box<ToldMethods>>,
    pending: PendingRequests,
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

/// Why a request was not sent, or can't be answered.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// The outbox is full: wait for [`LinkHandle::writable`].
    Full,
    /// The connection is lost or closing, and the receiver has not been reached.
    Gone,
    /// It has failed, and would over any other connection.
    Refused(Error),
}

impl Connection {
    pub(crate) fn new(link: LinkHandle, role: Role, welcome: &Welcome, told: Option<ToldMethods>) -> Self {
        Self {
            link,
            role,
            max_payload: welcome.max_payload,
            takes_traces: welcome.features & FEATURE_TRACE != 0,
            told: told.map(Box::new),
            pending: PendingRequests::new(),
            running: Running::default(),
            work: AtomicUsize::new(0),
            is_watched: AtomicBool::new(false),
            leave: OnceLock::new(),
            is_draining: AtomicBool::new(false),
            is_replaced: AtomicBool::new(false),
        }
    }

    /// Sends a request, and returns what waits for its answer, a frame of the kind `answer`.
    pub(crate) fn request(
        self: &Arc<Self>,
        answer: Kind,
        deadline: Instant,
        encode: impl FnOnce(u64, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<ResponseFuture, NotSent> {
        let waiting = self.reserve(answer, deadline)?;
        match self.link.send(Priority::Request, |out| encode(waiting.id(), out)) {
            Ok(()) => Ok(waiting),
            Err(error) => {
                waiting.withdraw();
                Err(error.into())
            }
        }
    }

    /// What waits for the answer to a request that the caller will send.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        answer: Kind,
        deadline: Instant,
    ) -> Result<ResponseFuture, NotSent> {
        let (sender, reply) = oneshot::channel();
        let id = self.insert(answer, deadline, Reply::Alone(sender))?;
        Ok(ResponseFuture::new(self.clone(), id, reply))
    }

    /// Sends a call whose answer goes to `reply`: its id. Not sent, it is not answered either, unless the connection has ended
    /// meanwhile.
    pub(crate) fn call(
        &self,
        deadline: Instant,
        reply: Reply,
        encode: impl FnOnce(u64, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<u64, NotSent> {
        let id = self.insert(Kind::Response, deadline, reply)?;
        self.link.send(Priority::Request, |out| encode(id, out)).inspect_err(|_| {
            self.pending.remove(id);
        })?;
        Ok(id)
    }

    fn insert(&self, answer: Kind, deadline: Instant, reply: Reply) -> Result<u64, NotSent> {
        let inserted = self.pending.insert(answer, deadline, reply).map_err(|error| match error.code() {
            Code::Disconnected => NotSent::Gone,
            _ => NotSent::Refused(error),
        })?;
        if inserted.is_first_due {
            self.link.wake();
        }
        Ok(inserted.id)
    }

    /// Nobody waits for the answer to the request `id` any more: a call is cancelled.
    pub(crate) fn give_up(&self, id: u64) {
        if self.pending.remove(id) == Some(Kind::Response) {
            self.notify(|out| Cancel::encode(id, out));
        }
        self.work_changed();
    }

    /// Waits until the outbox has room again, or the connection is lost.
    pub(crate) async fn wait_for_room(&self, deadline: Instant) -> Result<(), Error> {
        let room = tokio::time::timeout_at(deadline, self.link.writable()).await;
        room.map(drop).map_err(|_| {
            Error::new(Code::Deadline, "the outbox was full until the deadline: the gateway reads too slowly")
        })
    }

    /// Sends a frame to which nobody answers.
    pub(crate) fn send(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), NotSent> {
        Ok(self.link.send(Priority::Request, encode)?)
    }

    /// The same, but whoever calls this wakes the link in the end.
    fn queue(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Result<(), NotSent> {
        Ok(self.link.push(Priority::Request, encode).map(drop)?)
    }

    /// Sends an answer or a notice. It is lost only with the connection, and then nobody needs it.
    pub(crate) fn notify(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        let _ = self.link.send(Priority::Reply, encode);
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
    fn fail_pending(&self, id: u64, code: Code, text: &str) {
        let failed = || Err(Error::from_wire(code, 0, text));
        if let Some(completion) = self.pending.complete(id, Kind::Response, failed) {
            completion.deliver();
        }
    }

    /// Asks the connection's task to leave in good order.
    pub(crate) fn leave(&self, until: Instant) {
        // The first deadline holds.
        let _ = self.leave.set(until);
        self.link.wake();
    }

    /// Another connection has taken the place of this one, whose gateway drains: asks its task to leave
    /// once everything here is done.
    pub(crate) fn replaced(&self) {
        self.is_replaced.store(true, Ordering::SeqCst);
        self.link.wake();
    }

    /// Whether a request that failed with `error` was deferred: the gateway, which is about to stop, or
    /// the receiver has not taken it. It may be sent again elsewhere.
    pub(crate) fn is_deferred(&self, error: &Error) -> bool {
        error.code() == Code::Draining && self.is_draining.load(Ordering::SeqCst)
    }

    /// Takes no more requests, if none is pending. Later ones go over another connection.
    fn seal(&self) -> bool {
        self.pending.close_if_empty(&Error::new(Code::Disconnected, "another connection has taken over"))
    }

    /// Ends everything that goes on here.
    fn end(&self, error: &Error) {
        self.link.close(CloseReason::Local);
        self.pending.close(error);
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
        self.work.load(Ordering::SeqCst) == 0 && self.pending.is_empty()
    }
}

impl Settle for Connection {
    fn settle(&self, id: u64, code: Code, detail: u32, text: &str) {
        self.notify(|out| Ack { code, detail, text: limited(text) }.encode(id, out));
        self.work_ends();
    }
}

impl From<PushError> for NotSent {
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
