//! What a server of NATS says beside messages: that something is not allowed, or that the connection has ended.

use crate::text::one_line;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Refusals that wait to be looked at; more are left out.
const MAX_EVENTS: usize = 256;

/// With which the server says that a subject may not be published to, as the library passes it on.
const PUBLISH_VIOLATION: &str = "permissions violation for publish to";

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// This subject may not be published to.
    MayNotPublish(String),
    /// The connection has ended, because of that.
    Lost(String),
}

/// With which the server says that a subject may not be subscribed to.
const SUBSCRIPTION_VIOLATION: &str = "permissions violation for subscription";

/// Takes what the library hears.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// Whether the connection is over where something may not be subscribed to.
    reads: bool,
    dropped: Arc<AtomicUsize>,
    denied: mpsc::Sender<String>,
    last_error: Arc<Mutex<Option<String>>>,
    lost: CancellationToken,
}

/// What was heard.
#[derive(Debug)]
pub(super) struct Events {
    /// Messages that the library had no room for.
    pub(super) dropped: Arc<AtomicUsize>,
    denied: mpsc::Receiver<String>,
    last_error: Arc<Mutex<Option<String>>>,
    lost: CancellationToken,
}

impl Events {
    pub(super) fn new(reads: bool) -> (Heard, Self) {
        let (sender, denied) = mpsc::channel(MAX_EVENTS);
        let (last_error, lost) = (Arc::default(), CancellationToken::new());
        let dropped = Arc::<AtomicUsize>::default();
        let heard = Heard {
            reads,
            dropped: dropped.clone(),
            denied: sender,
            last_error: Arc::clone(&last_error),
            lost: lost.clone(),
        };
        (heard, Self { dropped, denied, last_error, lost })
    }

    /// The next of them.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            Some(subject) = self.denied.recv() => Event::MayNotPublish(subject),
            () = self.lost.cancelled() => {
                let error = self.last_error.lock().take();
                Event::Lost(error.unwrap_or_else(|| "the connection was closed".to_owned()))
            }
        }
    }
}

impl Heard {
    pub(super) fn hear(&self, event: async_nats::Event) {
        match event {
            async_nats::Event::Disconnected | async_nats::Event::Closed => self.lost.cancel(),
            async_nats::Event::SlowConsumer(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            async_nats::Event::ServerError(error) => {
                let text = error.to_string();
                if let Some(subject) = denied_subject(&text) {
                    // Its messages fail by their deadline where it is not told.
                    let _ = self.denied.try_send(subject.to_owned());
                } else {
                    *self.last_error.lock() = Some(one_line(&text));
                    if self.reads && text.to_ascii_lowercase().contains(SUBSCRIPTION_VIOLATION) {
                        self.lost.cancel();
                    }
                }
            }
            _ => {}
        }
    }
}

/// The subject of `Permissions Violation for Publish to "plant.temp"`.
fn denied_subject(text: &str) -> Option<&str> {
    let at = text.to_ascii_lowercase().find(PUBLISH_VIOLATION)?;
    let rest = text.get(at + PUBLISH_VIOLATION.len()..)?;
    let (_, rest) = rest.split_once('"')?;
    rest.split_once('"').map(|(subject, _)| subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_subject_is_read_however_it_is_written() {
        for text in [
            "nats: Permissions Violation for Publish to \"plant.temp\"",
            "nats: permissions violation for publish to \"plant.temp\" using queue \"x\"",
        ] {
            assert_eq!(denied_subject(text), Some("plant.temp"));
        }
        assert_eq!(denied_subject("Permissions Violation for Subscription to \"x\""), None);
        assert_eq!(denied_subject("permissions violation for publish to x"), None);
    }
}
