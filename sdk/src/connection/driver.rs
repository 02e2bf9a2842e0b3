//! The task of one connection.

use super::Connection;
use super::end::{Drain, End};
use super::inbound::{GoAwayNotice, Inbound};
use super::incoming_stream::{DetachedFrame, IncomingStream};
use super::lifecycle::Lifecycle;
use super::migrating_task::Home;
use super::pace::{Pace, Read};
use super::timers::Timers;
use crate::Error;
use crate::client::Client;
use frontier_protocol::{Beat, Cancel, Code, GoAway, Kind, ParseError, PeerText};
use frontier_transport::{CloseReason, Event, Link, LinkError, MuxStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};
use tracing::debug;

/// Detached payloads that are whole and wait to be handed on.
const MAX_READY_PAYLOADS: usize = 16;

/// How long writing the rest may take once everything is done, at least.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How much longer than the grace of its gateway a connection lasts, unless the gateway closes it, whose
/// part that is.
const GRACE_MARGIN: Duration = Duration::from_secs(1);

/// How long what is in flight may take behind the last word of a gateway, whose part it is to end the connection sooner.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest delay that a gateway which stays may ask for before a move: it may be about to stop by then.
const MAX_MOVE_DELAY: Duration = Duration::from_secs(10);

/// The task of one connection: it owns the link and everything that only it looks at.
pub(crate) struct Driver {
    client: Arc<Client>,
    connection: Arc<Connection>,
    link: Link,
    inbound: Inbound,
    streams: Streams,
    timers: Timers,
    lifecycle: Lifecycle,
    pace: Arc<Pace>,
    /// Tells the supervisor that the gateway wants the client to move.
    draining: watch::Sender<Option<Drain>>,
}

/// Streams that the gateway opened, until it is known what they carry.
struct Streams {
    tasks: JoinSet<()>,
    sender: mpsc::Sender<DetachedFrame>,
    arrived: mpsc::Receiver<DetachedFrame>,
}

/// What the driver does besides the link.
enum Duty {
    Detached(DetachedFrame),
    Leave(Instant),
    Replaced,
    Clock,
    Over,
}

impl Driver {
    /// The task's state, and a channel that says when the gateway wants the client to move.
    pub(crate) fn new(
        client: Arc<Client>,
        connection: Arc<Connection>,
        link: Link,
        heartbeat: Duration,
    ) -> (Self, watch::Receiver<Option<Drain>>) {
        let (sender, arrived) = mpsc::channel(MAX_READY_PAYLOADS);
        let (draining, is_draining) = watch::channel(None);
        let driver = Self {
            inbound: Inbound::new(client.clone(), connection.clone()),
            client,
            connection,
            link,
            streams: Streams { tasks: JoinSet::new(), sender, arrived },
            timers: Timers::new(heartbeat),
            lifecycle: Lifecycle::Open,
            pace: Arc::default(),
            draining,
        };
        (driver, is_draining)
    }

    /// Starts the task, where connections are carried.
    pub(crate) fn spawn(self) -> JoinHandle<End> {
        let (executor, pace) = (self.client.executor.clone(), self.pace.clone());
        if !executor.is_apart() {
            return executor.spawn_io(self.run());
        }
        executor.clone().spawn_io(Home::new(self.run(), executor, pace))
    }

    /// Drives the connection to its end.
    async fn run(mut self) -> End {
        // Pending requests must end also when this panics or is aborted.
        let guard = EndOnDrop(self.connection.clone());
        let Err(mut end) = self.drive().await;
        if let (End::Lost(_), Lifecycle::Closing { answered: true, replaced: false, .. }) =
            (&end, self.lifecycle)
        {
            // The gateway has sent its last `GoAway` and closed: that is no loss.
            end = End::Left { is_complete: self.connection.is_idle() };
        }
        // What can't be written within the time is lost, as it would be with the connection.
        match self.lifecycle {
            Lifecycle::Open | Lifecycle::MoveRequested { .. } => {}
            Lifecycle::Closing { .. } => drop(timeout(FLUSH_TIMEOUT, self.link.close(|_| Ok(()))).await),
            Lifecycle::Draining { .. } | Lifecycle::Parting { .. } => {
                let last = |out: &mut Vec<u8>| GoAway::new(Code::Ok, 0, "").encode(out);
                drop(timeout(FLUSH_TIMEOUT, self.link.close(last)).await);
            }
        }
        guard.0.end(&end.error());
        end
    }

    async fn drive(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            self.inbound.time_passed();
            let mut read = Read::default();
            while let Some(frame) = self.link.frame().map_err(lost)? {
                read.frames += 1;
                if matches!(frame.kind, Kind::Request | Kind::Publish) {
                    self.link.note_request();
                    read.asked += 1;
                }
                let notice = self.inbound.take(&frame, None).map_err(broken)?;
                self.on_go_away(notice)?;
            }
            read.taken = self.inbound.batch_ended();
            self.pace.note(read);
            // In this order: a wake-up through the link handle that comes while the link is being
            // polled is noted there and not passed on, so the duties must be looked at after it.
            tokio::select! {
                biased;
                event = self.link.next() => match event.map_err(lost)? {
                    Event::Frames => {}
                    Event::Stream(stream) => self.receive(stream, false),
                    Event::ExcessStream(stream) => self.receive(stream, true),
                },
                duty = std::future::poll_fn(|cx| poll_duty(
                    &self.connection,
                    &mut self.inbound,
                    &mut self.streams,
                    &mut self.timers,
                    self.lifecycle,
                    cx,
                )) => self.perform(duty)?,
            }
        }
    }

    fn perform(&mut self, duty: Duty) -> Result<(), End> {
        match duty {
            Duty::Detached(DetachedFrame { frame, payload }) => {
                let notice = self.inbound.take(&frame, Some(payload)).map_err(broken)?;
                self.on_go_away(notice)
            }
            Duty::Leave(until) => {
                if self.lifecycle.close(until) {
                    self.send_go_away(Code::Ok, until);
                }
                Ok(())
            }
            Duty::Replaced => {
                if let Some(until) = self.lifecycle.replace() {
                    self.send_go_away(Code::Draining, until);
                }
                Ok(())
            }
            Duty::Clock => self.on_timer(),
            Duty::Over if self.lifecycle.is_closing() => {
                Err(End::Left { is_complete: self.connection.is_idle() })
            }
            Duty::Over => Err(End::Lost("the gateway is going away".into())),
        }
    }

    /// `code` tells whether the client ends or goes elsewhere: a service that does still gets
    /// requests for edges that are not there yet.
    fn send_go_away(&self, code: Code, until: Instant) {
        let grace_ms = until.saturating_duration_since(Instant::now()).as_millis();
        let grace_ms = u32::try_from(grace_ms).unwrap_or(u32::MAX);
        self.connection.notify(|out| GoAway::new(code, grace_ms, "").encode(out));
    }

    fn on_go_away(&mut self, notice: Option<GoAwayNotice>) -> Result<(), End> {
        let Some(GoAwayNotice { code, grace, delay, alternatives, stays, text }) = notice else {
            return Ok(());
        };
        match code {
            Code::Superseded => return Err(End::Superseded),
            // There may be other credentials by now. Whether they will do shows when they are presented.
            Code::Unauthenticated => return Err(End::Lost(text)),
            code if code != Code::Ok && !code.is_retryable() => return Err(End::Refused { code, text }),
            _ => {}
        }
        let now = Instant::now();
        if stays {
            if self.lifecycle.move_requested(now + grace.max(GRACE_MARGIN)) {
                debug!(%code, text = %PeerText(&text), ?alternatives, "the gateway asks the client to move to another one");
                let start = now + delay.min(MAX_MOVE_DELAY);
                self.draining.send_replace(Some(Drain { start, alternatives, stays }));
            }
            return Ok(());
        }
        if code == Code::Ok && self.lifecycle.last_word(now + LAST_WORD_TIMEOUT) {
            debug!(text = %PeerText(&text), "the gateway has said its last word");
            // What comes now waits for the next connection. What was sent a moment ago is still answered.
            self.client.retire(&self.connection);
            self.connection.is_draining.store(true, Ordering::SeqCst);
            self.draining.send_replace(Some(Drain { start: now, alternatives, stays }));
            return Ok(());
        }
        let until = if grace.is_zero() { now } else { now + grace + GRACE_MARGIN };
        if self.lifecycle.go_away_received(until, code == Code::Ok || grace.is_zero()) {
            debug!(%code, text = %PeerText(&text), ?grace, ?delay, ?alternatives, "the gateway is going away");
            self.connection.is_draining.store(true, Ordering::SeqCst);
            self.draining.send_replace(Some(Drain { start: now + delay.min(grace), alternatives, stays }));
        }
        Ok(())
    }

    fn on_timer(&mut self) -> Result<(), End> {
        let now = Instant::now();
        match self.timers.beat(now, || self.link.take_heard()) {
            Beat::Dead => return Err(lost(CloseReason::Silent.into())),
            Beat::Ping => self.connection.notify(|out| {
                frontier_protocol::ping(0, out);
                Ok(())
            }),
            Beat::Wait(_) => {}
        }
        self.inbound.check_handlers(now);
        if self.timers.is_sweep_due(now, self.connection.pending.due()) {
            for id in self.connection.pending.sweep(now) {
                self.connection.notify(|out| Cancel::encode(id, out));
            }
        }
        Ok(())
    }

    fn receive(&mut self, stream: MuxStream, is_excess: bool) {
        while self.streams.tasks.try_join_next().is_some() {}
        let incoming = IncomingStream {
            client: self.client.clone(),
            connection: self.connection.clone(),
            arrived: self.streams.sender.clone(),
            is_excess,
        };
        self.client.executor.spawn_io_among(&mut self.streams.tasks, incoming.receive(stream));
    }
}

fn poll_duty(
    connection: &Connection,
    inbound: &mut Inbound,
    streams: &mut Streams,
    timers: &mut Timers,
    lifecycle: Lifecycle,
    cx: &mut Context<'_>,
) -> Poll<Duty> {
    inbound.start_waiting();
    if let Poll::Ready(Some(arrived)) = streams.arrived.poll_recv(cx) {
        return Poll::Ready(Duty::Detached(arrived));
    }
    if let Some(&until) = connection.leave.get()
        && !lifecycle.is_closing()
    {
        return Poll::Ready(Duty::Leave(until));
    }
    if connection.is_replaced.load(Ordering::SeqCst) && lifecycle.may_be_replaced() {
        return Poll::Ready(Duty::Replaced);
    }
    let mut next_poll = inbound.next_check();
    if lifecycle != Lifecycle::Open {
        let now = Instant::now();
        if lifecycle.is_over(connection, now) {
            return Poll::Ready(Duty::Over);
        }
        next_poll = next_poll.into_iter().chain(lifecycle.next_poll(now)).min();
    }
    timers.poll(cx, connection.pending.due(), next_poll).map(|()| Duty::Clock)
}

fn lost(error: LinkError) -> End {
    match error.reason() {
        CloseReason::Local => End::Left { is_complete: false },
        reason => End::Lost(reason.to_string()),
    }
}

fn broken(error: ParseError) -> End {
    End::Lost(CloseReason::Protocol(error.to_string()).to_string())
}

/// Ends the connection when dropped.
struct EndOnDrop(Arc<Connection>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(&Error::new(Code::Disconnected, ""));
    }
}
