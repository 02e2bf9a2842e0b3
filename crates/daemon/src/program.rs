//! A daemon as a program: its command line, and its life from the start to the end.
//!
//! ```text
//!   NAME [--config FILE]          until a signal
//!   NAME [--config FILE] --check  whether that would start
//! ```

#[cfg(test)]
mod tests;

use crate::config_source::{ConfigSource, Settings};
use crate::log_flags::LogFlags;
use crate::process::{Exit, ProcessConfig, log_open_files, runtime};
use crate::reload::{Reloads, WatchOptions};
use crate::reloader::{Live, Reloader};
use crate::shutdown::Signals;
use crate::supervisor::Supervisor;
use clap::{Args, Command, FromArgMatches};
use frontier_config::{Override, format_duration, overrides_help};
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// These libraries log what peers do wrong on their connections, which is not for the operator.
const QUIET: &str = "h2=off,hyper=off,rustls=off,yamux=off";

/// A daemon that [`main`] runs.
pub trait Daemon: Sized + Send + 'static {
    /// The name of the program.
    const NAME: &'static str;
    /// What it is, for `--help`.
    const ABOUT: &'static str;
    /// What its log calls it, with an article.
    const NOUN: &'static str;
    /// The environment variables that replace keys.
    const OVERRIDES: &'static [Override];
    /// What it is configured with.
    type Config: Settings;
    /// Why it does not start.
    type Error: Error;
    /// What of it a reload changes.
    type Live: Live<Config = Self::Config>;

    /// How the process runs.
    fn process(config: &Self::Config) -> &ProcessConfig;

    /// Reads the files that `config` names, and throws away what is in them: a line for each that is of no use. Blocks
    /// while it does.
    fn check_files(config: &Self::Config) -> Vec<String>;

    /// What may surprise about a configuration that is valid, in lines. Blocks while it reads files.
    fn warnings(config: &Self::Config) -> Vec<String>;

    /// Listens.
    ///
    /// # Errors
    /// Why it can't start.
    fn start(config: &Self::Config) -> impl Future<Output = Result<Self, Self::Error>>;

    /// What to do about it, to stand behind the error; empty where that is not known.
    fn advice(error: &Self::Error) -> String;

    /// What of it a reload changes.
    fn live(&self) -> Self::Live;

    /// Serves until `stop`, and then drains, for as long as [`ProcessConfig::grace`] lets it.
    fn serve(self, stop: CancellationToken) -> impl Future<Output = ()> + Send;
}

/// What the command line says.
#[derive(Args, Debug)]
struct Options {
    /// The configuration, YAML. Without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration and the files that it names, and exit.
    #[arg(long)]
    check: bool,
    /// What the log is like.
    #[command(flatten)]
    log: LogFlags,
}

impl Options {
    fn parse<D: Daemon>(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let command =
            Command::new(D::NAME).version(env!("CARGO_PKG_VERSION")).after_help(overrides_help(D::OVERRIDES));
        // The arguments bring their own words, which are for readers of the code.
        let command = Self::augment_args(command).about(D::ABOUT).long_about(None);
        Self::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }
}

/// Runs the daemon with the arguments of a process, the name of the program first. Blocks until it ends.
pub fn main<D: Daemon>(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    match Options::parse::<D>(arguments) {
        Ok(options) => execute::<D>(options),
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // The help and the version are no mistakes.
            if error.use_stderr() { Exit::Usage } else { Exit::Ok }
        }
    }
}

/// Loads the configuration, and runs until a signal.
fn execute<D: Daemon>(options: Options) -> Exit {
    let read_at = SystemTime::now();
    for line in options.log.ignored() {
        eprintln!("{}: {line}", D::NAME);
    }
    let source = ConfigSource::new(options.config).with_flags(options.log);
    let config: D::Config = match source.load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{}: {error}", D::NAME);
            return Exit::Usage;
        }
    };
    // Trying again mends no file.
    let mistakes = D::check_files(&config);
    if !mistakes.is_empty() {
        mistakes.iter().for_each(|mistake| eprintln!("{}: {mistake}", D::NAME));
        return Exit::Usage;
    }
    if options.check {
        D::warnings(&config).iter().for_each(|line| println!("warning: {line}"));
        println!("the configuration is valid");
        return Exit::Ok;
    }
    start::<D>(source, &config, read_at).unwrap_or_else(|error| {
        eprintln!("{}: {error}", D::NAME);
        Exit::StartFailure
    })
}

/// Fails only before the daemon runs.
fn start<D: Daemon>(source: ConfigSource, config: &D::Config, read_at: SystemTime) -> Result<Exit, String> {
    let log = config.log().init(QUIET).map_err(|error| error.to_string())?;
    log_open_files();
    let runtime = runtime(D::process(config).threads);
    let runtime = runtime.map_err(|error| format!("can't start worker threads: {error}"))?;
    let reloader = |live| Reloader::new(source, config, live, log, read_at);
    let exit = runtime.block_on(run::<D>(config, reloader));
    runtime.shutdown_background();
    exit
}

async fn run<D: Daemon>(
    config: &D::Config,
    reloader: impl FnOnce(D::Live) -> Reloader<D::Live>,
) -> Result<Exit, String> {
    // Before the ports are open: whoever sees that they are may send a signal.
    let (mut signals, reloads) = listen().map_err(|error| format!("can't listen for signals: {error}"))?;
    let daemon = D::start(config).await.map_err(|error| match error.source() {
        Some(source) => format!("{error}: {source}{}", D::advice(&error)),
        None => error.to_string(),
    })?;
    let reloading = tokio::spawn(reloader(daemon.live()).run(reloads));
    let stop = CancellationToken::new();
    let mut running = tokio::spawn(daemon.serve(stop.clone()));
    let mut supervisor = Supervisor::from_environment();
    supervisor.ready();
    tokio::select! {
        signal = signals.recv() => tracing::info!(%signal, "draining"),
        ended = &mut running => {
            match ended {
                Ok(()) => tracing::error!("{} has stopped without a signal", D::NOUN),
                Err(error) => tracing::error!(%error, "{} has stopped without a signal", D::NOUN),
            }
            return Ok(Exit::StartFailure);
        }
    }
    supervisor.stopping();
    reloading.abort();
    stop.cancel();
    let asked = Instant::now();
    // The daemon itself keeps the deadline.
    tokio::select! {
        ended = running => Ok(drained::<D>(&ended)),
        signal = signals.recv() => {
            let left = D::process(config).grace.saturating_sub(asked.elapsed());
            tracing::warn!(%signal, left = %format_duration(left), "a second signal: ending without the rest of the drain, and cutting what is under way");
            Ok(Exit::Interrupted)
        }
    }
}

/// It ended when it was asked to.
fn drained<D: Daemon>(ended: &Result<(), JoinError>) -> Exit {
    match ended {
        Ok(()) => Exit::Ok,
        Err(error) => {
            tracing::error!(%error, "{} failed while draining", D::NOUN);
            Exit::StartFailure
        }
    }
}

/// The signals that end a daemon, and those that have it reload. Must be called inside a Tokio runtime, before its ports
/// are open.
///
/// # Errors
/// If a handler can't be installed.
pub fn listen() -> io::Result<(Signals, Reloads)> {
    Ok((Signals::listen()?, Reloads::listen(Some(WatchOptions::default()))?))
}
