//! What a process has logged.

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The lines that a process has printed so far.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    /// Outputs that have not ended.
    open: Arc<AtomicUsize>,
}

impl Log {
    /// Reads `output` to its end, on a thread of its own.
    pub(crate) fn read(&self, output: impl Read + Send + 'static) {
        let (lines, open) = (self.lines.clone(), self.open.clone());
        open.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nothing will be added any more.
    pub(crate) fn is_whole(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }

    /// The first line that contains `text`.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<String> {
        self.lines().into_iter().find(|line| line.contains(text))
    }
}
