use super::neighbour::Neighbour;
use crate::exchange::Exchange;
use crate::peer::{Peer, Stage, Wakes};
use crate::session;
use frontier_protocol::{Beat, Code, GoAway, Heartbeat, ping};
use frontier_transport::{CloseReason, Event, Link, Priority};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a link that is being closed may take to say so to its peer.
const FAREWELL: Duration = Duration::from_secs(1);

/// How soon a link that takes nothing new is looked at again.
const LOOK: Duration = Duration::from_millis(100);

/// Carries questions to the holder, and its answers back, until the link ends: of itself, when it was of no
/// use for so long, or when the gateway stops.
pub(super) async fn serve(driver: Driver<'_>, mut link: Link) -> CloseReason {
    let reason = driver.drive(&mut link).await;
    driver.holder.advance(Stage::Gone);
    if matches!(reason, CloseReason::Local) {
        let closed = link.close(|out| GoAway::new(Code::Ok, 0, "").encode(out));
        // The other end needs nothing more.
        let _ = tokio::time::timeout(FAREWELL, closed).await;
    } else {
        drop(link.take_unsent(reason.clone()));
    }
    reason
}

pub(super) struct Driver<'a> {
    pub(super) exchange: &'a Arc<Exchange>,
    pub(super) neighbour: &'a Neighbour,
    pub(super) holder: &'a Arc<Peer>,
    /// Of the heartbeat.
    pub(super) interval: Duration,
    pub(super) idle: Duration,
    pub(super) stop: &'a CancellationToken,
}

impl Driver<'_> {
    async fn drive(&self, link: &mut Link) -> CloseReason {
        let mut heartbeat = Heartbeat::new(self.interval, Instant::now().into_std());
        // What came in one piece with the Welcome has been read already.
        if let Err(reason) = session::take_frames(self.exchange, self.holder, link) {
            return reason;
        }
        loop {
            let now = Instant::now();
            if link.take_heard() {
                heartbeat.heard(now.into_std());
                self.holder.hear(self.exchange.clock());
            }
            let mut wake_at = match heartbeat.poll(now.into_std()) {
                Beat::Wait(until) => Instant::from(until),
                Beat::Ping => {
                    // Fails only if the link is closed, which the next turn will tell.
                    let _ = self.holder.link.send(Priority::Answer, |out| {
                        ping(1, out);
                        Ok(())
                    });
                    continue;
                }
                Beat::Dead => return CloseReason::Silent,
            };
            self.leave_if_idle();
            if self.holder.stage() >= Stage::Leaving {
                if !self.holder.is_busy() {
                    return CloseReason::Local;
                }
                wake_at = wake_at.min(now + LOOK);
            }
            tokio::select! {
                event = link.next() => match event {
                    Ok(Event::Frames) => {
                        if let Err(reason) = session::take_frames(self.exchange, self.holder, link) {
                            return reason;
                        }
                    }
                    Ok(Event::Stream(stream)) => {
                        tokio::spawn(self.exchange.clone().on_stream(self.holder.clone(), stream, false));
                    }
                    Ok(Event::ExcessStream(stream)) => {
                        tokio::spawn(self.exchange.clone().on_stream(self.holder.clone(), stream, true));
                    }
                    Err(error) => return error.reason(),
                },
                () = tokio::time::sleep_until(wake_at) => {}
                () = self.stop.cancelled() => return CloseReason::Local,
            }
        }
    }

    /// From here on it takes no question, if it has had none for long.
    fn leave_if_idle(&self) {
        let unused = self.exchange.clock().saturating_sub(self.neighbour.used());
        if self.holder.stage() == Stage::Online
            && u64::from(unused) >= self.idle.as_secs()
            && !self.holder.is_busy()
        {
            Exchange::let_go(self.holder, &mut Wakes::default());
        }
    }
}
