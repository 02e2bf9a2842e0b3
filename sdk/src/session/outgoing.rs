//! What a client sends, by a task that does one thing after the other.

use super::{Session, SessionError};
use frontier_api::broker::{BrokerRequest, FlushRequestsRequest};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// How many requests wait to be sent, and with how many bytes; `send_request` waits when there are more.
const WAITING: usize = 4096;
const WAITING_SIZE: usize = 16 << 20;

/// How many are sent at once.
const AT_ONCE: usize = 1000;

/// What a client is told that has ended its requests before.
const ENDED: [&str; 2] = ["Broker_EOMReject_EndRequests", "Broker_EOMReject_GetResponse"];

/// What is to be done, in order.
enum Job {
    Send(BrokerRequest, OwnedSemaphorePermit),
    Flush { ends: bool, reply: oneshot::Sender<Result<(), SessionError>> },
}

/// The way to the task.
pub(super) struct Outgoing {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    failed: Failed,
}

/// What went wrong with requests since it was told last.
type Failed = Arc<Mutex<Option<SessionError>>>;

struct Task {
    session: Session,
    client_id: String,
    batch_id: u64,
    /// How many requests the broker has taken with this batch id.
    sent: u64,
    failed: Failed,
}

impl Outgoing {
    /// Starts the task. It ends when this is dropped and all that waits is sent.
    pub(super) fn start(session: Session, client_id: String, batch_id: u64) -> Self {
        let (jobs, receiver) = mpsc::channel(WAITING);
        let failed = Failed::default();
        let task = Task { session, client_id, batch_id, sent: 0, failed: failed.clone() };
        tokio::spawn(task.run(receiver));
        Self { jobs, room: Arc::new(Semaphore::new(WAITING_SIZE)), failed }
    }

    /// Has a request sent, once there is room for it.
    pub(super) async fn send(&self, request: BrokerRequest) -> Result<(), SessionError> {
        self.check()?;
        let size = u32::try_from(request.payload.len().clamp(1, WAITING_SIZE)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(size).await;
        let room = room.map_err(|_| SessionError::Stopped)?;
        self.jobs.send(Job::Send(request, room)).await.map_err(|_| SessionError::Stopped)
    }

    /// Waits until everything is sent that was to be, and commits it.
    pub(super) async fn flush(&self, ends: bool) -> Result<(), SessionError> {
        let (reply, flushed) = oneshot::channel();
        let sent = self.jobs.send(Job::Flush { ends, reply }).await;
        sent.map_err(|_| SessionError::Stopped)?;
        flushed.await.unwrap_or(Err(SessionError::Stopped))
    }

    /// Tells what went wrong, once.
    fn check(&self) -> Result<(), SessionError> {
        self.failed.lock().take().map_or(Ok(()), Err)
    }
}

impl Task {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = Vec::with_capacity(AT_ONCE);
        while jobs.recv_many(&mut next, AT_ONCE).await > 0 {
            let (mut requests, mut rooms) = (Vec::new(), Vec::new());
            for job in next.drain(..) {
                match job {
                    Job::Send(request, room) => {
                        requests.push(request);
                        rooms.push(room);
                    }
                    Job::Flush { ends, reply } => {
                        self.send(std::mem::take(&mut requests)).await;
                        rooms.clear();
                        // Whoever has gone away does not want the answer.
                        let _ = reply.send(self.flush(ends).await);
                    }
                }
            }
            self.send(requests).await;
        }
    }

    /// Sends these: again, with the same ids, until the broker has taken them or says why not.
    async fn send(&mut self, mut requests: Vec<BrokerRequest>) {
        let count = requests.len() as u64;
        let Some(first) = requests.first_mut() else { return };
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
        match sent.await {
            Ok(_) => self.sent += count,
            Err(error) => *self.failed.lock() = Some(error),
        }
    }

    async fn flush(&mut self, ends: bool) -> Result<(), SessionError> {
        if let Some(error) = self.failed.lock().take() {
            return Err(error);
        }
        let flush = FlushRequestsRequest {
            session_id: self.session.id().to_owned(),
            client_id: self.client_id.clone(),
            batch_id: Some(self.batch_id),
            sent: Some(self.sent),
            end: ends,
        };
        let attempts = AtomicU32::new(0);
        let flushed = self.session.broker.ask(|mut client, shown| {
            attempts.fetch_add(1, Ordering::Relaxed);
            let flush = flush.clone();
            async move { client.flush_requests(shown.by(flush)).await }
        });
        match flushed.await {
            // The answer to an attempt before was lost: this is the end that it asked for.
            Err(error) if ends && attempts.into_inner() > 1 && ENDED.contains(&error.code()) => Ok(()),
            flushed => flushed.map(drop),
        }
    }
}
