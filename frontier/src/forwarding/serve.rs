//! Driving a link to another gateway that owns edges, or services.

use super::gateway_link::GatewayLink;
use crate::native::{self, Native};
use frontier_exchange::Stage;
use frontier_protocol::{Beat, Code, GoAway, Heartbeat, ping};
use frontier_transport::{CloseReason, Link, Priority, Traffic};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a link that is being closed may take to say so to its peer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How soon a link that takes nothing new is looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What it takes to drive a link until it ends: of itself, when it was of no use for `idle`, or when the gateway
/// stops.
pub(super) struct Serve<'a> {
    pub(super) native: Native,
    pub(super) link: &'a GatewayLink,
    /// Of the heartbeat.
    pub(super) interval: Duration,
    pub(super) idle: Duration,
    pub(super) stop: &'a CancellationToken,
}

impl Serve<'_> {
    /// Carries requests to the owner gateway, and its replies back, until the link ends. What it carried is told, too.
    pub(super) async fn run(self, mut link: Link) -> (CloseReason, Traffic) {
        let reason = self.drive(&mut link).await;
        let traffic = link.traffic();
        self.native.peer.advance(Stage::Gone);
        if matches!(reason, CloseReason::Local) {
            let closed = link.close(|out| GoAway::new(Code::Ok, 0, "").encode(out));
            // The other end needs nothing more.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
        } else {
            // What never left is sent on anew, to wherever it can be.
            let unsent = link.take_unsent(reason.clone());
            self.native.exchange.leave(&self.native.peer, &native::unsent(&unsent, true));
        }
        (reason, traffic)
    }

    async fn drive(&self, link: &mut Link) -> CloseReason {
        let Native { exchange, peer: owner, .. } = &self.native;
        let mut heartbeat = Heartbeat::new(self.interval, Instant::now().into_std());
        // What came in one piece with the Welcome has been read already.
        if let Err(reason) = self.native.take_frames(link) {
            return reason;
        }
        loop {
            let now = Instant::now();
            if let Some(at) = link.take_heard() {
                heartbeat.heard(at.into_std());
                owner.hear(exchange.millis());
            }
            let mut wake_at = match heartbeat.poll(now.into_std()) {
                Beat::Wait(until) => Instant::from(until),
                Beat::Ping => {
                    // Fails only if the link is closed, which the next turn will tell.
                    let _ = self.native.link.send(Priority::Reply, |out| {
                        ping(1, out);
                        Ok(())
                    });
                    continue;
                }
                Beat::Dead => return CloseReason::Silent,
            };
            self.leave_if_idle();
            if owner.stage() >= Stage::Leaving {
                if !owner.is_busy() {
                    return CloseReason::Local;
                }
                wake_at = wake_at.min(now + POLL_INTERVAL);
            }
            tokio::select! {
                event = link.next() => match event {
                    Ok(event) => {
                        if let Err(reason) = self.native.take(event, link) {
                            return reason;
                        }
                    }
                    Err(error) => return error.reason(),
                },
                () = tokio::time::sleep_until(wake_at) => {}
                () = self.stop.cancelled() => return CloseReason::Local,
            }
        }
    }

    /// From here on it takes no request, if it has had none for long.
    fn leave_if_idle(&self) {
        let Native { exchange, peer: owner, .. } = &self.native;
        let unused = exchange.clock().saturating_sub(self.link.used());
        if owner.stage() == Stage::Online
            && !self.link.is_kept()
            && u64::from(unused) >= self.idle.as_secs()
            && !owner.is_busy()
        {
            exchange.let_go(owner, &mut exchange.batch());
        }
    }
}
