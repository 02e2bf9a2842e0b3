//! The `frontier` daemon.

use clap::{Parser, Subcommand};
use frontier::reload::{ConfigSource, Live, Reloader};
use frontier::{Config, Gateway, StartError, cert, demo, token};
use frontier_daemon::process::Exit;
use frontier_daemon::reload::{Reloads, WatchOptions};
use frontier_daemon::shutdown::Signals;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;
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
    /// Make tokens, and what stands for them in a file.
    #[command(subcommand)]
    Token(Token),
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Token {
    /// Print a random token, and its hash.
    New,
    /// Read a token from standard input, and print its hash.
    Hash,
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
        Some(Command::Token(command)) => return make_token(*command),
        None => {}
    }
    let read_at = SystemTime::now();
    let source = ConfigSource::new(cli.config.clone());
    let config = match source.load() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("frontier: {error}");
            return Exit::Usage;
        }
    };
    if cli.check {
        return check(&config);
    }
    let log = match config.log.init(QUIET) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("frontier: {error}");
            return Exit::StartFailure;
        }
    };
    match frontier_daemon::process::raise_open_files() {
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
    let exit = runtime.block_on(run(&config, |live| Reloader::new(source, &config, live, log, read_at)));
    runtime.shutdown_background();
    exit
}

/// What the configuration itself does not say: the files that it names.
fn check(config: &Config) -> Exit {
    match config.check_files() {
        Ok(()) => {
            println!("the configuration is valid");
            Exit::Ok
        }
        Err(errors) => {
            eprintln!("frontier: {errors}");
            Exit::Usage
        }
    }
}

fn make_token(command: Token) -> Exit {
    let made = match command {
        Token::New => Ok(token::new()),
        Token::Hash => token::hash(std::io::stdin().lock()),
    };
    match made {
        Ok(lines) => {
            println!("{lines}");
            Exit::Ok
        }
        Err(error) => {
            eprintln!("frontier: {error:#}");
            Exit::Usage
        }
    }
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

async fn run(config: &Config, reloader: impl FnOnce(Live) -> Reloader) -> Exit {
    // Before the ports are open: whoever sees that it listens may stop it, or have it reload.
    let listen =
        || Ok::<_, std::io::Error>((Signals::listen()?, Reloads::listen(Some(WatchOptions::default()))?));
    let (mut signals, reloads) = match listen() {
        Ok(listening) => listening,
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
            // Trying again mends no file.
            let is_wrong = matches!(error, StartError::Access(_));
            return if is_wrong { Exit::Usage } else { Exit::StartFailure };
        }
    };
    let reloading = tokio::spawn(reloader(gateway.live()).run(reloads));
    let stop = CancellationToken::new();
    let mut serving = tokio::spawn(gateway.run(stop.clone()));
    tokio::select! {
        signal = signals.recv() => tracing::info!(%signal, "draining"),
        served = &mut serving => return served_by_itself(served),
    }
    reloading.abort();
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
