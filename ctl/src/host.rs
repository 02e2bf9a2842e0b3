//! `frontctl host`: a host of work sessions that has a program compute the requests, or a container that speaks gRPC.
//!
//! ```text
//!   broker ─▶ gateway ─▶ frontctl host ─┬─ a process for each request: body in, answer out
//!                                       ├─ a pool of processes that read one request after the other
//!                                       └─ cloudsoa.servicehost.ComputeService
//! ```

mod call;
mod container;
mod executable;
mod pool;
mod process;
mod program;
mod talk;

use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::output;
use crate::settings::Settings;
use call::{Call, Limits};
use clap::{Args, ValueEnum};
use container::Container;
use frontier_config::{ByteSize, parse_duration};
use frontier_sdk::{HostError, HostRequest, Response, ServiceHost};
use pool::Pool;
use program::Program;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// How often a container is asked whether it is well.
const HEALTH_PERIOD: Duration = Duration::from_secs(5);

/// The longest name of a service that a broker takes, in bytes.
const MAX_SERVICE_NAME: usize = 128;

#[derive(Args, Clone, Debug)]
pub(crate) struct HostCommand {
    /// The service that it offers: any text of 1 to 128 bytes, as sessions say it.
    #[arg(long, value_name = "NAME", value_parser = service_name)]
    service: String,
    /// The version of the service; sessions may ask for it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    service_version: String,
    /// The machine that it runs on, or the pod: if it can't offer the service, others there are not asked either.
    #[arg(long, value_name = "NAME", default_value = "")]
    node: String,
    /// A label that sessions may ask for. May be given more than once.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// How many requests are computed at once [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    capacity: Option<u32>,
    /// Keep as many processes as the capacity, which read one request after the other and answer it in this form. Unless set, a process
    /// is started for each request: the body is its input, what it prints the answer.
    #[arg(long, value_name = "FORM", conflicts_with = "grpc")]
    pool: Option<Form>,
    /// How long a request may take, within what its session says.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "24h")]
    call_timeout: Duration,
    /// How much memory each process may have (its address space), in bytes, or in B, KiB, MiB, GiB, TiB (powers of 1024), KB, MB,
    /// GB, TB (powers of 1000), upper or lower case.
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with = "grpc")]
    max_memory: Option<ByteSize>,
    /// The longest answer, in the same units.
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "4MiB")]
    max_answer: ByteSize,
    /// How long requests may go on after SIGTERM or Ctrl-C.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "15s")]
    grace: Duration,
    /// Have a container compute them that speaks `cloudsoa.servicehost.ComputeService`, at this address.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "program")]
    grpc: Option<String>,
    #[command(flatten)]
    identity: Identity,
    /// The program, and its arguments.
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

/// What the processes of a pool read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// A JSON object on each line.
    Lines,
    /// Frames: their length as 4 bytes, big endian, and so many bytes.
    Frames,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a label is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A broker refuses a host with any other one, and the host would go on asking it.
fn service_name(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err(format!("the name of a service has 1 to {MAX_SERVICE_NAME} bytes")),
        length if length > MAX_SERVICE_NAME => {
            Err(format!("the name of a service has 1 to {MAX_SERVICE_NAME} bytes, this one has {length}"))
        }
        _ => Ok(text.to_owned()),
    }
}

fn size(text: &str) -> Result<ByteSize, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// What computes requests.
#[derive(Clone)]
enum Worker {
    Program(Arc<Program>),
    Pool(Arc<Pool>),
    Container(Container),
}

impl Worker {
    async fn compute(&self, call: Call) -> Result<Vec<u8>, HostError> {
        match self {
            Self::Program(program) => program.compute(&call).await,
            Self::Pool(pool) => pool.compute(&call).await,
            Self::Container(container) => container.compute(call).await,
        }
    }
}

impl HostCommand {
    /// Runs until a signal, and drains.
    pub(crate) async fn run(self, settings: &Settings) -> Outcome {
        if self.grpc.is_none() && self.program.is_empty() {
            return Err(Failure::usage("nothing computes the requests")
                .advise("add `-- PROGRAM` and its arguments, or `--grpc HOST:PORT` of a container"));
        }
        let mut stop = Stop::listen()?;
        let capacity = self.capacity.unwrap_or_else(|| {
            let processors = std::thread::available_parallelism().map_or(1, |it| it.get());
            u32::try_from(processors).unwrap_or(u32::MAX)
        });
        match &self.grpc {
            Some(address) => {
                let container = Container::at(address, self.limits()).map_err(Failure::usage)?;
                self.serve_container(settings, capacity, container, &mut stop).await
            }
            None => {
                let program = Program::new(&self.program, self.limits());
                program.check().await.map_err(Failure::usage)?;
                let running = program.running.clone();
                let host = self.connect(settings, capacity, self.worker(program, capacity)).await?;
                let ended = tokio::select! {
                    () = stop.signal() => {
                        self.drain(host).await;
                        Ok(())
                    }
                    closed = host.closed() => Err(closed.into()),
                };
                // Nobody waits any more for what they do.
                running.kill();
                ended
            }
        }
    }

    fn limits(&self) -> Limits {
        let memory = self.max_memory.map(ByteSize::as_u64);
        Limits { memory, answer: self.max_answer.as_usize() }
    }

    fn worker(&self, program: Program, capacity: u32) -> Worker {
        match self.pool {
            None => Worker::Program(Arc::new(program)),
            Some(form) => Worker::Pool(Arc::new(Pool::new(program, form, capacity))),
        }
    }

    async fn connect(&self, settings: &Settings, capacity: u32, worker: Worker) -> Outcome<ServiceHost> {
        let most = self.call_timeout;
        let handler = move |request: HostRequest| {
            let worker = worker.clone();
            async move { worker.compute(Call::new(request, most)).await.map(Response::new) }
        };
        let builder = ServiceHost::of_edge(settings.edge(&self.identity), &self.service)
            .version(&self.service_version)
            .node(&self.node)
            .capacity(capacity);
        let builder = self.labels.iter().fold(builder, |it, (name, value)| it.label(name, value));
        let host = builder.handler(handler).connect().await;
        let host = host.map_err(|error| settings.edge_unconnected(&error))?;
        output::note(&format!("host {} of {}, {capacity} at once", host.id().0, self.service));
        Ok(host)
    }

    async fn drain(&self, host: ServiceHost) {
        if host.drain(self.grace).await {
            output::note("drained");
        } else {
            output::note("the grace is over: what was not done is given to other hosts");
        }
    }

    /// A host as long as the container is well: while it is not, other hosts get the requests.
    async fn serve_container(
        &self,
        settings: &Settings,
        capacity: u32,
        container: Container,
        stop: &mut Stop,
    ) -> Outcome {
        loop {
            tokio::select! {
                () = stop.signal() => return Ok(()),
                () = container.well() => {}
            }
            let host = self.connect(settings, capacity, Worker::Container(container.clone())).await?;
            let ill = async {
                loop {
                    sleep(HEALTH_PERIOD).await;
                    if let Err(why) = container.check().await {
                        return why;
                    }
                }
            };
            tokio::select! {
                () = stop.signal() => {
                    self.drain(host).await;
                    return Ok(());
                }
                why = ill => {
                    output::note(&format!("the container is not well: {why}"));
                    self.drain(host).await;
                }
                closed = host.closed() => return Err(closed.into()),
            }
        }
    }
}

/// The signals to stop.
struct Stop(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Stop {
    fn listen() -> Outcome<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self(Box::pin(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // A second one ends it at once, as everywhere.
            tokio::spawn(async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                std::process::exit(crate::exit::Exit::Interrupted.code().into());
            });
        })))
    }

    /// Returns once: nobody asks again afterwards.
    async fn signal(&mut self) {
        (&mut self.0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_units_of_1024_and_of_1000_in_any_case() {
        for (text, bytes) in [("1", 1), ("4MiB", 4 << 20), ("4Mb", 4_000_000), ("4mib", 4 << 20)] {
            assert_eq!(size(text).unwrap().as_u64(), bytes, "{text}");
        }
        assert!(size("4M").unwrap_err().contains("64KiB"));
    }

    #[test]
    fn a_service_has_a_name_that_brokers_take() {
        for name in ["calc", "bad name!", "Größe", &"x".repeat(128)] {
            assert_eq!(service_name(name).as_deref(), Ok(name));
        }
        for (name, part) in [("", "1 to 128 bytes"), (&"ä".repeat(65), "has 130")] {
            assert!(service_name(name).unwrap_err().contains(part), "{name:?}");
        }
    }
}
