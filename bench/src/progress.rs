//! The progress line.

use std::cell::RefCell;
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Says on stderr what is going on: in one line that is overwritten, or line by line where stderr is no
/// terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    style: Style,
    subject: RefCell<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Silent,
    Lines,
    Overwrite,
}

impl Progress {
    /// Without `always`, only a terminal is written to.
    pub(crate) fn new(always: bool) -> Self {
        let style = match (stderr().is_terminal(), always) {
            (true, _) => Style::Overwrite,
            (false, true) => Style::Lines,
            (false, false) => Style::Silent,
        };
        Self { style, subject: RefCell::default() }
    }

    pub(crate) fn begin(&self, subject: String) {
        self.subject.replace(subject);
        self.show("starting");
    }

    /// Waits, and counts the seconds.
    pub(crate) async fn wait(&self, phase: &str, time: Duration) {
        let start = Instant::now();
        let mut passed = Duration::ZERO;
        while passed < time {
            self.show(&format!("{phase}, {} of {} s", passed.as_secs(), time.as_secs_f64()));
            passed = time.min(passed + Duration::from_secs(1));
            sleep_until(start + passed).await;
        }
    }

    /// Removes the line.
    pub(crate) fn end(&self) {
        if self.style == Style::Overwrite {
            write(&format!("\r{CLEAR}"));
        }
    }

    pub(crate) fn show(&self, state: &str) {
        let subject = self.subject.borrow();
        match self.style {
            Style::Silent => {}
            Style::Lines => write(&format!("{subject}: {state}\n")),
            Style::Overwrite => write(&format!("\r{CLEAR}{subject}: {state}")),
        }
    }
}

/// A stderr that is gone is no reason to give up a measurement.
fn write(text: &str) {
    let mut out = stderr().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

const CLEAR: &str = "\x1b[K";
