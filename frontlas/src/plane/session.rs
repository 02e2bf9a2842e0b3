//! One frontier, from its accept to its end.

use super::greeting::{self, Guest};
use super::lookup::Lookups;
use super::reporter::{Answer, Order, Reporter, refresh};
use super::turn::{Refreshing, Turn};
use super::{Context, FAREWELL};
use frontier_protocol::{
    Code, EncodeError, Frame, GoAway, Heartbeat, Kind, Lookup, Report, Role, Side, pong, pong_at,
};
use frontier_transport::{Accepted, CloseReason, Event, Link, LinkError, Priority};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The pause after a refresh that the directory did not answer.
const REFRESH_AGAIN: Duration = Duration::from_secs(1);

/// A connected frontier.
struct Session {
    context: Arc<Context>,
    id: String,
    lookups: Lookups,
    reporter: Turn,
    refreshing: Refreshing,
    /// The report that waits for its turn. There is one at most: the next one follows its answer.
    report: Option<Order>,
    /// When to keep the frontier alive, if it has asked for that since the last time.
    refresh_at: Option<Instant>,
    /// It has said goodbye.
    is_leaving: bool,
}

/// Why the loop has ended.
enum End {
    /// In good order.
    Goodbye,
    Stopped,
    Closed(CloseReason),
}

/// Runs a connection to its end.
pub(super) async fn run(context: Arc<Context>, accepted: Accepted, stop: CancellationToken) {
    let addr = accepted.peer;
    let guest = tokio::select! {
        guest = greeting::greet(&context, accepted) => guest,
        () = stop.cancelled() => None,
    };
    let Some(Guest { frontier, lease, terms, mut link }) = guest else { return };
    let id = frontier.id.clone();
    let Some(_seat) = context.roster.enter(&id, lease.session(), link.handle()) else {
        return farewell(link, Code::Superseded, "a later connection is here").await;
    };
    let mut session = Session {
        context: context.clone(),
        id: id.clone(),
        lookups: Lookups::new(context.clone(), link.handle()),
        reporter: Turn::Free(Reporter::new(context, frontier, lease)),
        refreshing: Refreshing::Idle,
        report: None,
        refresh_at: None,
        is_leaving: false,
    };
    let silence = Heartbeat::limit(Duration::from_millis(terms.heartbeat_ms.into()));
    match session.serve(&mut link, silence, &stop).await {
        End::Goodbye => {
            info!(frontier = id, %addr, "frontier leaves");
            if let Turn::Free(mut reporter) = session.reporter {
                reporter.leave().await;
            }
            farewell(link, Code::Ok, "").await;
        }
        End::Stopped => farewell(link, Code::Draining, "frontlas is stopping").await,
        End::Closed(reason) => {
            info!(frontier = id, %addr, %reason, "frontier disconnected");
            if reason != CloseReason::Superseded {
                session.away().await;
            }
            let code = match reason {
                CloseReason::Superseded => Code::Superseded,
                CloseReason::Protocol(_) => Code::Protocol,
                CloseReason::Silent | CloseReason::SlowPeer => Code::Disconnected,
                CloseReason::Refused(code, _) => code,
                CloseReason::Local => Code::Draining,
                CloseReason::Peer | CloseReason::Lost(_) => return,
            };
            farewell(link, code, &reason.to_string()).await;
        }
    }
}

/// Says why, and closes.
async fn farewell(link: Link, code: Code, text: &str) {
    let closed = link.close(|out| goodbye(code, text).encode(out));
    // Whether the peer still hears it is up to the peer.
    let _ = tokio::time::timeout(FAREWELL, closed).await;
}

fn goodbye(code: Code, text: &str) -> GoAway<'_> {
    GoAway::new(code, 0, text)
}

impl Session {
    async fn serve(&mut self, link: &mut Link, silence: Duration, stop: &CancellationToken) -> End {
        let mut heard = Instant::now();
        // What came in one piece with the Hello has been read already.
        if let Err(reason) = self.take_frames(link) {
            return End::Closed(reason);
        }
        loop {
            if let Err(reason) = self.go_on(link) {
                return End::Closed(reason);
            }
            if self.is_leaving && self.report.is_none() && matches!(self.reporter, Turn::Free(_)) {
                return End::Goodbye;
            }
            let is_ready = matches!((&self.reporter, &self.refreshing), (Turn::Free(_), Refreshing::Idle));
            let refresh_at = self.refresh_at.filter(|_| is_ready);
            tokio::select! {
                event = link.next() => {
                    heard = Instant::now();
                    let taken = match event {
                        Ok(Event::Frames) => self.take_frames(link),
                        Ok(Event::Stream(_) | Event::ExcessStream(_)) => {
                            Err(CloseReason::Protocol("frontiers open no streams".into()))
                        }
                        Err(error) => Err(error.reason()),
                    };
                    if let Err(reason) = taken {
                        return End::Closed(reason);
                    }
                }
                answer = self.reporter.done() => {
                    if let Err(reason) = tell(&answer, link) {
                        return End::Closed(reason);
                    }
                }
                () = self.refreshing.done() => {}
                () = until(refresh_at) => {}
                () = tokio::time::sleep_until(heard + silence) => return End::Closed(CloseReason::Silent),
                () = stop.cancelled() => return End::Stopped,
            }
        }
    }

    /// The connection is lost: until the frontier comes again, nobody new should be sent to it.
    async fn away(&mut self) {
        if !matches!(self.reporter, Turn::Free(_)) {
            self.reporter.done().await;
        }
        if let Turn::Free(reporter) = &mut self.reporter {
            reporter.away().await;
        }
    }

    /// Gives the directory what there is to do, if the reporter is free.
    fn go_on(&mut self, link: &Link) -> Result<(), CloseReason> {
        let mut reporter = match std::mem::replace(&mut self.reporter, Turn::Taken) {
            Turn::Free(reporter) => reporter,
            busy => {
                self.reporter = busy;
                return Ok(());
            }
        };
        self.refreshing = match std::mem::replace(&mut self.refreshing, Refreshing::Idle) {
            Refreshing::Done(refreshed) => {
                match reporter.refreshed(refreshed) {
                    Ok(None) => {}
                    Ok(Some(answer)) => tell(&answer, link)?,
                    Err(error) => {
                        warn!(frontier = self.id, %error, "a frontier was not kept alive, will try again");
                        self.refresh_at = Some(Instant::now() + REFRESH_AGAIN);
                    }
                }
                Refreshing::Idle
            }
            Refreshing::Idle if self.refresh_at.is_some_and(|at| at <= Instant::now()) => {
                self.refresh_at = None;
                Refreshing::Busy(Box::pin(refresh(self.context.clone(), reporter.lease())))
            }
            other => other,
        };
        self.reporter = match self.report.take() {
            None => Turn::Free(reporter),
            Some(order) => Turn::Report(Box::pin(async move {
                let answer = reporter.take(order).await;
                (reporter, answer)
            })),
        };
        Ok(())
    }

    fn take_frames(&mut self, link: &mut Link) -> Result<(), CloseReason> {
        while let Some(frame) = link.frame().map_err(LinkError::reason)? {
            self.take_frame(&frame, link).map_err(CloseReason::Protocol)?;
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: &Frame, link: &Link) -> Result<(), String> {
        if !Side::Dialler(Role::Frontier).may_send(frame.kind) {
            return Err(format!("a {:?} frame from a frontier", frame.kind));
        }
        match frame.kind {
            Kind::Ping => {
                self.refresh_at.get_or_insert_with(Instant::now);
                let time = self.context.timekeeper.now();
                send(link, |out| {
                    match time {
                        Some(time) => pong_at(frame.id, time.0, out),
                        None => pong(frame.id, out),
                    }
                    Ok(())
                });
            }
            Kind::Report => {
                if self.report.is_some() || matches!(self.reporter, Turn::Report(_)) {
                    return Err("a report before the last one was answered".into());
                }
                let report = Report::parse(frame).map_err(|error| error.to_string())?;
                self.report = Some(Order::read(frame.id, &report).map_err(|error| error.to_string())?);
            }
            Kind::Lookup => {
                let lookup = Lookup::parse(frame).map_err(|error| error.to_string())?;
                self.lookups.start(frame.id, lookup);
            }
            Kind::GoAway => self.is_leaving = true,
            _ => {}
        }
        Ok(())
    }
}

/// Tells the frontier what came of it.
fn tell(answer: &Answer, link: &Link) -> Result<(), CloseReason> {
    if answer.code == Code::Superseded {
        return Err(CloseReason::Superseded);
    }
    send(link, |out| answer.as_ack().encode(answer.id, out));
    Ok(())
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn send(link: &Link, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
    // Fails only if the connection is over, which the next turn will tell.
    let _ = link.handle().send(Priority::Answer, encode);
}
