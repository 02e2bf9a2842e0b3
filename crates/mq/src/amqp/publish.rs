//! Publishing over one channel.
//!
//! ```text
//!   Opening ──(open, confirms)──▶ Trying: one message ──(a confirm, or a second)──▶ Open: as many as may be
//!      ▲                             │                                                │
//!      └────────(the server closes the channel)───────────────────────────────────────┘
//! ```
//!
//! A channel that was closed because of a message is tried with one message: what becomes of that one is known for
//! certain. Each message that comes back does so just before its confirm, and is known by its id.

use super::connect::{Opened, refused};
use super::decode::{Close, Confirm, Frame};
use super::encode::{Method, body, header, method};
use super::refusal::{Refusal, text};
use super::window::{Sent, Window};
use super::wire::Wire;
use super::{Settings, hash};
use crate::pending::{Answer, Pending};
use crate::{Cause, Message, SendError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep_until, timeout};

/// Messages that are taken together.
const BATCH: usize = 256;

/// The same in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// With so much to go nothing more is taken.
const OUTPUT: usize = 1 << 20;

/// For how long a routing key is refused that was not allowed: it may be, later.
const DENIED_FOR: Duration = Duration::from_secs(10);

/// Routing keys of which that is remembered.
const MAX_DENIED: usize = 1024;

/// How long one message is waited for alone: its queue may be one that confirms nothing, and others do.
const TRYING_FOR: Duration = Duration::from_secs(1);

/// How long the answer to the server's farewell may take.
const FAREWELL: Duration = Duration::from_millis(200);

/// How a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many answers are missing until it is open.
    Opening(u8),
    Trying,
    Open,
}

/// What is published over one connection.
pub(super) struct Publisher {
    wire: Wire,
    settings: Arc<Settings>,
    state: State,
    /// Since when the last message is on its way.
    published: Instant,
    is_blocked: bool,
    /// The server has ended the connection.
    is_closed: bool,
    window: Window,
    /// A message comes back, because of that; its id is next.
    returning: Option<String>,
    denied: HashMap<u64, (Instant, SendError)>,
}

impl Publisher {
    pub(super) fn new(opened: Opened, settings: Arc<Settings>, pending: &Pending) -> Self {
        let Opened { wire, blocked } = opened;
        let mut publisher = Self {
            wire,
            settings,
            state: State::Trying,
            published: Instant::now(),
            is_blocked: false,
            is_closed: false,
            window: Window::default(),
            returning: None,
            denied: HashMap::new(),
        };
        publisher.set_blocked(blocked, pending);
        publisher
    }

    /// Publishes what is pending, until the connection is of no use any more: why, in one line.
    pub(super) async fn run(&mut self, pending: &Pending) -> String {
        loop {
            if let Err(cause) = self.step(pending).await {
                if self.is_closed {
                    // A farewell that is not needed for anything.
                    let _ = timeout(FAREWELL, self.wire.flush()).await;
                }
                return cause;
            }
        }
    }

    async fn step(&mut self, pending: &Pending) -> Result<(), String> {
        self.read(pending)?;
        if self.window.len() > self.most_in_flight(pending) {
            return Err("the broker confirms others, and these messages never".to_owned());
        }
        let is_tried = self.state == State::Trying && self.window.len() > 0;
        let room = self.room();
        tokio::select! {
            biased;
            progress = self.wire.progress(false) => progress,
            batch = pending.take(room, BATCH_SIZE), if room > 0 => {
                let refused = batch.into_iter().filter_map(|(number, message)| {
                    self.publish(number, &message).err().map(|error| (number, Err(error)))
                });
                let refused: Vec<Answer> = refused.collect();
                pending.answer(refused);
                Ok(())
            }
            () = sleep_until(self.published + TRYING_FOR), if is_tried => {
                self.state = State::Open;
                Ok(())
            }
        }
    }

    /// What has ended by its deadline is in flight still, here.
    fn most_in_flight(&self, pending: &Pending) -> usize {
        pending.bounds().messages.saturating_mul(4)
    }

    /// How many messages may be taken now.
    fn room(&self) -> usize {
        match self.state {
            _ if self.is_blocked || self.wire.unsent() >= OUTPUT => 0,
            State::Opening(_) => 0,
            State::Trying => usize::from(self.window.len() == 0),
            State::Open => BATCH,
        }
    }

    /// Looks at everything that has come.
    fn read(&mut self, pending: &Pending) -> Result<(), String> {
        let mut answers = Vec::new();
        let result = loop {
            match self.wire.decode() {
                Ok(None) => break Ok(()),
                Ok(Some(frame)) => {
                    if let Err(cause) = self.on(frame, &mut answers, pending) {
                        break Err(cause);
                    }
                }
                Err(cause) => break Err(cause),
            }
        };
        pending.answer(answers);
        result
    }

    fn on(&mut self, frame: Frame, answers: &mut Vec<Answer>, pending: &Pending) -> Result<(), String> {
        match frame {
            Frame::Ack(confirm) => self.confirmed(confirm, true, answers),
            Frame::Nack(confirm) => self.confirmed(confirm, false, answers),
            Frame::Return(why) => self.returning = Some(why),
            Frame::Header(content) => {
                let number = self.settings.number(&content.id);
                if let (Some(why), Some(number)) = (self.returning.take(), number) {
                    self.window.return_back(number, why);
                }
            }
            Frame::Body(_) | Frame::Heartbeat | Frame::Closed => {}
            Frame::Done => {
                self.state = match self.state {
                    State::Opening(left) if left > 1 => State::Opening(left - 1),
                    State::Opening(_) => State::Trying,
                    state => state,
                };
            }
            Frame::Blocked(reason) => self.set_blocked(Some(reason), pending),
            Frame::Unblocked => self.set_blocked(None, pending),
            // It is not because of a message.
            Frame::ChannelClose(close) if self.window.len() == 0 => return Err(refused(&close)),
            Frame::ChannelClose(close) => {
                pending.answer(std::mem::take(answers));
                self.closed(&close, pending);
            }
            Frame::ConnectionClose(close) => {
                method(self.wire.output(), &Method::ConnectionCloseOk);
                self.is_closed = true;
                return Err(refused(&close));
            }
            Frame::Start(_) | Frame::Tune { .. } => return Err("the broker begins anew".to_owned()),
            Frame::Deliver { .. } | Frame::Cancelled => {
                return Err("the broker says what was not asked for".to_owned());
            }
        }
        Ok(())
    }

    fn set_blocked(&mut self, reason: Option<String>, pending: &Pending) {
        self.is_blocked = reason.is_some();
        pending.set_blocked(reason.as_deref());
    }

    fn confirmed(&mut self, confirm: Confirm, is_taken: bool, answers: &mut Vec<Answer>) {
        if self.state == State::Trying {
            self.state = State::Open;
        }
        let name = self.settings.name;
        for Sent { number, id, .. } in self.window.take(confirm) {
            let result = match self.window.take_returned(id) {
                Some(why) => Err(unroutable(name, &why)),
                None if is_taken => Ok(()),
                None => {
                    let text = format!("{name}: a queue of the broker does not take it: is it full?");
                    Err(SendError::new(Cause::Busy, text))
                }
            };
            answers.push((number, result));
        }
    }

    /// The server has closed the channel, at one of the messages in flight.
    fn closed(&mut self, close: &Close, pending: &Pending) {
        let refusal = Refusal::of(close);
        let error = SendError::new(refusal.cause(), text(self.settings.name, close));
        let mut window = std::mem::take(&mut self.window);
        self.note(&refusal, &error);
        let culprit = refusal.culprit(window.iter());
        let sent: Vec<Sent> = window.iter().copied().collect();
        let (before, not_looked_at) = match culprit {
            Some(index) => {
                pending.answer([(sent[index].number, Err(error.clone()))]);
                (&sent[..index], &sent[index + 1..])
            }
            None => (&sent[..], &[][..]),
        };
        let lost = SendError::new(Cause::Lost, format!("{}; it may have this message", error.text));
        let answers = before.iter().map(|sent| match window.take_returned(sent.id) {
            Some(why) => (sent.number, Err(unroutable(self.settings.name, &why))),
            None => (sent.number, Err(lost.clone())),
        });
        pending.answer(answers.collect::<Vec<_>>());
        pending.put_back(not_looked_at.iter().map(|sent| sent.number));
        if culprit.is_some() && matches!(refusal, Refusal::Exchange(_)) {
            // That goes for whatever waits, too.
            pending.refuse_waiting(&error);
        }
        self.state = State::Opening(2);
        for it in [Method::ChannelCloseOk, Method::ChannelOpen, Method::ConfirmSelect] {
            method(self.wire.output(), &it);
        }
    }

    /// Remembers what would close the channel again.
    fn note(&mut self, refusal: &Refusal, error: &SendError) {
        match refusal {
            Refusal::TooLarge(max) => self.settings.max_size.store(*max, Ordering::Relaxed),
            Refusal::Key(key) => {
                self.denied.retain(|_, (since, _)| since.elapsed() < DENIED_FOR);
                if self.denied.len() < MAX_DENIED {
                    self.denied.insert(hash(key), (Instant::now(), error.clone()));
                }
            }
            Refusal::Exchange(_) | Refusal::Other => {}
        }
    }

    /// Appends a message to what is to go.
    fn publish(&mut self, number: u64, message: &Message) -> Result<(), SendError> {
        let (settings, wire) = (&self.settings, &mut self.wire);
        settings.check_size(message)?;
        let key = settings.routing_key(message);
        let hash = hash(&key);
        if let Some((_, error)) = self.denied.get(&hash).filter(|(since, _)| since.elapsed() < DENIED_FOR) {
            return Err(error.clone());
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let id = message.id(settings.boot, number);
        let id_text = id.to_string();
        let properties = settings.properties(message, &id_text, now.as_secs());
        let (frame_max, start) = (wire.frame_max(), wire.unsent());
        let publish = Method::Publish {
            exchange: &settings.config.exchange,
            key: &key,
            mandatory: settings.config.mandatory,
        };
        method(wire.output(), &publish);
        let size = header(wire.output(), &properties, message.payload.len());
        if size > frame_max {
            wire.output().truncate(start);
            let text = format!(
                "{}: custom header and labels make a header of {size} bytes, and the broker takes {frame_max}",
                settings.name
            );
            return Err(SendError::new(Cause::TooLarge, text));
        }
        body(wire.output(), &message.payload, frame_max);
        self.published = Instant::now();
        self.window.push(Sent { number, id: id.number, size: message.payload.len(), key: hash });
        Ok(())
    }
}

fn unroutable(name: &str, why: &str) -> SendError {
    let text = format!("{name}: no queue of the broker takes what goes by its routing key ({why})");
    SendError::new(Cause::NoTarget, text)
}
