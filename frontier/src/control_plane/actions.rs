//! What operators change. Each change is in the audit log.

use super::queries::{find_edge, find_service};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator};
use frontier_daemon::telemetry::{LogFilter, LogHandle};
use frontier_exchange::{Exchange, Peer};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long an answer waits until whoever was kicked is gone. It is, in the end; but services may take their time over
/// `edge_offline`.
const GONE_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest text that says what is logged, in bytes.
const MAX_LEVEL: usize = 4096;

/// Changes what is under way.
#[derive(Clone, Debug)]
pub(super) struct Actions {
    exchange: Arc<Exchange>,
    /// Not set where the gateway is a part of another program, which logs as it likes.
    log: Arc<OnceLock<LogHandle>>,
    drain: CancellationToken,
}

impl Actions {
    pub(super) fn new(exchange: Arc<Exchange>, drain: CancellationToken) -> Self {
        Self { exchange, log: Arc::default(), drain }
    }

    /// Has operators change what is logged. The first one counts.
    pub(super) fn set_log(&self, log: LogHandle) {
        let _ = self.log.set(log);
    }

    /// Closes the connection of an edge.
    pub(super) async fn kick_edge(&self, operator: &Operator, id: u64) -> Result<(), ApiError> {
        let kick = async { self.kick(&*find_edge(&self.exchange, id)?).await };
        operator.perform(OperatorRole::Operate, "kick", &format!("edge {id}"), kick).await
    }

    /// Closes the connection of a service.
    pub(super) async fn kick_service(&self, operator: &Operator, id: u64) -> Result<(), ApiError> {
        let kick = async {
            let service = find_service(&self.exchange, id)?;
            if service.is_of_gateway() {
                let text = format!("`{}` is a part of the gateway: it has no connection", service.name());
                return Err(ApiError::Precondition(text));
            }
            self.kick(&service).await
        };
        operator.perform(OperatorRole::Operate, "kick", &format!("service {id}"), kick).await
    }

    async fn kick(&self, peer: &Peer) -> Result<(), ApiError> {
        self.exchange.kick(peer);
        // Closed it is in any case.
        let _ = timeout(GONE_TIMEOUT, peer.departed().wait()).await;
        Ok(())
    }

    /// What is logged.
    pub(super) fn log_level(&self) -> Result<String, ApiError> {
        Ok(self.log()?.level().as_str().to_owned())
    }

    /// Changes what is logged, and gives what is logged then.
    pub(super) async fn set_log_level(&self, operator: &Operator, level: &str) -> Result<String, ApiError> {
        let set = async {
            if level.len() > MAX_LEVEL {
                return Err(ApiError::invalid(format!("level may have {MAX_LEVEL} bytes at most")));
            }
            let filter = LogFilter::parse(level);
            let filter = filter.map_err(|invalid| ApiError::invalid(format!("level: {invalid}")))?;
            // It fails only as the process ends.
            self.log()?.set_level(&filter).map_err(|_| ApiError::Draining)?;
            self.log_level()
        };
        let shown: String = level.chars().take(256).collect();
        operator.perform(OperatorRole::Operate, "log level", &shown, set).await
    }

    fn log(&self) -> Result<&LogHandle, ApiError> {
        let none = || ApiError::Precondition("the gateway does not log by itself here".to_owned());
        self.log.get().ok_or_else(none)
    }

    /// Has the gateway drain.
    pub(super) async fn drain(&self, operator: &Operator) -> Result<(), ApiError> {
        let drain = async {
            self.drain.cancel();
            Ok(())
        };
        operator.perform(OperatorRole::Admin, "drain", "this gateway", drain).await
    }
}
