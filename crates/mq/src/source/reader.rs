//! The seam between what all sources do and what one broker asks for, and what keeps it connected.

use super::{Intake, LEAVE_TIMEOUT};
use crate::supervisor::{FIRST_PAUSE, Log, PROVEN};
use frontier_transport::Backoff;
use tokio::time::{Instant, timeout};

/// A broker, as a source reads from it. What it knows of messages that are held lives as long as the source.
pub(crate) trait Reader: Send + 'static {
    type Session: Send;

    /// Connects, within the time that is given to it. The error is one line.
    fn connect(&mut self, intake: &Intake) -> impl Future<Output = Result<Self::Session, String>> + Send;

    /// Reads as much as there is room for, and tells the broker what has ended, until the connection is of no use any more:
    /// why, in one line. It is dropped at any await where the source closes.
    fn run(&mut self, session: &mut Self::Session, intake: &Intake) -> impl Future<Output = String> + Send;

    /// The connection is lost: what was held by it is looked at.
    fn lost(&mut self, intake: &Intake);

    /// The source has closed: what is held still is given back to the broker, as well as that can be done.
    fn leave(&mut self, session: Self::Session, intake: &Intake) -> impl Future<Output = ()> + Send;
}

/// Connects, again and again, until the source has closed.
pub(super) async fn keep_reading<R: Reader>(mut reader: R, intake: &Intake) {
    let bounds = *intake.bounds();
    let mut backoff = Backoff::equal_jitter(FIRST_PAUSE.min(bounds.max_backoff), bounds.max_backoff);
    let mut log = Log::source(intake.name());
    loop {
        let connecting = timeout(bounds.connect_timeout, reader.connect(intake));
        let connected = tokio::select! {
            connected = connecting => connected,
            () = intake.finished() => return,
        };
        let connected =
            connected.unwrap_or_else(|_| Err(format!("no connection within {:?}", bounds.connect_timeout)));
        match connected {
            Ok(mut session) => {
                log.connected();
                intake.connected();
                let since = Instant::now();
                let cause = tokio::select! {
                    cause = reader.run(&mut session, intake) => Some(cause),
                    () = intake.finished() => None,
                };
                let Some(cause) = cause else {
                    // A broker that is too slow for this gives the messages out again by itself.
                    let _ = timeout(LEAVE_TIMEOUT, reader.leave(session, intake)).await;
                    return;
                };
                drop(session);
                log.lost(&cause);
                intake.lost(&cause);
                reader.lost(intake);
                if since.elapsed() >= PROVEN {
                    backoff.reset();
                }
            }
            Err(cause) => {
                log.failed(&cause);
                intake.not_yet(&cause);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next_pause()) => {}
            () = intake.finished() => return,
        }
    }
}
