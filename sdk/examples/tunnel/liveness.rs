//! How a tunnel notices that its TCP side has vanished or does nothing any more.
//!
//! A host that loses its power or its network says nothing. Without a question the connection would stand for ever, and
//! hold one of the streams that the gateway allows.

use clap::Args;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Questions that may stay without an answer.
const RETRIES: u32 = 3;

/// When a connection is given up.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Liveness {
    /// After so many seconds of silence the TCP peer is asked whether it is still there. One that answers neither that
    /// nor what was sent to it for as long again is gone. 0: it is never asked.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(..=86_400))]
    keepalive: u32,
    /// A connection on which no byte has moved for so many seconds is broken off. Never unless set: an idle SSH
    /// session is no fault.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    idle_timeout: Option<u32>,
}

impl Liveness {
    /// Has the system ask the peer of a TCP connection.
    pub(crate) fn watch(self, tcp: &TcpStream) -> io::Result<()> {
        if self.keepalive == 0 {
            return Ok(());
        }
        let time = Duration::from_secs(self.keepalive.into());
        // Seconds are all that systems know.
        let interval = Duration::from_secs(u64::from(self.keepalive / RETRIES).max(1));
        let socket = SockRef::from(tcp);
        let keepalive = TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(RETRIES);
        socket.set_tcp_keepalive(&keepalive)?;
        // While something is unacknowledged no question is asked, and the system would go on for a quarter of an hour.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(2 * time))?;
        Ok(())
    }

    /// Returns when nothing has moved for too long.
    pub(crate) async fn idle(self, activity: &Activity) {
        let Some(seconds) = self.idle_timeout else { return std::future::pending().await };
        let limit = Duration::from_secs(seconds.into());
        loop {
            let due = activity.last() + limit;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}

/// When the last byte moved.
#[derive(Debug)]
pub(crate) struct Activity(Mutex<Instant>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(crate) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
