//! `/metrics`: what a scrape gets, in the format that it asks for.
//!
//! Writing them takes milliseconds where there are many connections, and waits for the locks of whatever is measured. So it
//! is done on a thread for work that blocks, one scrape at a time: what hangs there holds up other scrapes, and nothing else.

mod accept;
mod lifetimes;
mod process;
mod runtime;

pub use lifetimes::write_lifetimes;
pub use process::ProcessMetrics;
pub use runtime::write_runtime;

use crate::error::ApiError;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use frontier_metrics::Exposition;
use http::{HeaderMap, header};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Writes everything that is measured.
type Write = dyn Fn(&mut Exposition) + Send + Sync;

/// What is measured, as it is served under `/metrics`. Clones share one place for a scrape.
#[derive(Clone)]
pub struct Metrics {
    write: Arc<Write>,
    scrape: Arc<Mutex<()>>,
}

impl Metrics {
    /// Those that `write` writes. It may take its time, and wait for locks.
    #[must_use]
    pub fn new(write: impl Fn(&mut Exposition) + Send + Sync + 'static) -> Self {
        Self { write: Arc::new(write), scrape: Arc::default() }
    }

    /// The route `/metrics`.
    pub fn routes(&self) -> Router {
        Router::new().route("/metrics", get(scrape)).with_state(self.clone())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

async fn scrape(State(metrics): State<Metrics>, headers: HeaderMap) -> Result<Response, ApiError> {
    let format = accept::format(&headers);
    let Metrics { write, scrape } = metrics;
    let turn = scrape.lock_owned().await;
    let text = tokio::task::spawn_blocking(move || {
        // Kept to the end of the work: whoever asked may have left.
        let _turn = turn;
        let mut out = Exposition::new(format);
        write(&mut out);
        out.finish()
    });
    let text = text.await.map_err(|_| ApiError::Internal)?;
    let headers = [(header::CONTENT_TYPE, format.content_type()), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}
