//! A disk in memory that loses what was not synced, and fills up.

use redb::{Database, DatabaseError, StorageBackend};
use std::io;
use std::sync::{Arc, Mutex};

/// A disk. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct CutDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// What a power cut leaves in any case.
    synced: Vec<u8>,
    current: Vec<u8>,
    /// What was written since, of which a cut leaves some.
    writes: Vec<(usize, Vec<u8>)>,
    syncs: u64,
    /// With so many bytes it is full.
    most: Option<usize>,
    fails: bool,
}

impl CutDisk {
    pub(super) fn opener(&self) -> Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync> {
        let disk = self.clone();
        Box::new(move || redb::Builder::new().set_cache_size(1 << 20).create_with_backend(disk.clone()))
    }

    pub(super) fn syncs(&self) -> u64 {
        self.0.lock().unwrap().syncs
    }

    /// From now on it takes no more than it has, and so many bytes.
    pub(super) fn fill(&self, more: Option<usize>) {
        let mut inner = self.0.lock().unwrap();
        inner.most = more.map(|more| inner.current.len() + more);
    }

    /// Whether every sync fails from now on.
    pub(super) fn fail(&self, fails: bool) {
        self.0.lock().unwrap().fails = fails;
    }

    /// What is there after the power was cut: of what was not synced some is, and some is not, as `takes` says.
    pub(super) fn cut(&self, mut takes: impl FnMut() -> bool) -> Self {
        let inner = self.0.lock().unwrap();
        let mut left = inner.synced.clone();
        for (offset, bytes) in &inner.writes {
            if takes() {
                let end = offset + bytes.len();
                let longer = left.len().max(end);
                left.resize(longer, 0);
                left[*offset..end].copy_from_slice(bytes);
            }
        }
        Self(Arc::new(Mutex::new(Inner { synced: left.clone(), current: left, ..Inner::default() })))
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl StorageBackend for CutDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.0.lock().unwrap();
        let found = inner.current.get(place(offset)..place(offset) + out.len());
        let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        if inner.most.is_some_and(|most| place(len) > most) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        inner.current.resize(place(len), 0);
        // The file system keeps this in order: a file is as long as it was said to be.
        let longer = place(len).max(inner.synced.len());
        inner.synced.resize(longer, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        if inner.fails {
            return Err(io::Error::other("the disk is broken"));
        }
        inner.synced = inner.current.clone();
        inner.writes.clear();
        inner.syncs += 1;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock().unwrap();
        let end = place(offset) + data.len();
        let longer = inner.current.len().max(end);
        inner.current.resize(longer, 0);
        inner.current[place(offset)..end].copy_from_slice(data);
        inner.writes.push((place(offset), data.to_vec()));
        Ok(())
    }
}
