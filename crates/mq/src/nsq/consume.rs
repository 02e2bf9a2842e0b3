//! A channel of NSQ as a source: a member of the channel at each nsqd that has the topic.
//!
//! ```text
//!   addresses, nsqlookupd ─▶ SUB at each nsqd ─▶ RDY: its share of what may be held ─▶ held ─▶ ended ─▶ FIN
//!            ▲                                        TOUCH: what is held ◀──(a tick)────┘
//!            └──(those that are missing, a tick)
//! ```

use super::connect::Access;
use super::frame::Message;
use super::held::{Arrival, Held, Key};
use super::lookup::lookup;
use super::node::Node;
use crate::envelope::{Content, open};
use crate::link::Progress;
use crate::source::{Intake, Reader};
use crate::{Format, NsqSourceConfig, Record};
use frontier_config::{HostPort, format_duration};
use futures_util::future::{join_all, select_all};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::warn;

/// Messages that are taken together.
const BATCH: usize = 256;

/// Bytes of a frame that are taken in any case: what nsqd takes by default, and more.
const MIN_FRAME: usize = 4 << 20;

/// How often it is asked where the topic is.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(30);

/// How often who finds no place takes its turn, where there are more nsqd than places.
const TURN: Duration = Duration::from_secs(1);

/// A member of a channel.
#[derive(Debug)]
pub(crate) struct Consumer {
    config: Arc<NsqSourceConfig>,
    name: Arc<str>,
    held: Held,
    /// What failed last, of each address: told once.
    failed: Vec<(HostPort, String)>,
}

/// Its connections.
pub(crate) struct ConsumerSession {
    nodes: Vec<Node>,
    /// Those that are being connected.
    joining: JoinSet<(HostPort, Result<Node, String>)>,
    joining_addrs: Vec<HostPort>,
    /// What nsqlookupd has said last.
    found: Vec<HostPort>,
    asking: JoinSet<Result<Vec<HostPort>, String>>,
    /// Who gets a place first, where there are too few.
    turn: usize,
}

impl Consumer {
    pub(crate) fn new(config: &NsqSourceConfig, name: &Arc<str>) -> Self {
        Self {
            config: Arc::new(config.clone()),
            name: name.clone(),
            held: Held::default(),
            failed: Vec::new(),
        }
    }

    /// Connects whatever is wanted and not there, beside everything else.
    fn join(&self, session: &mut ConsumerSession, within: Duration) {
        let wanted = self.config.addrs.iter().chain(&session.found);
        let is_missing = |addr: &&HostPort| {
            !session.nodes.iter().any(|node| node.addr == **addr) && !session.joining_addrs.contains(addr)
        };
        let mut missing: Vec<HostPort> = wanted.filter(is_missing).cloned().collect();
        missing.sort_unstable_by_key(ToString::to_string);
        missing.dedup();
        for addr in missing {
            session.joining_addrs.push(addr.clone());
            let (config, name) = (self.config.clone(), self.name.clone());
            session.joining.spawn(async move {
                let access = Access {
                    name: &name,
                    credentials: &config.credentials,
                    tls: config.tls.as_ref(),
                    heartbeat: config.heartbeat,
                    message_timeout: Some(config.message_timeout),
                };
                let connecting = Node::connect(access, addr.clone(), &config.topic, &config.channel);
                let connected = timeout(within, connecting).await;
                (
                    addr,
                    connected
                        .unwrap_or_else(|_| Err(format!("no connection within {}", format_duration(within)))),
                )
            });
        }
    }

    /// Asks each nsqlookupd where the topic is, beside everything else.
    fn ask(&self, session: &mut ConsumerSession, within: Duration) {
        if !session.asking.is_empty() {
            return;
        }
        for addr in &self.config.lookup_addrs {
            let (addr, topic) = (addr.clone(), self.config.topic.clone());
            session.asking.spawn(async move {
                let asked = timeout(within, lookup(&addr, &topic)).await;
                let found =
                    asked.unwrap_or_else(|_| Err(format!("no answer within {}", format_duration(within))));
                found.map_err(|cause| format!("{cause} ({addr})"))
            });
        }
    }

    /// One that was wanted is there, or is not. Why it is not.
    fn joined(
        &mut self,
        session: &mut ConsumerSession,
        addr: &HostPort,
        node: Result<Node, String>,
    ) -> Option<String> {
        session.joining_addrs.retain(|joining| joining != addr);
        self.failed.retain(|(failed, cause)| failed != addr || node.as_ref().err() == Some(cause));
        match node {
            Ok(node) => {
                session.nodes.push(node);
                None
            }
            Err(cause) => {
                if !self.failed.iter().any(|(failed, _)| failed == addr) {
                    warn!(source = &*self.name, broker = %addr, cause, "one nsqd can't be connected; trying on");
                    self.failed.push((addr.clone(), cause.clone()));
                }
                Some(format!("{cause} ({addr})"))
            }
        }
    }

    /// How many messages each may have given out: its share of what may be on its way, of which those have a part that are
    /// held and came by connections that are lost; and what waits, wherever that came from.
    fn share(&self, session: &mut ConsumerSession, intake: &Intake) {
        let count = session.nodes.len().max(1);
        let has_room = intake.room_now() > 0;
        let apart = if has_room { intake.apart() } else { 0 };
        let places = if has_room {
            // Those of connections that are lost have no place there.
            let here: usize = session.nodes.iter().map(|node| node.in_flight.len()).sum();
            let lost = self.held.len().saturating_sub(here);
            intake.bounds().messages.saturating_sub(lost.saturating_sub(apart))
        } else {
            0
        };
        let turn = session.turn;
        for (index, node) in session.nodes.iter_mut().enumerate() {
            let place = (index + turn) % count;
            let share = places / count + usize::from(place < places % count);
            // Who has no place gives out nothing; and none of those that wait are of one that has given out nothing.
            let waiting = match node.in_flight.len() {
                0 => 0,
                given => apart.min(given.next_power_of_two()),
            };
            node.set_ready(if share == 0 { 0 } else { share + waiting });
        }
    }

    /// Looks at everything that has come from one of them. The error is one line.
    fn read(&mut self, node: &mut Node, intake: &Intake) -> Result<(), String> {
        let max_size = intake.bounds().bytes.max(MIN_FRAME);
        loop {
            let (mut records, mut keys, mut result) = (Vec::new(), Vec::<Key>::new(), Ok(true));
            while records.len() < BATCH && result == Ok(true) {
                result = node.next(max_size).map(|message| {
                    let Some(message) = message else { return false };
                    let key = (node.addr.clone(), message.id);
                    match self.held.arrive(&key) {
                        Arrival::New if keys.contains(&key) => {}
                        Arrival::New => {
                            records.push(record(&self.config, message));
                            keys.push(key);
                        }
                        Arrival::Held => {}
                        Arrival::Ended => {
                            node.finish(&key.1);
                        }
                    }
                    true
                });
            }
            if !records.is_empty() {
                for (number, key) in intake.take(records).into_iter().zip(keys) {
                    self.held.hold(number, key);
                }
            }
            if !result? {
                return Ok(());
            }
        }
    }

    /// These have ended, of which nsqd is told.
    fn end(&mut self, session: &mut ConsumerSession, intake: &Intake, numbers: impl Iterator<Item = u64>) {
        let most = intake.bounds().most();
        for number in numbers {
            let node = self.held.end(number, most).and_then(|(addr, id)| {
                let node = session.nodes.iter_mut().find(|node| node.addr == addr)?;
                node.finish(&id).then_some(node)
            });
            match node {
                Some(node) => node.ending += 1,
                // Whoever gives it out again is told then.
                None => intake.told(1),
            }
        }
    }
}

impl ConsumerSession {
    /// One that is lost.
    fn lose(&mut self, index: usize, intake: &Intake) {
        let node = self.nodes.swap_remove(index);
        intake.told(node.ending);
    }
}

impl Reader for Consumer {
    type Session = ConsumerSession;

    /// With the first one it is connected; the others come when they do.
    async fn connect(&mut self, intake: &Intake) -> Result<ConsumerSession, String> {
        let mut session = ConsumerSession {
            nodes: Vec::new(),
            joining: JoinSet::new(),
            joining_addrs: Vec::new(),
            found: Vec::new(),
            asking: JoinSet::new(),
            turn: 0,
        };
        // The time is for both: to ask, and to connect.
        let within = intake.bounds().connect_timeout * 2 / 5;
        let mut causes = Vec::new();
        self.ask(&mut session, within);
        while let Some(found) = session.asking.join_next().await {
            match found.map_err(|error| error.to_string()).and_then(|found| found) {
                Ok(found) => session.found.extend(found),
                Err(cause) => causes.push(cause),
            }
        }
        self.join(&mut session, within);
        if session.joining.is_empty() && causes.is_empty() {
            return Err(format!("no nsqd has the topic {:?} yet", self.config.topic));
        }
        while let Some(joined) = session.joining.join_next().await {
            let Ok((addr, node)) = joined else { continue };
            match self.joined(&mut session, &addr, node) {
                None => return Ok(session),
                Some(cause) => causes.push(cause),
            }
        }
        Err(causes.join("; "))
    }

    async fn run(&mut self, session: &mut ConsumerSession, intake: &Intake) -> String {
        let bounds = *intake.bounds();
        let within = bounds.connect_timeout;
        let ticks = |period: Duration| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let shortest = session.nodes.iter().map(|node| node.message_timeout).min();
        let mut touching = ticks((shortest.unwrap_or(self.config.message_timeout) / 3).max(TURN / 10));
        let (mut joining, mut asking, mut turning) =
            (ticks(bounds.max_backoff), ticks(LOOKUP_INTERVAL), ticks(TURN));
        let mut cause = String::new();
        loop {
            if session.nodes.is_empty() {
                return cause;
            }
            self.share(session, intake);
            let is_full = intake.room_now() == 0;
            let turns = bounds.messages < session.nodes.len();
            tokio::select! {
                biased;
                ended = intake.ended() => self.end(session, intake, ended.into_iter().map(|(number, _)| number)),
                (index, progress) = progress(&mut session.nodes) => {
                    let read = match progress {
                        Ok(_) => self.read(&mut session.nodes[index], intake),
                        Err(cause) => Err(cause),
                    };
                    if let Err(lost) = read {
                        cause = format!("{lost} ({})", session.nodes[index].addr);
                        warn!(source = &*self.name, cause, "an nsqd is lost");
                        session.lose(index, intake);
                    }
                }
                Some(joined) = session.joining.join_next() => {
                    if let Ok((addr, node)) = joined {
                        self.joined(session, &addr, node);
                    }
                }
                Some(found) = session.asking.join_next() => {
                    if let Ok(Ok(found)) = found {
                        session.found.extend(found);
                        session.found.sort_unstable_by_key(ToString::to_string);
                        session.found.dedup();
                        self.join(session, within);
                    }
                }
                _ = touching.tick() => session.nodes.iter_mut().for_each(Node::touch),
                _ = joining.tick() => self.join(session, within),
                _ = asking.tick() => self.ask(session, within),
                _ = turning.tick(), if turns => session.turn = session.turn.wrapping_add(1),
                _ = intake.room(), if is_full => {}
            }
            for node in &mut session.nodes {
                if node.ending > 0 && node.link.unsent() == 0 {
                    intake.told(std::mem::take(&mut node.ending));
                }
            }
        }
    }

    fn lost(&mut self, _: &Intake) {}

    async fn leave(&mut self, mut session: ConsumerSession, _: &Intake) {
        // What can't be said nsqd notices when the time of its messages is over.
        join_all(session.nodes.iter_mut().map(Node::give_back)).await;
    }
}

/// Waits until something has happened at one of them: at which.
///
/// # Cancel safety
/// Cancel safe.
async fn progress(nodes: &mut [Node]) -> (usize, Result<Progress, String>) {
    if nodes.is_empty() {
        return pending().await;
    }
    let (result, index, _) =
        select_all(nodes.iter_mut().map(|node| Box::pin(node.link.progress(false)))).await;
    (index, result)
}

/// The record that a message becomes. What is no JSON as a sink writes it is a payload without headers.
fn record(config: &NsqSourceConfig, message: Message) -> Record {
    let opened = match config.format {
        Format::Json => open(&message.body),
        Format::Payload => None,
    };
    let Content { headers, custom, payload } =
        opened.unwrap_or_else(|| Content { payload: message.body, ..Content::default() });
    Record {
        origin: config.topic.as_str().into(),
        place: String::from_utf8_lossy(&message.id).into_owned().into(),
        key: None,
        headers,
        custom,
        payload,
        is_redelivered: message.attempts > 1,
    }
}
