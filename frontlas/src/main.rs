//! The `frontlas` daemon.

use clap::Parser;
use frontier_daemon::process::Exit;
use frontier_daemon::shutdown::Signals;
use frontlas::{Config, Node};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// The cluster node: knows which edge and which service is at which frontier.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The configuration, YAML. Without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration and exit.
    #[arg(long)]
    check: bool,
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a peer does wrong on its connection is not for the operator.
const QUIET: &str = "h2=off,hyper=off,rustls=off,yamux=off";

fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => start(&cli),
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // Not an error is what was asked for: the help, the version.
            if error.use_stderr() { Exit::Usage } else { Exit::Ok }
        }
    };
    exit.into()
}

fn start(cli: &Cli) -> Exit {
    let config = match load(cli) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("frontlas: {error}");
            return Exit::Usage;
        }
    };
    if cli.check {
        println!("the configuration is valid");
        return Exit::Ok;
    }
    if let Err(error) = config.log.init(QUIET) {
        eprintln!("frontlas: {error}");
        return Exit::StartFailure;
    }
    match frontier_daemon::process::raise_open_files() {
        Ok(files) => tracing::debug!(files, "limit of open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
    let runtime = match runtime(config.daemon.threads) {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("frontlas: can't start worker threads: {error}");
            return Exit::StartFailure;
        }
    };
    let exit = runtime.block_on(run(&config));
    runtime.shutdown_background();
    exit
}

fn load(cli: &Cli) -> Result<Config, String> {
    let yaml = match &cli.config {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("can't read {}: {error}", path.display()))?,
    };
    let environment = |name: &str| std::env::var(name).ok();
    Config::parse(&yaml, &environment).map_err(|errors| match &cli.config {
        Some(path) => format!("{}: {errors}", path.display()),
        None => errors.to_string(),
    })
}

fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

async fn run(config: &Config) -> Exit {
    // Before the port is open: whoever sees that it listens may stop it.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("frontlas: can't listen for signals: {error}");
            return Exit::StartFailure;
        }
    };
    let node = match Node::bind(config).await {
        Ok(node) => node,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
            eprintln!("frontlas: {error}{}", cause.unwrap_or_default());
            return Exit::StartFailure;
        }
    };
    let stop = CancellationToken::new();
    let mut serving = tokio::spawn(node.run(stop.clone()));
    tokio::select! {
        signal = signals.recv() => tracing::info!(%signal, "draining"),
        served = &mut serving => {
            tracing::error!(panicked = served.is_err(), "the node has stopped");
            return Exit::StartFailure;
        }
    }
    stop.cancel();
    tokio::select! {
        _ = serving => Exit::Ok,
        _ = signals.recv() => Exit::Interrupted,
    }
}
