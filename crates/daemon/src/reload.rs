//! Reloading: when to read configuration and its files again.
//!
//! [`Reloads`] reports SIGHUP, and changes of the files that it was told to watch; what comes together is reported
//! once. What a reload does is for the daemon: read everything, check it, and only then put it in place.
//!
//! ```no_run
//! # use frontier_daemon::reload::{Reloads, WatchOptions};
//! # use std::time::SystemTime;
//! # fn load() -> Vec<std::path::PathBuf> { Vec::new() }
//! # async fn serve() -> std::io::Result<()> {
//! let mut reloads = Reloads::listen(Some(WatchOptions::default()))?;
//! let before = SystemTime::now();
//! reloads.watch(load(), before);
//! loop {
//!     let reload = reloads.recv().await;
//!     tracing::info!(%reload, "reloading");
//!     let before = SystemTime::now();
//!     reloads.watch(load(), before);
//! }
//! # }
//! ```

mod file_watch;
mod notifier;
mod stamp;

use file_watch::FileWatch;
pub use file_watch::WatchOptions;
use stamp::Stamp;

use std::path::PathBuf;
use std::time::SystemTime;
use std::{fmt, io};

use tokio::signal::unix::{self, SignalKind};

/// How often files are read that change all the time.
const READ_ATTEMPTS: u32 = 5;

/// Reads with `read`, and reads again a moment later for as long as one of the `files` has changed too lately to tell
/// whether before or after it was read; a few times at most. Gives also the time before the last reading. Blocks.
///
/// So a daemon that is started right after its files were written has no reason to read them again.
///
/// # Errors
/// Those of `read`.
pub fn read_settled<T, E>(
    mut read: impl FnMut() -> Result<T, E>,
    files: impl Fn(&T) -> Vec<PathBuf>,
) -> Result<(T, SystemTime), E> {
    let mut attempt = 1;
    loop {
        let read_at = SystemTime::now();
        let value = read()?;
        let is_settled = files(&value).iter().all(|path| Stamp::since(path, read_at) != Stamp::Unknown);
        if is_settled || attempt == READ_ATTEMPTS {
            return Ok((value, read_at));
        }
        attempt += 1;
        std::thread::sleep(stamp::LAG);
    }
}

/// Reports when to reload.
#[derive(Debug)]
pub struct Reloads {
    hangup: unix::Signal,
    files: Option<FileWatch>,
}

/// Why to reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Whether SIGHUP came.
    pub signal: bool,
    /// The files that have changed, appeared or gone.
    pub files: Vec<PathBuf>,
}

impl Reloads {
    /// Takes over SIGHUP, which no longer ends the process from here on, and watches files if `watch` says how.
    /// Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// If the handler cannot be installed.
    pub fn listen(watch: Option<WatchOptions>) -> io::Result<Self> {
        Ok(Self { hangup: unix::signal(SignalKind::hangup())?, files: watch.map(FileWatch::new) })
    }

    /// Watches these files instead of those before; they need not exist. `read_at` is a time before they were read:
    /// a new one among them that has changed since is reported.
    pub fn watch(&mut self, files: impl IntoIterator<Item = PathBuf>, read_at: SystemTime) {
        if let Some(watch) = &mut self.files {
            watch.watch(files, read_at);
        }
    }

    /// Waits for the next reason to reload.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost when the future is dropped.
    pub async fn recv(&mut self) -> Reload {
        let changed = async {
            match &mut self.files {
                Some(files) => files.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.hangup.recv() => {}
            files = changed => return Reload { signal: false, files },
        }
        let files = self.files.as_mut().map(FileWatch::take_changed).unwrap_or_default();
        Reload { signal: true, files }
    }
}

/// `SIGHUP`, or the files.
impl fmt::Display for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.signal.then(|| "SIGHUP".to_owned());
        let files = self.files.iter().map(|path| path.display().to_string());
        f.write_str(&Vec::from_iter(signal.into_iter().chain(files)).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::sys::signal::{Signal, raise};

    use super::*;

    #[tokio::test]
    async fn what_was_written_right_before_it_was_read_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        let read = || fs::read_to_string(&path);
        let (text, read_at) = read_settled(read, |_| vec![path.clone()]).unwrap();
        assert_eq!(text, "x");
        assert_ne!(Stamp::since(&path, read_at), Stamp::Unknown);
        let mut times = 0;
        let busy = || {
            times += 1;
            fs::write(&path, times.to_string())
        };
        read_settled(busy, |()| vec![path.clone()]).unwrap();
        assert_eq!(times, READ_ATTEMPTS);
    }

    /// The only test with SIGHUP: it goes to the whole process.
    #[tokio::test]
    async fn a_signal_is_reported_once_with_the_files_that_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut reloads = Reloads::listen(Some(WatchOptions::default())).unwrap();
        reloads.watch([path.clone()], SystemTime::now());
        fs::write(&path, "x").unwrap();
        raise(Signal::SIGHUP).unwrap();
        raise(Signal::SIGHUP).unwrap();
        let reload = reloads.recv().await;
        assert_eq!(reload, Reload { signal: true, files: vec![path.clone()] });
        assert_eq!(reload.to_string(), format!("SIGHUP, {}", path.display()));

        let mut blind = Reloads::listen(None).unwrap();
        blind.watch([path], SystemTime::now());
        raise(Signal::SIGHUP).unwrap();
        assert_eq!(blind.recv().await, Reload { signal: true, files: Vec::new() });
        assert!(reloads.recv().await.signal);
    }
}
