//! The gateway as a process: log, limits, worker threads, signals, drain.

use super::Failure;
use crate::reload::Live;
use crate::{BridgeError, Config, Gateway, RelayError, ServeError, StartError};
use frontier_admin::BindError;
use frontier_daemon::bind_advice;
use frontier_daemon::config_source::ConfigSource;
use frontier_daemon::process::{Exit, log_open_files, runtime};
use frontier_daemon::program::listen;
use frontier_daemon::reloader::Reloader;
use frontier_daemon::shutdown::Signal;
use frontier_daemon::supervisor::Supervisor;
use frontier_daemon::telemetry::LogHandle;
use std::error::Error as _;
use std::time::SystemTime;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// The mux logs what peers do wrong, frame by frame; the gateway says once why it closed a connection. The client of NATS
/// logs each attempt; a sink says once what has changed.
const LOG_FILTER: &str = "yamux=off,async_nats=off,krafka=off";

/// Serves with `config`, which `source` gave at `read_at`, until a signal.
pub(super) fn serve(source: ConfigSource, config: &Config, read_at: SystemTime) -> Result<Exit, Failure> {
    let log = config.log.init(LOG_FILTER).map_err(Failure::start)?;
    log_open_files();
    let threads = config.daemon.threads;
    let runtime = runtime(threads).map_err(|error| {
        Failure::start(format!("can't start worker threads: {error}; `daemon.threads` is {threads}"))
    })?;
    let own = log.clone();
    let reloader = |live| Reloader::new(source, config, live, log, read_at);
    let ended = runtime.block_on(run(config, own, reloader));
    runtime.shutdown_background();
    ended
}

async fn run(
    config: &Config,
    log: LogHandle,
    reloader: impl FnOnce(Live) -> Reloader<Live>,
) -> Result<Exit, Failure> {
    // Before the ports are open: whoever sees that it listens may stop it, or have it reload.
    let (mut signals, reloads) =
        listen().map_err(|error| Failure::start(format!("can't listen for signals: {error}")))?;
    let gateway = Gateway::bind(config).map_err(|error| not_bound(&error))?.with_log(log);
    let drain = gateway.drain_requested();
    let live = gateway.live();
    let cut = live.clone();
    let reloading = tokio::spawn(reloader(live).run(reloads));
    let stop = CancellationToken::new();
    let mut serving = tokio::spawn(gateway.run(stop.clone()));
    let mut supervisor = Supervisor::from_environment();
    supervisor.ready();
    tokio::select! {
        signal = signals.recv() => tracing::info!(%signal, "draining"),
        () = drain.cancelled() => tracing::info!("draining: an operator wants it to"),
        served = &mut serving => return Ok(served_by_itself(served)),
    }
    supervisor.stopping();
    reloading.abort();
    stop.cancel();
    tokio::select! {
        served = serving => Ok(drained(served)),
        signal = signals.recv() => {
            log_cut(signal, cut.connections());
            Ok(Exit::Interrupted)
        }
    }
}

pub(super) fn not_bound(error: &StartError) -> Failure {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    let advice = match error {
        StartError::Listen { addr, source, .. }
        | StartError::ControlPlane(BindError { addr, source, .. })
        | StartError::Bridge(BridgeError::Bind(BindError { addr, source, .. }))
        | StartError::Relay(RelayError::Bind(BindError { addr, source, .. }))
        | StartError::Observability(BindError { addr, source, .. }) => {
            bind_advice(source.kind(), addr.port())
        }
        _ => String::new(),
    };
    let text = format!("{error}{cause}{advice}");
    // Trying again mends no file.
    match error {
        StartError::Access(_)
        | StartError::Advertise(_)
        | StartError::Traces(_)
        | StartError::Bridge(BridgeError::Topics(_))
        | StartError::Relay(RelayError::Methods(_)) => Failure::usage(text),
        StartError::Listen { .. }
        | StartError::Nowhere(_)
        | StartError::Observability(_)
        | StartError::Spool { .. }
        | StartError::Threads(_)
        | StartError::Bridge(BridgeError::Bind(_))
        | StartError::Relay(RelayError::Bind(_))
        | StartError::ControlPlane(_) => Failure::start(text),
    }
}

/// The gateway ended, though nobody asked it to. The log is where its end is looked for.
fn served_by_itself(served: Result<Result<(), ServeError>, JoinError>) -> Exit {
    match served {
        Ok(Ok(())) => tracing::error!("the gateway has stopped"),
        Ok(Err(error)) => tracing::error!(%error, "the gateway has stopped"),
        Err(error) => tracing::error!(%error, "the gateway has stopped"),
    }
    Exit::StartFailure
}

/// Says before the end what the drain would have spared.
fn log_cut(signal: Signal, connections: usize) {
    tracing::warn!(%signal, connections, "a second signal: ending without the rest of the drain, and cutting these connections");
}

/// The gateway ended when it was asked to.
fn drained(served: Result<Result<(), ServeError>, JoinError>) -> Exit {
    match served {
        Ok(Ok(())) => return Exit::Ok,
        Ok(Err(error)) => tracing::error!(%error, "the gateway failed while draining"),
        Err(error) => tracing::error!(%error, "the gateway failed while draining"),
    }
    Exit::StartFailure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_while_draining_is_no_success() {
        assert_eq!(drained(Ok(Ok(()))), Exit::Ok);
        assert_eq!(drained(Ok(Err(ServeError))), Exit::StartFailure);
        let failed = tokio::spawn(async { panic!("a part of it fails") });
        assert_eq!(drained(failed.await), Exit::StartFailure);
    }
}
