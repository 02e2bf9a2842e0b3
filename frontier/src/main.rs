//! The `frontier` daemon.

use clap::{Parser, Subcommand};
use frontier::{Config, Gateway, cert, demo};
use frontier_daemon::exit::Exit;
use frontier_daemon::shutdown::Signals;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// A gateway for long-lived connections: carries messages, calls and streams between services and edges.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The configuration, YAML. Without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration and exit.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a gateway on free ports with a service and a few edges, and show what goes on between them.
    Demo(demo::Options),
    /// Make certificates.
    #[command(subcommand)]
    Cert(Cert),
}

#[derive(Debug, Subcommand)]
enum Cert {
    /// Make an authority, a server's certificate and a client's for development, each with its key.
    Dev(cert::Options),
}

/// Streams take and give back a buffer per piece. The system's allocator returns such memory to the
/// kernel each time and faults it in again, which costs a third of their throughput.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The mux logs what peers do wrong, frame by frame; the gateway says once why it closed a connection.
const QUIET: &str = "yamux=off";

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
    match &cli.command {
        Some(Command::Demo(options)) => return show(*options),
        Some(Command::Cert(Cert::Dev(options))) => return certify(options),
        None => {}
    }
    let config = match load(cli) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("frontier: {error}");
            return Exit::Usage;
        }
    };
    if cli.check {
        println!("the configuration is valid");
        return Exit::Ok;
    }
    if let Err(error) = config.log.init(QUIET) {
        eprintln!("frontier: {error}");
        return Exit::StartFailure;
    }
    match frontier_daemon::limits::raise_open_files() {
        Ok(files) => tracing::debug!(files, "limit of open files"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is"),
    }
    let runtime = match runtime(config.daemon.threads) {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("frontier: can't start worker threads: {error}");
            return Exit::StartFailure;
        }
    };
    let exit = runtime.block_on(run(&config));
    runtime.shutdown_background();
    exit
}

fn show(options: demo::Options) -> Exit {
    let stop = CancellationToken::new();
    let shown = runtime(0).map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let mut signals = Signals::listen()?;
            let on_signal = stop.clone();
            tokio::spawn(async move {
                signals.recv().await;
                on_signal.cancel();
            });
            demo::run(options, stop).await
        })
    });
    match shown {
        Ok(true) => Exit::Ok,
        Ok(false) => {
            eprintln!("frontier: not everything went well");
            Exit::StartFailure
        }
        Err(error) => {
            eprintln!("frontier: {error:#}");
            Exit::StartFailure
        }
    }
}

fn certify(options: &cert::Options) -> Exit {
    match cert::run(options) {
        Ok(written) => {
            for path in written {
                println!("{}", path.display());
            }
            Exit::Ok
        }
        Err(error) => {
            eprintln!("frontier: {error:#}");
            Exit::StartFailure
        }
    }
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
    // Before the ports are open: whoever sees that it listens may stop it.
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("frontier: can't listen for signals: {error}");
            return Exit::StartFailure;
        }
    };
    let gateway = match Gateway::bind(config) {
        Ok(gateway) => gateway,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
            eprintln!("frontier: {error}{}", cause.unwrap_or_default());
            return Exit::StartFailure;
        }
    };
    let stop = CancellationToken::new();
    let mut serving = tokio::spawn(gateway.run(stop.clone()));
    tokio::select! {
        signal = signals.recv() => tracing::info!(%signal, "draining"),
        served = &mut serving => return served_by_itself(served),
    }
    stop.cancel();
    tokio::select! {
        _ = serving => Exit::Ok,
        _ = signals.recv() => Exit::Interrupted,
    }
}

/// The gateway ended, though nobody asked it to.
fn served_by_itself(served: Result<Result<(), frontier::ServeError>, tokio::task::JoinError>) -> Exit {
    match served {
        Ok(Ok(())) => tracing::error!("the gateway has stopped"),
        Ok(Err(error)) => tracing::error!(%error, "the gateway has stopped"),
        Err(error) => tracing::error!(%error, "the gateway has stopped"),
    }
    Exit::StartFailure
}
