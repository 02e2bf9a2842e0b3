//! The open file, and opening it anew after an error.

use crate::tables::{BOOT, CLIENTS, FORMAT, GONE, META, NEXT, REQUESTS, RESPONSES, SESSIONS, TAKEN};
use frontier_sessions::StoreError;
use parking_lot::RwLock;
use redb::{CommitError, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageError};
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use thiserror::Error;

/// How long it takes at most until readers are done with a file that is to be opened anew, looked at so often.
const LOOK: Duration = Duration::from_millis(1);

/// Why the file can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("another process has it open")]
    InUse,
    /// It is no such file, or one of another version.
    #[error("it has the format {0}, and this version reads {expected}", expected = FORMAT.1)]
    Format(u64),
    /// What else the engine says.
    #[error("{0}")]
    Engine(String),
}

/// How the file is opened.
pub(crate) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The open file. All who read and the one who writes have it.
pub(crate) struct Engine {
    opener: Opener,
    /// `None` while it is opened anew, and once it is closed.
    current: RwLock<Option<Arc<Database>>>,
}

/// The numbers with which it begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Begun {
    pub(crate) boot: u64,
    pub(crate) taken: u64,
    pub(crate) next: u64,
}

impl Engine {
    /// Opens it, and notes that it was. Blocks; after a crash for as long as it takes to read the whole file.
    pub(crate) fn open(opener: Opener) -> Result<(Self, Begun), OpenError> {
        let database = opener().map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse,
            error => OpenError::Engine(error.to_string()),
        })?;
        let begun = begin(&database)?;
        Ok((Self { opener, current: RwLock::new(Some(Arc::new(database))) }, begun))
    }

    /// The open file.
    pub(crate) fn database(&self) -> Result<Arc<Database>, StoreError> {
        let away = || StoreError::Unavailable("the file of sessions is not open".to_owned());
        self.current.read().clone().ok_or_else(away)
    }

    /// What was written last.
    pub(crate) fn read(&self) -> Result<ReadTransaction, StoreError> {
        self.database()?.begin_read().map_err(unavailable)
    }

    /// Closes it, when all who read are done. Blocks.
    pub(crate) fn close(&self) {
        let Some(mut database) = self.current.write().take() else { return };
        loop {
            match Arc::try_unwrap(database) {
                Ok(database) => {
                    if let Err(error) = database.close() {
                        tracing::warn!(%error, "the file of sessions was not closed as it should be");
                    }
                    return;
                }
                Err(shared) => {
                    database = shared;
                    thread::sleep(LOOK);
                }
            }
        }
    }

    /// Opens it anew, at the last transaction that was synced. Blocks.
    pub(crate) fn reopen(&self) -> Result<(), StoreError> {
        self.close();
        let database = (self.opener)().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        *self.current.write() = Some(Arc::new(database));
        Ok(())
    }
}

fn begin(database: &Database) -> Result<Begun, OpenError> {
    let failed = |error: redb::Error| OpenError::Engine(error.to_string());
    let begun = || -> Result<Result<Begun, u64>, redb::Error> {
        let transaction = database.begin_write()?;
        let begun = {
            let mut meta = transaction.open_table(META)?;
            // So that readers find all of them.
            transaction.open_table(SESSIONS)?;
            transaction.open_table(CLIENTS)?;
            transaction.open_table(REQUESTS)?;
            transaction.open_table(RESPONSES)?;
            transaction.open_table(GONE)?;
            let number = |name: &str| -> Result<Option<u64>, redb::Error> {
                Ok(redb::ReadableTable::get(&meta, name)?.map(|it| it.value()))
            };
            let format = number(FORMAT.0)?.unwrap_or(FORMAT.1);
            if format != FORMAT.1 {
                return Ok(Err(format));
            }
            let begun = Begun {
                boot: number(BOOT)?.unwrap_or(0) + 1,
                taken: number(TAKEN)?.unwrap_or(0),
                next: number(NEXT)?.unwrap_or(0),
            };
            meta.insert(FORMAT.0, FORMAT.1)?;
            meta.insert(BOOT, begun.boot)?;
            begun
        };
        transaction.commit()?;
        Ok(Ok(begun))
    };
    begun().map_err(failed)?.map_err(OpenError::Format)
}

/// An error of reading.
pub(crate) fn unavailable(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(text) => StoreError::Damaged(text),
        error => StoreError::Unavailable(error.to_string()),
    }
}

/// An error of writing, before the commit: nothing was done.
pub(crate) fn failed(error: StorageError) -> StoreError {
    match error {
        StorageError::Io(error) if is_full(&error) => StoreError::Full,
        error => unavailable(error),
    }
}

/// An error of a commit: whether it was done is not known, unless there was no room for it.
pub(crate) fn not_committed(error: CommitError) -> StoreError {
    match error {
        CommitError::Storage(error) => failed(error),
        error => unavailable(error),
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
