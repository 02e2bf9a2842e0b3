//! What keeps a sink connected.
//!
//! ```text
//!   connecting ──▶ connected ──(lost, or silent for too long)──▶ a pause ──▶ connecting
//!        └──(failed, or not within connect_timeout)───────────────▲
//! ```

use crate::backend::{Backend, Session};
use crate::pending::Pending;
use frontier_transport::Backoff;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The first pause between attempts to connect.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A connection that has held for so long was a good one: the next pause is short again.
pub(crate) const PROVEN: Duration = Duration::from_secs(5);

/// Connects, again and again, until `stop`. What is pending then ends with an error.
pub(crate) async fn supervise<B: Backend>(mut backend: B, pending: Arc<Pending>, stop: CancellationToken) {
    tokio::select! {
        _ = keep_connected(&mut backend, &pending) => {}
        _ = pending.keep_deadlines() => {}
        () = stop.cancelled() => {}
    }
    pending.end_everything();
}

async fn keep_connected<B: Backend>(backend: &mut B, pending: &Pending) -> Infallible {
    let bounds = *pending.bounds();
    let mut backoff = Backoff::equal_jitter(FIRST_PAUSE.min(bounds.max_backoff), bounds.max_backoff);
    let mut log = Log::sink(pending.name());
    loop {
        let connected = match timeout(bounds.connect_timeout, backend.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(format!("no connection within {:?}", bounds.connect_timeout)),
        };
        match connected {
            Ok(mut session) => {
                log.connected();
                pending.connected();
                let since = Instant::now();
                let cause = tokio::select! {
                    cause = session.run(pending) => cause,
                    () = pending.silence() => format!("the broker has not answered for {:?}", bounds.timeout),
                };
                drop(session);
                log.lost(&cause);
                pending.lost(&cause, B::RECOGNIZES);
                if since.elapsed() >= PROVEN {
                    backoff.reset();
                }
            }
            Err(cause) => {
                log.failed(&cause);
                pending.not_yet(&cause);
            }
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// What is logged of a connection: each change, and not each attempt.
#[derive(Debug)]
pub(crate) struct Log {
    sink: Option<Box<str>>,
    source: Option<Box<str>>,
    failed: Option<String>,
}

impl Log {
    pub(crate) fn sink(name: &str) -> Self {
        Self { sink: Some(name.into()), source: None, failed: None }
    }

    pub(crate) fn source(name: &str) -> Self {
        Self { sink: None, source: Some(name.into()), failed: None }
    }

    pub(crate) fn connected(&mut self) {
        self.failed = None;
        info!(sink = self.sink.as_deref(), source = self.source.as_deref(), "the broker is connected");
    }

    pub(crate) fn lost(&mut self, cause: &str) {
        let (sink, source) = (self.sink.as_deref(), self.source.as_deref());
        warn!(sink, source, cause, "the broker is lost; connecting again");
    }

    pub(crate) fn failed(&mut self, cause: &str) {
        if self.failed.as_deref() != Some(cause) {
            let (sink, source) = (self.sink.as_deref(), self.source.as_deref());
            warn!(sink, source, cause, "the broker can't be connected; trying on");
            self.failed = Some(cause.to_owned());
        }
    }
}
