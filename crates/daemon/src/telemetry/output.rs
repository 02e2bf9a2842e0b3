//! Where lines go: to a thread of their own, which writes them.
//!
//! Whoever logs never waits for who reads the log, and never hears of it either. Lines that the reader does not take in time are
//! lost, and so are those that can't be written; both are counted, and the log itself says so once it can.

use super::LogFormat;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Clock};

/// Lines that may wait to be written. Most have less than 200 bytes, the longest some KB.
const WAITING: usize = 8192;

/// Lines that could not be written.
static FAILED: AtomicU64 = AtomicU64::new(0);
/// Lines for which there was no place.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();
/// The thread that writes, until [`finish`].
static WRITING: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// How many lines of the log were lost since the start, as nobody read them in time, or they could not be written.
#[must_use]
pub fn lost_lines() -> u64 {
    FAILED.load(Ordering::Relaxed) + DROPPED.get().map_or(0, dropped)
}

/// Waits until what was logged is written, for a second at most. What is logged after it is lost: for the end of the process.
pub fn finish() {
    drop(WRITING.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// A writer that never blocks, for the life of the process.
pub(super) fn of_process(output: impl Write + Send + 'static, format: LogFormat) -> NonBlocking {
    let dropped = Arc::new(OnceLock::new());
    let (writer, guard) = start(Output { inner: output, format, dropped: dropped.clone(), told: 0 }, WAITING);
    // Neither is set twice: see `LogConfig::init`.
    let _ = dropped.set(writer.error_counter());
    let _ = DROPPED.set(writer.error_counter());
    *WRITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
    writer
}

fn start(output: impl Write + Send + 'static, waiting: usize) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(waiting).lossy(true).thread_name("log").finish(output)
}

fn dropped(counter: &ErrorCounter) -> u64 {
    counter.dropped_lines() as u64
}

/// The output itself, which the thread that writes has.
struct Output<W> {
    inner: W,
    format: LogFormat,
    dropped: Arc<OnceLock<ErrorCounter>>,
    /// How many lost lines the log has told of.
    told: u64,
}

impl<W: Write> Output<W> {
    fn lost(&self) -> u64 {
        FAILED.load(Ordering::Relaxed) + self.dropped.get().map_or(0, dropped)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let lost = self.lost();
        if lost > self.told {
            self.inner.write_all(told(self.format, lost - self.told).as_bytes())?;
            self.told = lost;
        }
        self.inner.write_all(line)
    }
}

impl<W: Write> Write for Output<W> {
    /// Takes a line whole, also one that is lost.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.line(line).is_err() {
            FAILED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The line of the log about lines that it lacks.
fn told(format: LogFormat, lost: u64) -> String {
    let mut now = String::new();
    // Writing to a string does not fail.
    let _ = Clock.format_time(&mut Writer::new(&mut now));
    let (target, message) = (
        module_path!(),
        "lines of the log are missing here: nobody took them in time, or they could not be written",
    );
    match format {
        LogFormat::Text => format!("{now}  WARN {target}: {message} lines={lost}\n"),
        LogFormat::Json => format!(
            "{{\"timestamp\":\"{now}\",\"level\":\"WARN\",\"message\":\"{message}\",\"lines\":{lost},\"target\":\"{target}\"}}\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// Takes a line whenever it is let, or fails.
    struct Reader(Receiver<io::Result<()>>, SyncSender<String>);

    impl Write for Reader {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or(Ok(()))?;
            self.1.send(String::from_utf8_lossy(line).into_owned()).unwrap();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_logs_never_waits_and_lines_that_are_lost_are_counted_and_told() {
        let (permit, permits) = sync_channel(100);
        let (lines, read) = sync_channel(100);
        let dropped = Arc::new(OnceLock::new());
        let reader = Reader(permits, lines);
        let output = Output { inner: reader, format: LogFormat::Text, dropped: dropped.clone(), told: 0 };
        let (mut writer, guard) = start(output, 4);
        let _ = dropped.set(writer.error_counter());
        let before = lost_lines();
        // One is being written, at most, and four wait.
        for n in 0..20 {
            writer.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        let lost = writer.error_counter().dropped_lines();
        assert!((15..=16).contains(&lost), "{lost}");
        permit.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        for _ in 0..90 {
            permit.send(Ok(())).unwrap();
        }
        drop(permit);
        drop(guard);
        let all: Vec<String> = read.try_iter().collect();
        let (notes, rest): (Vec<_>, Vec<_>) = all.iter().partition(|line| line.contains("missing here"));
        assert!(!notes.is_empty() && rest.iter().all(|line| line.starts_with("line ")), "{all:?}");
        let told: usize =
            notes.iter().filter_map(|line| line.trim().rsplit_once("lines=")?.1.parse::<usize>().ok()).sum();
        // The one that failed to be written too.
        assert_eq!((told, rest.len()), (lost + 1, 20 - lost - 1), "{all:?}");
        assert_eq!(lost_lines() - before, 1, "of this process");
    }

    #[test]
    fn what_is_told_is_a_line_as_all_others() {
        let text = told(LogFormat::Text, 7);
        assert!(
            text.contains("  WARN frontier_daemon::telemetry::output: ") && text.ends_with(" lines=7\n"),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&told(LogFormat::Json, 7)).unwrap();
        assert_eq!((&json["level"], &json["lines"]), (&"WARN".into(), &7.into()));
        assert!(json["timestamp"].as_str().is_some_and(|it| it.ends_with('Z')), "{json}");
    }
}
