//! The thread that writes: all that waits in one transaction, synced once.

use crate::engine::{Engine, failed, not_committed};
use crate::room::Room;
use crate::tables::{Change, Operation, TAKEN, Tables};
use frontier_sessions::{Fence, StoreError};
use redb::{Durability, TableError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many jobs may wait. Whoever brings one waits when there are as many.
pub(crate) const WAITING: usize = 1024;

/// The most jobs of one transaction, and how many bytes of requests and responses it has before it takes no more.
const MOST_JOBS: usize = 4096;
const MOST_BYTES: u64 = 16 << 20;

/// The pause after the disk has failed.
const PAUSE: Duration = Duration::from_millis(50);

/// Who is the owner of a session. 0 once it is deleted.
#[derive(Debug, Default)]
pub(crate) struct Ownership(AtomicU64);

impl Ownership {
    pub(crate) fn set(&self, fence: Fence) {
        self.0.store(fence.0, Ordering::SeqCst);
    }

    pub(crate) fn end(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    /// # Errors
    /// [`StoreError::Fenced`] if it is somebody else.
    pub(crate) fn check(&self, fence: Fence) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) == fence.0 { Ok(()) } else { Err(StoreError::Fenced) }
    }
}

/// Something to be written.
pub(crate) struct Job {
    pub(crate) operation: Operation,
    /// By whom, if it takes an owner.
    pub(crate) by: Option<(Arc<Ownership>, Fence)>,
    pub(crate) answer: Answer,
}

/// Who waits for it.
pub(crate) enum Answer {
    /// Somebody, until it is on disk.
    Synced(oneshot::Sender<Result<(), StoreError>>),
    /// Nobody: it is synced with what comes next.
    Lazy,
}

pub(crate) enum Message {
    Job(Job),
    /// Write what came before, close the file, and take nothing more.
    Close(oneshot::Sender<()>),
}

pub(crate) struct Writer {
    pub(crate) engine: Arc<Engine>,
    pub(crate) room: Arc<Room>,
    /// What requests and responses take in the file.
    pub(crate) taken: u64,
    /// Whether clients that are gone have left something.
    pub(crate) has_garbage: bool,
}

/// What was done, and will be told.
type Told = Vec<(oneshot::Sender<Result<(), StoreError>>, Result<(), StoreError>)>;

impl Writer {
    /// Runs until all senders are gone, or it is closed. Blocks.
    pub(crate) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut waiting = Vec::new();
        loop {
            let first = if self.has_garbage { messages.try_recv().ok() } else { messages.blocking_recv() };
            match first {
                Some(Message::Job(job)) => waiting.push(job),
                Some(Message::Close(done)) => return self.close(messages, done),
                // Nothing waits, but there is garbage; or nobody is left.
                None if self.has_garbage && !messages.is_closed() => {}
                None => return self.engine.close(),
            }
            let mut bytes = waiting.iter().map(Job::bytes).sum::<u64>();
            let mut closing = None;
            while waiting.len() < MOST_JOBS && bytes < MOST_BYTES {
                match messages.try_recv() {
                    Ok(Message::Job(job)) => {
                        bytes += job.bytes();
                        waiting.push(job);
                    }
                    Ok(Message::Close(done)) => {
                        closing = Some(done);
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.write(std::mem::take(&mut waiting));
            if let Some(done) = closing {
                return self.close(messages, done);
            }
        }
    }

    fn close(self, messages: mpsc::Receiver<Message>, done: oneshot::Sender<()>) {
        // Whoever comes later finds nobody.
        drop(messages);
        self.engine.close();
        // Whoever does not wait any more does not care.
        let _ = done.send(());
    }

    /// Writes all of these, or none.
    fn write(&mut self, jobs: Vec<Job>) {
        let mut told = Told::new();
        match self.transact(jobs, &mut told) {
            Ok(()) => {
                for (answer, result) in told {
                    let _ = answer.send(result);
                }
            }
            Err(error) => {
                tracing::error!(%error, jobs = told.len(), "sessions are not written");
                // The engine takes nothing more after an error of the disk.
                if let Err(error) = self.engine.reopen() {
                    tracing::error!(%error, "the file of sessions can't be opened anew");
                }
                for (answer, _) in told {
                    let _ = answer.send(Err(error.clone()));
                }
                thread::sleep(PAUSE);
            }
        }
    }

    /// Those who wait are in `told`, whatever becomes of it.
    fn transact(&mut self, jobs: Vec<Job>, told: &mut Told) -> Result<(), StoreError> {
        let mut operations = Vec::with_capacity(jobs.len());
        for Job { operation, by, answer } in jobs {
            let place = match answer {
                Answer::Synced(answer) => {
                    told.push((answer, Ok(())));
                    Some(told.len() - 1)
                }
                Answer::Lazy => None,
            };
            operations.push((operation, by, place));
        }
        let writes = |(operation, ..): &(Operation, _, _)| !matches!(operation, Operation::Barrier);
        if !self.has_garbage && !operations.iter().any(writes) {
            return Ok(());
        }
        let database = self.engine.database().or_else(|_| {
            self.engine.reopen()?;
            self.engine.database()
        })?;
        let mut transaction =
            database.begin_write().map_err(|error| crate::engine::unavailable(redb::Error::from(error)))?;
        if told.is_empty() && !self.has_garbage {
            // It always may: there are no savepoints.
            let _ = transaction.set_durability(Durability::None);
        }
        let mut change = Change::default();
        let mut tables = Tables::open(&transaction).map_err(of_table)?;
        for (operation, by, place) in operations {
            let owned = by.map_or(Ok(()), |(ownership, fence)| ownership.check(fence));
            let result = match owned {
                Ok(()) => {
                    self.has_garbage |=
                        matches!(operation, Operation::Purge { .. } | Operation::Delete { .. });
                    tables.apply(operation, &mut change).map_err(failed)?
                }
                Err(error) => Err(error),
            };
            if let Some((_, told)) = place.and_then(|place| told.get_mut(place)) {
                *told = result;
            }
        }
        let has_garbage = self.has_garbage && tables.sweep(&mut change).map_err(failed)?;
        let taken = (self.taken + change.written).saturating_sub(change.removed);
        if taken != self.taken {
            tables.meta.insert(TAKEN, taken).map_err(failed)?;
        }
        drop(tables);
        transaction.commit().map_err(not_committed)?;
        (self.taken, self.has_garbage) = (taken, has_garbage);
        self.room.change(change.room_taken, change.room_given);
        Ok(())
    }
}

impl Job {
    /// What it brings, in bytes.
    fn bytes(&self) -> u64 {
        match &self.operation {
            Operation::Append { requests, .. } => requests.iter().map(|(_, value)| value.len() as u64).sum(),
            Operation::Complete { completed, .. } => completed.iter().map(|it| it.value.len() as u64).sum(),
            _ => 0,
        }
    }
}

fn of_table(error: TableError) -> StoreError {
    match error {
        TableError::Storage(error) => failed(error),
        error => crate::engine::unavailable(redb::Error::from(error)),
    }
}
