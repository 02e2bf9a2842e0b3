//! The files of a spool: messages are appended and synced in groups, read back, and marked as done. A file goes once all of
//! its messages are done.
//!
//! ```text
//!   0000000a-NUMBER.spool   frames, see `segment`; the number is what their checksums begin with
//!   0000000a.done           of what is done there: offset, and a checksum of the file's number and the offset; 4 bytes each
//!   lock                    held by the one process that has the folder
//! ```
//!
//! What is done is not synced: after a loss of power, and not after a kill, what was done last is sent once more.

use super::record::Spooled;
use super::segment::{self, Scan};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a spool can't be used.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// Another process has it.
    #[error("{}: another process has this spool", .0.display())]
    InUse(PathBuf),
    /// What the system says.
    #[error("{}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// Why a message can't be read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    /// It is not there any more as it was written.
    #[error("{0}")]
    Damaged(String),
    /// The system can't read it now.
    #[error("{0}")]
    Io(String),
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) sequence: u64,
    /// When it came, in seconds since 1970.
    pub(crate) time: u32,
    pub(crate) segment: u32,
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

/// A file that is appended to.
pub(crate) trait Append: Write + Send {
    /// Returns once what was written is on disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Takes back what was written beyond that length.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

impl Append for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

/// How a file is made that is appended to.
pub(crate) type Create = Box<dyn Fn(&Path) -> io::Result<Box<dyn Append>> + Send + Sync>;

/// The files.
pub(crate) struct Log {
    folder: PathBuf,
    segment_size: u64,
    create: Create,
    current: Option<Current>,
    /// What the checksums of each file begin with.
    salts: BTreeMap<u32, u64>,
    /// The number of the next file.
    next: u32,
    /// The file that was read last.
    reading: Option<(u32, File)>,
    /// The file that was marked last.
    marking: Option<(u32, File)>,
    /// Locked for as long as it is open.
    _lock: File,
}

struct Current {
    segment: u32,
    salt: u64,
    file: Box<dyn Append>,
    len: u64,
}

/// What a spool holds when it is opened.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In their order, with their topics.
    pub(crate) messages: Vec<(Slot, Box<str>)>,
    /// The bytes of each file.
    pub(crate) segments: BTreeMap<u32, u64>,
    /// What is no message, each in one line.
    pub(crate) damage: Vec<String>,
}

impl Log {
    /// Opens it, and reads all of it. Blocks.
    pub(crate) fn open(folder: &Path, segment_size: u64) -> Result<(Self, Found), SpoolError> {
        let failed = |error| SpoolError::Io(folder.to_owned(), error);
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
            // It is there after a loss of power once the folders around it are written. Not all file systems can.
            for parent in folder.ancestors().skip(1).filter(|parent| parent.is_dir()) {
                let _ = File::open(parent).and_then(|parent| parent.sync_all());
            }
        }
        let lock = private().create(true).truncate(false).open(folder.join("lock")).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SpoolError::InUse(folder.to_owned()),
            TryLockError::Error(error) => failed(error),
        })?;
        let (found, salts) = Found::read(folder).map_err(failed)?;
        let next = found.segments.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        let create = |path: &Path| -> io::Result<Box<dyn Append>> {
            Ok(Box::new(private().create_new(true).open(path)?))
        };
        let log = Self {
            folder: folder.to_owned(),
            segment_size,
            create: Box::new(create),
            current: None,
            salts,
            next,
            reading: None,
            marking: None,
            _lock: lock,
        };
        Ok((log, found))
    }

    /// Makes files in another way.
    #[cfg(test)]
    pub(crate) fn set_create(&mut self, create: Create) {
        self.create = create;
    }

    /// Writes these, and returns once they are on disk. All of them, or none.
    pub(crate) fn append(&mut self, messages: &[Spooled]) -> Result<Vec<Slot>, String> {
        let mut current = match self.current.take() {
            Some(current) if current.len < self.segment_size => current,
            _ => self.new_segment()?,
        };
        let (mut bytes, mut lens) = (Vec::new(), Vec::new());
        for spooled in messages {
            lens.push(segment::write(current.salt, spooled, &mut bytes)?);
        }
        let before = current.len;
        let written = current.file.write_all(&bytes).and_then(|()| current.file.sync());
        if let Err(error) = written {
            let path = self.spool_path(current.segment);
            // What was refused must not come back. After an error of a sync nobody knows what the file has: the next
            // messages go to another one.
            let cut = current.file.cut(before).and_then(|()| current.file.sync());
            let cut = cut.map_or_else(|error| format!("; nor taken back: {error}"), |()| String::new());
            if before == 0 {
                // Nothing is in it; it is looked at once more at the next start.
                let _ = fs::remove_file(&path);
            }
            return Err(format!("{}: {error}{cut}", path.display()));
        }
        let mut offset = before;
        let mut slots = Vec::with_capacity(messages.len());
        for (spooled, len) in messages.iter().zip(lens) {
            let at = u32::try_from(offset).map_err(|_| "a file of the spool is too long".to_owned())?;
            let Spooled { sequence, time, .. } = *spooled;
            slots.push(Slot { sequence, time, segment: current.segment, offset: at, len });
            offset += u64::from(len);
        }
        current.len = offset;
        self.current = Some(current);
        Ok(slots)
    }

    /// Whether so many bytes can be written: they are, and deleted again.
    pub(crate) fn probe(&mut self, len: usize) -> Result<(), String> {
        let path = self.folder.join("probe");
        let probed = remove(&path).and_then(|()| (self.create)(&path)).and_then(|mut file| {
            let written = file.write_all(&vec![0; len]).and_then(|()| file.sync());
            written.and(remove(&path))
        });
        probed.map_err(|error| format!("{}: {error}", path.display()))
    }

    fn new_segment(&mut self) -> Result<Current, String> {
        let segment = self.next;
        self.next = segment.checked_add(1).ok_or("the spool has had too many files")?;
        let salt = rand::random();
        self.salts.insert(segment, salt);
        let path = self.spool_path(segment);
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let file = (self.create)(&path).map_err(failed)?;
        // A file is there after a loss of power once its folder is written.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Current { segment, salt, file, len: 0 })
    }

    /// Reads a message.
    pub(crate) fn read(&mut self, slot: &Slot) -> Result<Spooled, ReadError> {
        let path = self.spool_path(slot.segment);
        let failed = |error: io::Error| {
            let text = format!("{}: {error}", path.display());
            match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => ReadError::Damaged(text),
                _ => ReadError::Io(text),
            }
        };
        let file = match self.reading.take() {
            Some((segment, file)) if segment == slot.segment => file,
            _ => File::open(&path).map_err(failed)?,
        };
        let mut bytes = vec![0; usize::try_from(slot.len).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, slot.offset.into()).map_err(failed)?;
        self.reading = Some((slot.segment, file));
        let read = segment::read(self.salt(slot.segment), &bytes)
            .filter(|(spooled, _)| spooled.sequence == slot.sequence);
        let damaged = || format!("{}: damaged at byte {}", path.display(), slot.offset);
        read.map(|(spooled, _)| spooled).ok_or_else(|| ReadError::Damaged(damaged()))
    }

    /// Notes that these are done with, so that they are not found again.
    pub(crate) fn mark(&mut self, done: &[Slot]) -> Result<(), String> {
        let mut rest = done;
        while let Some(Slot { segment, .. }) = rest.first().copied() {
            let count = rest.iter().take_while(|slot| slot.segment == segment).count();
            let (same, others) = rest.split_at(count);
            rest = others;
            let bytes: Vec<u8> = same.iter().flat_map(|slot| mark(segment, slot.offset)).collect();
            let path = self.done_path(segment);
            let failed = |error: io::Error| format!("{}: {error}", path.display());
            let mut file = match self.marking.take() {
                Some((marking, file)) if marking == segment => file,
                _ => private().create(true).open(&path).map_err(failed)?,
            };
            file.write_all(&bytes).map_err(failed)?;
            self.marking = Some((segment, file));
        }
        Ok(())
    }

    /// Deletes a file of which everything is done.
    pub(crate) fn remove(&mut self, segment: u32) -> Result<(), String> {
        let is_it = |open: Option<u32>| open == Some(segment);
        if is_it(self.current.as_ref().map(|current| current.segment)) {
            self.current = None;
        }
        if is_it(self.reading.as_ref().map(|(segment, _)| *segment)) {
            self.reading = None;
        }
        if is_it(self.marking.as_ref().map(|(segment, _)| *segment)) {
            self.marking = None;
        }
        // In this order: marks without messages are of no harm.
        for path in [self.spool_path(segment), self.done_path(segment)] {
            remove(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        self.salts.remove(&segment);
        Ok(())
    }

    fn salt(&self, segment: u32) -> u64 {
        self.salts.get(&segment).copied().unwrap_or_default()
    }

    fn spool_path(&self, segment: u32) -> PathBuf {
        spool_path(&self.folder, segment, self.salt(segment))
    }

    fn done_path(&self, segment: u32) -> PathBuf {
        done_path(&self.folder, segment)
    }
}

fn spool_path(folder: &Path, segment: u32, salt: u64) -> PathBuf {
    folder.join(format!("{segment:08x}-{salt:016x}.{SPOOL}"))
}

fn done_path(folder: &Path, segment: u32) -> PathBuf {
    folder.join(format!("{segment:08x}.{DONE}"))
}

const SPOOL: &str = "spool";
const DONE: &str = "done";

/// Removes a file, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Files that nobody else may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600);
    options
}

fn mark(segment: u32, offset: u32) -> [u8; 8] {
    let mut mark = [0; 8];
    mark[..4].copy_from_slice(&offset.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&segment.to_le_bytes());
    hasher.update(&mark[..4]);
    mark[4..].copy_from_slice(&hasher.finalize().to_le_bytes());
    mark
}

impl Found {
    fn read(folder: &Path) -> io::Result<(Self, BTreeMap<u32, u64>)> {
        let mut found = Self::default();
        let (mut salts, mut marks) = (BTreeMap::new(), Vec::new());
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match parse(&path) {
                Some(Name::Spool(segment, salt)) => drop(salts.insert(segment, salt)),
                Some(Name::Done(segment)) => marks.push((segment, path)),
                None => {}
            }
        }
        for (segment, path) in marks {
            // Its messages are gone.
            if !salts.contains_key(&segment) {
                fs::remove_file(path)?;
            }
        }
        for (segment, salt) in &salts {
            found.read_segment(folder, *segment, *salt)?;
        }
        found.messages.sort_by_key(|(slot, _)| slot.sequence);
        salts.retain(|segment, _| found.segments.contains_key(segment));
        Ok((found, salts))
    }

    fn read_segment(&mut self, folder: &Path, segment: u32, salt: u64) -> io::Result<()> {
        let path = spool_path(folder, segment, salt);
        let marks = done_path(folder, segment);
        let bytes = fs::read(&path)?;
        let done = done(segment, &marks)?;
        let Scan { whole, damaged } = segment::scan(salt, &bytes);
        let is_damaged = !damaged.is_empty();
        for (at, len) in damaged {
            self.damage.push(format!("{}: {len} bytes from byte {at} on are no message", path.display()));
        }
        let mut live = Vec::new();
        for (at, len, Spooled { sequence, time, message }) in whole {
            let (Ok(offset), Ok(len)) = (u32::try_from(at), u32::try_from(len)) else { continue };
            if !done.contains(&offset) {
                live.push((Slot { sequence, time, segment, offset, len }, Box::from(&*message.topic)));
            }
        }
        if live.is_empty() {
            // What is damaged stays to be looked at, under a name that is not read again.
            if is_damaged {
                fs::rename(&path, path.with_extension("damaged"))?;
            } else {
                fs::remove_file(&path)?;
            }
            return remove(&marks);
        }
        self.segments.insert(segment, bytes.len() as u64);
        self.messages.append(&mut live);
        Ok(())
    }
}

/// What a name says.
enum Name {
    /// A file of messages: its number, and what its checksums begin with.
    Spool(u32, u64),
    /// What is done of the file of this number.
    Done(u32),
}

fn parse(path: &Path) -> Option<Name> {
    let (stem, kind) = path.file_name()?.to_str()?.split_once('.')?;
    let segment = |text| u32::from_str_radix(text, 16).ok();
    match kind {
        SPOOL => {
            let (number, salt) = stem.split_once('-')?;
            Some(Name::Spool(segment(number)?, u64::from_str_radix(salt, 16).ok()?))
        }
        DONE => Some(Name::Done(segment(stem)?)),
        _ => None,
    }
}

/// The offsets of what is done. A mark that is damaged marks nothing.
fn done(segment: u32, path: &Path) -> io::Result<HashSet<u32>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        read => read?,
    };
    let (marks, torn) = bytes.as_chunks::<8>();
    if !torn.is_empty() {
        // The next mark has to begin where it is looked for.
        private().open(path)?.set_len((bytes.len() - torn.len()) as u64)?;
    }
    let offsets = marks.iter().filter_map(|it| {
        let offset = u32::from_le_bytes(*it.first_chunk()?);
        (mark(segment, offset) == *it).then_some(offset)
    });
    Ok(offsets.collect())
}

#[cfg(test)]
mod tests;
