//! Ctrl-C, and SIGTERM, which ends the program in the same good order.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use tokio::signal::unix::{SignalKind, signal};

/// Returns at the first signal.
async fn interrupted() -> Outcome {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(Exit::Failure, format!("signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// Does what ends by itself. A signal before that is a failure.
pub(crate) async fn finish<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::select! {
        done = work => done,
        signal = interrupted() => {
            signal?;
            Err(Failure::new(Exit::Interrupted, "interrupted"))
        }
    }
}

/// Does what goes on until a signal, which is its good end.
pub(crate) async fn until_interrupted(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        done = work => done,
        signal = interrupted() => signal,
    }
}
