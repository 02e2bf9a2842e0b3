//! The file system's reports that something has happened in a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::stamp::Stamp;

/// Tells that something has happened in one of the folders where the files are.
///
/// Folders are watched and not the files: a file that is replaced by renaming another, as editors and
/// Kubernetes do, is not the one that was watched.
pub(super) struct Notifier {
    watcher: RecommendedWatcher,
    /// The folders that are watched, by what they were when that began.
    folders: BTreeMap<PathBuf, (u64, u64)>,
    /// Holds one note at most: more would say nothing new.
    happened: mpsc::Receiver<()>,
}

impl Notifier {
    pub(super) fn new() -> notify::Result<Self> {
        let (note, happened) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error may be an overflow: what was lost may have been about our files.
            if event.map_or(true, |event| is_change(&event.kind)) {
                // Full is as good as sent.
                let _ = note.try_send(());
            }
        })?;
        Ok(Self { watcher, folders: BTreeMap::new(), happened })
    }

    /// Watches the folders of these files, and those of what they link to; others no longer. Folders that
    /// cannot be watched, because they are not there yet, are tried again the next time.
    pub(super) fn arm<'p>(&mut self, files: impl Iterator<Item = &'p PathBuf>) {
        let wanted: BTreeSet<PathBuf> = files.flat_map(|path| folders(path)).collect();
        let Self { watcher, folders, .. } = self;
        folders.retain(|folder, identity| {
            let keep = wanted.contains(folder) && Stamp::of(folder).identity() == Some(*identity);
            if !keep {
                // Fails if the folder is gone, and its watch with it.
                let _ = watcher.unwatch(folder);
            }
            keep
        });
        for folder in wanted {
            let Some(identity) = Stamp::of(&folder).identity() else { continue };
            if !folders.contains_key(&folder) && watcher.watch(&folder, RecursiveMode::NonRecursive).is_ok() {
                folders.insert(folder, identity);
            }
        }
    }

    /// Waits until something happens.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn happened(&mut self) {
        if self.happened.recv().await.is_none() {
            // The watcher's thread has ended; what is left is to look now and then.
            std::future::pending().await
        }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// Reading a file is not a change.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
        parent => parent.map(Path::to_owned),
    };
    let target = path.canonicalize().ok();
    [parent(path), target.as_deref().and_then(parent)].into_iter().flatten()
}
