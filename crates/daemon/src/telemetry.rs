//! Logging: the `log` section, and the subscriber that it describes.
//!
//! ```yaml
//! log:
//!   level: info,frontier_exchange=debug   # a level, then levels for single modules
//!   format: text                           # or json, one object per line
//!   output: stdout                         # or stderr
//! ```

mod filter;
mod output;

pub use filter::{LogFilter, LogGone, LogHandle};
pub use output::{finish, lost_lines};

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{error, fmt};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use frontier_config::{Choice, Section};

/// What watches files tells of each change in a folder, which may be one that the log itself makes.
const WATCHING: &str = "notify=off,mio=off";

/// The `log` section. The default is level `info`, as text, on standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// `level`: what is logged.
    pub level: LogFilter,
    /// `format`: how a line looks.
    pub format: LogFormat,
    /// `output`: where lines go.
    pub output: LogOutput,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured if the output is a terminal and `NO_COLOR` is not set.
    #[default]
    Text,
    /// For machines: one JSON object per line, the event's fields beside `timestamp`, `level`, `target` and
    /// `message`.
    Json,
}

impl Choice for LogFormat {
    const CHOICES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogOutput {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

impl Choice for LogOutput {
    const CHOICES: &'static [(&'static str, Self)] = &[("stdout", Self::Stdout), ("stderr", Self::Stderr)];
}

impl LogConfig {
    /// Reads the `log` section. A change of the level takes a reload, [`LogHandle::set_level`]; of the others a
    /// restart.
    #[must_use]
    pub fn read(log: &Section<'_>) -> Self {
        let Self { level, format, output } = Self::default();
        let (reloadable, fixed) = (log.reloadable(), log.fixed());
        Self {
            level: reloadable.get("level", level),
            format: fixed.get("format", format),
            output: fixed.get("output", output),
        }
    }

    /// Starts logging for the whole process, also for libraries that use the `log` crate. `base` are
    /// directives that hold unless `level` says something else about the same module; it may be empty. The
    /// handle changes the level later.
    ///
    /// A thread of its own writes the lines, so that an output that nobody reads stalls nobody: [`lost_lines`] counts what it does not
    /// take. The last ones are written by [`finish`].
    ///
    /// # Errors
    /// If a subscriber was already set.
    pub fn init(&self, base: &str) -> Result<LogHandle, AlreadyInitialised> {
        static STARTED: AtomicBool = AtomicBool::new(false);
        if STARTED.swap(true, Ordering::Relaxed) {
            return Err(AlreadyInitialised);
        }
        let (writer, is_terminal) = match self.output {
            LogOutput::Stdout => (output::of_process(io::stdout(), self.format), io::stdout().is_terminal()),
            LogOutput::Stderr => (output::of_process(io::stderr(), self.format), io::stderr().is_terminal()),
        };
        let (subscriber, handle) = self.subscriber(&format!("{WATCHING},{base}"), writer, is_terminal);
        subscriber.try_init().map(|()| handle).map_err(|_| AlreadyInitialised)
    }

    fn subscriber<W>(&self, base: &str, writer: W, terminal: bool) -> (BoxedSubscriber, LogHandle)
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let builder = tracing_subscriber::fmt().with_writer(writer);
        let filter = self.level.to_env_filter(base);
        // The filter comes last, because the type of its handle has that of the format in it.
        match self.format {
            LogFormat::Text => {
                // Only ever switched off: left alone, the library honours NO_COLOR.
                let builder = if terminal { builder } else { builder.with_ansi(false) };
                let builder = builder.with_env_filter(filter).with_filter_reloading();
                let handle = LogHandle::new(base, &self.level, builder.reload_handle());
                (Box::new(builder.finish()), handle)
            }
            LogFormat::Json => {
                let builder = builder.json().flatten_event(true);
                let builder = builder.with_env_filter(filter).with_filter_reloading();
                let handle = LogHandle::new(base, &self.level, builder.reload_handle());
                (Box::new(builder.finish()), handle)
            }
        }
    }
}

/// A duration as fields of the log have it, whose names end with `_ms`.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

type BoxedSubscriber = Box<dyn Subscriber + Send + Sync>;

/// Logging was started twice in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInitialised;

impl fmt::Display for AlreadyInitialised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("logging was already started")
    }
}

impl error::Error for AlreadyInitialised {}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;
    use frontier_config::load;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text_of(buffer: &Buffer) -> String {
        let bytes = buffer.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).unwrap()
    }

    fn logged(text: &str) -> String {
        let log = load(text, &|_| None, &[], |root| LogConfig::read(&root.section("log"))).unwrap();
        let buffer = Buffer::default();
        let writer = buffer.clone();
        tracing::subscriber::with_default(log.subscriber("", move || writer.clone(), false).0, || {
            tracing::info!(target: "frontier::listener", port = 30012, "listening");
            tracing::debug!(target: "frontier_exchange", "routed");
        });
        text_of(&buffer)
    }

    #[test]
    fn the_level_changes_while_it_logs() {
        for format in ["text", "json"] {
            let text = format!("log: {{format: {format}}}");
            let log = load(&text, &|_| None, &[], |root| LogConfig::read(&root.section("log"))).unwrap();
            let buffer = Buffer::default();
            let writer = buffer.clone();
            let (subscriber, handle) = log.subscriber("noisy=off", move || writer.clone(), false);
            let set = |level| handle.set_level(&LogFilter::parse(level).unwrap()).unwrap();
            tracing::subscriber::with_default(subscriber, || {
                for level in ["info", "debug", "warn,frontier=trace", "info"] {
                    set(level);
                    tracing::debug!(target: "frontier", level, "shown with debug and trace");
                    tracing::debug!(target: "other", level, "shown with debug");
                    tracing::error!(target: "noisy", level, "never shown");
                }
            });
            let lines = text_of(&buffer);
            let shown: Vec<_> = lines.lines().map(|line| line.contains("other")).collect();
            assert_eq!(shown, [false, true, false], "{lines}");
            assert_eq!(handle.set_level(&LogFilter::default()), Err(LogGone));
        }
    }

    #[test]
    fn text_is_plain_where_there_is_no_terminal() {
        let lines = logged("");
        assert!(lines.ends_with("INFO frontier::listener: listening port=30012\n"), "{lines}");
        assert!(!lines.contains('\u{1b}') && lines.lines().count() == 1, "{lines}");
    }

    #[test]
    fn json_is_one_object_per_line_and_modules_have_their_own_level() {
        let lines = logged("log: {format: json, level: 'warn,frontier_exchange=debug'}");
        let line: serde_json::Value = serde_json::from_str(&lines).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&"DEBUG".into(), &"routed".into()));
    }

    #[test]
    fn mistakes_are_config_errors() {
        let text = "log: {level: inof, format: xml, output: stdot, lvl: 1}";
        let errors = load(text, &|_| None, &[], |root| LogConfig::read(&root.section("log"))).unwrap_err();
        let paths: Vec<_> = errors.mistakes().iter().map(frontier_config::Mistake::path).collect();
        assert_eq!(paths, ["log.level", "log.format", "log.output", "log.lvl"]);
    }
}
