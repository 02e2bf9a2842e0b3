//! What a client sends, by a task that does one thing after the other.
//!
//! Requests and flushes of a durable session belong to rounds. A round ends when something goes wrong and is told: what was sent
//! in it and not flushed is void then, at the broker by a higher batch id, and is the program's to send again in the next one.

mod unflushed;

use super::{Session, SessionError};
use frontier_api::broker::{BrokerRequest, FlushRequestsRequest};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use unflushed::Unflushed;

/// How many requests wait to be sent, and with how many bytes; `send_request` waits when there are more.
const WAITING: usize = 4096;
const WAITING_SIZE: usize = 16 << 20;

/// How many are sent at once.
const AT_ONCE: usize = 1000;

/// What a client is told that has ended its requests before.
const ENDED: [&str; 2] = ["Broker_EOMReject_EndRequests", "Broker_EOMReject_GetResponse"];

/// What it is told of requests that were lost with a broker.
const INCOMPLETE: &str = "Broker_FlushIncomplete";

/// What is to be done, in order, and in which round.
struct Job {
    round: u64,
    what: What,
}

enum What {
    Send(BrokerRequest, OwnedSemaphorePermit),
    Flush { ends: bool, reply: oneshot::Sender<Result<u64, SessionError>> },
}

/// The way to the task.
pub(super) struct Outgoing {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    trouble: Arc<Mutex<Trouble>>,
}

/// What went wrong with requests since it was told last, and which round it is.
#[derive(Default)]
struct Trouble {
    failed: Option<SessionError>,
    round: u64,
}

impl Trouble {
    /// What went wrong, once; else the round.
    fn check(&mut self) -> Result<u64, SessionError> {
        match self.failed.take() {
            Some(error) => {
                self.round += 1;
                Err(error)
            }
            None => Ok(self.round),
        }
    }
}

struct Task {
    session: Session,
    client_id: String,
    batch_id: u64,
    /// How many requests the broker has taken with this batch id.
    sent: u64,
    /// The round of the last job.
    round: u64,
    trouble: Arc<Mutex<Trouble>>,
    /// Of a durable session.
    unflushed: Option<Unflushed>,
    /// The last round of a durable session that has failed, and why.
    failure: Option<(u64, SessionError)>,
}

impl Outgoing {
    /// Starts the task. It ends when this is dropped and all that waits is sent.
    pub(super) fn start(session: Session, client_id: String, batch_id: u64) -> Self {
        let (jobs, receiver) = mpsc::channel(WAITING);
        let trouble = Arc::<Mutex<Trouble>>::default();
        let unflushed = session.is_durable.then(Unflushed::default);
        let task = Task {
            session,
            client_id,
            batch_id,
            sent: 0,
            round: 0,
            trouble: trouble.clone(),
            unflushed,
            failure: None,
        };
        tokio::spawn(task.run(receiver));
        Self { jobs, room: Arc::new(Semaphore::new(WAITING_SIZE)), trouble }
    }

    /// Has a request sent, once there is room for it. Tells what went wrong with those before.
    pub(super) async fn send(&self, request: BrokerRequest) -> Result<(), SessionError> {
        let round = self.trouble.lock().check()?;
        let size = u32::try_from(request.payload.len().clamp(1, WAITING_SIZE)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(size).await;
        let room = room.map_err(|_| SessionError::Stopped)?;
        let job = Job { round, what: What::Send(request, room) };
        self.jobs.send(job).await.map_err(|_| SessionError::Stopped)
    }

    /// Waits until everything is sent that was to be, and commits it: how many requests of the client are committed.
    pub(super) async fn flush(&self, ends: bool) -> Result<u64, SessionError> {
        let (reply, flushed) = oneshot::channel();
        let round = self.trouble.lock().round;
        let sent = self.jobs.send(Job { round, what: What::Flush { ends, reply } }).await;
        sent.map_err(|_| SessionError::Stopped)?;
        flushed.await.unwrap_or(Err(SessionError::Stopped))
    }
}

impl Task {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = Vec::with_capacity(AT_ONCE);
        while jobs.recv_many(&mut next, AT_ONCE).await > 0 {
            let (mut requests, mut rooms) = (Vec::new(), Vec::new());
            for Job { round, what } in next.drain(..) {
                if self.begins(round) {
                    // They are void: what ended their round was told.
                    requests.clear();
                    rooms.clear();
                }
                match what {
                    // What ended its round was told, or is by the next call.
                    What::Send(..) if self.void(round).is_some() => {}
                    What::Send(request, room) => {
                        requests.push(request);
                        rooms.push(room);
                    }
                    What::Flush { ends, reply } => {
                        self.send_or_fail(std::mem::take(&mut requests)).await;
                        rooms.clear();
                        let flushed = match self.void(round) {
                            Some(error) => self.told(error),
                            None => self.flush(ends).await,
                        };
                        // Whoever has gone away is told of an error by the next call.
                        if let Err(Err(error)) = reply.send(flushed) {
                            self.trouble.lock().failed = Some(error);
                        }
                    }
                }
            }
            self.send_or_fail(requests).await;
        }
    }

    /// Whether a round begins with a job of this one.
    fn begins(&mut self, round: u64) -> bool {
        let begins = self.unflushed.is_some() && round > self.round;
        if begins {
            self.round = round;
            self.begin_batch();
        }
        begins
    }

    /// Why a job of this round is void, if it is.
    fn void(&self, round: u64) -> Option<SessionError> {
        let (failed, why) = self.failure.as_ref()?;
        (round <= *failed || round < self.round).then(|| why.clone())
    }

    /// What was not committed is gone with the next request.
    fn begin_batch(&mut self) {
        self.batch_id += 1;
        self.sent = 0;
        self.unflushed.iter_mut().for_each(Unflushed::clear);
    }

    /// The caller is told of it now, and a round ends with that.
    fn told(&self, error: SessionError) -> Result<u64, SessionError> {
        let mut trouble = self.trouble.lock();
        trouble.failed = None;
        trouble.round = trouble.round.max(self.round + 1);
        Err(error)
    }

    /// Sends these. If that goes wrong the next call tells it.
    async fn send_or_fail(&mut self, requests: Vec<BrokerRequest>) {
        if let Err(error) = self.send(requests).await {
            self.fail(error.clone());
            self.trouble.lock().failed = Some(error);
        }
    }

    fn fail(&mut self, error: SessionError) {
        if self.unflushed.is_some() {
            self.failure = Some((self.round, error));
        }
    }

    /// Sends these: again, with the same ids, until the broker has taken them or says why not.
    async fn send(&mut self, mut requests: Vec<BrokerRequest>) -> Result<(), SessionError> {
        let count = requests.len() as u64;
        let Some(first) = requests.first_mut() else { return Ok(()) };
        first.session_id = self.session.id().to_owned();
        first.client_id.clone_from(&self.client_id);
        for request in &mut requests {
            // The batch is committed by a flush alone.
            (request.batch_id, request.hold) = (self.batch_id, true);
        }
        let sent = self.session.broker.ask_patiently(|mut client, shown| {
            let requests = futures_util::stream::iter(requests.clone());
            async move { client.send_requests(shown.by(requests)).await }
        });
        sent.await?;
        self.sent += count;
        self.unflushed.iter_mut().for_each(|unflushed| unflushed.keep(std::mem::take(&mut requests)));
        Ok(())
    }

    async fn flush(&mut self, ends: bool) -> Result<u64, SessionError> {
        let failed = self.trouble.lock().failed.take();
        if let Some(error) = failed {
            return self.told(error);
        }
        let flushed = self.commit_all(ends).await;
        match &flushed {
            Ok(_) => self.unflushed.iter_mut().for_each(Unflushed::clear),
            Err(error) if self.unflushed.is_some() => {
                self.fail(error.clone());
                return self.told(error.clone());
            }
            Err(_) => {}
        }
        flushed
    }

    /// Commits, and sends again before what was lost with a broker, as long as that is known here.
    async fn commit_all(&mut self, ends: bool) -> Result<u64, SessionError> {
        let (mut until, mut pause) = (None, Duration::ZERO);
        loop {
            let lost = match self.commit(ends).await {
                Err(error) if error.code() == INCOMPLETE => error,
                committed => return committed,
            };
            // From the first time on: to commit may have taken long because no broker was there.
            let until = *until.get_or_insert_with(|| Instant::now() + self.session.broker.patience());
            let kept = self.unflushed.as_mut().and_then(Unflushed::take);
            let Some(mut kept) = kept.filter(|_| Instant::now() < until) else { return Err(lost) };
            tokio::time::sleep(pause).await;
            pause = (2 * pause).clamp(Duration::from_millis(50), Duration::from_secs(1));
            self.begin_batch();
            while !kept.is_empty() {
                let rest = kept.split_off(kept.len().min(AT_ONCE));
                self.send(std::mem::replace(&mut kept, rest)).await?;
            }
        }
    }

    async fn commit(&mut self, ends: bool) -> Result<u64, SessionError> {
        let flush = FlushRequestsRequest {
            session_id: self.session.id().to_owned(),
            client_id: self.client_id.clone(),
            batch_id: Some(self.batch_id),
            sent: Some(self.sent),
            end: ends,
        };
        let attempts = AtomicU32::new(0);
        // All of them were taken: no more come.
        let is_lost = |error: &SessionError| error.code() == INCOMPLETE;
        let flushed = self.session.broker.ask_unless(is_lost, |mut client, shown| {
            attempts.fetch_add(1, Ordering::Relaxed);
            let flush = flush.clone();
            async move { client.flush_requests(shown.by(flush)).await }
        });
        match flushed.await {
            // The answer to an attempt before was lost: this is the end that it asked for.
            Err(error) if ends && attempts.into_inner() > 1 && ENDED.contains(&error.code()) => Ok(0),
            flushed => flushed.map(|reply| reply.committed),
        }
    }
}
