//! The command line: what it may say, which command it starts, and how the process ends.

use crate::bench::BenchCommand;
use crate::call::CallCommand;
use crate::completion::{self, Shell};
use crate::context::ContextCommand;
use crate::directory::{Edges, FrontiersCommand, PeersCommand, Services};
use crate::doctor::DoctorCommand;
use crate::events::EventsCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::forward::ForwardCommand;
use crate::gateway::{DrainCommand, LogLevelCommand, Peers, PolicyCommand, StatusCommand};
use crate::host::HostCommand;
use crate::interrupt::{finish, until_interrupted};
use crate::output::{self, Format, Printer};
use crate::publish::PublishCommand;
use crate::settings::ConnectionOptions;
use crate::stream::StreamCommand;
use crate::subscribe::SubscribeCommand;
use crate::top::TopCommand;
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};
use frontier_credentials::command::{CertCommand, TokenCommand};
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Exit codes, at the end of the help and in `docs/frontctl.md`.
const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 whoever was asked answered with an error, or is not there; 64 wrong command line or file;
69 unreachable; 75 try again; 77 no permission; 130 interrupted.";

/// Looks at gateways and clusters, and calls, publishes, streams and forwards through them.
#[derive(Debug, Parser)]
#[command(name = "frontctl", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How results are printed
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        env = "FRONTCTL_OUTPUT",
        hide_env_values = true,
        default_value = "table"
    )]
    output: Format,
    /// Say more about what happens, on standard error; twice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    connection: ConnectionOptions,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Contexts: addresses and credentials under a name.
    #[command(subcommand, visible_alias = "ctx")]
    Context(ContextCommand),
    /// The gateways of a cluster.
    #[command(subcommand)]
    Frontiers(FrontiersCommand),
    /// Connected edges.
    #[command(subcommand)]
    Edges(PeersCommand<Edges>),
    /// Connected services.
    #[command(subcommand)]
    Services(PeersCommand<Services>),
    /// Print who comes and goes, as it happens.
    Events(EventsCommand),
    /// Show what a gateway says of itself.
    Status(StatusCommand),
    /// Show what the peers of a gateway may do, and how much: rules, quotas and limits in force.
    Policy(PolicyCommand),
    /// Show or set what a gateway logs.
    LogLevel(LogLevelCommand),
    /// Have a gateway drain and end, as SIGTERM does.
    Drain(DrainCommand),
    /// Show the cluster live, and what goes through a gateway.
    Top(TopCommand),
    /// Call a method of a service; with --edge, of an edge.
    Call(CallCommand),
    /// Send a message to whoever takes its topic; with --edge, to an edge.
    #[command(visible_alias = "pub")]
    Publish(PublishCommand),
    /// Take messages and print them.
    #[command(visible_alias = "subscribe")]
    Sub(SubscribeCommand),
    /// Join standard input and output to a stream, as netcat does to a connection.
    Stream(StreamCommand),
    /// Forward TCP connections and UDP datagrams to what is beside an edge, or beside a service.
    #[command(subcommand)]
    Forward(ForwardCommand),
    /// Be a host of work sessions: have a program, or a container, compute their requests.
    Host(HostCommand),
    /// Put load on a gateway, and tell rates and latencies.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Send a message of a batch job by a relay, and never fail the job: `frontctl send --help` says how.
    ///
    /// What `frontier-send` does, which is smaller.
    #[command(visible_alias = "relay", disable_help_flag = true)]
    Send {
        /// As those of `frontier-send`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Look at each part between here and an installation, and say what is wrong.
    Doctor(DoctorCommand),
    /// Make certificates.
    #[command(subcommand)]
    Cert(CertCommand),
    /// Make tokens, and what stands for them in a file.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the completion of a shell.
    Completion {
        /// Which shell.
        shell: Shell,
    },
    /// Write the man pages into a folder.
    Man {
        /// Where to; it is made if it is not there.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

/// Runs the program with these arguments, of which the first is its name. Blocks until it ends.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    // It has options of its own, and lets no mistake of the command line fail a job.
    if arguments.get(1).is_some_and(|command| command == "send" || command == "relay") {
        return Exit::OfSend(frontier_send::run(arguments.into_iter().skip(1)));
    }
    let cli = match frontier_send::parse::<Cli>(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // Not an error is what was asked for: the help, the version.
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    match cli.execute() {
        Ok(()) => Exit::Ok,
        Err(failure) if failure.is_closed_output() => Exit::Ok,
        Err(failure) => {
            output::note(&failure.to_string());
            failure.exit
        }
    }
}

impl Cli {
    fn execute(self) -> Outcome {
        let Self { command, output, verbose, connection } = self;
        log(verbose, matches!(command, Command::Top(_)));
        let printer = Printer { format: output };
        let settings = || connection.settings();
        match command {
            Command::Context(command) => command.run(&connection, &printer),
            Command::Cert(command) => {
                let made =
                    command.run().map_err(|error| Failure::new(Exit::Failure, format!("{error:#}")))?;
                output::write(&format!("{made}\n"))
            }
            Command::Token(command) => {
                let made = command.run(io::stdin()).map_err(|error| Failure::usage(format!("{error:#}")))?;
                output::write(&format!("{made}\n"))
            }
            Command::Completion { shell } => completion::print(shell, Self::command()),
            Command::Man { dir } => completion::man_pages(&dir, Self::command()),
            Command::Frontiers(command) => go_on(command.run(&settings()?, &printer)),
            Command::Edges(command) => go_on(command.run(Peers::EDGES, &settings()?, &printer)),
            Command::Services(command) => go_on(command.run(Peers::SERVICES, &settings()?, &printer)),
            Command::Events(command) => go_on(command.run(&settings()?, &printer)),
            Command::Status(command) => end(command.run(&settings()?, &printer)),
            Command::Policy(command) => end(command.run(&settings()?, &printer)),
            Command::LogLevel(command) => end(command.run(&settings()?, &printer)),
            Command::Drain(command) => end(command.run(&settings()?)),
            Command::Top(command) => go_on(command.run(&settings()?, &printer)),
            Command::Call(command) => end(command.run(&settings()?, &printer)),
            Command::Publish(command) => end(command.run(&settings()?, &printer)),
            Command::Sub(command) => go_on(command.run(&settings()?, &printer)),
            Command::Forward(command) => go_on(command.run(&settings()?)),
            Command::Host(command) => block_on(command.run(&settings()?)),
            Command::Bench(command) => end(command.run(&settings()?, &printer)),
            Command::Doctor(command) => end(command.run(&connection, &printer)),
            Command::Stream(command) => end(command.run(&settings()?)),
            Command::Send { .. } => Err(Failure::usage("`send` comes first: `frontctl send …`".to_owned())),
        }
    }
}

/// Runs what ends by itself; Ctrl-C before that is a failure.
fn end(work: impl Future<Output = Outcome>) -> Outcome {
    block_on(finish(work))
}

/// Runs what may go on until Ctrl-C, which is its good end.
fn go_on(work: impl Future<Output = Outcome>) -> Outcome {
    block_on(until_interrupted(work))
}

fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Failure, format!("no runtime: {error}")))?;
    let done = runtime.block_on(work);
    // A thread that reads from a terminal can't be told to stop.
    runtime.shutdown_background();
    done
}

/// What the SDK has to say goes to standard error: first of all why it does not connect, while it tries on. `RUST_LOG` says
/// what else, unless `--verbose` does, or the command draws on the terminal.
fn log(verbose: u8, draws: bool) {
    let usual = match verbose {
        0 if draws => "error",
        0 => "error,frontier_sdk=warn,frontctl=info",
        1 => "info,frontctl=debug",
        _ => "debug",
    };
    let said = std::env::var("RUST_LOG").ok().filter(|said| verbose == 0 && !draws && !said.is_empty());
    let filter = said.map(|said| {
        EnvFilter::try_new(said).inspect_err(|error| output::warn(&format!("RUST_LOG is not used: {error}")))
    });
    let filter = filter.and_then(Result::ok).unwrap_or_else(|| EnvFilter::new(usual));
    let is_terminal = io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(is_terminal)
        .with_target(verbose > 0);
    // Whoever calls this in a process of its own has set another one.
    let _ = subscriber.try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_command_line_is_a_mistake_of_usage_and_help_and_version_are_none() {
        for wrong in [
            &["--no-such-option"][..],
            &["no-such-command"],
            &["edges"],
            &["call"],
            &["call", "a", "--timeout", "5"],
            &["bench", "calls", "--duration", "0"],
            &["edges", "kick", "7", "x", "--gateway", "http://127.0.0.1:1"],
            &["call", "a", "--via", "plane"],
            &["publish", "a", "b", "--service", "s"],
        ] {
            assert_eq!(run([&["frontctl"], wrong].concat()), Exit::Usage, "{wrong:?}");
        }
        for asked in [&["--help"][..], &["--version"], &["edges", "ls", "--help"]] {
            assert_eq!(run([&["frontctl"], asked].concat()), Exit::Ok, "{asked:?}");
        }
    }

    #[test]
    fn the_help_names_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        let all = [
            Exit::Ok,
            Exit::Failure,
            Exit::Usage,
            Exit::Unreachable,
            Exit::TryAgain,
            Exit::Denied,
            Exit::Interrupted,
        ];
        for exit in all {
            assert!(help.contains(&format!("{} ", exit.code())), "{exit:?} is not in\n{help}");
        }
    }
}
