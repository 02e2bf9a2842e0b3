//! What systemd is told of a daemon, by `Type=notify` and `WatchdogSec=`: sd_notify(3). Without systemd nothing is.
//!
//! | message | when |
//! |---|---|
//! | `READY=1` | it listens |
//! | `WATCHDOG=1` | twice in each `WatchdogSec`, from a task: as long as the runtime turns |
//! | `STOPPING=1` | it drains |

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Whoever started the daemon and wants to hear of it.
#[derive(Debug, Default)]
pub struct Supervisor {
    /// It is connected: systemd has it open from before the daemon starts.
    socket: Option<UnixDatagram>,
    /// After so long without a sign of life the daemon is killed.
    patience: Option<Duration>,
    watchdog: Option<AbortHandle>,
}

impl Supervisor {
    /// The one that the environment names: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. What can't be used
    /// is a line in the log, since the daemon can do without.
    #[must_use]
    pub fn from_environment() -> Self {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        let socket = match connect(name.as_bytes()) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, ?name, "the socket in NOTIFY_SOCKET can't be reached: systemd is not told that this runs");
                None
            }
        };
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let patience =
            number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0).map(Duration::from_micros);
        Self { socket, patience, watchdog: None }
    }

    /// The daemon serves. From here on it gives signs of life. Must be called inside a Tokio runtime.
    pub fn ready(&mut self) {
        self.tell("READY=1");
        let (Some(socket), Some(patience)) = (&self.socket, self.patience) else { return };
        match socket.try_clone() {
            Ok(socket) => self.watchdog = Some(tokio::spawn(give_signs(socket, patience / 2)).abort_handle()),
            Err(error) => tracing::warn!(%error, "systemd gets no signs of life"),
        }
    }

    /// The daemon drains. Signs of life go on.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::warn!(%error, message, "systemd was not told");
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
    }
}

async fn give_signs(socket: UnixDatagram, pause: Duration) {
    // Below a millisecond nobody means it.
    let mut tick = interval(pause.max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = socket.send(b"WATCHDOG=1") {
            tracing::debug!(%error, "no sign of life could be sent");
        }
    }
}

/// A name that begins with `@` is one of the abstract namespace of Linux.
fn connect(name: &[u8]) -> std::io::Result<UnixDatagram> {
    let addr = match name.split_first() {
        #[cfg(target_os = "linux")]
        Some((b'@', rest)) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&addr)?;
    // A full queue of systemd's holds nobody up.
    socket.set_nonblocking(true)?;
    Ok(socket)
}
