//! The command line, and what is done with it.

use crate::check;
use crate::deliver::{Outcome, Route};
use crate::exit::Exit;
use crate::job;
use crate::message::{Head, Message, Target};
use crate::options::Options;
use crate::original::{EcflowClient, Event, Log, Production, Raw};
use crate::spool::Spool;
use crate::{note, print};
use clap::{Args, Parser, Subcommand};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;

const AFTER_HELP: &str = "\
Exit codes: 0, whatever becomes of the message; 2 where `check` has found something. With --strict: 0 confirmed; 1 refused,
or nobody knows; 64 wrong command line; 69 no gateway reached; 75 try again, or it will be sent later; 77 no permission.";

/// The longest message that is read.
const MAX_DATA: u64 = 64 << 20;

/// Sends a message of a batch job by the relay of a gateway, within a budget, and never fails the job.
#[derive(Debug, Parser)]
#[command(name = "frontier-send", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send to an exchange of RabbitMQ.
    Amqp {
        /// The exchange; none: the one that takes the names of queues
        #[arg(long, default_value = "")]
        exchange: String,
        /// The routing key
        #[arg(long)]
        routing_key: String,
        #[command(flatten)]
        data: Data,
    },
    /// Send to a topic of Kafka.
    Kafka {
        /// The topic
        #[arg(long)]
        topic: String,
        #[command(flatten)]
        data: Data,
    },
    /// As the original's: a product has changed its state.
    Production(Production),
    /// As the original's: ecflow_client was called.
    EcflowClient(EcflowClient),
    /// As the original's: a line of a log.
    Log(Log),
    /// As the original's: a message as it is.
    Message(Raw),
    /// Send what waits in the spool, as an epilog does.
    Drain,
    /// Send a message through the whole way, and say where it stops.
    Check(check::CheckOptions),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Data {
    /// The message; `-` reads it from standard input
    data: Option<String>,
    /// The file that has the message
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What is wrong, and how the program ends.
pub(crate) type Failure = (Exit, String);

impl Cli {
    /// How long it may take.
    pub(crate) fn budget(&self) -> Duration {
        self.options.budget
    }

    /// Does it, within the budget from `start` on; but for files that are slow.
    pub(crate) fn run(self, start: Instant) -> Exit {
        let is_verbose = self.options.verbose;
        match self.execute(start) {
            Ok(said) => {
                if is_verbose && !said.is_empty() {
                    note(&said);
                }
                Exit::Ok
            }
            Err((exit, text)) => {
                note(&text);
                exit
            }
        }
    }

    fn execute(self, start: Instant) -> Result<String, Failure> {
        let Self { command, options } = self;
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let deadline = start + options.budget;
        let now = OffsetDateTime::now_utc();
        let usage = |text: String| (Exit::Usage, text);
        let spool = options.spool(&environment);
        let (event, to) = match &command {
            Command::Drain => return options.drain(&environment, deadline),
            Command::Check(check) => {
                // Nothing was checked, which nobody may take for well.
                let route = options.route(None, &environment, deadline, true);
                let route = route.map_err(|(_, text)| (Exit::Found, text))?;
                return block_on(check::run(check, &route));
            }
            Command::Amqp { exchange, routing_key, data } => {
                let target = Target::Amqp {
                    server: String::new(),
                    exchange: exchange.clone(),
                    routing_key: routing_key.clone(),
                };
                (Event { target, data: data.read(deadline)? }, None)
            }
            Command::Kafka { topic, data } => {
                let target = Target::Kafka { topic: topic.clone() };
                (Event { target, data: data.read(deadline)? }, None)
            }
            Command::Production(it) => (it.event(now).map_err(usage)?, Some(&it.to)),
            Command::EcflowClient(it) => (it.event(now, &environment).map_err(usage)?, Some(&it.to)),
            Command::Log(it) => (it.event(now).map_err(usage)?, Some(&it.to)),
            Command::Message(it) => (it.event(), Some(&it.to)),
        };
        if to.is_some_and(|to| to.disable_send) {
            print(&String::from_utf8_lossy(&event.data));
            return Ok(String::new());
        }
        let job = options.job.clone().unwrap_or_else(|| job::name(&environment));
        let key = options.key.clone().unwrap_or_else(|| job::key(&job));
        let head = Head { target: event.target, job, key, tried: None };
        let message = Message { head, data: event.data };
        let route = options.route(to, &environment, deadline, spool.is_none());
        match spool {
            None => send(&message, &route?),
            Some(directory) => match Spool::open(&directory) {
                Ok(spool) => send_by(&spool, &message, route),
                // It is sent all the same.
                Err(error) => {
                    note(&format!("{}: {error}; nothing is kept there", directory.display()));
                    send(&message, &Route { is_patient: true, ..route? })
                }
            },
        }
    }
}

fn send(message: &Message, route: &Route) -> Result<String, Failure> {
    let outcome = block_on(async { Ok(route.deliver(message, |_| {}).await) })?;
    match outcome {
        Outcome::Confirmed => Ok("confirmed".to_owned()),
        Outcome::Later(exit, text) => Err((exit, format!("not sent: {text}"))),
        Outcome::Refused(exit, text) => Err((exit, format!("refused: {text}"))),
        Outcome::Unanswered(_, text) | Outcome::Unknown(text) => {
            Err((Exit::Failure, format!("nobody knows whether it was sent: {text}")))
        }
    }
}

/// It waits behind what is there already, and all of it is sent as far as the budget goes.
fn send_by(spool: &Spool, message: &Message, route: Result<Route, Failure>) -> Result<String, Failure> {
    let own = match spool.put(message) {
        Ok(own) => own,
        Err(error) => {
            note(&format!("the message can't be kept: {error}"));
            return send(message, &Route { is_patient: true, ..route? });
        }
    };
    let kept = |text: String| (Exit::TryAgain, format!("kept, to be sent later: {text}"));
    let route = route.map_err(|(_, text)| kept(text))?;
    let drained = block_on(async { Ok(spool.drain(&route).await) })?;
    let drained = drained.map_err(|error| kept(error.to_string()))?;
    let lost = drained.lost.iter().find(|(path, ..)| *path == own);
    if let Some((_, exit, text)) = lost {
        return Err((*exit, format!("refused: {text}")));
    }
    if own.exists() {
        return Err(kept(drained.last.map(|(_, text)| text).unwrap_or_default()));
    }
    Ok("confirmed".to_owned())
}

impl Data {
    /// Standard input may never end: it is read no longer than there is time.
    fn read(&self, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let usage = |text: String| (Exit::Usage, text);
        if let Some(path) = &self.file {
            let read = std::fs::File::open(path).and_then(whole);
            return read.map_err(|error| usage(format!("{}: {error}", path.display())));
        }
        match self.data.as_deref() {
            Some("-") => {}
            data => return Ok(data.unwrap_or_default().as_bytes().to_vec()),
        }
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            // Nobody may wait for it any more.
            let _ = sender.send(whole(std::io::stdin()));
        });
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(read) => read.map_err(|error| usage(format!("standard input: {error}"))),
            Err(_) => Err((Exit::Failure, "standard input has not ended within the budget".to_owned())),
        }
    }
}

/// All of it, if that is not too much.
fn whole(from: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    from.take(MAX_DATA + 1).read_to_end(&mut data)?;
    match data.len() as u64 > MAX_DATA {
        true => Err(std::io::Error::other(format!(
            "has more than {MAX_DATA} bytes, the longest message there may be"
        ))),
        false => Ok(data),
    }
}

/// A runtime of this thread. What it has left when it is done is left behind: a name that is looked up can't be told to stop.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| (Exit::Failure, format!("no runtime: {error}")))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_job_never_fails_unless_it_wants_to() {
        let run = |arguments: &[&str]| crate::run(arguments.iter().map(Into::into));
        let nowhere = "--gateway=http://127.0.0.1:1";
        let short = "--budget=50ms";
        for (arguments, code) in [
            (&["x", "--no-such-option"][..], 64),
            (&["x", "kafka", "--topic", "t", "d", nowhere, short], 69),
            (&["x", "kafka", "--topic", "t", "--file", "/no/such", nowhere], 64),
            (&["x", "production", "--system=x"], 64),
        ] {
            assert_eq!(run(arguments), 0, "{arguments:?}");
            assert_eq!(run(&[arguments, &["--strict"]].concat()), code, "{arguments:?}");
        }
        // As of a variable that is set to nothing.
        assert_eq!(run(&["x", "kafka", "--topic", "t", "d", "--gateway=", "--strict"]), 64);
        assert_eq!(
            run(&["x", "kafka", "--topic", "t", "d", "--gateway", ",127.0.0.1:1,", short, "--strict"]),
            69
        );
        // What was checked by nobody is not well.
        assert_eq!(run(&["x", "check", "--gateway="]), 2);
        assert_eq!(run(&["x", "check", "--topik", "t"]), 2);
        assert_eq!(run(&["x", "--help"]), 0);
        let printed = ["x", "message", "--message-body={}", "--disable-send", "--strict"];
        assert_eq!(run(&printed), 0);
    }

    #[test]
    fn of_several_gateways_one_that_was_reached_says_more_than_one_that_was_not() {
        use std::io::{Read, Write};
        let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = busy.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in busy.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
            }
        });
        for gateways in [format!("{addr},127.0.0.1:1"), format!("127.0.0.1:1,{addr}")] {
            let arguments =
                ["x", "kafka", "--topic", "t", "d", "--strict", "--budget=20s", "--gateway", &gateways];
            assert_eq!(crate::run(arguments.iter().map(Into::into)), 75, "{gateways}");
        }
    }
}
