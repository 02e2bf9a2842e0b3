//! A queue of RabbitMQ as a source: a consumer with a prefetch, over a connection of its own.
//!
//! ```text
//!   Deliver, header, bodies ─▶ a message, held by its tag ─▶ Ack, or Nack without requeue
//!                                                       └─(the connection is lost)─▶ the broker gives it out again
//! ```
//!
//! A tag belongs to its channel: what is held when that is lost can't be acked any more, and is not waited for. AMQP has no
//! prefetch in bytes, and none that changes: without room here nothing more is read off the connection.

use super::connect::{self, Login, Opened, refused};
use super::content::Content;
use super::decode::Frame;
use super::encode::{Method, method};
use crate::dial::first_of;
use crate::source::{Intake, Reader, Verdict};
use crate::{AmqpQueueConsumer, AmqpSourceConfig, Record};
use bytes::{Bytes, BytesMut};
use frontier_config::HostPort;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the answer to the server's farewell, and to ours, may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// The longest payload that is put together, whatever a server announces.
const MAX_PAYLOAD: u64 = 512 << 20;

/// Where a sink writes the users' own header.
const CUSTOM: &str = "Frontier-Custom";

/// One consumer of a queue.
#[derive(Debug)]
pub(crate) struct QueueReader {
    config: AmqpSourceConfig,
    consumer: AmqpQueueConsumer,
    origin: Arc<str>,
    /// Which of the addresses is tried first.
    first: usize,
    /// The tags of what is held, by their numbers here.
    held: BTreeMap<u64, u64>,
}

/// Its connection.
pub(crate) struct QueueSession {
    opened: Opened,
    coming: Option<Coming>,
    /// Acks that have not gone.
    untold: usize,
    is_closed: bool,
}

/// A message of which all has not come.
struct Coming {
    tag: u64,
    is_redelivered: bool,
    key: String,
    /// Until its header has come it is not known.
    content: Option<Content>,
    payload: BytesMut,
}

impl QueueReader {
    pub(crate) fn new(config: &AmqpSourceConfig, consumer: &AmqpQueueConsumer) -> Self {
        let origin = consumer.queue.as_str().into();
        Self { config: config.clone(), consumer: consumer.clone(), origin, first: 0, held: BTreeMap::new() }
    }

    async fn open(&self, addr: &HostPort, intake: &Intake) -> Result<Opened, String> {
        let AmqpSourceConfig { credentials, tls, vhost, frame_size, heartbeat, topology, .. } = &self.config;
        let login = Login {
            name: intake.name(),
            credentials,
            tls: tls.as_ref(),
            vhost,
            frame_size: *frame_size,
            heartbeat: *heartbeat,
        };
        let mut opened = connect::connect(&login, addr, topology).await?;
        let prefetch = u16::try_from(intake.bounds().most()).unwrap_or(u16::MAX);
        method(opened.wire.output(), &Method::Qos { prefetch });
        let AmqpQueueConsumer { queue, exclusive } = &self.consumer;
        method(opened.wire.output(), &Method::Consume { queue, exclusive: *exclusive });
        for _ in 0..2 {
            opened.done().await?.map_err(|close| refused(&close))?;
        }
        Ok(opened)
    }

    /// Looks at what has come, as far as there is room: whether there was none for more.
    fn read(&mut self, session: &mut QueueSession, intake: &Intake) -> Result<bool, String> {
        loop {
            let room = intake.room_of_all();
            if room == 0 {
                return Ok(true);
            }
            let (mut records, mut tags, mut result) = (Vec::new(), Vec::new(), Ok(true));
            while records.len() < room && result == Ok(true) {
                result = session.opened.wire.decode().and_then(|frame| match frame {
                    None => Ok(false),
                    Some(frame) => session.on(frame).map(|message| {
                        if let Some((tag, content, whole)) = message {
                            records.push(self.record(tag, content, whole));
                            tags.push(tag);
                        }
                        true
                    }),
                });
            }
            self.held.extend(intake.take(records).into_iter().zip(tags));
            if !result? {
                return Ok(false);
            }
        }
    }

    fn record(&self, tag: u64, content: Content, (key, is_redelivered, payload): Whole) -> Record {
        let (mut headers, mut custom) = (Vec::new(), Bytes::new());
        for (name, value) in content.headers {
            if &*name == CUSTOM {
                custom = value;
            } else {
                headers.push((name, value));
            }
        }
        if !content.id.is_empty() {
            headers.push(("message_id".into(), content.id.into()));
        }
        let origin = if key.is_empty() { self.origin.clone() } else { key.into() };
        let place = format!("{} {tag}", self.origin).into();
        Record { origin, place, key: None, headers, custom, payload, is_redelivered }
    }

    /// Tells the broker what has ended.
    fn ack(&mut self, session: &mut QueueSession, ended: &[(u64, Verdict)]) {
        for (number, verdict) in ended {
            let Some(tag) = self.held.remove(number) else { continue };
            let it = match verdict {
                Verdict::Done | Verdict::GivenUp => Method::Ack { tag },
                Verdict::Rejected => Method::Nack { tag, requeue: false },
            };
            method(session.opened.wire.output(), &it);
        }
        session.untold += ended.len();
    }
}

/// Routing key, whether it was given out before, and the payload.
type Whole = (String, bool, Bytes);

impl QueueSession {
    /// A message, if all of one has come.
    fn on(&mut self, frame: Frame) -> Result<Option<(u64, Content, Whole)>, String> {
        match frame {
            Frame::Deliver { tag, is_redelivered, key } => {
                let payload = BytesMut::new();
                self.coming = Some(Coming { tag, is_redelivered, key, content: None, payload });
            }
            Frame::Header(content) => {
                if content.size > MAX_PAYLOAD {
                    return Err(format!("the broker announces a message of {} bytes", content.size));
                }
                if let Some(coming) = &mut self.coming {
                    coming.content = Some(content);
                }
                return Ok(self.whole());
            }
            Frame::Body(part) => {
                if let Some(coming) = &mut self.coming {
                    coming.payload.extend_from_slice(&part);
                }
                return Ok(self.whole());
            }
            Frame::Cancelled => {
                return Err(
                    "the broker has cancelled the consumer: the queue is gone, or has moved".to_owned()
                );
            }
            Frame::ChannelClose(close) => {
                method(self.opened.wire.output(), &Method::ChannelCloseOk);
                return Err(refused(&close));
            }
            Frame::ConnectionClose(close) => {
                method(self.opened.wire.output(), &Method::ConnectionCloseOk);
                self.is_closed = true;
                return Err(refused(&close));
            }
            // Alarms are for who publishes.
            Frame::Blocked(_) | Frame::Unblocked | Frame::Heartbeat | Frame::Closed | Frame::Done => {}
            Frame::Ack(_) | Frame::Nack(_) | Frame::Return(_) | Frame::Start(_) | Frame::Tune { .. } => {
                return Err("the broker says what was not asked for".to_owned());
            }
        }
        Ok(None)
    }

    fn whole(&mut self) -> Option<(u64, Content, Whole)> {
        let is_whole = |coming: &Coming| {
            coming.content.as_ref().is_some_and(|content| coming.payload.len() as u64 >= content.size)
        };
        let Coming { tag, is_redelivered, key, content, payload } = self.coming.take_if(|it| is_whole(it))?;
        Some((tag, content?, (key, is_redelivered, payload.freeze())))
    }
}

impl Reader for QueueReader {
    type Session = QueueSession;

    async fn connect(&mut self, intake: &Intake) -> Result<QueueSession, String> {
        let within = intake.bounds().connect_timeout;
        let opening = |addr| self.open(addr, intake);
        let (opened, next) = first_of(&self.config.addrs, self.first, within, opening).await?;
        self.first = next;
        Ok(QueueSession { opened, coming: None, untold: 0, is_closed: false })
    }

    async fn run(&mut self, session: &mut QueueSession, intake: &Intake) -> String {
        loop {
            let is_full = match self.read(session, intake) {
                Ok(is_full) => is_full,
                Err(cause) => {
                    // A farewell that is not needed for anything.
                    let _ = timeout(FAREWELL, session.opened.wire.flush()).await;
                    return cause;
                }
            };
            if session.untold > 0 && session.opened.wire.is_idle() {
                intake.told(std::mem::take(&mut session.untold));
            }
            tokio::select! {
                progress = session.opened.wire.progress(is_full) => {
                    if let Err(cause) = progress {
                        return cause;
                    }
                }
                ended = intake.ended() => self.ack(session, &ended),
                () = intake.has_room_of_all(), if is_full => {}
            }
        }
    }

    /// What is held is given out again, and comes with other tags.
    fn lost(&mut self, intake: &Intake) {
        let numbers: BTreeSet<u64> = std::mem::take(&mut self.held).into_keys().collect();
        intake.forget(&numbers);
    }

    async fn leave(&mut self, mut session: QueueSession, _: &Intake) {
        if session.is_closed {
            return;
        }
        // What is not acked goes back to the queue, where it was.
        method(session.opened.wire.output(), &Method::ConnectionClose);
        let goodbye = async {
            session.opened.wire.flush().await.ok()?;
            while session.opened.wire.next().await.ok()? != Frame::Closed {}
            Some(())
        };
        let _ = timeout(FAREWELL, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sink_writes_is_read_back() {
        let config = AmqpSourceConfig {
            addrs: Vec::new(),
            credentials: crate::Credentials::default(),
            tls: None,
            vhost: "/".to_owned(),
            frame_size: 4096,
            heartbeat: Duration::from_secs(1),
            topology: crate::AmqpTopology::default(),
        };
        let consumer = AmqpQueueConsumer { queue: "q".to_owned(), exclusive: false };
        let reader = QueueReader::new(&config, &consumer);
        let content = Content {
            size: 1,
            id: "i-1".to_owned(),
            headers: vec![(CUSTOM.into(), Bytes::from_static(&[0])), ("Frontier-Edge-Id".into(), "7".into())],
        };
        let read = reader.record(5, content, ("k".to_owned(), true, "p".into()));
        assert_eq!((&*read.origin, &*read.place, &read.custom[..]), ("k", "q 5", &[0][..]));
        assert_eq!(read.header("Frontier-Edge-Id").unwrap(), "7");
        assert_eq!(read.header("message_id").unwrap(), "i-1");
        let bare = reader.record(5, Content::default(), (String::new(), false, "p".into()));
        assert_eq!((&*bare.origin, bare.headers.len()), ("q", 0));
    }
}
