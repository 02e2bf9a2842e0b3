//! The file system's reports that something has happened in a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::stamp::Stamp;

/// Links that are followed on the way to a file; as many as Linux follows.
const MAX_LINKS: usize = 40;

/// Tells that something has happened in one of the folders where the files are.
///
/// Folders are watched and not the files: a file that is replaced by renaming another, as editors and
/// Kubernetes do, is not the one that was watched.
pub(super) struct Notifier {
    watcher: RecommendedWatcher,
    /// The folders that are watched, by what they were when that began.
    folders: BTreeMap<PathBuf, (u64, u64)>,
    /// What our files, the links to them and their folders are called: other names are not told of.
    names: Arc<Mutex<BTreeSet<OsString>>>,
    /// Holds one note at most: more would say nothing new.
    happened: mpsc::Receiver<()>,
}

impl Notifier {
    pub(super) fn new() -> notify::Result<Self> {
        let (note, happened) = mpsc::channel(1);
        let names = Arc::<Mutex<BTreeSet<OsString>>>::default();
        let ours = names.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error may be an overflow: what was lost may have been about our files.
            if event.map_or(true, |event| is_change(&event.kind) && is_about(&event, &lock(&ours))) {
                // Full is as good as sent.
                let _ = note.try_send(());
            }
        })?;
        Ok(Self { watcher, folders: BTreeMap::new(), names, happened })
    }

    /// Watches the folders of these files, and those of what they link to; others no longer. Folders that
    /// cannot be watched, because they are not there yet, are tried again the next time.
    pub(super) fn arm<'p>(&mut self, files: impl Iterator<Item = &'p PathBuf>) {
        let files: Vec<&PathBuf> = files.collect();
        *lock(&self.names) = files.iter().flat_map(|path| names(path)).collect();
        let wanted: BTreeSet<PathBuf> = files.iter().flat_map(|path| folders(path)).collect();
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

/// Whether it is about one of these names, or may be about any.
fn is_about(event: &Event, names: &BTreeSet<OsString>) -> bool {
    event.paths.is_empty()
        || event.need_rescan()
        || event.paths.iter().any(|path| path.file_name().is_none_or(|name| names.contains(name)))
}

/// The set is whole at any time, so one that a panic has left behind is as good.
fn lock(names: &Mutex<BTreeSet<OsString>>) -> MutexGuard<'_, BTreeSet<OsString>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All names on the way to a file, links included: Kubernetes swaps a link to a folder in the middle of it.
fn names(path: &Path) -> BTreeSet<OsString> {
    let (mut ways, mut names) = (vec![path.to_owned()], BTreeSet::new());
    for followed in 0.. {
        let Some(way) = ways.pop() else { break };
        for part in way.ancestors() {
            names.extend(part.file_name().map(OsStr::to_owned));
            if followed < MAX_LINKS
                && let Ok(target) = part.read_link()
            {
                ways.push(part.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)));
            }
        }
    }
    names
}

fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
        parent => parent.map(Path::to_owned),
    };
    let target = path.canonicalize().ok();
    [parent(path), target.as_deref().and_then(parent)].into_iter().flatten()
}
