//! The signals that ask the process to end: SIGTERM and SIGINT, as a stream.

use std::{fmt, io};

use tokio::signal::unix::{self, SignalKind};

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, what supervisors send.
    Terminate,
    /// SIGINT, what Ctrl-C sends.
    Interrupt,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

/// The signals that ask the process to end, from the moment this exists.
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    /// Takes over both signals. From here on they no longer end the process by themselves, not even after
    /// this is dropped. Must be called inside a Tokio runtime; call it before binding, so that no signal is
    /// lost.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal. Signals of one kind that come faster than they are received count as one.
    ///
    /// # Cancel safety
    /// Cancel safe: a signal that arrives is not lost when the future is dropped.
    pub async fn recv(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::{self, raise};

    use super::*;

    /// One test for both signals: they go to the whole process, so two tests would receive each other's.
    #[tokio::test]
    async fn each_signal_is_received() {
        let mut signals = Signals::listen().unwrap();
        raise(signal::Signal::SIGTERM).unwrap();
        assert_eq!(signals.recv().await, Signal::Terminate);
        raise(signal::Signal::SIGINT).unwrap();
        assert_eq!(signals.recv().await, Signal::Interrupt);
    }
}
