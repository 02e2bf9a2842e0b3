//! The callers of a load.

use super::rig::Rig;
use super::tally::Tally;
use super::{Options, Work};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use frontier_sdk::{Bytes, Edge, Stream};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, interval_at};

/// After a failure, so that a gateway that refuses is not asked all the time.
const PAUSE: Duration = Duration::from_millis(10);

/// Has all callers work, and adds up what ended in the time that counts.
pub(super) async fn run(rig: &Rig, work: Work, options: &Options) -> Outcome<Tally> {
    let begin = Instant::now() + options.warmup;
    let end = begin + options.duration;
    let payload = Bytes::from(vec![b'x'; options.size as usize]);
    let mut callers = JoinSet::new();
    let all = u32::from(options.callers);
    let pace = options.rate.map(|rate| (Duration::from_secs(1) * all / rate).max(Duration::from_nanos(1)));
    let start = Instant::now();
    for (edge, number) in rig.edges.iter().cycle().zip(0..options.callers) {
        // Not all at the same time.
        let turns = pace.map(|pace| interval_at(start + pace * u32::from(number) / all, pace));
        let (edge, to, payload) = (edge.clone(), rig.to.clone(), payload.clone());
        let caller = Caller { edge, to, payload, begin, end, turns };
        callers.spawn(async move {
            match work {
                Work::Stream => caller.write().await,
                _ => caller.ask(work).await,
            }
        });
    }
    let mut all = Tally::default();
    while let Some(tally) = callers.join_next().await {
        all.add(tally.map_err(|error| Failure::new(Exit::Failure, format!("a caller: {error}")))?);
    }
    if all.done() == 0
        && let Some(error) = all.failed.keys().next()
    {
        return Err(Failure::new(Exit::Failure, format!("everything failed: {error}")));
    }
    Ok(all)
}

struct Caller {
    edge: Edge,
    to: String,
    payload: Bytes,
    begin: Instant,
    end: Instant,
    /// When it may go on, where a rate is set. One that is late catches up.
    turns: Option<Interval>,
}

impl Caller {
    async fn turn(&mut self) {
        if let Some(turns) = &mut self.turns {
            turns.tick().await;
        }
    }

    /// Calls or messages, one after the other.
    async fn ask(mut self, work: Work) -> Tally {
        let mut tally = Tally::default();
        loop {
            self.turn().await;
            let start = Instant::now();
            if start >= self.end {
                return tally;
            }
            let done = match work {
                Work::Calls => self.edge.call(&self.to, self.payload.clone()).await.map(drop),
                _ => self.edge.publish(&self.to, self.payload.clone()).await,
            };
            let now = Instant::now();
            let counts = (self.begin..self.end).contains(&now);
            match done {
                Ok(()) if counts => tally.note(now - start),
                Ok(()) => {}
                Err(error) => {
                    if counts {
                        tally.note_failure(error.to_string());
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Writes on a stream, which the other end reads.
    async fn write(mut self) -> Tally {
        let mut tally = Tally::default();
        let mut stream: Stream = match self.edge.open_stream(&self.to).await {
            Ok(stream) => stream,
            Err(error) => {
                tally.note_failure(error.to_string());
                return tally;
            }
        };
        loop {
            self.turn().await;
            let start = Instant::now();
            if start >= self.end {
                // What is still on its way is of no interest.
                stream.reset();
                return tally;
            }
            if let Err(error) = stream.write_all(&self.payload).await {
                tally.note_failure(error.to_string());
                return tally;
            }
            let now = Instant::now();
            if (self.begin..self.end).contains(&now) {
                tally.note(now - start);
            }
        }
    }
}
