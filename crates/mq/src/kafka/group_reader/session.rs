//! A member from the join to the end: polls, commits, and looks whether brokers and topics are still there.

use super::membership::Membership;
use super::starts::{self, Gone};
use super::topics::Topics;
use super::{LEAVE_TIMEOUT, METADATA_AGE, POLL, incoming, is_passing};
use crate::KafkaGroup;
use crate::kafka::connect::describe;
use crate::kafka::progress::{Partition, Seen};
use crate::source::Intake;
use krafka::consumer::{Consumer, ConsumerRecord};
use krafka::{CloseOptions, KrafkaError};
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

/// How often what has ended is committed, and without room the membership kept.
const TICK: Duration = Duration::from_millis(200);

/// The pause behind a poll that has failed.
const PAUSE: Duration = Duration::from_millis(200);

/// A consumer, and whatever connections it has.
pub(crate) struct GroupSession {
    consumer: Arc<Consumer>,
    membership: Arc<Membership>,
    topics: Topics,
    /// Those that the topics are now, where they have changed.
    changed: Option<Topics>,
    group: KafkaGroup,
    /// What came, and there is no room for yet.
    unread: VecDeque<ConsumerRecord>,
    paused: BTreeSet<Partition>,
    /// Ends that are not told yet, since they are not committed.
    untold: usize,
    is_away: bool,
}

/// Records, and how many were deleted before they were read.
type Polled = Result<(Vec<ConsumerRecord>, Gone), KrafkaError>;

/// Work that goes on beside the rest.
type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl GroupSession {
    pub(super) fn new(
        consumer: Consumer,
        membership: Arc<Membership>,
        topics: Topics,
        group: &KafkaGroup,
    ) -> Self {
        let consumer = Arc::new(consumer);
        membership.set_consumer(&consumer);
        Self {
            consumer,
            membership,
            topics,
            changed: None,
            group: group.clone(),
            unread: VecDeque::new(),
            paused: BTreeSet::new(),
            untold: 0,
            is_away: false,
        }
    }

    /// Reads until the consumer is of no use any more: why.
    pub(super) async fn run(&mut self, intake: &Intake) -> String {
        let (mut ticking, mut looking) = (interval(TICK), interval(METADATA_AGE));
        for interval in [&mut ticking, &mut looking] {
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        // Not dropped half way: a rebalance may be in the middle of it.
        let mut poll: Option<Task<Polled>> = None;
        let mut commit: Option<Task<bool>> = None;
        let mut look: Option<Task<Result<Topics, String>>> = None;
        let mut telling = 0;
        loop {
            self.forget_gone(intake);
            self.hand_over(intake);
            if poll.is_none() && self.unread.is_empty() && intake.room_now() > 0 {
                self.pause(false).await;
                poll = Some(self.poll(POLL));
            }
            let is_idle = poll.is_none();
            tokio::select! {
                polled = maybe(&mut poll) => {
                    poll = None;
                    // What came behind a rebalance is not what went by it.
                    self.forget_gone(intake);
                    match polled {
                        Ok((records, gone)) => {
                            intake.gone(gone.0, "records were deleted before they were read");
                            self.unread.extend(records);
                        }
                        Err(error) if is_passing(&error) => {
                            self.is_gone(intake, &describe(&error));
                            poll = Some(Box::pin(async {
                                tokio::time::sleep(PAUSE).await;
                                Ok((Vec::new(), Gone::default()))
                            }));
                        }
                        Err(error) => return describe(&error),
                    }
                    // A poll that has something need not wait for anything.
                    tokio::task::yield_now().await;
                }
                is_committed = maybe(&mut commit) => {
                    commit = None;
                    if is_committed {
                        intake.told(telling);
                    } else {
                        self.untold += telling;
                    }
                }
                ended = intake.ended() => {
                    self.untold += ended.len();
                    self.membership.end(ended.into_iter().map(|(number, _)| number));
                }
                looked = maybe(&mut look) => {
                    look = None;
                    match looked {
                        Ok(now) => {
                            if let Some(cause) = self.topics.changed(&now) {
                                self.changed = Some(now);
                                return cause;
                            }
                            self.is_back(intake).await;
                            self.measure(intake).await;
                        }
                        Err(cause) => self.is_gone(intake, &cause),
                    }
                }
                // Without room the membership goes on, which polls keep up.
                _ = intake.room(), if is_idle => {}
                _ = ticking.tick() => {
                    if commit.is_none() {
                        telling = std::mem::take(&mut self.untold);
                        commit = Some(self.commit());
                    }
                    if is_idle {
                        self.pause(true).await;
                        poll = Some(self.poll(Duration::ZERO));
                    }
                }
                _ = looking.tick(), if look.is_none() => look = Some(self.look(intake.bounds().silence)),
            }
        }
    }

    /// The session is over: whatever of it other members get, they get from what was committed. What has been seen.
    pub(super) fn give_up(&mut self, intake: &Intake) -> Seen {
        let (numbers, seen) = {
            let mut progress = self.membership.progress.lock();
            if let Some(now) = &self.changed {
                // The brokers do not give these out anew: they go to their receivers, or nowhere.
                progress.lose(|partition| self.topics.is_gone(now, partition));
                progress.forget_seen(|partition| self.topics.is_gone(now, partition));
            }
            (progress.lose(|_| true), progress.take_seen())
        };
        intake.forget(&numbers);
        self.membership.set_leaving();
        let consumer = self.consumer.clone();
        tokio::spawn(async move {
            // Nobody waits for it; else the group notices after a while.
            let _ = consumer.close_with(CloseOptions::new().timeout(LEAVE_TIMEOUT)).await;
        });
        seen
    }

    /// Commits, and leaves the group, so that it gives its partitions to others at once.
    pub(super) async fn leave(self, intake: &Intake) {
        self.membership.set_leaving();
        let told = self.untold;
        if timeout(LEAVE_TIMEOUT, self.membership.commit(&self.consumer, None)).await == Ok(true) {
            intake.told(told);
        }
        let leaving = self.consumer.close_with(CloseOptions::new().timeout(LEAVE_TIMEOUT));
        if let Err(error) = leaving.await {
            warn!(source = intake.name(), cause = describe(&error), "the group was not left");
        }
    }

    fn poll(&self, within: Duration) -> Task<Polled> {
        let (consumer, membership) = (self.consumer.clone(), self.membership.clone());
        let from_beginning = self.group.from_beginning;
        Box::pin(async move {
            match consumer.poll(within).await {
                Ok(records) => Ok((records, Gone::default())),
                Err(KrafkaError::NoOffset { partitions }) => {
                    let gone = starts::give(&consumer, &membership, &partitions, from_beginning).await?;
                    Ok((Vec::new(), gone))
                }
                Err(error) => Err(error),
            }
        })
    }

    fn commit(&self) -> Task<bool> {
        let (consumer, membership) = (self.consumer.clone(), self.membership.clone());
        Box::pin(async move { membership.commit(&consumer, None).await })
    }

    fn look(&self, within: Duration) -> Task<Result<Topics, String>> {
        let (consumer, names) = (self.consumer.clone(), self.topics.names());
        Box::pin(async move {
            let looked = timeout(within, Topics::ask(&consumer, &names)).await;
            looked.unwrap_or_else(|_| Err(format!("the brokers have not answered for {within:?}")))
        })
    }

    /// Pauses all partitions, or those that are too far ahead, and no other.
    async fn pause(&mut self, all: bool) {
        let assigned = self.consumer.assignment().await;
        let assigned = assigned
            .into_iter()
            .flat_map(|(topic, numbers)| numbers.into_iter().map(move |number| (topic.clone(), number)));
        let wanted: BTreeSet<Partition> = {
            let progress = self.membership.progress.lock();
            assigned.filter(|partition| all || progress.ahead(partition) >= self.group.max_ahead).collect()
        };
        for (topic, number) in self.paused.difference(&wanted) {
            self.consumer.resume(topic, &[*number]).await;
        }
        for (topic, number) in wanted.difference(&self.paused) {
            self.consumer.pause(topic, &[*number]).await;
        }
        self.paused = wanted;
    }

    /// As many of those that wait as there is room for.
    fn hand_over(&mut self, intake: &Intake) {
        while !self.unread.is_empty() && !self.membership.hands_over() {
            let room = intake.room_now().min(self.unread.len());
            if room == 0 {
                return;
            }
            let (mut places, mut records) = (Vec::with_capacity(room), Vec::with_capacity(room));
            let mut progress = self.membership.progress.lock();
            for it in self.unread.drain(..room) {
                let place: (Partition, i64) = ((it.topic.to_string(), it.partition), it.offset);
                let is_redelivered = progress.has_seen(&place.0, place.1);
                places.push(place);
                records.push(incoming::record(it, is_redelivered));
            }
            let numbers = intake.take(records);
            for (number, (partition, offset)) in numbers.into_iter().zip(places) {
                progress.take(&partition, offset, number);
            }
        }
    }

    /// What is held of partitions that have gone is others'.
    fn forget_gone(&mut self, intake: &Intake) {
        let gone = self.membership.take_gone();
        if gone.is_empty() {
            return;
        }
        self.unread.retain(|it| !gone.contains(&(it.topic.to_string(), it.partition)));
        self.paused.retain(|partition| !gone.contains(partition));
        let numbers = self.membership.progress.lock().lose(|partition| gone.contains(partition));
        info!(
            source = intake.name(),
            partitions = gone.len(),
            held = numbers.len(),
            "partitions go to others"
        );
        intake.forget(&numbers);
    }

    /// The brokers do not answer, which the library bears.
    fn is_gone(&mut self, intake: &Intake, cause: &str) {
        if !self.is_away {
            self.is_away = true;
            warn!(source = intake.name(), cause, "the brokers do not answer; trying on");
            intake.lost(cause);
        }
        intake.not_yet(cause);
    }

    /// They answer again: what waits longer and longer for them need not.
    async fn is_back(&mut self, intake: &Intake) {
        if !std::mem::take(&mut self.is_away) {
            return;
        }
        info!(source = intake.name(), "the brokers answer again");
        intake.connected();
        for (partition, lag) in self.consumer.lag().await {
            if let Some(position) = lag.position {
                // It may have gone meanwhile.
                let _ = self.consumer.seek(partition.topic(), partition.partition(), position).await;
            }
        }
    }

    async fn measure(&self, intake: &Intake) {
        let lags = self.consumer.lag().await;
        let known: Option<u64> = lags.values().map(|lag| lag.lag).sum();
        let held = self.membership.progress.lock().len() + self.unread.len();
        intake.set_backlog(known.filter(|_| !lags.is_empty()).map(|lag| lag + held as u64));
    }
}

/// What becomes of it; never ready where there is none.
async fn maybe<T>(task: &mut Option<Task<T>>) -> T {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}
