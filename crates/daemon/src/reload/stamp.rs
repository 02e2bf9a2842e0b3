//! What tells one content of a file from the next without reading it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far the file system's clock may lag behind that of the process: it ticks with the kernel, 100 times a second
/// at least.
pub(super) const LAG: Duration = Duration::from_millis(20);

/// What tells one content of a file from the next, without reading it. Links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// There is no such file, or it may not be looked at.
    Absent,
    /// As it was found.
    Found { device: u64, inode: u64, size: u64, modified: (i64, i64), changed: (i64, i64) },
    /// It may have changed after it was read: like no other.
    Unknown,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Self {
        fs::metadata(path).map_or(Self::Absent, |found| Self::Found {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    /// The stamp of a file that was read after `read_at`; unknown if it has changed since then.
    pub(super) fn since(path: &Path, read_at: SystemTime) -> Self {
        let stamp = Self::of(path);
        let Self::Found { changed: (seconds, nanos), .. } = stamp else { return stamp };
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let read_at = since(read_at.checked_sub(LAG).unwrap_or(UNIX_EPOCH));
        let changed = Duration::new(
            u64::try_from(seconds).unwrap_or_default(),
            u32::try_from(nanos).unwrap_or_default(),
        );
        if changed >= read_at { Self::Unknown } else { stamp }
    }

    /// What identifies a folder, whatever happens in it.
    pub(super) fn identity(self) -> Option<(u64, u64)> {
        match self {
            Self::Found { device, inode, .. } => Some((device, inode)),
            Self::Absent | Self::Unknown => None,
        }
    }
}
