use std::error;
use std::fmt;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

use super::LogFilter;

/// Changes what is logged, while it logs. Cheap to clone.
#[derive(Clone)]
pub struct LogHandle {
    base: Arc<str>,
    /// The library's handle has a type for each format.
    replace: Arc<dyn Fn(EnvFilter) -> Result<(), LogGone> + Send + Sync>,
}

impl LogHandle {
    pub(super) fn new<S: 'static>(base: &str, handle: Handle<EnvFilter, S>) -> Self {
        let replace = move |filter| handle.reload(filter).map_err(|_| LogGone);
        Self { base: base.into(), replace: Arc::new(replace) }
    }

    /// Logs what `level` says from now on, beside the base that logging was started with.
    ///
    /// # Errors
    /// If logging has ended, which it does in tests only.
    pub fn set_level(&self, level: &LogFilter) -> Result<(), LogGone> {
        (self.replace)(level.to_env_filter(&self.base))
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHandle").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What a [`LogHandle`] belongs to is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogGone;

impl fmt::Display for LogGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("logging has ended")
    }
}

impl error::Error for LogGone {}
