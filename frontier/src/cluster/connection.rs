//! One connection to frontlas, from the Welcome to its end.

use super::ClusterState;
use super::clock::{Clock, Reading};
use super::handshake::Established;
use super::locate::{Found, LocateError, Location, LookupQueue, LookupRequest};
use super::reporter::{Next, Reporter};
use frontier_exchange::{Exchange, Peer};
use frontier_protocol::{
    Beat, Code, EncodeError, FEATURE_CLAIMS, Frame, GoAway, Heartbeat, Kind, Lookup, LookupAck, Members,
    Plan, ReportAck, Side, Superseded, ping, pong, pong_time,
};
use frontier_transport::{Event, Link, LinkError, Priority, Traffic};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long a report may be without an answer. The directory has 5 s, perhaps twice.
const REPORT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a ping may be without an answer, at least.
const MIN_PONG_TIMEOUT: Duration = Duration::from_secs(2);

/// How long leaving the cluster in good order may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Lookups that are on their way at once.
const MAX_LOOKUPS: usize = 1024;

/// How a connection has ended.
#[derive(Debug)]
pub(super) enum End {
    /// The gateway has left the cluster.
    Left(Traffic),
    Lost(String, Traffic),
}

/// A connection to frontlas, owned by one task.
pub(super) struct Connection<'a> {
    exchange: Arc<Exchange>,
    state: Arc<ClusterState>,
    clock: &'a mut Clock,
    link: Link,
    /// Frames that came while directory time was read.
    early: Vec<Frame>,
    reporter: Reporter,
    lookup_queue: &'a mut LookupQueue,
    /// Lookups that are on their way, by id.
    lookups: HashMap<u64, oneshot::Sender<Found>>,
    last_lookup: u64,
    heartbeat: Heartbeat,
    /// How long a ping may be without an answer.
    pong_timeout: Duration,
    /// When the answer to a ping is late.
    pong_due: Option<Instant>,
    /// The last ping's id, and when it was sent: the answer tells directory time.
    last_ping: (u64, u64),
    /// When the connection is cut, once the gateway leaves the cluster.
    close_due: Option<Instant>,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        exchange: Arc<Exchange>,
        state: Arc<ClusterState>,
        clock: &'a mut Clock,
        lookup_queue: &'a mut LookupQueue,
        established: Established,
    ) -> Self {
        let interval = Duration::from_millis(established.welcome.heartbeat_ms.into());
        lookup_queue.set_connected(true);
        exchange.set_has_directory(true);
        state.frontlas.connected();
        Self {
            clock,
            link: established.link,
            early: established.early,
            reporter: Reporter::new(
                exchange.follow(),
                established.welcome.features & FEATURE_CLAIMS != 0,
                state.draining.is_set(),
            ),
            exchange,
            state,
            lookup_queue,
            lookups: HashMap::new(),
            last_lookup: 0,
            heartbeat: Heartbeat::new(interval, Instant::now().into_std()),
            pong_timeout: MIN_PONG_TIMEOUT.max(interval / 2),
            pong_due: None,
            last_ping: (0, 0),
            close_due: None,
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) -> End {
        let ended = self.serve(stop).await;
        let traffic = self.link.traffic();
        self.lookup_queue.set_connected(false);
        self.exchange.set_has_directory(false);
        self.state.frontlas.lost();
        self.state.gateways.pause();
        self.state.neighbours.pause();
        match ended {
            Ok(()) => {
                let closed = self.link.close(|_| Ok(()));
                // Frontlas knows already.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
                End::Left(traffic)
            }
            Err(reason) => End::Lost(reason, traffic),
        }
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Result<(), String> {
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
            let next = self.report(now).await?;
            self.state.frontlas.set_reported(next == Next::News);
            let wake_at = [Some(self.beat(now)?), self.pong_due, self.close_due, timer(next)];
            let wake_at = wake_at.into_iter().flatten().min();
            let (follower, state) = (self.reporter.follower(), self.state.clone());
            tokio::select! {
                event = self.link.next() => {
                    match event.map_err(|error| LinkError::reason(error).to_string())? {
                        Event::Frames => {
                            self.heartbeat.heard(Instant::now().into_std());
                            self.pong_due = None;
                            if self.take_frames()? {
                                return Ok(());
                            }
                        }
                        Event::Stream(_) | Event::ExcessStream(_) => return Err("frontlas opened a stream, which it never does".into()),
                    }
                }
                () = follower.changed(), if next == Next::News => {}
                () = state.draining.wait(), if !self.reporter.is_draining() => self.reporter.drain(),
                request = self.lookup_queue.requests.recv() => {
                    if let Some(request) = request {
                        self.look_up(request);
                    }
                }
                () = sleep_until(wake_at) => self.check_times(next)?,
                () = stop.cancelled(), if self.close_due.is_none() => {
                    self.close_due = Some(Instant::now() + CLOSE_TIMEOUT);
                    self.send(|out| GoAway::new(Code::Ok, 0, "").encode(out));
                }
            }
        }
    }

    /// Sends the reports that are due. What to wait for then.
    async fn report(&mut self, now: Instant) -> Result<Next, String> {
        loop {
            match self.reporter.next(now) {
                Next::TakeSnapshot => {
                    let (exchange, follower) = (self.exchange.clone(), self.reporter.follower());
                    // Many edges take their time, and the runtime may have one thread.
                    let all = tokio::task::spawn_blocking(move || exchange.snapshot(&follower)).await;
                    self.reporter.snapshot(all.map_err(|error| error.to_string())?, now);
                }
                Next::Send => {
                    let (reporter, clock) = (&mut self.reporter, &*self.clock);
                    let sent =
                        self.link.handle().send(Priority::Reply, |out| reporter.encode(clock, now, out));
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
                    self.last_ping = (self.last_ping.0 + 1, self.exchange.micros());
                    self.send(|out| {
                        ping(self.last_ping.0, out);
                        Ok(())
                    });
                    self.pong_due.get_or_insert(now + self.pong_timeout);
                }
                Beat::Dead => return Err("frontlas sent nothing for three heartbeat intervals".into()),
            }
        }
    }

    fn check_times(&self, next: Next) -> Result<(), String> {
        let now = Instant::now();
        if self.pong_due.is_some_and(|by| by <= now) {
            return Err(format!("frontlas did not answer a ping within {:?}", self.pong_timeout));
        }
        if self.close_due.is_some_and(|by| by <= now) {
            return Err(format!("frontlas did not answer GoAway within {CLOSE_TIMEOUT:?}"));
        }
        match next {
            Next::Answer(sent_at) if sent_at + REPORT_TIMEOUT <= now => {
                Err(format!("frontlas did not answer a report within {REPORT_TIMEOUT:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether frontlas has answered the `GoAway` of a gateway that leaves.
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
            return Err(format!("frontlas sent a {:?} frame, which is not its to send", frame.kind));
        }
        let broken = |error: frontier_protocol::ParseError| error.to_string();
        match frame.kind {
            Kind::Ping => self.send(|out| {
                pong(frame.id, out);
                Ok(())
            }),
            Kind::Pong if frame.id == self.last_ping.0 => {
                if let Some(time) = pong_time(frame) {
                    let reading = Reading::new(self.last_ping.1, self.exchange.micros(), time);
                    self.clock.set(reading, self.exchange.next_epoch());
                }
            }
            Kind::ReportAck => {
                let ack = ReportAck::parse(frame).map_err(broken)?;
                self.named(&ack.superseded).for_each(|edge| self.exchange.relocated(&edge));
                self.named(&ack.held).for_each(|edge| self.exchange.held_elsewhere(&edge));
                self.reporter.answered(frame.id, &ack, Instant::now());
            }
            Kind::LookupAck => {
                let ack = LookupAck::parse(frame).map_err(broken)?;
                if let Some(reply) = self.lookups.remove(&frame.id) {
                    // The requester may have given up.
                    let _ = reply.send(found(&ack));
                }
            }
            Kind::Plan => {
                let plan = Plan::parse(frame).map_err(broken)?;
                self.state.gateways.update(&plan);
                self.state.neighbours.update_from(&plan);
            }
            Kind::Members => self.state.neighbours.update(&Members::parse(frame).map_err(broken)?),
            Kind::GoAway => {
                let GoAway { code, text, .. } = GoAway::parse(frame).map_err(broken)?;
                if self.close_due.is_some() {
                    return Ok(true);
                }
                return Err(format!("frontlas is going away: {code}: {text}"));
            }
            _ => {}
        }
        Ok(false)
    }

    /// Those of these connections that are still there.
    fn named(&self, named: &[Superseded]) -> impl Iterator<Item = Arc<Peer>> {
        named.iter().filter_map(|Superseded { edge: id, stamp }| {
            self.exchange.edge(*id).filter(|edge| self.clock.stamp(edge.epoch().0) == *stamp)
        })
    }

    fn look_up(&mut self, request: LookupRequest) {
        if self.lookups.len() >= MAX_LOOKUPS {
            self.lookups.retain(|_, reply| !reply.is_closed());
        }
        if self.lookups.len() >= MAX_LOOKUPS {
            let _ = request.reply.send(Err(LocateError::Overloaded));
            return;
        }
        self.last_lookup += 1;
        let lookup = Lookup { edge: request.edge };
        let sent = self.link.handle().send(Priority::Request, |out| lookup.encode(self.last_lookup, out));
        match sent {
            Ok(()) => {
                self.lookups.insert(self.last_lookup, request.reply);
            }
            Err(error) => {
                debug!(%error, "a lookup was not sent");
                let _ = request.reply.send(Err(LocateError::Overloaded));
            }
        }
    }

    fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        // Fails only if the connection is over, which the next turn will tell.
        let _ = self.link.handle().send(Priority::Reply, encode);
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
        Next::Answer(sent_at) => Some(sent_at + REPORT_TIMEOUT),
        Next::TakeSnapshot | Next::Send | Next::News => None,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
