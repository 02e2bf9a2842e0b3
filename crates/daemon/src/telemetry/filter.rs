//! The `log.level` directives, and the handle that changes them while the process logs.

use std::sync::{Arc, Mutex, PoisonError};
use std::{error, fmt};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

use frontier_config::{FromValue, Invalid, Value};

const WHAT: &str =
    "a level (off, error, warn, info, debug, trace), or levels by module such as info,frontier=debug";

/// Directives in the form of `RUST_LOG`: `info`, or `info,frontier_exchange=debug`, checked when they are
/// read.
///
/// Stricter than `RUST_LOG` in one point: a word without `=` must be a level. There it may also be a module,
/// so a mistyped `inof` would switch all logging off without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Checks and takes the directives.
    ///
    /// # Errors
    /// The first directive that is wrong.
    pub fn parse(directives: &str) -> Result<Self, Invalid> {
        let parts = split(directives);
        if parts.is_empty() {
            return Err(Invalid::expected(WHAT, directives));
        }
        for part in parts {
            let is_bare_word = !part.contains(['=', '[']);
            if (is_bare_word && part.parse::<LevelFilter>().is_err())
                || EnvFilter::builder().parse(part).is_err()
            {
                return Err(Invalid::expected(WHAT, part));
            }
        }
        Ok(Self(directives.to_owned()))
    }

    /// The directives as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn to_env_filter(&self, base: &str) -> EnvFilter {
        // Of two directives for the same module the later one counts. Nothing is lost to the lossy
        // parse: every directive has been parsed before.
        EnvFilter::builder().parse_lossy(format!("{base},{}", self.0))
    }
}

/// `info`.
impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromValue for LogFilter {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        Self::parse(value.text(WHAT)?)
    }
}

/// The directives between commas, except commas inside a span's brackets: `[call{method=a,edge=1}]=trace`.
fn split(directives: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let parts = directives.split(|c: char| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Changes what is logged, while it logs. Cheap to clone.
#[derive(Clone)]
pub struct LogHandle {
    base: Arc<str>,
    level: Arc<Mutex<LogFilter>>,
    /// The library's handle has a type for each format.
    replace: Arc<dyn Fn(EnvFilter) -> Result<(), LogGone> + Send + Sync>,
}

impl LogHandle {
    pub(super) fn new<S: 'static>(base: &str, level: &LogFilter, handle: Handle<EnvFilter, S>) -> Self {
        let replace = move |filter| handle.reload(filter).map_err(|_| LogGone);
        Self { base: base.into(), level: Arc::new(Mutex::new(level.clone())), replace: Arc::new(replace) }
    }

    /// Logs what `level` says from now on, beside the base that logging was started with.
    ///
    /// # Errors
    /// If logging has ended, which it does in tests only.
    pub fn set_level(&self, level: &LogFilter) -> Result<(), LogGone> {
        // One after the other, so that what is told is what holds.
        let mut held = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        (self.replace)(level.to_env_filter(&self.base))?;
        held.clone_from(level);
        Ok(())
    }

    /// What is logged now, beside the base.
    #[must_use]
    pub fn level(&self) -> LogFilter {
        self.level.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_taken_as_rust_log_takes_them() {
        for text in [
            "info",
            "OFF",
            "info,frontier_exchange=debug",
            "warn, frontier=trace",
            "info,[call{method=a}]=trace",
        ] {
            assert_eq!(LogFilter::parse(text).map(|filter| filter.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(
            LogFilter::parse("info,frontier=debug").unwrap().to_env_filter("").to_string(),
            "frontier=debug,info"
        );
    }

    #[test]
    fn a_wrong_directive_is_named() {
        for (text, wrong) in [
            ("inof", "inof"),
            ("info,frontier", "frontier"),
            ("info,frontier=debgu", "frontier=debgu"),
            ("", ""),
        ] {
            let message = LogFilter::parse(text).unwrap_err().to_string();
            assert!(message.ends_with(&format!("found `{wrong}`")), "{message}");
        }
    }
}
