//! The command line, and the daemon from its start to its end.

use crate::reload::{ConfigSource, Live, Reloader, variables};
use crate::{Broker, BrokerError, Config};
use clap::Parser;
use frontier_admin::BindError;
use frontier_daemon::bind_advice;
use frontier_daemon::log_flags::LogFlags;
use frontier_daemon::process::Exit;
use frontier_daemon::process::raise_open_files;
use frontier_daemon::reload::{Reloads, WatchOptions};
use frontier_daemon::shutdown::Signals;
use frontier_daemon::supervisor::Supervisor;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Instant;
use std::time::SystemTime;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// The broker of work sessions: has hosts compute what clients send.
#[derive(Debug, Parser)]
#[command(name = "broker", version, after_help = frontier_config::overrides_help(Config::OVERRIDES))]
pub struct Cli {
    /// The configuration, YAML. Without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the configuration and the files that it names, and exit.
    #[arg(long)]
    pub check: bool,
    /// What the log is like.
    #[command(flatten)]
    pub log: LogFlags,
}

/// These libraries log what peers do wrong on their connections, which is not for the operator.
const QUIET: &str = "h2=off,hyper=off,rustls=off,yamux=off";

/// Runs the daemon with the arguments of a process, the name of the program first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.run(),
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // The help and the version are no mistakes.
            if error.use_stderr() { Exit::Usage } else { Exit::Ok }
        }
    }
}

impl Cli {
    /// Loads the configuration, and runs until a signal.
    fn run(&self) -> Exit {
        let read_at = SystemTime::now();
        for line in self.log.ignored() {
            eprintln!("broker: {line}");
        }
        let config = match self.load_with(&|name| std::env::var(name).ok(), &variables()) {
            Ok(config) => config,
            Err(error) => {
                eprintln!("broker: {error}");
                return Exit::Usage;
            }
        };
        // Trying again mends no file.
        let mistakes = config.check_files();
        if !mistakes.is_empty() {
            mistakes.iter().for_each(|mistake| eprintln!("broker: {mistake}"));
            return Exit::Usage;
        }
        if self.check {
            config.warnings().iter().for_each(|line| println!("warning: {line}"));
            println!("the configuration is valid");
            return Exit::Ok;
        }
        serve(self.source(), &config, read_at).unwrap_or_else(|error| {
            eprintln!("broker: {error}");
            Exit::StartFailure
        })
    }

    /// Reads the file, if there is one, with overrides from the environment.
    ///
    /// # Errors
    /// Which file can't be read, or every mistake in it.
    pub fn load(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, String> {
        self.load_with(environment, &[])
    }

    fn load_with(
        &self,
        environment: &dyn Fn(&str) -> Option<String>,
        variables: &[String],
    ) -> Result<Config, String> {
        self.source().load(environment, variables)
    }

    fn source(&self) -> ConfigSource {
        ConfigSource { path: self.config.clone(), flags: self.log.clone() }
    }
}

/// Fails only before the broker runs.
fn serve(source: ConfigSource, config: &Config, read_at: SystemTime) -> Result<Exit, String> {
    let log = config.log.init(QUIET).map_err(|error| error.to_string())?;
    match raise_open_files() {
        Ok(files) => tracing::debug!(files, "limit of open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
    let runtime = runtime(config.daemon.threads);
    let runtime = runtime.map_err(|error| format!("can't start worker threads: {error}"))?;
    let reloader = |live| Reloader::new(source, config, live, log, read_at);
    let exit = runtime.block_on(run(config, reloader));
    runtime.shutdown_background();
    exit
}

fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

async fn run(config: &Config, reloader: impl FnOnce(Live) -> Reloader) -> Result<Exit, String> {
    // Before the ports are open: whoever sees that they are may send a signal.
    let (mut signals, reloads) = listen().map_err(|error| format!("can't listen for signals: {error}"))?;
    let broker = Broker::bind(config).map_err(|error| match &error {
        BrokerError::Port(BindError { addr, source, .. }) => {
            format!("{error}: {source}{}", bind_advice(source.kind(), addr.port()))
        }
        BrokerError::Access(_) => error.to_string(),
    })?;
    let reloading = tokio::spawn(reloader(broker.live()).run(reloads));
    let stop = CancellationToken::new();
    let mut running = tokio::spawn(broker.run(stop.clone()));
    let mut supervisor = Supervisor::from_environment();
    supervisor.ready();
    tokio::select! {
        signal = signals.recv() => tracing::info!(%signal, "draining"),
        ended = &mut running => {
            tracing::error!(panicked = ended.is_err(), "the broker has stopped without a signal");
            return Ok(Exit::StartFailure);
        }
    }
    supervisor.stopping();
    reloading.abort();
    stop.cancel();
    let asked = Instant::now();
    // The broker itself keeps the deadline, `daemon.grace`.
    tokio::select! {
        ended = running => Ok(drained(&ended)),
        signal = signals.recv() => {
            let left = config.daemon.grace.saturating_sub(asked.elapsed());
            tracing::warn!(%signal, ?left, "a second signal: ending without the rest of the drain, and cutting what is under way");
            Ok(Exit::Interrupted)
        }
    }
}

/// The broker ended when it was asked to.
fn drained(ended: &Result<(), JoinError>) -> Exit {
    match ended {
        Ok(()) => Exit::Ok,
        Err(error) => {
            tracing::error!(%error, "the broker failed while draining");
            Exit::StartFailure
        }
    }
}

fn listen() -> io::Result<(Signals, Reloads)> {
    Ok((Signals::listen()?, Reloads::listen(Some(WatchOptions::default()))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn parse(arguments: &[&str]) -> Cli {
        Cli::try_parse_from([&["broker"], arguments].concat()).unwrap()
    }

    fn exit(arguments: &[&str]) -> Exit {
        main([&["broker"], arguments].concat().into_iter().map(OsString::from))
    }

    #[test]
    fn the_environment_overrides_the_file_and_mistakes_name_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"daemon: {threads: 3, grace: 1s}").unwrap();
        let cli = parse(&["--config", file.path().to_str().unwrap()]);
        let threads = |name: &str| (name == "BROKER_THREADS").then(|| "5".to_owned());
        assert_eq!(cli.load(&|_| None).unwrap().daemon.threads, 3);
        assert_eq!(cli.load(&threads).unwrap().daemon.threads, 5);
        file.write_all(b"\nmistake: 1").unwrap();
        let error = cli.load(&|_| None).unwrap_err();
        assert!(error.starts_with(file.path().to_str().unwrap()) && error.contains("mistake"), "{error}");
        assert_eq!(parse(&[]).load(&threads).unwrap().daemon.threads, 5);
    }

    #[test]
    fn a_misspelt_variable_is_refused() {
        let misspelt = ["BROKER_THREAD".to_owned(), "BROKER_PORT".to_owned()];
        let error = parse(&[]).load_with(&|_| None, &misspelt).unwrap_err();
        assert!(error.contains("BROKER_THREAD: is not known; did you mean BROKER_THREADS?"), "{error}");
        assert!(error.starts_with("1 mistake"), "{error}");
    }

    #[tokio::test]
    async fn a_failure_while_draining_is_no_success() {
        assert_eq!(drained(&Ok(())), Exit::Ok);
        let failed = tokio::spawn(async { panic!("a part of it fails") });
        assert_eq!(drained(&failed.await), Exit::StartFailure);
    }

    #[test]
    fn exits_say_whose_mistake_it_was() {
        assert_eq!(exit(&["--help"]), Exit::Ok);
        assert_eq!(exit(&["--check"]), Exit::Ok);
        assert_eq!(exit(&["--no-such-option"]), Exit::Usage);
        assert_eq!(exit(&["--config", "/nowhere/broker.yaml"]), Exit::Usage);
    }
}
