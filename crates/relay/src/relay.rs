//! The relay as a whole: its port, its targets, and what is done with a message.

use crate::caller::identify;
use crate::counters::Counters;
use crate::grpc;
use crate::keys::{Claim, Keys};
use crate::line::Line;
use crate::order::Order;
use crate::rates::Rates;
use crate::rest;
use crate::settings::RelayConfig;
use crate::targets::Targets;
use crate::{Answer, Fault};
use frontier_access::{Access, LogLimiter, PeerText};
use frontier_admin::{ApiError, BindError, Probe, Server, admit_line, reflection, refusal};
use frontier_metrics::Distribution;
use frontier_mq::{Cause, Job, Message, Sink};
use frontier_transport::ServerTls;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// How long what is in flight may go on beyond the time of a message, when nobody is served any more.
const GRACE: Duration = Duration::from_secs(1);

/// The pause before the second attempt; before the third it is twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(100);

/// How many lines a second the log has of those who are turned away.
const LINES_PER_SECOND: u32 = 10;

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) config: RelayConfig,
    pub(crate) targets: Targets,
    pub(crate) counters: Counters,
    access: Arc<dyn Fn() -> Arc<Access> + Send + Sync>,
    keys: Arc<Keys>,
    rates: Rates,
    refused: LogLimiter,
}

/// The port, open; callers wait until [`run`](Self::run).
pub struct Relay {
    server: Server,
    shared: Arc<Shared>,
}

/// What can be done with a relay while it runs. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Relay {
    /// Listens, and connects to the brokers; one that is away is no error. Who may come is asked of `access` at each
    /// request, under the name [`PLANE`](crate::PLANE).
    ///
    /// # Errors
    /// [`BindError`] if the address can't be listened on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(
        config: &RelayConfig,
        access: impl Fn() -> Arc<Access> + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let server = Server::bind("relay", &config.server)?;
        let now = Instant::now();
        let targets = Targets::start(config).unwrap_or_else(|cause| {
            // Nothing of this passes the look at the configuration.
            error!("the relay has no targets: {cause}");
            Targets::default()
        });
        let shared = Arc::new(Shared {
            targets,
            counters: Counters::default(),
            access: Arc::new(access),
            keys: Arc::new(Keys::new(config.keys, config.key_window, now)),
            rates: Rates::new(config.job_rate, config.user_rate, now),
            refused: LogLimiter::new(LINES_PER_SECOND),
            config: config.clone(),
        });
        let gate = shared.clone();
        let server = server.gate(move |caller, request| {
            let who = identify(&(gate.access)(), caller, request.uri(), request.headers());
            match who {
                Ok(who) => {
                    request.extensions_mut().insert(who);
                    Ok(())
                }
                Err(error) => {
                    gate.note(caller.addr, &error);
                    Err(refusal(error, request.headers()))
                }
            }
        });
        Ok(Self { server, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Its TLS, if there is any, to be changed while it runs.
    #[must_use]
    pub fn tls(&self) -> Option<ServerTls> {
        self.server.tls()
    }

    /// What can be done with it while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Serves until `stop`; what is in flight then may end within the time of a message. The targets go on until
    /// [`Handle::close`].
    pub async fn run(self, probe: Probe, stop: CancellationToken) {
        let Self { server, shared } = self;
        let grace = shared.config.budget() + GRACE;
        let mut router = rest::routes(&shared)
            .route_service(&format!("/{}/{{call}}", grpc::SERVICE), grpc::service(&shared));
        match reflection(&[frontier_api::MESSAGEBROKER_DESCRIPTORS]) {
            Ok(routes) => router = router.merge(routes),
            // What is checked in can be used, which a test of it says.
            Err(error) => error!(%error, "the relay does not describe itself"),
        }
        server.run(router, probe, stop, grace).await;
    }
}

impl Handle {
    /// Sends a message, and says what became of it, before the caller's time is over.
    ///
    /// # Cancel safety
    /// A message that has a key goes on when this is dropped, and is remembered. Another one may be sent or not.
    pub async fn send(&self, order: Order) -> Answer {
        self.0.send(order).await
    }

    /// How long a message may take.
    #[must_use]
    pub fn budget(&self) -> Duration {
        self.0.config.budget()
    }

    /// The connections to its brokers.
    #[must_use]
    pub fn sinks(&self) -> Vec<Arc<Sink>> {
        self.0.targets.lines().map(|line| line.sink().clone()).collect()
    }

    /// Callers that wait for a broker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.targets.lines().map(|line| line.len()).sum()
    }

    /// How many were answered so: by way, by name of the answer.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        self.0.counters.answers()
    }

    /// Messages whose key was known, and which were not sent again.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.0.counters.repeats.load(Ordering::Relaxed)
    }

    /// Attempts to send.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.0.counters.attempts.load(Ordering::Relaxed)
    }

    /// Requests that were turned away for their credentials, or the host that they were for.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.0.counters.turned_away.load(Ordering::Relaxed)
    }

    /// How long callers have waited.
    #[must_use]
    pub fn duration(&self) -> Distribution {
        self.0.counters.duration()
    }

    /// Takes no more messages, and waits until all are confirmed or `within` has passed.
    pub async fn close(&self, within: Duration) {
        let mut closing = JoinSet::new();
        for line in self.0.targets.lines() {
            let sink = line.sink().clone();
            closing.spawn(async move {
                let left = sink.close(within).await;
                if left > 0 {
                    warn!(
                        sink = sink.name(),
                        messages = left,
                        "the broker has not confirmed these messages in time"
                    );
                }
            });
        }
        closing.join_all().await;
    }
}

impl Shared {
    fn note(&self, addr: SocketAddr, error: &ApiError) {
        self.counters.turned_away.fetch_add(1, Ordering::Relaxed);
        if let Some(suppressed) = admit_line(&self.refused) {
            warn!(%addr, reason = %PeerText(error), suppressed, "turned a caller of the relay away");
        }
    }

    pub(crate) async fn send(self: &Arc<Self>, order: Order) -> Answer {
        let (came, via) = (Instant::now(), order.via);
        let answer = self.answer(order, came).await;
        self.counters.answered(via, &answer, came.elapsed());
        answer
    }

    async fn answer(self: &Arc<Self>, order: Order, now: Instant) -> Answer {
        let (line, name) = match self.check(&order, now) {
            Ok((line, name)) => (line.clone(), name.to_owned()),
            Err(answer) => return answer,
        };
        let deadline = self.deadline(order.deadline, now);
        let Order { who, job, key, repeat_age, data, .. } = order;
        let user = who.name();
        let claim = match &*key {
            "" => None,
            key => Some(self.keys.claim(&user, key, repeat_age, now)),
        };
        let origin = Job { name: job, user: who.verified.subject.as_str().into(), key };
        let message = Message {
            edge_id: 0,
            job: Some(Box::new(origin)),
            topic: name.into(),
            custom: Default::default(),
            labels: Vec::new(),
            payload: data,
        };
        match claim {
            None => self.deliver(&line, message, deadline).await,
            Some(Claim::Refused(answer)) => answer,
            Some(Claim::Again(mut answer)) => {
                self.counters.repeats.fetch_add(1, Ordering::Relaxed);
                let answered =
                    tokio::time::timeout_at(deadline.into(), answer.wait_for(Option::is_some)).await;
                match answered {
                    Ok(Ok(answer)) => answer.clone().unwrap_or(Answer::OK),
                    Ok(Err(_)) => {
                        Answer::new(Fault::Lost, "the relay has failed, and may have sent the message")
                    }
                    Err(_) => Answer::new(Fault::Unanswered, "the same message is still on its way"),
                }
            }
            Some(Claim::First(ticket)) => {
                let shared = self.clone();
                // Whoever asked may leave meanwhile, and ask again.
                let delivering = tokio::spawn(async move {
                    let answer = shared.deliver(&line, message, deadline).await;
                    ticket.end(answer.clone());
                    answer
                });
                delivering.await.unwrap_or_else(|_| Answer::new(Fault::Lost, "the relay has failed"))
            }
        }
    }

    /// What can be said of a message before it is sent.
    fn check<'o>(&self, order: &'o Order, now: Instant) -> Result<(&Arc<Line>, &'o str), Answer> {
        let (line, name) = self.targets.find(&order.target)?;
        let max = self.config.message_size;
        if order.data.len() > max {
            let text = format!(
                "the message has {} bytes, and may have {max} (relay.message_size)",
                order.data.len()
            );
            return Err(Answer::new(Fault::TooLarge, text));
        }
        let allowed = order.who.may_publish(&(self.access)(), name);
        allowed.map_err(|denied| Answer::new(Fault::NotAllowed, denied))?;
        self.rates.take(&order.who.name(), &order.job, now).map_err(|(whose, wait)| {
            let text = format!("the {whose} sends more than it may (relay.{whose}_rate)");
            Answer::new(Fault::RateLimited, text).after(wait)
        })?;
        Ok((line, name))
    }

    /// All attempts end by then: nine tenths of the caller's time, for it to hear of it, and no more than all have together.
    fn deadline(&self, of_caller: Instant, now: Instant) -> Instant {
        let of_caller = of_caller.saturating_duration_since(now) * 9 / 10;
        now + of_caller.min(self.config.budget())
    }

    /// Tries again where it is certain that the message was not stored, and the broker may take it soon.
    async fn deliver(&self, line: &Line, message: Message, deadline: Instant) -> Answer {
        let mut attempt = 1;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Answer::new(
                    Fault::Deadline,
                    "the caller's time was over before the message was sent",
                );
            }
            self.counters.attempts.fetch_add(1, Ordering::Relaxed);
            let sent = match line.send(message.clone(), left) {
                Ok(answer) => answer
                    .await
                    .unwrap_or_else(|_| Err(frontier_mq::SendError::new(Cause::Lost, "the gateway stopped"))),
                Err(error) => Err(error),
            };
            let error = match sent {
                Ok(()) => return Answer::OK,
                Err(error) => error,
            };
            let pause = PAUSE * attempt;
            let may_help = matches!(error.cause, Cause::NotConnected | Cause::Busy);
            let left = deadline.saturating_duration_since(Instant::now());
            if !may_help || attempt >= self.config.attempts || left <= pause {
                return error.into();
            }
            sleep(pause).await;
            attempt += 1;
        }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("addr", &self.addr()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
