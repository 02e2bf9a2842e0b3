//! Files of a spool: what a kill, a loss of power, damage and a disk that fails leave of them.

use super::*;
use crate::Message;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const SIZE: u64 = 1 << 20;

fn spooled(sequence: u64, len: usize) -> Spooled {
    let message = Message {
        edge_id: 1,
        job: None,
        topic: if sequence.is_multiple_of(2) { "even" } else { "odd" }.into(),
        custom: Bytes::new(),
        labels: Vec::new(),
        payload: Bytes::from(vec![b'x'; len]),
        id: None,
    };
    Spooled { sequence, time: 1, message }
}

fn many(sequences: std::ops::Range<u64>) -> Vec<Spooled> {
    sequences.map(|sequence| spooled(sequence, 10)).collect()
}

fn open(folder: &Path) -> (Log, Found) {
    Log::open(folder, SIZE).unwrap()
}

fn sequences(found: &Found) -> Vec<u64> {
    found.messages.iter().map(|(slot, _)| slot.sequence).collect()
}

/// The only file of messages.
fn file(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = entries.filter(|path| path.extension().is_some_and(|it| it == SPOOL));
    let file = files.next().unwrap();
    assert_eq!(files.next(), None);
    file
}

fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in names(from) {
        fs::copy(from.join(&name), to.path().join(&name)).unwrap();
    }
    to
}

#[test]
fn what_is_done_is_not_found_again_and_one_process_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, found) = open(folder.path());
    assert_eq!(sequences(&found), [] as [u64; 0]);
    let mut slots = log.append(&many(0..4)).unwrap();
    slots.extend(log.append(&many(4..6)).unwrap());
    for (slot, sequence) in slots.iter().zip(0..) {
        assert_eq!(log.read(slot).unwrap(), spooled(sequence, 10));
    }
    log.mark(&[slots[0], slots[3]]).unwrap();
    assert!(matches!(Log::open(folder.path(), SIZE), Err(SpoolError::InUse(_))));
    drop(log);
    // A kill in the middle of a mark: the next ones are read all the same.
    OpenOptions::new()
        .append(true)
        .open(folder.path().join("00000000.done"))
        .unwrap()
        .write_all(b"abc")
        .unwrap();
    let (mut log, found) = open(folder.path());
    assert_eq!(sequences(&found), [1, 2, 4, 5]);
    assert_eq!(
        found.messages.iter().map(|(_, topic)| &**topic).collect::<Vec<_>>(),
        ["odd", "even", "even", "odd"]
    );
    log.mark(&[slots[1]]).unwrap();
    log.append(&many(6..7)).unwrap();
    drop(log);
    let (mut log, found) = open(folder.path());
    assert_eq!((sequences(&found), found.segments.len()), (vec![2, 4, 5, 6], 2));
    log.mark(&[slots[2], slots[4], slots[5]]).unwrap();
    drop(log);
    let (mut log, found) = open(folder.path());
    assert_eq!(sequences(&found), [6]);
    assert_eq!(
        names(folder.path()).len(),
        2,
        "a file of which everything is done is gone: {:?}",
        names(folder.path())
    );
    log.remove(found.messages[0].0.segment).unwrap();
    assert_eq!(names(folder.path()), ["lock"]);
}

#[test]
fn files_are_of_bounded_length_and_nobody_else_may_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/spool");
    let (mut log, _) = Log::open(&folder, 1000).unwrap();
    let slots: Vec<Slot> =
        (0..20).flat_map(|sequence| log.append(&[spooled(sequence, 100)]).unwrap()).collect();
    assert!(slots.last().unwrap().segment >= 2, "{slots:?}");
    assert_eq!(log.read(&slots[0]).unwrap().sequence, 0);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for name in names(&folder) {
        assert_eq!(fs::metadata(folder.join(&name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

/// A loss of power leaves of what was not synced any part, or zeros in place of it.
#[test]
fn whatever_a_loss_of_power_leaves_what_was_synced_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path());
    log.append(&many(0..3)).unwrap();
    let synced = fs::metadata(file(folder.path())).unwrap().len();
    log.append(&many(3..6)).unwrap();
    let all = fs::read(file(folder.path())).unwrap();
    drop(log);
    for cut in usize::try_from(synced).unwrap()..=all.len() {
        for zeros in [false, true] {
            let copy = copy(folder.path());
            let mut left = all[..cut].to_vec();
            left.resize(if zeros { all.len() } else { cut }, 0);
            fs::write(file(copy.path()), left).unwrap();
            let (mut log, found) = open(copy.path());
            let there = sequences(&found);
            assert!((3..=6).contains(&there.len()), "cut at {cut}: {there:?}");
            assert_eq!(there, (0..there.len() as u64).collect::<Vec<_>>(), "cut at {cut}");
            assert!(found.messages.iter().all(|(slot, _)| log.read(slot).is_ok()), "cut at {cut}");
            log.append(&many(6..7)).unwrap();
            drop(log);
            assert_eq!(sequences(&open(copy.path()).1).last(), Some(&6), "cut at {cut}");
        }
    }
}

#[test]
fn what_is_damaged_is_named_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(folder.path());
    let slots = log.append(&many(0..3)).unwrap();
    let path = file(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let at = usize::try_from(slots[1].offset).unwrap() + 30;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    // While it is open.
    let error = log.read(&slots[1]).unwrap_err();
    let damaged = matches!(&error, ReadError::Damaged(text) if text.contains("damaged at byte"));
    assert!(damaged, "{error}");
    assert!(log.read(&slots[2]).is_ok());
    drop(log);
    let (log, found) = open(folder.path());
    assert_eq!(sequences(&found), [0, 2]);
    let Slot { offset, len, .. } = slots[1];
    let expected = format!("{}: {len} bytes from byte {offset} on are no message", path.display());
    assert_eq!(found.damage, [expected]);
    drop(log);
    // Nothing is whole: it is put aside.
    fs::write(&path, b"nothing").unwrap();
    assert_eq!(open(folder.path()).1.damage.len(), 1);
    let (_, found) = open(folder.path());
    assert_eq!((found.messages.len(), found.damage.len()), (0, 0));
    assert!(names(folder.path()).iter().any(|name| name.ends_with(".damaged")));
}

/// A file that fails to be written, or to be synced.
struct Failing {
    file: File,
    fails: Arc<AtomicBool>,
    at_sync: bool,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.fails.load(Ordering::SeqCst) && !self.at_sync {
            // Some of it fits in.
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Append for Failing {
    fn sync(&mut self) -> io::Result<()> {
        if self.fails.swap(false, Ordering::SeqCst) { Err(io::Error::other("broken")) } else { Ok(()) }
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.fails.store(false, Ordering::SeqCst);
        self.file.set_len(len)
    }
}

#[test]
fn what_could_not_be_written_is_not_found_later() {
    for at_sync in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = open(folder.path());
        let fails = Arc::<AtomicBool>::default();
        let of_file = fails.clone();
        log.set_create(Box::new(move |path| {
            let file = private().create_new(true).open(path)?;
            Ok(Box::new(Failing { file, fails: of_file.clone(), at_sync }))
        }));
        log.append(&many(0..2)).unwrap();
        for _ in 0..2 {
            fails.store(true, Ordering::SeqCst);
            let error = log.append(&many(2..4)).unwrap_err();
            assert!(error.contains(".spool: ") && !error.contains("nor taken back"), "{error}");
        }
        log.append(&many(4..6)).unwrap();
        drop(log);
        let (_, found) = open(folder.path());
        assert_eq!((sequences(&found), found.damage), (vec![0, 1, 4, 5], Vec::new()));
    }
}
