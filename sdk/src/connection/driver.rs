use super::Connection;
use super::collect::{Arrived, Incoming};
use super::drain::Drain;
use super::end::End;
use super::farewell::Farewell;
use super::inbound::{Inbound, Notice};
use super::timers::Timers;
use crate::Error;
use crate::client::Client;
use frontier_protocol::{Beat, Cancel, Code, GoAway, Kind, ParseError};
use frontier_transport::{CloseReason, Event, Link, LinkError, MuxStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// Detached payloads that are whole and wait to be handed on.
const ARRIVED: usize = 16;

/// How long writing the rest may take once everything is done, at least.
const FLUSH: Duration = Duration::from_secs(1);

/// How much longer than the grace of its gateway a connection lasts, unless the gateway closes it, whose
/// part that is.
const LENIENCE: Duration = Duration::from_secs(1);

/// The longest delay that is waited for a gateway that stays: it may be about to stop by then.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// The task of one connection: it owns the link and everything that only it looks at.
pub(crate) struct Driver {
    client: Arc<Client>,
    connection: Arc<Connection>,
    link: Link,
    inbound: Inbound,
    streams: Streams,
    timers: Timers,
    farewell: Farewell,
    /// Tells the supervisor that the gateway wants the client to go elsewhere.
    draining: watch::Sender<Option<Drain>>,
}

/// Streams that the gateway opened, until it is known what they carry.
struct Streams {
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Arrived>,
    arrived: mpsc::Receiver<Arrived>,
}

/// What the driver does besides the link.
enum Duty {
    Arrived(Arrived),
    Leave(Instant),
    Replaced,
    Clock,
    Over,
}

impl Driver {
    /// The task's state, and what tells when the gateway wants the client to go elsewhere.
    pub(crate) fn new(
        client: Arc<Client>,
        connection: Arc<Connection>,
        link: Link,
        heartbeat: Duration,
    ) -> (Self, watch::Receiver<Option<Drain>>) {
        let (sender, arrived) = mpsc::channel(ARRIVED);
        let (draining, is_draining) = watch::channel(None);
        let driver = Self {
            inbound: Inbound::new(client.clone(), connection.clone()),
            client,
            connection,
            link,
            streams: Streams { tasks: JoinSet::new(), sender, arrived },
            timers: Timers::new(heartbeat),
            farewell: Farewell::Staying,
            draining,
        };
        (driver, is_draining)
    }

    /// Drives the connection to its end.
    pub(crate) async fn run(mut self) -> End {
        // Also when this panics or is aborted nobody may wait for an answer for ever.
        let last_rites = LastRites(self.connection.clone());
        let Err(mut end) = self.drive().await;
        if let (End::Lost(_), Farewell::Leaving { answered: true, replaced: false, .. }) =
            (&end, self.farewell)
        {
            // The gateway has said its last word and hung up: that is no loss.
            end = End::Left { is_complete: self.connection.is_idle() };
        }
        // What can't be written within the time is lost, as it would be with the connection.
        match self.farewell {
            Farewell::Staying | Farewell::Asked { .. } => {}
            Farewell::Leaving { .. } => drop(timeout(FLUSH, self.link.close(|_| Ok(()))).await),
            Farewell::Draining { .. } => {
                let last = |out: &mut Vec<u8>| GoAway::new(Code::Ok, 0, "").encode(out);
                drop(timeout(FLUSH, self.link.close(last)).await);
            }
        }
        last_rites.0.end(&end.error());
        end
    }

    async fn drive(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            self.inbound.time_passed();
            while let Some(frame) = self.link.frame().map_err(lost)? {
                if matches!(frame.kind, Kind::Request | Kind::Publish) {
                    self.link.note_request();
                }
                let notice = self.inbound.take(&frame, None).map_err(broken)?;
                self.heed(notice)?;
            }
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
                    self.farewell,
                    cx,
                )) => self.perform(duty)?,
            }
        }
    }

    fn perform(&mut self, duty: Duty) -> Result<(), End> {
        match duty {
            Duty::Arrived(Arrived { frame, payload }) => {
                let notice = self.inbound.take(&frame, Some(payload)).map_err(broken)?;
                self.heed(notice)
            }
            Duty::Leave(until) => {
                if self.farewell.leave(until) {
                    self.say_goodbye(Code::Ok, until);
                }
                Ok(())
            }
            Duty::Replaced => {
                if let Some(until) = self.farewell.replace() {
                    self.say_goodbye(Code::Draining, until);
                }
                Ok(())
            }
            Duty::Clock => self.look_at_clock(),
            Duty::Over if self.farewell.is_closing() => {
                Err(End::Left { is_complete: self.connection.is_idle() })
            }
            Duty::Over => Err(End::Lost("the gateway is going away".into())),
        }
    }

    /// `code` tells whether the client ends or goes elsewhere: a service that does is still asked for the
    /// edges that are not there yet.
    fn say_goodbye(&self, code: Code, until: Instant) {
        let grace_ms = until.saturating_duration_since(Instant::now()).as_millis();
        let grace_ms = u32::try_from(grace_ms).unwrap_or(u32::MAX);
        self.connection.notify(|out| GoAway::new(code, grace_ms, "").encode(out));
    }

    fn heed(&mut self, notice: Option<Notice>) -> Result<(), End> {
        let Some(Notice { code, grace, delay, alternatives, stays, text }) = notice else { return Ok(()) };
        match code {
            Code::Superseded => return Err(End::Superseded),
            // There may be other credentials by now. Whether they will do shows when they are presented.
            Code::Unauthenticated => return Err(End::Lost(text)),
            code if code != Code::Ok && !code.is_retryable() => return Err(End::Refused { code, text }),
            _ => {}
        }
        let now = Instant::now();
        if stays {
            if self.farewell.asked(now + grace.max(LENIENCE)) {
                debug!(%code, text, ?alternatives, "the gateway asks the client to go elsewhere");
                let start = now + delay.min(LONGEST_DELAY);
                self.draining.send_replace(Some(Drain { start, alternatives, stays }));
            }
            return Ok(());
        }
        let until = if grace.is_zero() { now } else { now + grace + LENIENCE };
        if self.farewell.heard(until, code == Code::Ok || grace.is_zero()) {
            debug!(%code, text, ?grace, ?delay, ?alternatives, "the gateway is going away");
            self.connection.is_draining.store(true, Ordering::SeqCst);
            self.draining.send_replace(Some(Drain { start: now + delay.min(grace), alternatives, stays }));
        }
        Ok(())
    }

    fn look_at_clock(&mut self) -> Result<(), End> {
        let now = Instant::now();
        match self.timers.beat(now, || self.link.take_heard()) {
            Beat::Dead => return Err(lost(CloseReason::Silent.into())),
            Beat::Ping => self.connection.notify(|out| {
                frontier_protocol::ping(0, out);
                Ok(())
            }),
            Beat::Wait(_) => {}
        }
        if self.timers.is_sweep_due(now, self.connection.calls.due()) {
            for id in self.connection.calls.sweep(now) {
                self.connection.notify(|out| Cancel::encode(id, out));
            }
        }
        Ok(())
    }

    fn receive(&mut self, stream: MuxStream, is_excess: bool) {
        while self.streams.tasks.try_join_next().is_some() {}
        let incoming = Incoming {
            client: self.client.clone(),
            connection: self.connection.clone(),
            arrived: self.streams.sender.clone(),
            is_excess,
        };
        self.streams.tasks.spawn(incoming.receive(stream));
    }
}

fn poll_duty(
    connection: &Connection,
    inbound: &mut Inbound,
    streams: &mut Streams,
    timers: &mut Timers,
    farewell: Farewell,
    cx: &mut Context<'_>,
) -> Poll<Duty> {
    inbound.start_waiting();
    if let Poll::Ready(Some(arrived)) = streams.arrived.poll_recv(cx) {
        return Poll::Ready(Duty::Arrived(arrived));
    }
    if let Some(&until) = connection.leave.get()
        && !farewell.is_closing()
    {
        return Poll::Ready(Duty::Leave(until));
    }
    if connection.is_replaced.load(Ordering::SeqCst) && farewell.may_be_replaced() {
        return Poll::Ready(Duty::Replaced);
    }
    let mut next_look = None;
    if farewell != Farewell::Staying {
        let now = Instant::now();
        if farewell.is_over(connection, now) {
            return Poll::Ready(Duty::Over);
        }
        next_look = farewell.next_look(now);
    }
    timers.poll(cx, connection.calls.due(), next_look).map(|()| Duty::Clock)
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
struct LastRites(Arc<Connection>);

impl Drop for LastRites {
    fn drop(&mut self) {
        self.0.end(&Error::new(Code::Disconnected, ""));
    }
}
