//! Messages on disk that wait for a gateway: a file each, in the order in which they came.
//!
//! A file has a line of JSON, the [`Head`], and the message behind it. It is there before the message is sent, says which
//! gateway may have it while that has not answered, and is gone once the broker has it. So whoever is killed loses nothing that
//! was not told, and sends nothing twice.

use crate::deliver::{Outcome, Route};
use crate::exit::Exit;
use crate::message::{Head, Message};
use rustix::fs::OFlags;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Messages at once.
const MAX_MESSAGES: usize = 1000;

/// The longest message that is kept, with its head.
const MAX_SIZE: u64 = 65 << 20;

/// How often it is looked whether somebody else has done with the spool.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// What names of messages end with.
const SUFFIX: &str = ".message";

/// A directory with messages.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
}

/// What became of messages of a spool.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Drained {
    pub(crate) confirmed: usize,
    /// Those that are there still.
    pub(crate) left: usize,
    /// Why those that are there still are.
    pub(crate) last: Option<(Exit, String)>,
    /// Files and why they are gone though no broker has confirmed them.
    pub(crate) lost: Vec<(PathBuf, Exit, String)>,
}

impl Spool {
    /// The directory, which is made if it is not there. It has to be one's own, unless one is root.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // In a directory that all may write to, somebody else may have put it there.
        let found = fs::symlink_metadata(directory)?;
        let own = rustix::process::geteuid();
        if !found.is_dir() || (!own.is_root() && found.uid() != own.as_raw()) {
            return Err(io::Error::other("is no directory of this user"));
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// Puts a message behind all others.
    pub(crate) fn put(&self, message: &Message) -> io::Result<PathBuf> {
        if self.files()?.len() >= MAX_MESSAGES {
            return Err(io::Error::other(format!("{MAX_MESSAGES} messages wait, the most there may be")));
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let name = format!("{:020}-{:016x}{SUFFIX}", since.as_nanos(), rand::random::<u64>());
        let path = self.directory.join(name);
        self.write(&path, message)?;
        Ok(path)
    }

    /// All of it or nothing: whoever reads finds what was there, or this.
    fn write(&self, path: &Path, message: &Message) -> io::Result<()> {
        let draft = self.directory.join(format!("draft-{:016x}", rand::random::<u64>()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(&serde_json::to_vec(&message.head)?)?;
            file.write_all(b"\n")?;
            file.write_all(&message.data)?;
            fs::rename(&draft, path)
        })();
        if written.is_err() {
            // What could not be written can't be left either.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == &SUFFIX[1..]) {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn read(path: &Path) -> io::Result<Message> {
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("is no file"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_SIZE {
            return Err(io::Error::other("is longer than any message"));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(io::ErrorKind::InvalidData)?;
        let head: Head = serde_json::from_slice(&bytes[..end])?;
        Ok(Message { head, data: bytes.split_off(end + 1) })
    }

    /// One drains at a time; `None` if somebody else does until the deadline.
    async fn lock(&self, deadline: Instant) -> io::Result<Option<File>> {
        let path = self.directory.join("lock");
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(None),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Sends what there is, the oldest first, until the deadline, or until one can't be sent now.
    pub(crate) async fn drain(&self, route: &Route) -> io::Result<Drained> {
        let mut drained = Drained::default();
        let Some(_lock) = self.lock(route.deadline).await? else {
            drained.left = self.files()?.len();
            drained.last = Some((Exit::TryAgain, "another process sends what is there".to_owned()));
            return Ok(drained);
        };
        for path in self.files()? {
            let message = match Self::read(&path) {
                Ok(message) => message,
                // Whoever wrote it may have been another version.
                Err(error) => {
                    drained.lost.push((path.clone(), Exit::Failure, format!("can't be read: {error}")));
                    self.set_aside(&path);
                    continue;
                }
            };
            let note = |tried: Option<&_>| {
                let head = Head { tried: tried.cloned(), ..message.head.clone() };
                // Without it a message may be sent to another gateway after a crash here, and no later than that.
                let _ = self.write(&path, &Message { head, data: message.data.clone() });
            };
            match route.deliver(&message, note).await {
                Outcome::Confirmed => {
                    drained.confirmed += 1;
                    fs::remove_file(&path)?;
                }
                Outcome::Refused(exit, text) => {
                    self.set_aside(&path);
                    drained.lost.push((path, exit, text));
                }
                Outcome::Unknown(text) => {
                    self.set_aside(&path);
                    drained.lost.push((path, Exit::Failure, text));
                }
                Outcome::Later(exit, text) => {
                    drained.last = Some((exit, text));
                    break;
                }
                // It waits for one gateway, which the others need not.
                Outcome::Unanswered(_, text) if message.head.tried.is_some() => {
                    drained.last = Some((Exit::TryAgain, text));
                }
                Outcome::Unanswered(_, text) => {
                    drained.last = Some((Exit::TryAgain, text));
                    break;
                }
            }
        }
        drained.left = self.files()?.len();
        Ok(drained)
    }

    /// Beside the messages, under another name: who looks after the spool can see what it was.
    fn set_aside(&self, path: &Path) {
        let kept = path.with_extension("refused");
        // A spool that can't be written to any more is told at the next message.
        let _ = fs::rename(path, kept);
        self.forget_old();
    }

    /// Of what was refused as many are kept as there may be messages.
    fn forget_old(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut kept: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        kept.retain(|path| path.extension().is_some_and(|extension| extension == "refused"));
        kept.sort_unstable();
        let excess = kept.len().saturating_sub(MAX_MESSAGES);
        for path in &kept[..excess] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Where messages wait unless it is said: a directory of this user's.
pub(crate) fn default_directory(temporary: Option<String>) -> PathBuf {
    let temporary = temporary.filter(|it| !it.is_empty()).unwrap_or_else(|| "/tmp".to_owned());
    Path::new(&temporary).join(format!("frontier-send-{}", rustix::process::geteuid().as_raw()))
}

/// That of a message of now, for tests of others.
#[cfg(test)]
pub(crate) fn message(key: &str, data: &str) -> Message {
    let target = crate::message::Target::Kafka { topic: "t".into() };
    let head = Head { target, job: String::new(), key: key.into(), tried: None };
    Message { head, data: data.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::now_ms;
    use crate::message::Tried;
    use crate::post::Credentials;

    fn nowhere() -> Route {
        let deadline = Instant::now() + Duration::from_millis(200);
        let gateways = vec!["http://127.0.0.1:1".parse().unwrap()];
        Route { gateways, credentials: Credentials::default(), deadline, is_patient: false }
    }

    fn drain(spool: &Spool, route: &Route) -> Drained {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(spool.drain(route)).unwrap()
    }

    #[test]
    fn messages_are_kept_in_order_until_a_gateway_takes_them() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(&directory.path().join("spool")).unwrap();
        let one = spool.put(&message("1", "a\nb")).unwrap();
        let two = spool.put(&message("2", "")).unwrap();
        assert_eq!(spool.files().unwrap(), [one.clone(), two]);
        assert_eq!(Spool::read(&one).unwrap(), message("1", "a\nb"));
        let drained = drain(&spool, &nowhere());
        assert_eq!((drained.confirmed, drained.left, drained.lost.len()), (0, 2, 0));
        assert_eq!(drained.last.unwrap().0, Exit::Unreachable);
        assert_eq!(Spool::read(&one).unwrap().head.tried, None, "nobody has got it");
    }

    #[test]
    fn what_a_gateway_may_have_goes_to_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path()).unwrap();
        let mut tried = message("1", "x");
        tried.head.tried = Some(Tried { gateway: "http://127.0.0.1:2".into(), at_ms: now_ms() });
        let path = spool.put(&tried).unwrap();
        let drained = drain(&spool, &nowhere());
        assert_eq!(drained.left, 1);
        assert!(drained.last.unwrap().1.contains("127.0.0.1:2"));
        assert_eq!(Spool::read(&path).unwrap(), tried);
        // It holds up no other.
        spool.put(&message("2", "y")).unwrap();
        assert!(drain(&spool, &nowhere()).last.unwrap().1.contains("127.0.0.1:1"));
        tried.head.tried = Some(Tried { gateway: "http://127.0.0.1:2".into(), at_ms: 1 });
        spool.write(&path, &tried).unwrap();
        let drained = drain(&spool, &nowhere());
        assert_eq!((drained.left, drained.lost.len()), (1, 1), "nobody will say any more");
    }

    #[test]
    fn what_is_no_message_is_set_aside_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path()).unwrap();
        fs::write(directory.path().join("1.message"), "nonsense").unwrap();
        fs::write(directory.path().join("secret"), "{}\n").unwrap();
        std::os::unix::fs::symlink("secret", directory.path().join("2.message")).unwrap();
        let drained = drain(&spool, &nowhere());
        assert_eq!((drained.left, drained.lost.len()), (0, 2));
        assert!(directory.path().join("1.refused").exists());
        assert!(Spool::open(&directory.path().join("secret")).is_err(), "it is no directory");
    }

    #[test]
    fn there_are_so_many_messages_at_most() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path()).unwrap();
        for number in 0..MAX_MESSAGES {
            fs::write(directory.path().join(format!("{number}.message")), "x").unwrap();
        }
        assert!(spool.put(&message("1", "x")).unwrap_err().to_string().contains("1000 messages wait"));
    }
}
