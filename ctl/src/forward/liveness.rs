//! How a tunnel notices that its TCP side has vanished or does nothing any more.
//!
//! A host that loses its power or its network says nothing. Without a question the connection would stand for ever, and
//! hold one of the streams that the gateway allows.

use clap::Args;
use frontier_config::parse_duration;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Questions that may stay without an answer.
const RETRIES: u32 = 3;

/// How long a flow of datagrams may be silent unless set: longer than most resolvers and NATs wait.
const FLOW: Duration = Duration::from_secs(60);

/// A day. Systems count seconds in few bits.
const MAX_KEEPALIVE: Duration = Duration::from_secs(86_400);

/// When a connection is given up.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Liveness {
    /// After so much silence the TCP peer is asked whether it is still there. One that answers neither that nor what was
    /// sent to it for as long again is gone. 0: it is never asked.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = keepalive)]
    keepalive: Duration,
    /// A TCP connection on which no byte has moved for so long is broken off: never unless set, as an idle SSH session is
    /// no fault. Datagrams from an address are a new flow after so long: 60s unless set.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    idle_timeout: Option<Duration>,
}

impl Liveness {
    /// Has the system ask the peer of a TCP connection.
    pub(super) fn watch(self, tcp: &TcpStream) -> io::Result<()> {
        if self.keepalive.is_zero() {
            return Ok(());
        }
        // Seconds are all that systems know.
        let interval = (self.keepalive / RETRIES).max(Duration::from_secs(1));
        let socket = SockRef::from(tcp);
        let keepalive =
            TcpKeepalive::new().with_time(self.keepalive).with_interval(interval).with_retries(RETRIES);
        socket.set_tcp_keepalive(&keepalive)?;
        // While something is unacknowledged no question is asked, and the system would go on for a quarter of an hour.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(2 * self.keepalive))?;
        Ok(())
    }

    /// Returns when nothing has moved on a TCP connection for too long.
    pub(super) async fn idle(self, activity: &Activity) {
        match self.idle_timeout {
            None => std::future::pending().await,
            Some(limit) => activity.idle_for(limit).await,
        }
    }

    /// How long a flow of datagrams may be silent.
    pub(super) fn flow_timeout(self) -> Duration {
        self.idle_timeout.unwrap_or(FLOW)
    }
}

fn keepalive(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text).map_err(|error| error.to_string())?;
    let is_possible = time.is_zero() || (Duration::from_secs(1)..=MAX_KEEPALIVE).contains(&time);
    if is_possible { Ok(time) } else { Err("it is 0, or from 1s to 24h".to_owned()) }
}

/// When the last byte moved.
#[derive(Debug)]
pub(super) struct Activity(Mutex<Instant>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns when nothing has moved for so long.
    pub(super) async fn idle_for(&self, limit: Duration) {
        loop {
            let due = self.last() + limit;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
