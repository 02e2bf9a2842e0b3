//! The connection of one frontier, from its accept to its end.

use super::context::{CLOSE_TIMEOUT, Context};
use super::handshake::{self, Joined};
use super::log::Ended;
use super::lookup::Lookups;
use super::pending::{PendingRefresh, PendingReport};
use super::reporter::{OwnedAck, OwnedReport, Reporter, refresh};
use super::review::{Refusal, Review};
use frontier_access::Place;
use frontier_protocol::{
    Code, EncodeError, Frame, GoAway, Heartbeat, Kind, Lookup, Report, Role, Side, pong, pong_at,
};
use frontier_transport::{Accepted, CloseReason, Event, Link, LinkError, Priority};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause after a refresh that the directory did not answer: several fit into the shortest time to live.
const REFRESH_RETRY_DELAY: Duration = Duration::from_secs(1);

/// A connected frontier.
struct Session {
    context: Arc<Context>,
    id: String,
    lookups: Lookups,
    reporter: PendingReport,
    refresh: PendingRefresh,
    /// The report that waits for the reporter. There is one at most: the next one follows its ack.
    report: Option<OwnedReport>,
    /// When to refresh the lease, if there was a ping since the last time.
    refresh_at: Option<Instant>,
    /// Its GoAway has come.
    is_leaving: bool,
    /// Whether it would be let in now.
    credentials: Review,
}

/// Why a session has ended.
enum End {
    /// By the frontier's GoAway.
    Left,
    Stopped,
    Closed(CloseReason),
}

/// Runs a connection to its end.
pub(super) async fn run(context: Arc<Context>, accepted: Accepted, place: Place, stop: CancellationToken) {
    let (addr, since) = (accepted.peer, Instant::now());
    let given_up = place.given_up();
    let joined = tokio::select! {
        joined = handshake::run(&context, accepted) => joined,
        () = given_up.wait() => None,
        () = stop.cancelled() => None,
    };
    drop(place);
    let Some(Joined { frontier, lease, terms, mut link, presented, verified, permit: _permit }) = joined
    else {
        return;
    };
    let id = frontier.id.clone();
    let Some(_registration) = context.connections.add(&id, lease.session(), link.handle()) else {
        let reason = CloseReason::Superseded;
        log_end(&context, &id, addr, since, &link, reason.cause(), &reason);
        return close(link, Code::Superseded, "the frontier has a later connection").await;
    };
    let mut session = Session {
        context: context.clone(),
        id: id.clone(),
        lookups: Lookups::new(context.clone(), link.handle()),
        reporter: PendingReport::Idle(Reporter::new(context.clone(), frontier, lease)),
        refresh: PendingRefresh::Idle,
        report: None,
        refresh_at: None,
        is_leaving: false,
        credentials: Review::new(&context, presented, verified.expires),
    };
    let idle_timeout = Heartbeat::limit(Duration::from_millis(terms.heartbeat_ms.into()));
    match session.serve(&mut link, idle_timeout, &stop).await {
        End::Left => {
            log_end(&context, &id, addr, since, &link, "left", &"it leaves the cluster");
            if let PendingReport::Idle(mut reporter) = session.reporter {
                reporter.leave().await;
            }
            close(link, Code::Ok, "").await;
        }
        End::Stopped => {
            let text = "frontlas is stopping";
            log_end(&context, &id, addr, since, &link, CloseReason::Local.cause(), &text);
            close(link, Code::Draining, text).await;
        }
        End::Closed(reason) => {
            if let CloseReason::Refused(..) = reason {
                context.access.audit().frontier_turned_out(addr, &id, &reason);
            }
            log_end(&context, &id, addr, since, &link, reason.cause(), &reason);
            if reason != CloseReason::Superseded {
                session.mark_away().await;
            }
            let code = match reason {
                CloseReason::Superseded => Code::Superseded,
                CloseReason::Protocol(_) => Code::Protocol,
                CloseReason::Silent | CloseReason::SlowPeer | CloseReason::Kicked => Code::Disconnected,
                CloseReason::Refused(code, _) => code,
                CloseReason::Local => Code::Draining,
                CloseReason::Peer | CloseReason::Lost(_) => return,
            };
            close(link, code, &reason.to_string()).await;
        }
    }
}

fn log_end(
    context: &Context,
    frontier: &str,
    addr: SocketAddr,
    since: Instant,
    link: &Link,
    cause: &'static str,
    reason: &dyn fmt::Display,
) {
    let (duration, traffic) = (since.elapsed(), link.traffic());
    context.log.ended(Ended { frontier, addr, cause, reason, duration, traffic });
}

/// Closes with a GoAway that says why.
async fn close(link: Link, code: Code, text: &str) {
    let closed = link.close(|out| GoAway::new(code, 0, text).encode(out));
    // Whether the peer still reads it is up to the peer.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
}

impl Session {
    async fn serve(&mut self, link: &mut Link, idle_timeout: Duration, stop: &CancellationToken) -> End {
        let mut last_received = Instant::now();
        // What came in one piece with the Hello has been read already.
        if let Err(reason) = self.on_frames(link) {
            return End::Closed(reason);
        }
        loop {
            if let Err(reason) = self.start_pending(link) {
                return End::Closed(reason);
            }
            if self.is_leaving && self.report.is_none() && matches!(self.reporter, PendingReport::Idle(_)) {
                return End::Left;
            }
            let is_idle =
                matches!((&self.reporter, &self.refresh), (PendingReport::Idle(_), PendingRefresh::Idle));
            let refresh_at = self.refresh_at.filter(|_| is_idle);
            tokio::select! {
                event = link.next() => {
                    last_received = Instant::now();
                    let taken = match event {
                        Ok(Event::Frames) => self.on_frames(link),
                        Ok(Event::Stream(_) | Event::ExcessStream(_)) => {
                            Err(CloseReason::Protocol("a frontier must not open streams".into()))
                        }
                        Err(error) => Err(error.reason()),
                    };
                    if let Err(reason) = taken {
                        return End::Closed(reason);
                    }
                }
                ack = self.reporter.done() => {
                    if let Err(reason) = acknowledge(&ack, link) {
                        return End::Closed(reason);
                    }
                }
                () = self.refresh.done() => {}
                () = self.credentials.due() => {
                    if let Err(Refusal { code, text }) = self.credentials.judge(&self.context, &self.id) {
                        return End::Closed(CloseReason::Refused(code, text));
                    }
                }
                () = until(refresh_at) => {}
                () = tokio::time::sleep_until(last_received + idle_timeout) => return End::Closed(CloseReason::Silent),
                () = stop.cancelled() => return End::Stopped,
            }
        }
    }

    /// Nobody new should be sent to the frontier until it is connected again.
    async fn mark_away(&mut self) {
        if !matches!(self.reporter, PendingReport::Idle(_)) {
            self.reporter.done().await;
        }
        if let PendingReport::Idle(reporter) = &mut self.reporter {
            reporter.mark_away().await;
        }
    }

    /// Starts the report and the refresh that are due, if the reporter is idle.
    fn start_pending(&mut self, link: &Link) -> Result<(), CloseReason> {
        let mut reporter = match std::mem::replace(&mut self.reporter, PendingReport::Taken) {
            PendingReport::Idle(reporter) => reporter,
            busy => {
                self.reporter = busy;
                return Ok(());
            }
        };
        self.refresh = match std::mem::replace(&mut self.refresh, PendingRefresh::Idle) {
            PendingRefresh::Done(outcome) => {
                match reporter.refreshed(outcome) {
                    Ok(None) => {}
                    Ok(Some(ack)) => acknowledge(&ack, link)?,
                    Err(error) => {
                        let what = "can't refresh the lease of a frontier, will try again";
                        self.context.log.lease_failed(&self.id, &error, what);
                        self.refresh_at = Some(Instant::now() + REFRESH_RETRY_DELAY);
                    }
                }
                PendingRefresh::Idle
            }
            PendingRefresh::Idle if self.refresh_at.is_some_and(|at| at <= Instant::now()) => {
                self.refresh_at = None;
                PendingRefresh::Busy(Box::pin(refresh(self.context.clone(), reporter.lease())))
            }
            other => other,
        };
        self.reporter = match self.report.take() {
            None => PendingReport::Idle(reporter),
            Some(report) => PendingReport::Busy(Box::pin(async move {
                let ack = reporter.report(report).await;
                (reporter, ack)
            })),
        };
        Ok(())
    }

    fn on_frames(&mut self, link: &mut Link) -> Result<(), CloseReason> {
        while let Some(frame) = link.frame().map_err(LinkError::reason)? {
            self.on_frame(&frame, link).map_err(CloseReason::Protocol)?;
        }
        Ok(())
    }

    fn on_frame(&mut self, frame: &Frame, link: &Link) -> Result<(), String> {
        if !Side::Dialler(Role::Frontier).may_send(frame.kind) {
            return Err(format!("a frontier must not send {:?} frames", frame.kind));
        }
        match frame.kind {
            Kind::Ping => {
                self.refresh_at.get_or_insert_with(Instant::now);
                let time = self.context.clock.now();
                send(link, |out| {
                    match time {
                        Some(time) => pong_at(frame.id, time.0, out),
                        None => pong(frame.id, out),
                    }
                    Ok(())
                });
            }
            Kind::Report => {
                if self.report.is_some() || matches!(self.reporter, PendingReport::Busy(_)) {
                    return Err("a report came before the ack of the last one".into());
                }
                let report = Report::parse(frame).map_err(|error| error.to_string())?;
                self.report = Some(OwnedReport::new(frame.id, &report).map_err(|error| error.to_string())?);
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

/// Sends an ack, or says that the connection must be closed.
fn acknowledge(ack: &OwnedAck, link: &Link) -> Result<(), CloseReason> {
    if ack.code == Code::Superseded {
        return Err(CloseReason::Superseded);
    }
    send(link, |out| ack.as_ack().encode(ack.id, out));
    Ok(())
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn send(link: &Link, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
    // Fails only if the connection is over, which the next event of the link will say.
    let _ = link.handle().send(Priority::Reply, encode);
}
