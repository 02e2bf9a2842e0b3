//! What stands where in the file, and what each operation does to it.

use crate::room::ITEM;
use bytes::Bytes;
use frontier_sessions::{Commit, Position, Sequence, SessionId, StoreError};
use redb::{ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction};

/// Numbers of the whole file: `FORMAT`, `BOOT`, `TAKEN`, `NEXT`.
pub(crate) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Records, by the id of the session.
pub(crate) const SESSIONS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("sessions");
/// Clients, by the id of their session and a number of their own.
pub(crate) const CLIENTS: TableDefinition<'_, (u128, u64), ClientValue> = TableDefinition::new("clients");
/// Requests that are not answered, by the number of their client and their place.
pub(crate) const REQUESTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("requests");
/// Responses, by the number of their client and their place.
pub(crate) const RESPONSES: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("responses");
/// Clients that are gone, whose requests and responses are not all dropped yet.
pub(crate) const GONE: TableDefinition<'_, u64, ()> = TableDefinition::new("gone");

/// What the file looks like; another number is another look.
pub(crate) const FORMAT: (&str, u64) = ("format", 1);
/// How often it was opened.
pub(crate) const BOOT: &str = "boot";
/// How many bytes requests and responses take in it.
pub(crate) const TAKEN: &str = "taken";
/// The number of the next client.
pub(crate) const NEXT: &str = "next";

/// How many items of clients that are gone are dropped in one transaction.
const SWEEP: usize = 4096;

/// Name, batch, received, before, ended, next position, acknowledged, failed, stored.
type ClientValue = (&'static str, u64, u64, u64, bool, u64, u64, u64, u64);

/// What is kept of a client beside its requests and responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientRow {
    pub(crate) name: String,
    pub(crate) commit: Commit,
    pub(crate) next_position: Position,
    pub(crate) acknowledged: Position,
    pub(crate) failed: u64,
    /// The requests below it were written; which of them are not answered is in their table.
    pub(crate) stored: Sequence,
}

impl ClientRow {
    pub(crate) fn read(value: (&str, u64, u64, u64, bool, u64, u64, u64, u64)) -> Self {
        let (name, batch, received, before, ended, next_position, acknowledged, failed, stored) = value;
        let commit = Commit { batch, received, before, ended };
        Self { name: name.to_owned(), commit, next_position, acknowledged, failed, stored }
    }

    fn value(&self) -> (&str, u64, u64, u64, bool, u64, u64, u64, u64) {
        let Self { name, commit, next_position, acknowledged, failed, stored } = self;
        let Commit { batch, received, before, ended } = *commit;
        (name, batch, received, before, ended, *next_position, *acknowledged, *failed, *stored)
    }
}

/// Which client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) session: SessionId,
    /// Of its own: no other client ever has it.
    pub(crate) number: u64,
    pub(crate) name: String,
}

/// A response to be written.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) sequence: Sequence,
    pub(crate) position: Position,
    pub(crate) is_fault: bool,
    pub(crate) value: Bytes,
}

/// Something to be done to the file. Each may be done again.
#[derive(Debug)]
pub(crate) enum Operation {
    Create {
        session: SessionId,
        record: Vec<u8>,
    },
    Append {
        client: Client,
        requests: Vec<(Sequence, Bytes)>,
        commit: Option<Commit>,
    },
    Discard {
        client: Client,
        from: Sequence,
    },
    Complete {
        client: Client,
        completed: Vec<Completed>,
    },
    Acknowledge {
        client: Client,
        before: Position,
    },
    Forget {
        client: Client,
        before: Position,
    },
    Purge {
        client: Client,
    },
    Delete {
        session: SessionId,
    },
    /// Nothing, after all that came before.
    Barrier,
}

/// What operations have changed, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    /// What of the file was taken, and given back.
    pub(crate) written: u64,
    pub(crate) removed: u64,
    /// What of the room for all was taken, and given back. For requests it was taken before they were written.
    pub(crate) room_taken: u64,
    pub(crate) room_given: u64,
}

impl Change {
    fn remove(&mut self, bytes: u64) {
        self.removed += bytes;
        self.room_given += bytes;
    }
}

/// The tables, in one transaction.
pub(crate) struct Tables<'t> {
    pub(crate) meta: Table<'t, &'static str, u64>,
    sessions: Table<'t, u128, &'static [u8]>,
    clients: Table<'t, (u128, u64), ClientValue>,
    requests: Table<'t, (u64, u64), &'static [u8]>,
    responses: Table<'t, (u64, u64), &'static [u8]>,
    gone: Table<'t, u64, ()>,
}

pub(crate) fn cost(bytes: &[u8]) -> u64 {
    bytes.len() as u64 + ITEM
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            sessions: transaction.open_table(SESSIONS)?,
            clients: transaction.open_table(CLIENTS)?,
            requests: transaction.open_table(REQUESTS)?,
            responses: transaction.open_table(RESPONSES)?,
            gone: transaction.open_table(GONE)?,
        })
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, StorageError> {
        Ok(self.meta.get(name)?.map_or(0, |number| number.value()))
    }

    /// Does it. The inner error is the answer to who asked, and nothing of it is done.
    pub(crate) fn apply(
        &mut self,
        operation: Operation,
        change: &mut Change,
    ) -> Result<Result<(), StoreError>, StorageError> {
        match operation {
            Operation::Create { session, record } => {
                if self.sessions.get(session.0)?.is_some() {
                    return Ok(Err(StoreError::Exists));
                }
                change.written += cost(&record);
                change.room_taken += cost(&record);
                self.sessions.insert(session.0, &record[..])?;
            }
            Operation::Append { client, requests, commit } => {
                self.append(&client, requests, commit, change)?;
            }
            Operation::Discard { client, from } => return self.discard(&client, from, change),
            Operation::Complete { client, completed } => self.complete(&client, completed, change)?,
            Operation::Acknowledge { client, before } => {
                let mut row = self.client(&client)?;
                row.acknowledged = row.acknowledged.max(before);
                self.keep(&client, &row)?;
            }
            Operation::Forget { client, before } => {
                let range = (client.number, 0)..(client.number, before);
                remove(&mut self.responses, range, usize::MAX, change)?;
            }
            Operation::Purge { client } => {
                if self.clients.remove((client.session.0, client.number))?.is_some() {
                    self.gone.insert(client.number, ())?;
                }
            }
            Operation::Delete { session } => self.delete(session, change)?,
            Operation::Barrier => {}
        }
        Ok(Ok(()))
    }

    fn client(&self, client: &Client) -> Result<ClientRow, StorageError> {
        let row = self.clients.get((client.session.0, client.number))?;
        let new = || ClientRow { name: client.name.clone(), ..ClientRow::default() };
        Ok(row.map_or_else(new, |row| ClientRow::read(row.value())))
    }

    fn keep(&mut self, client: &Client, row: &ClientRow) -> Result<(), StorageError> {
        let is_new = self.clients.insert((client.session.0, client.number), row.value())?.is_none();
        if is_new && self.number(NEXT)? <= client.number {
            self.meta.insert(NEXT, client.number + 1)?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        client: &Client,
        requests: Vec<(Sequence, Bytes)>,
        commit: Option<Commit>,
        change: &mut Change,
    ) -> Result<(), StorageError> {
        let mut row = self.client(client)?;
        for (sequence, value) in requests {
            // It was written before, and may be answered since.
            if sequence < row.stored {
                change.room_given += cost(&value);
                continue;
            }
            self.requests.insert((client.number, sequence), &value[..])?;
            change.written += cost(&value);
            row.stored = sequence + 1;
        }
        row.commit = commit.unwrap_or(row.commit);
        self.keep(client, &row)
    }

    fn discard(
        &mut self,
        client: &Client,
        from: Sequence,
        change: &mut Change,
    ) -> Result<Result<(), StoreError>, StorageError> {
        let mut row = self.client(client)?;
        if from < row.commit.before {
            let text = "requests are committed of which the disk has said that it could not write that";
            return Ok(Err(StoreError::Damaged(text.to_owned())));
        }
        let range = (client.number, from)..(client.number, u64::MAX);
        remove(&mut self.requests, range, usize::MAX, change)?;
        row.stored = row.stored.min(from);
        self.keep(client, &row)?;
        Ok(Ok(()))
    }

    fn complete(
        &mut self,
        client: &Client,
        completed: Vec<Completed>,
        change: &mut Change,
    ) -> Result<(), StorageError> {
        let mut row = self.client(client)?;
        for Completed { sequence, position, is_fault, value } in completed {
            // It was completed before, or its client was purged.
            let Some(request) = self.requests.remove((client.number, sequence))? else { continue };
            change.remove(cost(request.value()));
            drop(request);
            self.responses.insert((client.number, position), &value[..])?;
            change.written += cost(&value);
            change.room_taken += cost(&value);
            row.failed += u64::from(is_fault);
            row.next_position = row.next_position.max(position + 1);
        }
        self.keep(client, &row)
    }

    fn delete(&mut self, session: SessionId, change: &mut Change) -> Result<(), StorageError> {
        if let Some(record) = self.sessions.remove(session.0)? {
            change.remove(cost(record.value()));
        }
        let all = (session.0, 0)..=(session.0, u64::MAX);
        let numbers: Vec<_> = self
            .clients
            .range(all)?
            .map(|row| row.map(|(key, _)| key.value().1))
            .collect::<Result<_, _>>()?;
        for number in numbers {
            self.clients.remove((session.0, number))?;
            self.gone.insert(number, ())?;
        }
        Ok(())
    }

    /// Drops some of what clients have left that are gone. Whether there is more.
    pub(crate) fn sweep(&mut self, change: &mut Change) -> Result<bool, StorageError> {
        let Some(number) = self.gone.first()?.map(|(number, _)| number.value()) else { return Ok(false) };
        let all = || (number, 0)..(number, u64::MAX);
        let requests = remove(&mut self.requests, all(), SWEEP, change)?;
        let responses = remove(&mut self.responses, all(), SWEEP, change)?;
        if requests < SWEEP && responses < SWEEP {
            self.gone.remove(number)?;
        }
        Ok(self.gone.first()?.is_some())
    }
}

type Items<'t> = Table<'t, (u64, u64), &'static [u8]>;

/// Removes at most so many: how many there were.
fn remove(
    table: &mut Items<'_>,
    range: std::ops::Range<(u64, u64)>,
    most: usize,
    change: &mut Change,
) -> Result<usize, StorageError> {
    let keys = table.range(range)?.take(most).map(|item| item.map(|(key, _)| key.value()));
    let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
    for key in &keys {
        if let Some(value) = table.remove(*key)? {
            change.remove(cost(value.value()));
        }
    }
    Ok(keys.len())
}
