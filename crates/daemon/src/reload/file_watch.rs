//! Watching files for changes of their content.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::notifier::Notifier;
use super::stamp::Stamp;

/// How many quiet times a change may be put off by further changes.
const MAX_QUIET_PERIODS: u32 = 10;

/// How files are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    /// How long it must be quiet after a change before it is reported, so that a file is not read half written
    /// and several files that change together are one report. Put off at most ten times as long.
    pub quiet: Duration,
    /// How often files are looked at besides, for file systems that report no changes, such as NFS, and in case
    /// reports are not to be had at all.
    pub poll: Duration,
}

/// A quarter of a second of quiet; a look every ten seconds.
impl Default for WatchOptions {
    fn default() -> Self {
        Self { quiet: Duration::from_millis(250), poll: Duration::from_secs(10) }
    }
}

/// Watches files for changes of their content, through links and renames.
///
/// The system's reports only say when to look; whether a file has changed is told by its size, its times and its
/// place on the disk. So other files in the same folder do not matter, and nothing is missed where there are no
/// reports, only found later.
#[derive(Debug)]
pub(super) struct FileWatch {
    options: WatchOptions,
    files: BTreeMap<PathBuf, Stamp>,
    notifier: Option<Notifier>,
    poll: Interval,
    /// The files as they were at the last look, after which they may have changed again.
    seen: BTreeMap<PathBuf, Stamp>,
    /// When something first and last happened that has not been looked into yet.
    happened: Option<(Instant, Instant)>,
}

impl FileWatch {
    /// Watches nothing yet. Must be called inside a Tokio runtime.
    #[must_use]
    pub(super) fn new(options: WatchOptions) -> Self {
        let notifier = Notifier::new().inspect_err(
            |error| tracing::warn!(%error, every = ?options.poll, "file changes are polled for"),
        );
        Self::with(options, notifier.ok())
    }

    fn with(options: WatchOptions, notifier: Option<Notifier>) -> Self {
        let mut poll = interval(options.poll.max(Duration::from_millis(1)));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { options, files: BTreeMap::new(), notifier, poll, seen: BTreeMap::new(), happened: None }
    }

    /// Watches these files instead of those before. They need not exist.
    ///
    /// `read_at` is a time before they were read: a new one among them that has changed since is reported.
    pub(super) fn watch(&mut self, files: impl IntoIterator<Item = PathBuf>, read_at: SystemTime) {
        let before = std::mem::take(&mut self.files);
        for path in files {
            let stamp = before.get(&path).copied().unwrap_or_else(|| Stamp::since(&path, read_at));
            self.files.insert(path, stamp);
        }
        self.arm();
        self.seen = self.files.clone();
        // What changed before the folders were watched is not reported by the system.
        self.note();
    }

    /// Waits until files have changed, appeared or gone, and gives them.
    ///
    /// # Cancel safety
    /// Cancel safe: what has changed is given the next time.
    pub(super) async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            let due = self.happened.map(|(first, last)| {
                (last + self.options.quiet).min(first + self.options.quiet.saturating_mul(MAX_QUIET_PERIODS))
            });
            let happened = async {
                match &mut self.notifier {
                    Some(notifier) => notifier.happened().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let changed = self.take_changed();
                    if !changed.is_empty() {
                        return changed;
                    }
                }
                () = happened => self.look(),
                _ = self.poll.tick() => {
                    self.arm();
                    self.look();
                }
            }
        }
    }

    /// What has changed by now, without waiting for quiet.
    pub(super) fn take_changed(&mut self) -> Vec<PathBuf> {
        self.happened = None;
        let mut changed = Vec::new();
        for (path, stamp) in &mut self.files {
            let now = Stamp::of(path);
            if now != *stamp {
                *stamp = now;
                changed.push(path.clone());
            }
        }
        self.seen = self.files.clone();
        if !changed.is_empty() {
            // Links may lead elsewhere now.
            self.arm();
        }
        changed
    }

    /// Notes it if one of the files is not as it was at the last look.
    fn look(&mut self) {
        let now: BTreeMap<_, _> = self.files.keys().map(|path| (path.clone(), Stamp::of(path))).collect();
        if now != self.seen {
            self.seen = now;
            self.note();
        }
    }

    fn note(&mut self) {
        let now = Instant::now();
        self.happened = Some((self.happened.map_or(now, |(first, _)| first), now));
    }

    fn arm(&mut self) {
        if let Some(notifier) = &mut self.notifier {
            notifier.arm(self.files.keys());
        }
    }
}

#[cfg(test)]
mod tests;
