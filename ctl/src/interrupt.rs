//! Ctrl-C, and SIGTERM, which ends the program in the same good order. The second signal ends it at once: a write to a pipe
//! that nobody reads takes for ever.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Returns at the first signal.
async fn interrupted() -> Outcome {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(Exit::Failure, format!("signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let (sender, first) = oneshot::channel();
    // In a task of its own, which goes on while the main thread is held up.
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate).await;
        // Nobody waits for it if the work is just done.
        let _ = sender.send(());
        next(&mut interrupt, &mut terminate).await;
        std::process::exit(Exit::Interrupted.code().into());
    });
    // It is sent before the sender is dropped.
    let _ = first.await;
    Ok(())
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
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
