//! The connections of a consumer, from the first read to their end.

use super::commands::{BLOCK, Commands};
use super::entries::{self, EntryId};
use super::held::Held;
use super::{Connections, NAME};
use crate::redis::reply::describe;
use crate::source::Intake;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often it is asked how much there is to read.
const BACKLOG_INTERVAL: Duration = Duration::from_secs(5);

/// How often it is looked for what others hold no longer, or have let go, at least.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// After so many times `claim_after` without a sign of life a consumer of ours that has nothing is deleted.
const FORGET_AFTER: u64 = 10;

/// Entries that are let go at the end, of each stream.
const LET_GO: usize = 10_000;

/// Where `XAUTOCLAIM` begins, and where it has seen everything.
const START: &str = "0-0";

/// Why a session has ended.
pub(super) enum Ended {
    /// In one line.
    Lost(String),
    /// What the server said.
    Refused(RedisError),
}

impl From<RedisError> for Ended {
    fn from(error: RedisError) -> Self {
        Self::Refused(error)
    }
}

type Reading = Pin<Box<dyn Future<Output = Result<Value, Ended>> + Send>>;

/// The connections of a consumer.
pub(crate) struct Session {
    connections: Connections,
    /// Streams whose own pending entries are still to be looked at, and behind which one to go on.
    own: VecDeque<(usize, Box<str>)>,
    /// Where to go on taking over, by stream.
    cursors: BTreeMap<usize, Box<str>>,
}

/// Makes the groups that are not there.
pub(super) async fn make_groups(
    commands: &Commands,
    held: &Held,
    writer: &mut MultiplexedConnection,
) -> Result<(), RedisError> {
    for stream in 0..commands.config.streams.len() {
        let start = match held.last_read.get(&stream) {
            None if commands.config.from_beginning => "0".to_owned(),
            None => "$".to_owned(),
            // The group has vanished if it is not there. Where the stream has begun anew, so does it.
            Some(read) => {
                let info = writer.req_packed_command(&commands.info("STREAM", stream)).await;
                let last = info.ok().and_then(|info| entries::field(&info, "last-generated-id"));
                match last.and_then(entries::text) {
                    Some(last) if parsed(&last) >= parsed(read) => read.to_string(),
                    _ => "0".to_owned(),
                }
            }
        };
        match writer.req_packed_command(&commands.create_group(stream, &start)).await {
            Ok(_) => {}
            Err(error) if error.code() == Some("BUSYGROUP") => {}
            // Who may not make groups may read by them all the same.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An id of an entry, to be compared.
fn parsed(id: &str) -> (u64, u64) {
    let (time, number) = id.split_once('-').unwrap_or((id, "0"));
    (time.parse().unwrap_or(0), number.parse().unwrap_or(0))
}

impl Session {
    pub(super) fn new(connections: Connections, streams: usize) -> Self {
        let own = (0..streams).map(|stream| (stream, START.into())).collect();
        Self { connections, own, cursors: BTreeMap::new() }
    }

    pub(super) async fn run(
        &mut self,
        commands: &Commands,
        held: &mut Held,
        intake: &Intake,
    ) -> Result<Infallible, Ended> {
        // Before own entries are read: what was acked is none of them any more.
        self.ack(commands, held, intake).await?;
        let [reader_lost, writer_lost] = self.connections.lost.clone();
        let claim_after = commands.config.claim_after;
        let mut keeping = interval(claim_after / 3);
        let mut taking_over = interval(LOOK_INTERVAL.min(claim_after / 2));
        let mut asking = interval(BACKLOG_INTERVAL);
        for interval in [&mut keeping, &mut taking_over, &mut asking] {
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let origins: Vec<Arc<str>> = commands.config.streams.iter().map(|key| key.as_str().into()).collect();
        // Never dropped half way: what was read then would be seen by nobody.
        let mut reading: Option<Reading> = None;
        loop {
            let is_reading = reading.is_some();
            let read = async {
                match &mut reading {
                    Some(reading) => reading.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = reader_lost.cancelled() => return Err(closed()),
                () = writer_lost.cancelled() => return Err(closed()),
                ended = intake.ended() => {
                    let count = ended.len();
                    held.end(ended.into_iter().map(|(number, _)| number));
                    self.ack(commands, held, intake).await?;
                    intake.told(count);
                }
                read = read => {
                    reading = None;
                    self.take(commands, held, intake, &origins, read?).await?;
                }
                room = intake.room(), if !is_reading => {
                    reading = Some(self.read(commands, room, intake.bounds().silence));
                }
                _ = keeping.tick() => {
                    let kept = commands.keep(held.by_number.values());
                    self.ask(intake, kept).await?;
                }
                _ = taking_over.tick() => self.take_over(commands, held, intake, &origins).await?,
                _ = asking.tick() => self.measure(commands, intake).await?,
            }
        }
    }

    fn read(&self, commands: &Commands, room: usize, silence: Duration) -> Reading {
        let command = match self.own.front() {
            Some((stream, behind)) => commands.read_own(*stream, behind, room),
            None => commands.read_new(room),
        };
        let mut reader = self.connections.reader.clone();
        Box::pin(async move {
            match timeout(BLOCK + silence, reader.req_packed_command(&command)).await {
                Ok(read) => Ok(read?),
                Err(_) => Err(silent(silence)),
            }
        })
    }

    /// Takes what was read.
    async fn take(
        &mut self,
        commands: &Commands,
        held: &mut Held,
        intake: &Intake,
        origins: &[Arc<str>],
        read: Value,
    ) -> Result<(), Ended> {
        if let Value::ServerError(error) = read {
            return Err(RedisError::from(error).into());
        }
        let own = self.own.front().map(|(stream, _)| *stream);
        let mut last = None;
        for (key, read) in entries::by_stream(read) {
            let Some(stream) = commands.stream(&key) else { continue };
            last = read.last().map(|(id, _)| id.clone());
            if own.is_none()
                && let Some(last) = &last
            {
                held.last_read.insert(stream, last.clone());
            }
            held.take(commands, intake, origins, stream, read, own.is_some());
        }
        if own.is_some() {
            match (last, self.own.front_mut()) {
                (Some(last), Some((_, behind))) => *behind = last,
                _ => {
                    self.own.pop_front();
                }
            }
        }
        self.ack(commands, held, intake).await
    }

    /// Takes over what others have held for too long.
    async fn take_over(
        &mut self,
        commands: &Commands,
        held: &mut Held,
        intake: &Intake,
        origins: &[Arc<str>],
    ) -> Result<(), Ended> {
        for stream in 0..commands.config.streams.len() {
            let room = intake.room_now();
            if room == 0 {
                return Ok(());
            }
            let from = self.cursors.get(&stream).map_or(START, |cursor| cursor);
            let reply = self.ask(intake, vec![commands.take_over(stream, from, room)]).await?.pop();
            let Some((next, entries, gone)) = reply.and_then(entries::taken_over) else { continue };
            intake.gone(gone, "entries that were not acked are not in the stream any more");
            self.cursors.insert(stream, next);
            held.take(commands, intake, origins, stream, entries, true);
            self.ack(commands, held, intake).await?;
            if commands.config.consumer.is_none() {
                self.forget_dead(commands, intake, stream).await?;
            }
        }
        Ok(())
    }

    /// Deletes consumers of ours that are long dead and have nothing: each start has another name.
    async fn forget_dead(
        &mut self,
        commands: &Commands,
        intake: &Intake,
        stream: usize,
    ) -> Result<(), Ended> {
        let reply = self.ask(intake, vec![commands.info("CONSUMERS", stream)]).await?.pop();
        let dead = entries::list(reply.unwrap_or(Value::Nil)).into_iter().filter_map(|consumer| {
            let name = entries::text(entries::field(&consumer, "name")?)?;
            let of = |field| entries::number(&entries::field(&consumer, field)?);
            let is_dead = of("pending")? == 0
                && of("idle")? > commands.claim_after_ms().saturating_mul(FORGET_AFTER)
                && name.starts_with(NAME)
                && *name != *commands.consumer;
            is_dead.then(|| commands.delete_consumer(stream, &name))
        });
        self.ask(intake, dead.collect()).await.map(drop)
    }

    /// Notes how much there is to be read: of what a server does not know it is taken to be all of the stream.
    async fn measure(&mut self, commands: &Commands, intake: &Intake) -> Result<(), Ended> {
        let mut backlog = Some(0);
        for stream in 0..commands.config.streams.len() {
            let asked = vec![commands.info("STREAM", stream), commands.info("GROUPS", stream)];
            let replies = self.ask(intake, asked).await?;
            let of_stream = replies.first().zip(replies.get(1));
            let measured =
                of_stream.and_then(|(info, groups)| backlog_of(info, groups, &commands.config.group));
            backlog = backlog.zip(measured).map(|(sum, more)| sum + more);
        }
        intake.set_backlog(backlog);
        Ok(())
    }

    /// Tells the server what has ended.
    async fn ack(&mut self, commands: &Commands, held: &mut Held, intake: &Intake) -> Result<(), Ended> {
        if held.to_ack.is_empty() {
            return Ok(());
        }
        let acks = commands.ack(&held.to_ack);
        let replies = self.ask(intake, acks).await?;
        let refused = replies.into_iter().find_map(|reply| match reply {
            // Without the group there is nothing pending.
            Value::ServerError(error) if error.code() != "NOGROUP" => Some(RedisError::from(error)),
            _ => None,
        });
        if let Some(error) = refused {
            return Err(error.into());
        }
        held.to_ack.clear();
        Ok(())
    }

    /// Sends commands, and gives what the server says of each, errors included.
    async fn ask(&mut self, intake: &Intake, commands: Vec<Cmd>) -> Result<Vec<Value>, Ended> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let count = commands.len();
        let mut pipeline = Pipeline::with_capacity(count);
        for command in commands {
            pipeline.add_command(command);
        }
        let silence = intake.bounds().silence;
        let asked = self.connections.writer.req_packed_commands(&pipeline, 0, count);
        match timeout(silence, asked).await {
            Ok(replies) => Ok(replies?),
            Err(_) => Err(silent(silence)),
        }
    }

    /// Acks what has ended, and lets others have what is held still.
    pub(super) async fn leave(self, commands: &Commands, held: &mut Held) {
        let Connections { reader, mut writer, .. } = self.connections;
        drop(reader);
        let mut pipeline = Pipeline::new();
        for command in commands.ack(&held.to_ack) {
            pipeline.add_command(command);
        }
        let streams = 0..commands.config.streams.len();
        for stream in streams.clone() {
            pipeline.add_command(commands.pending(stream, LET_GO));
        }
        let acks = pipeline.len() - streams.len();
        // What fails here another consumer takes later.
        let Ok(replies) = writer.req_packed_commands(&pipeline, 0, pipeline.len()).await else { return };
        let mut still = Vec::new();
        for (stream, pending) in streams.zip(replies.into_iter().skip(acks)) {
            let ids = entries::list(pending)
                .into_iter()
                .filter_map(|entry| entries::list(entry).into_iter().next().and_then(entries::text));
            still.extend(ids.map(|id| EntryId { stream, id }));
        }
        let mut pipeline = Pipeline::new();
        for command in commands.let_go(&still) {
            pipeline.add_command(command);
        }
        if !pipeline.is_empty() {
            let _ = writer.req_packed_commands(&pipeline, 0, pipeline.len()).await;
        }
    }
}

/// What a group has to read yet, and what is pending. A lag that the server does not know, or that counts what was trimmed,
/// is bounded by the length of the stream.
fn backlog_of(info: &Value, groups: &Value, group: &str) -> Option<u64> {
    let len = entries::number(&entries::field(info, "length")?)?;
    let last = entries::text(entries::field(info, "last-generated-id")?)?;
    let group = entries::list(groups.clone())
        .into_iter()
        .find(|it| entries::field(it, "name").and_then(entries::text).as_deref() == Some(group))?;
    let pending = entries::number(&entries::field(&group, "pending")?)?;
    let delivered = entries::field(&group, "last-delivered-id").and_then(entries::text)?;
    let lag = entries::field(&group, "lag").as_ref().and_then(entries::number);
    let unread = match lag {
        _ if parsed(&delivered) >= parsed(&last) => 0,
        Some(lag) => lag.min(len),
        None => len,
    };
    Some(unread + pending)
}

fn closed() -> Ended {
    Ended::Lost("the connection was closed".to_owned())
}

fn silent(silence: Duration) -> Ended {
    Ended::Lost(format!("the broker has not answered for {silence:?}"))
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(cause) => f.write_str(cause),
            Self::Refused(error) => f.write_str(&describe(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn measured(len: i64, last: &str, delivered: &str, lag: Value, pending: i64) -> Option<u64> {
        let info =
            Value::Map(vec![(bulk("length"), Value::Int(len)), (bulk("last-generated-id"), bulk(last))]);
        let group = Value::Map(vec![
            (bulk("name"), bulk("g")),
            (bulk("pending"), Value::Int(pending)),
            (bulk("last-delivered-id"), bulk(delivered)),
            (bulk("lag"), lag),
        ]);
        backlog_of(&info, &Value::Array(vec![group]), "g")
    }

    #[test]
    fn a_backlog_is_known_where_the_lag_is_nil_or_counts_what_was_trimmed() {
        assert_eq!(measured(10, "9-0", "4-0", Value::Int(5), 2), Some(7));
        assert_eq!(measured(10, "99-0", "1-0", Value::Int(98), 0), Some(10));
        assert_eq!(measured(10, "9-0", "4-0", Value::Nil, 1), Some(11));
        assert_eq!(measured(10, "9-0", "9-0", Value::Nil, 0), Some(0));
        assert_eq!(backlog_of(&Value::Nil, &Value::Nil, "g"), None);
    }

    #[test]
    fn ids_are_compared_as_numbers() {
        assert!(parsed("10-0") > parsed("9-5") && parsed("9-10") > parsed("9-9"));
        assert_eq!(parsed("7"), (7, 0));
    }
}
