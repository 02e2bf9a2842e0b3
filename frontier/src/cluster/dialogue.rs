//! One connection to frontlas, from the Welcome to its end.

use super::ClusterState;
use super::clock::{Clock, Reading};
use super::greeting::Greeted;
use super::locate::{Ask, Asked, Found, LocateError, Location};
use super::outgoing::{Next, Outgoing};
use frontier_exchange::Exchange;
use frontier_protocol::{
    Beat, Code, EncodeError, Frame, GoAway, Heartbeat, Kind, Lookup, LookupAck, Plan, ReportAck, Side,
    Superseded, ping, pong, pong_time,
};
use frontier_transport::{Event, Link, LinkError, Priority};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long a report may be without an answer. The directory has 5 s, perhaps twice.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a ping may be without an answer, at least.
const PONG: Duration = Duration::from_secs(2);

/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Lookups that are on their way at once.
const LOOKUPS: usize = 1024;

/// How a connection has ended.
#[derive(Debug)]
pub(super) enum End {
    /// The gateway has left the cluster.
    Left,
    Lost(String),
}

pub(super) struct Dialogue<'a> {
    exchange: Arc<Exchange>,
    state: Arc<ClusterState>,
    clock: &'a mut Clock,
    link: Link,
    /// What came before this began.
    early: Vec<Frame>,
    outgoing: Outgoing,
    asked: &'a mut Asked,
    lookups: HashMap<u64, oneshot::Sender<Found>>,
    last_lookup: u64,
    heartbeat: Heartbeat,
    /// How long a ping may be without an answer.
    patience: Duration,
    /// When the answer to a ping is late.
    pong_by: Option<Instant>,
    /// The last ping, and its epoch: the answer tells the time. Those of the greeting have all been answered.
    pinged: (u64, u64),
    /// Until when the goodbye may take, once it is said.
    leaving: Option<Instant>,
}

impl<'a> Dialogue<'a> {
    pub(super) fn new(
        exchange: Arc<Exchange>,
        state: Arc<ClusterState>,
        clock: &'a mut Clock,
        asked: &'a mut Asked,
        greeted: Greeted,
    ) -> Self {
        let interval = Duration::from_millis(greeted.welcome.heartbeat_ms.into());
        asked.set_connected(true);
        exchange.set_has_directory(true);
        Self {
            clock,
            link: greeted.link,
            early: greeted.early,
            outgoing: Outgoing::new(exchange.follow(), state.draining.is_set()),
            exchange,
            state,
            asked,
            lookups: HashMap::new(),
            last_lookup: 0,
            heartbeat: Heartbeat::new(interval, Instant::now().into_std()),
            patience: PONG.max(interval / 2),
            pong_by: None,
            pinged: (0, 0),
            leaving: None,
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) -> End {
        let ended = self.converse(stop).await;
        self.asked.set_connected(false);
        self.exchange.set_has_directory(false);
        self.state.gateways.pause();
        match ended {
            Ok(()) => {
                let closed = self.link.close(|_| Ok(()));
                // Frontlas knows already.
                let _ = tokio::time::timeout(FAREWELL, closed).await;
                End::Left
            }
            Err(reason) => End::Lost(reason),
        }
    }

    async fn converse(&mut self, stop: &CancellationToken) -> Result<(), String> {
        for frame in std::mem::take(&mut self.early) {
            if self.take_frame(&frame)? {
                return Ok(());
            }
        }
        // What came in one piece with the last of them has been read already.
        if self.take_frames()? {
            return Ok(());
        }
        loop {
            let now = Instant::now();
            let next = self.go_on(now).await?;
            let wake_at = [Some(self.beat(now)?), self.pong_by, self.leaving, timer(next)];
            let wake_at = wake_at.into_iter().flatten().min();
            let (follower, state) = (self.outgoing.follower(), self.state.clone());
            tokio::select! {
                event = self.link.next() => {
                    match event.map_err(|error| LinkError::reason(error).to_string())? {
                        Event::Frames => {
                            self.heartbeat.heard(Instant::now().into_std());
                            self.pong_by = None;
                            if self.take_frames()? {
                                return Ok(());
                            }
                        }
                        Event::Stream(_) | Event::ExcessStream(_) => return Err("frontlas opened a stream".into()),
                    }
                }
                () = follower.changed(), if next == Next::News => {}
                () = state.draining.wait(), if !self.outgoing.is_draining() => self.outgoing.drain(),
                ask = self.asked.asks.recv() => {
                    if let Some(ask) = ask {
                        self.look_up(ask);
                    }
                }
                () = sleep_until(wake_at) => self.check_times(next)?,
                () = stop.cancelled(), if self.leaving.is_none() => {
                    self.leaving = Some(Instant::now() + FAREWELL);
                    self.send(|out| GoAway::new(Code::Ok, 0, "").encode(out));
                }
            }
        }
    }

    /// Sends what is to be sent. What to wait for then.
    async fn go_on(&mut self, now: Instant) -> Result<Next, String> {
        loop {
            match self.outgoing.next(now) {
                Next::TakeSnapshot => {
                    let (exchange, follower) = (self.exchange.clone(), self.outgoing.follower());
                    // Many edges take their time, and the runtime may have one thread.
                    let all = tokio::task::spawn_blocking(move || follower.snapshot(&exchange)).await;
                    self.outgoing.snapshot(all.map_err(|error| error.to_string())?, now);
                }
                Next::Send => {
                    let (outgoing, clock) = (&mut self.outgoing, &*self.clock);
                    let sent =
                        self.link.handle().send(Priority::Answer, |out| outgoing.encode(clock, now, out));
                    sent.map_err(|error| error.to_string())?;
                }
                next => return Ok(next),
            }
        }
    }

    /// Sends a ping if it is time. When it is time again.
    fn beat(&mut self, now: Instant) -> Result<Instant, String> {
        loop {
            match self.heartbeat.poll(now.into_std()) {
                Beat::Wait(until) => return Ok(until.into()),
                Beat::Ping => {
                    self.pinged = (self.pinged.0 + 1, self.exchange.micros());
                    self.send(|out| {
                        ping(self.pinged.0, out);
                        Ok(())
                    });
                    self.pong_by.get_or_insert(now + self.patience);
                }
                Beat::Dead => return Err("frontlas gave no sign of life".into()),
            }
        }
    }

    fn check_times(&self, next: Next) -> Result<(), String> {
        let now = Instant::now();
        if self.pong_by.is_some_and(|by| by <= now) {
            return Err("frontlas gave no sign of life".into());
        }
        if self.leaving.is_some_and(|by| by <= now) {
            return Err("frontlas did not say goodbye".into());
        }
        match next {
            Next::Answer(sent_at) if sent_at + ANSWER <= now => {
                Err("frontlas did not answer a report".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether frontlas has said goodbye to a gateway that leaves.
    fn take_frames(&mut self) -> Result<bool, String> {
        while let Some(frame) = self.link.frame().map_err(|error| error.to_string())? {
            if self.take_frame(&frame)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take_frame(&mut self, frame: &Frame) -> Result<bool, String> {
        if !Side::Frontlas.may_send(frame.kind) {
            return Err(format!("a {:?} frame from frontlas", frame.kind));
        }
        let wrong = |error: frontier_protocol::ParseError| error.to_string();
        match frame.kind {
            Kind::Ping => self.send(|out| {
                pong(frame.id, out);
                Ok(())
            }),
            Kind::Pong if frame.id == self.pinged.0 => {
                if let Some(time) = pong_time(frame) {
                    let reading = Reading::new(self.pinged.1, self.exchange.micros(), time);
                    self.clock.set(reading, self.exchange.next_epoch());
                }
            }
            Kind::ReportAck => {
                let ack = ReportAck::parse(frame).map_err(wrong)?;
                ack.superseded.iter().for_each(|superseded| self.close(*superseded));
                self.outgoing.answered(frame.id, &ack, Instant::now());
            }
            Kind::LookupAck => {
                let ack = LookupAck::parse(frame).map_err(wrong)?;
                if let Some(reply) = self.lookups.remove(&frame.id) {
                    // Whoever asked may have gone.
                    let _ = reply.send(found(&ack));
                }
            }
            Kind::Plan => self.state.gateways.update(&Plan::parse(frame).map_err(wrong)?),
            Kind::GoAway => {
                let GoAway { code, text, .. } = GoAway::parse(frame).map_err(wrong)?;
                if self.leaving.is_some() {
                    return Ok(true);
                }
                return Err(format!("{code}: {text}"));
            }
            _ => {}
        }
        Ok(false)
    }

    /// Closes what is left of a connection whose edge has connected elsewhere since.
    fn close(&self, superseded: Superseded) {
        let Superseded { edge: id, stamp } = superseded;
        let Some(edge) = self.exchange.edge(id) else { return };
        if self.clock.stamp(edge.epoch().0) == stamp {
            self.exchange.relocated(&edge);
        }
    }

    fn look_up(&mut self, ask: Ask) {
        if self.lookups.len() >= LOOKUPS {
            self.lookups.retain(|_, reply| !reply.is_closed());
        }
        if self.lookups.len() >= LOOKUPS {
            let _ = ask.reply.send(Err(LocateError::Overloaded));
            return;
        }
        self.last_lookup += 1;
        let lookup = Lookup { edge: ask.edge };
        let sent = self.link.handle().send(Priority::Question, |out| lookup.encode(self.last_lookup, out));
        match sent {
            Ok(()) => {
                self.lookups.insert(self.last_lookup, ask.reply);
            }
            Err(error) => {
                debug!(%error, "a lookup was not sent");
                let _ = ask.reply.send(Err(LocateError::Overloaded));
            }
        }
    }

    fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        // Fails only if the connection is over, which the next turn will tell.
        let _ = self.link.handle().send(Priority::Answer, encode);
    }
}

fn found(ack: &LookupAck<'_>) -> Found {
    match ack.code {
        Code::Ok => {
            Ok(Some(Location { frontier: ack.frontier.into(), servicebound: ack.servicebound.into() }))
        }
        Code::EdgeNotOnline => Ok(None),
        Code::Overloaded => Err(LocateError::Overloaded),
        code => Err(LocateError::Failed(code)),
    }
}

/// When to look again, though nothing has come.
fn timer(next: Next) -> Option<Instant> {
    match next {
        Next::At(at) => Some(at),
        Next::Answer(sent_at) => Some(sent_at + ANSWER),
        Next::TakeSnapshot | Next::Send | Next::News => None,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
