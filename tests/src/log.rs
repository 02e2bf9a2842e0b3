//! What a process has logged.

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::{DEADLINE, eventually};

/// The lines that a process has printed so far.
#[derive(Clone, Debug, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    /// Outputs that have not ended.
    open: Arc<AtomicUsize>,
    reading: Arc<(Mutex<Reading>, Condvar)>,
}

/// Whether what the process prints is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    GoesOn,
    Stands,
    Ended,
}

impl Log {
    /// Reads `output` to its end, on a thread of its own.
    pub(crate) fn read(&self, output: impl Read + Send + 'static) {
        let (lines, open, reading) = (self.lines.clone(), self.open.clone(), self.reading.clone());
        open.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                let (reading, changed) = &*reading;
                let now = reading.lock().unwrap_or_else(PoisonError::into_inner);
                let now = changed.wait_while(now, |now| *now == Reading::Stands);
                if *now.unwrap_or_else(PoisonError::into_inner) == Reading::Ended {
                    break;
                }
            }
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Takes nothing any more of what the process prints, but for a line that has come already.
    pub fn stand_still(&self) {
        self.set(Reading::Stands);
    }

    /// Reads on.
    pub fn go_on(&self) {
        self.set(Reading::GoesOn);
    }

    /// Closes the outputs of the process, each after one more line.
    pub fn close(&self) {
        self.set(Reading::Ended);
    }

    fn set(&self, new: Reading) {
        *self.reading.0.lock().unwrap_or_else(PoisonError::into_inner) = new;
        self.reading.1.notify_all();
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

    /// The first line that contains `text`, once it has come: a thread reads, so what another sign tells of may not
    /// have been read yet.
    pub async fn line(&self, text: &str) -> String {
        eventually(DEADLINE, &format!("it is logged: {text}"), async || self.find(text)).await
    }

    /// The first line so far that contains `text`.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<String> {
        self.lines().into_iter().find(|line| line.contains(text))
    }
}
