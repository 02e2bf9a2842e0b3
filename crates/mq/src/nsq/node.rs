//! One nsqd of a channel: its connection, and the messages that came by it.

use super::command::{about, line};
use super::connect::{self, Access, response};
use super::frame::{Frame, Message, MessageId, decode};
use crate::link::Link;
use frontier_config::HostPort;
use std::collections::HashSet;
use std::time::Duration;
use tracing::debug;

/// Bytes of a frame that are looked at on leaving.
const MAX_FRAME: usize = 4 << 20;

/// A connection that has subscribed.
pub(super) struct Node {
    pub(super) addr: HostPort,
    pub(super) link: Link,
    pub(super) message_timeout: Duration,
    max_ready: usize,
    /// How many messages it may have given out, as it was told.
    ready: usize,
    /// Those that it has given out over this connection, and that have not ended.
    pub(super) in_flight: HashSet<MessageId>,
    /// Ends that are to go, and are not told of.
    pub(super) ending: usize,
}

impl Node {
    /// Connects, and subscribes. The error is one line.
    pub(super) async fn connect(
        access: Access<'_>,
        addr: HostPort,
        topic: &str,
        channel: &str,
    ) -> Result<Self, String> {
        let opened = connect::connect(access, &addr).await?;
        let (mut link, message_timeout, max_ready) = (opened.link, opened.message_timeout, opened.max_ready);
        line(link.output(), &format!("SUB {topic} {channel}"));
        response(&mut link).await?;
        let in_flight = HashSet::new();
        Ok(Self { addr, link, message_timeout, max_ready, ready: 0, in_flight, ending: 0 })
    }

    /// Lets it give out so many messages.
    pub(super) fn set_ready(&mut self, count: usize) {
        let count = count.min(self.max_ready);
        if count != self.ready {
            self.ready = count;
            line(self.link.output(), &format!("RDY {count}"));
        }
    }

    /// This message has ended; one that did not come by this connection is of another one.
    pub(super) fn finish(&mut self, id: &MessageId) -> bool {
        let is_here = self.in_flight.remove(id);
        if is_here {
            about(self.link.output(), "FIN", id, "");
        }
        is_here
    }

    /// Says that what has not ended is worked on.
    pub(super) fn touch(&mut self) {
        for id in &self.in_flight {
            about(self.link.output(), "TOUCH", id, "");
        }
    }

    /// Gives back what has not ended, and takes no more; until nsqd has heard of that.
    pub(super) async fn give_back(&mut self) {
        line(self.link.output(), "RDY 0");
        for id in self.in_flight.drain() {
            about(self.link.output(), "REQ", &id, " 0");
        }
        line(self.link.output(), "CLS");
        loop {
            match decode(self.link.input(), MAX_FRAME) {
                // It closes, behind all that was said before.
                Ok(Some(Frame::Response(_))) | Err(_) => return,
                Ok(Some(Frame::Message(message))) => about(self.link.output(), "REQ", &message.id, " 0"),
                Ok(Some(Frame::Heartbeat)) => line(self.link.output(), "NOP"),
                Ok(Some(Frame::Error(failure))) => debug!(broker = %self.addr, "{}", failure.text),
                Ok(None) => {
                    if self.link.progress(false).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The next message of what has come. The error is one line.
    pub(super) fn next(&mut self, max_size: usize) -> Result<Option<Message>, String> {
        loop {
            match decode(self.link.input(), max_size)? {
                None => return Ok(None),
                Some(Frame::Message(message)) => {
                    self.in_flight.insert(message.id);
                    return Ok(Some(message));
                }
                Some(Frame::Heartbeat) => line(self.link.output(), "NOP"),
                // That it gives out no more.
                Some(Frame::Response(_)) => {}
                // Its time was over before: it is given out again.
                Some(Frame::Error(failure))
                    if matches!(&*failure.code, "E_FIN_FAILED" | "E_TOUCH_FAILED" | "E_REQ_FAILED") =>
                {
                    debug!(broker = %self.addr, "{}", failure.text);
                    let id = failure.text.split(' ').nth(2).and_then(|id| id.as_bytes().try_into().ok());
                    if let Some(id) = id {
                        let id: MessageId = id;
                        self.in_flight.remove(&id);
                    }
                }
                Some(Frame::Error(failure)) => {
                    return Err(format!("the broker refuses it: {}", failure.text));
                }
            }
        }
    }
}
