//! Whether the daemon can answer: it can while what it depends on does.

use crate::error::{ApiError, json};
use crate::guard::HEALTH_PATH;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use futures_util::stream::unfold;
use http::{StatusCode, Uri};
use serde::Serialize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// How often the check is made.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How long it may take: no longer than a load balancer waits before it asks somebody else.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// After so many failures the log has why a daemon that has never been ready is not: the first ones are of its start.
const FAILURES_OF_START: u32 = 3;

/// What a check found, later.
pub type CheckResult = Pin<Box<dyn Future<Output = Result<(), NotReady>> + Send>>;

/// Why a daemon can't answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// What is told to whoever asks, as in "the store can't be used"; `None` that the dependency does not answer.
    what: Option<&'static str>,
    /// For the log.
    cause: String,
}

impl NotReady {
    /// Something other than what the [`Probe`] names: `what` is told to everybody, and has no secrets.
    #[must_use]
    pub fn of(what: &'static str, cause: impl Into<String>) -> Self {
        Self { what: Some(what), cause: cause.into() }
    }
}

impl From<String> for NotReady {
    fn from(cause: String) -> Self {
        Self { what: None, cause }
    }
}

/// What a check has found last: `None` that the dependency does not answer.
type Found = Result<(), Option<&'static str>>;

/// Checks what the daemon depends on, and tells load balancers: `/healthz`, `/livez`, `/readyz`, and `grpc.health.v1`.
pub struct Probe {
    dependency: &'static str,
    services: &'static [&'static str],
    check: Box<dyn Fn() -> CheckResult + Send + Sync>,
    degraded: Degraded,
    until: CancellationToken,
    found: watch::Sender<Found>,
    reporter: HealthReporter,
}

/// What does not work now though the daemon can answer: a line each.
type Degraded = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What a [`Probe`] has found last.
#[derive(Clone)]
pub struct Readiness {
    dependency: &'static str,
    found: watch::Receiver<Found>,
    degraded: Degraded,
}

/// The body of `/readyz` where the daemon is ready.
#[derive(Debug, Serialize)]
struct Ready {
    status: &'static str,
    degraded: Vec<String>,
}

impl Probe {
    /// Of what the daemon depends on, named as in "the directory", for these gRPC services; the empty name
    /// stands for all. Not ready until the server runs and a check has succeeded.
    pub async fn new(
        dependency: &'static str,
        services: &'static [&'static str],
        check: impl Fn() -> CheckResult + Send + Sync + 'static,
    ) -> Self {
        let (found, reporter) = (watch::Sender::new(Err(None)), HealthReporter::new());
        let degraded: Degraded = Arc::new(Vec::new);
        let (check, until) = (Box::new(check), CancellationToken::new());
        let this = Self { dependency, services, check, degraded, until, found, reporter };
        this.report(ServingStatus::NotServing).await;
        this
    }

    /// The same, which tells with `/readyz` what does not work though the daemon can answer: a dependency whose loss is no
    /// reason to send nobody here any more. A line for each, without secrets; it is asked each time.
    #[must_use]
    pub fn degraded(self, degraded: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        Self { degraded: Arc::new(degraded), ..self }
    }

    /// The same, which says that the daemon is not ready any more once `until` is cancelled, though it is served on.
    #[must_use]
    pub fn until(self, until: CancellationToken) -> Self {
        Self { until, ..self }
    }

    /// What it has found, now and later.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let Self { dependency, found, degraded, .. } = self;
        Readiness { dependency, found: found.subscribe(), degraded: degraded.clone() }
    }

    pub(crate) fn routes(&self) -> Router {
        let standard = HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()));
        Router::new()
            .route(HEALTH_PATH, get(healthz))
            .route("/livez", get(StatusCode::OK))
            .route("/readyz", get(readyz))
            .with_state(self.readiness())
            .route_service("/grpc.health.v1.Health/{call}", standard)
    }

    /// Checks until `stop`; from then on the daemon is not ready.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut tick = interval(CHECK_INTERVAL);
        let mut failures = 0_u32;
        loop {
            let checked = tokio::select! {
                () = stop.cancelled() => break,
                () = self.until.cancelled() => break,
                checked = async {
                    tick.tick().await;
                    timeout(CHECK_TIMEOUT, (self.check)()).await
                } => checked,
            };
            let checked =
                checked.unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIMEOUT:?}").into()));
            let dependency = self.dependency;
            let found: Found = checked.as_ref().copied().map_err(|not| not.what);
            let before = *self.found.borrow();
            // Whoever watches hears of what is another answer.
            self.found.send_if_modified(|now| std::mem::replace(now, found).is_ok() != found.is_ok());
            let Err(not) = checked else {
                failures = FAILURES_OF_START;
                if before.is_err() {
                    tracing::info!("ready: {dependency} answers");
                    self.report(ServingStatus::Serving).await;
                }
                continue;
            };
            let what = not.what.map_or_else(|| format!("{dependency} does not answer"), str::to_owned);
            let error = not.cause;
            if before.is_ok() {
                tracing::warn!(error, "not ready: {what}");
                self.report(ServingStatus::NotServing).await;
                continue;
            }
            failures = failures.saturating_add(1);
            if failures == FAILURES_OF_START || (failures > FAILURES_OF_START && before != found) {
                tracing::warn!(error, "not ready yet: {what}");
            }
        }
        let _ = self.found.send_replace(Err(None));
        self.report(ServingStatus::NotServing).await;
        stop.cancelled().await;
        // Ends the watches.
        for service in self.services {
            self.reporter.clear_service_status(service).await;
        }
    }

    async fn report(&self, status: ServingStatus) {
        for service in self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("dependency", &self.dependency).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness").field("found", &self.found).finish_non_exhaustive()
    }
}

impl Readiness {
    /// Whether the last check succeeded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.found.borrow().is_ok()
    }

    /// The last finding, for a probe of another port.
    #[must_use]
    pub fn check(&self) -> CheckResult {
        let cause = || "so says the probe of the other port".to_owned();
        let found = self.found.borrow().map_err(|what| NotReady { what, cause: cause() });
        Box::pin(std::future::ready(found))
    }

    /// What is so now, and each change of it, until the server stops.
    pub fn changes(mut self) -> impl Stream<Item = bool> + Send {
        self.found.mark_changed();
        unfold(self, async |mut this| {
            this.found.changed().await.ok()?;
            let is_ready = this.found.borrow_and_update().is_ok();
            Some((is_ready, this))
        })
    }
}

/// For those who have no credentials: a status and nothing else. Whether it runs, and with `?ready` whether it can
/// answer.
async fn healthz(State(readiness): State<Readiness>, uri: Uri) -> StatusCode {
    match uri.query() {
        None | Some("") => StatusCode::OK,
        Some("ready" | "ready=" | "ready=true") if readiness.is_ready() => StatusCode::OK,
        Some("ready" | "ready=" | "ready=true") => StatusCode::SERVICE_UNAVAILABLE,
        // Whoever has misspelt it must not be told that all is well.
        Some(_) => StatusCode::BAD_REQUEST,
    }
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let found = *readiness.found.borrow();
    match found {
        Ok(()) => {
            let degraded = (readiness.degraded)();
            let status = if degraded.is_empty() { "ready" } else { "degraded" };
            json(StatusCode::OK, &Ready { status, degraded })
        }
        Err(None) => ApiError::Unavailable(readiness.dependency).into_response(),
        Err(Some(what)) => ApiError::NotReady(what).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::fmt::Debug;
    use std::sync::Mutex;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// The values of the fields of each line.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Line<'a>(&'a mut String);

    impl Visit for Line<'_> {
        fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
            *self.0 += &format!("{value:?} ");
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().starts_with("frontier_admin")
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut line = String::new();
            event.record(&mut Line(&mut line));
            self.0.lock().unwrap().push(line);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_that_never_becomes_ready_says_why_once() {
        let lines = Lines::default();
        // With one subscriber alone `tracing` asks that of the thread that comes to a line first, which in another test may have
        // none, and goes by its answer for good.
        let _another = tracing::Dispatch::new(Lines::default());
        let _logged = tracing::subscriber::set_default(lines.clone());
        let check = || Box::pin(async { Err("nobody is at home".to_owned().into()) }) as CheckResult;
        let probe = Probe::new("the test", &[""], check).await;
        let _ = timeout(20 * CHECK_INTERVAL, probe.run(CancellationToken::new())).await;
        let lines = lines.0.lock().unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("not ready yet") && lines[0].contains("nobody is at home"), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_is_named_also_when_it_changes() {
        let lines = Lines::default();
        let _another = tracing::Dispatch::new(Lines::default());
        let _logged = tracing::subscriber::set_default(lines.clone());
        let checks = Arc::new(Mutex::new(0));
        let check = move || {
            let mut count = checks.lock().unwrap();
            *count += 1;
            let found = match *count {
                1..10 => Err(NotReady::of("the store can't be used", "refused")),
                10..20 => Err("gone".to_owned().into()),
                20..30 => Ok(()),
                _ => Err(NotReady::of("the store can't be used", "refused again")),
            };
            Box::pin(std::future::ready(found)) as CheckResult
        };
        let probe = Probe::new("the test", &[""], check).await;
        let readiness = probe.readiness();
        let changes = tokio::spawn(readiness.clone().changes().take(3).collect::<Vec<bool>>());
        let _ = timeout(35 * CHECK_INTERVAL, probe.run(CancellationToken::new())).await;
        assert_eq!(*readiness.found.borrow(), Err(Some("the store can't be used")));
        assert_eq!(readiness.check().await.unwrap_err().what, Some("the store can't be used"));
        assert_eq!(changes.await.unwrap(), [false, true, false]);
        let lines = lines.0.lock().unwrap();
        let expected = [
            ("not ready yet: the store can't be used", "\"refused\""),
            ("not ready yet: the test does not answer", "gone"),
            ("ready: the test answers", ""),
            ("not ready: the store can't be used", "refused again"),
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, (what, cause)) in lines.iter().zip(expected) {
            assert!(line.contains(what) && line.contains(cause), "{line}");
        }
    }
}
