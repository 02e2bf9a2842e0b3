//! A message through the whole way, step by step, and where it stops: for whoever supervises the relay.

use crate::cli::Failure;
use crate::deliver::Route;
use crate::exit::Exit;
use crate::gateway::Gateway;
use crate::job;
use crate::message::Target;
use crate::post::{Answered, Ask, Credentials, Posted, dial, post};
use crate::print;
use crate::targets::{self, Described};
use clap::Args;
use http::Method;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// What is sent.
const DATA: &[u8] = br#"{"app":"frontier-send","type":"relay-check"}"#;

/// Where the message of a check goes.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckOptions {
    /// Send it to this topic of Kafka
    #[arg(long, conflicts_with_all = ["exchange", "routing_key"])]
    topic: Option<String>,
    /// Send it to this exchange of RabbitMQ
    #[arg(long, requires = "routing_key")]
    exchange: Option<String>,
    /// By this routing key
    #[arg(long)]
    routing_key: Option<String>,
}

/// A step of the way.
type Step = Result<String, String>;

/// Checks each gateway, and prints a line for each step. Without a target it goes as far as the list of targets.
pub(crate) async fn run(options: &CheckOptions, route: &Route) -> Result<String, Failure> {
    let target = options.target();
    let mut stopped = Vec::new();
    for (index, gateway) in route.gateways.iter().enumerate() {
        let left = u32::try_from(route.gateways.len() - index).unwrap_or(u32::MAX);
        let now = Instant::now();
        let deadline = now + route.deadline.saturating_duration_since(now) / left;
        print(&gateway.to_string());
        if let Err(step) = check(gateway, &route.credentials, target.as_ref(), deadline).await {
            stopped.push(format!("{gateway}: it stops at: {step}"));
        }
    }
    match stopped.is_empty() {
        true => Ok(String::new()),
        false => Err((Exit::Found, stopped.join("; "))),
    }
}

impl CheckOptions {
    fn target(&self) -> Option<Target> {
        match (&self.topic, &self.routing_key) {
            (Some(topic), _) => Some(Target::Kafka { topic: topic.clone() }),
            (None, Some(routing_key)) => Some(Target::Amqp {
                server: String::new(),
                exchange: self.exchange.clone().unwrap_or_default(),
                routing_key: routing_key.clone(),
            }),
            (None, None) => None,
        }
    }
}

/// The name of the step at which it stops.
async fn check(
    gateway: &Gateway,
    credentials: &Credentials,
    target: Option<&Target>,
    deadline: Instant,
) -> Result<(), &'static str> {
    tell("network", network(gateway, deadline).await)?;
    tell("gateway", alive(gateway, credentials, deadline).await)?;
    let listed = list(gateway, credentials, deadline).await;
    tell("credentials", listed.as_ref().map(|_| "it lets this job in".to_owned()).map_err(String::clone))?;
    let described = listed.unwrap_or_default().targets;
    let Some(target) = target else { return tell("brokers", brokers(&described)) };
    let its_own = its_own(&described, target)?;
    tell("brokers", brokers(its_own))?;
    tell("message", message(gateway, credentials, target, deadline).await)
}

/// The broker that it goes to. What is wrong with others stops nothing, and is told.
fn its_own<'a>(described: &'a [Described], target: &Target) -> Result<&'a [Described], &'static str> {
    let index = match targets::find(described, target) {
        Ok(index) => index,
        Err(text) => return tell("target", Err(text)).map(|()| &[][..]),
    };
    tell("target", Ok(format!("the relay sends to it, by {}", described[index].name())))?;
    let others = described.iter().enumerate().filter(|(other, _)| *other != index);
    for complaint in others.filter_map(|(_, other)| other.complaint()) {
        print(&format!("  note    {:<12}{complaint}", "brokers"));
    }
    Ok(&described[index..=index])
}

/// Prints it; an error is the name of the step.
fn tell(name: &'static str, step: Step) -> Result<(), &'static str> {
    match step {
        Ok(text) => {
            print(&format!("  ok      {name:<12}{text}"));
            Ok(())
        }
        Err(text) => {
            print(&format!("  stops   {name:<12}{text}"));
            Err(name)
        }
    }
}

async fn network(gateway: &Gateway, deadline: Instant) -> Step {
    let start = Instant::now();
    match timeout_at(deadline.into(), dial(gateway, deadline)).await {
        Ok(Ok(tcp)) => {
            let peer = tcp.peer_addr().map(|addr| addr.to_string()).unwrap_or_default();
            Ok(format!("{peer} is connected in {}", ms(start.elapsed())))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no connection in time".to_owned()),
    }
}

async fn get(gateway: &Gateway, credentials: &Credentials, path: &str, deadline: Instant) -> Posted {
    let ask = Ask { method: Method::GET, path: path.to_owned(), headers: Vec::new(), data: b"" };
    post(gateway, credentials, ask, deadline, deadline).await
}

/// Whoever asks is answered there.
async fn alive(gateway: &Gateway, credentials: &Credentials, deadline: Instant) -> Step {
    // TLS is part of it.
    let nothing = Credentials { token: None, ..credentials.clone() };
    match get(gateway, &nothing, "/healthz?ready", deadline).await {
        Posted::Answered(200, _) => Ok("it answers, and is ready".to_owned()),
        Posted::Answered(503, _) => {
            Err("it answers, and is not ready: it starts, stops, or does not keep up".to_owned())
        }
        Posted::Answered(status, _) => Err(format!("it answers {status}: is this the port of a relay?")),
        Posted::NotSent(text) | Posted::NoAnswer(text) => Err(text),
    }
}

async fn list(gateway: &Gateway, credentials: &Credentials, deadline: Instant) -> Result<Answered, String> {
    match get(gateway, credentials, "/relay/v1/targets", deadline).await {
        Posted::Answered(200, answered) => Ok(answered),
        Posted::Answered(status, answered) => Err(format!("{} ({status})", answered.message)),
        Posted::NotSent(text) | Posted::NoAnswer(text) => Err(text),
    }
}

/// What is wrong with any of them stops it.
fn brokers(described: &[Described]) -> Step {
    let complaints: Vec<String> = described.iter().filter_map(Described::complaint).collect();
    if complaints.is_empty() {
        let names: Vec<String> = described.iter().map(Described::name).collect();
        return Ok(format!("connected: {}", names.join(", ")));
    }
    Err(complaints.join("; "))
}

async fn message(gateway: &Gateway, credentials: &Credentials, target: &Target, deadline: Instant) -> Step {
    let start = Instant::now();
    let headers =
        vec![("frontier-job", "relay-check".to_owned()), ("idempotency-key", job::key("relay-check"))];
    let ask = Ask { method: Method::POST, path: target.path(), headers, data: DATA };
    match post(gateway, credentials, ask, deadline, deadline).await {
        Posted::Answered(200, _) => Ok(format!("confirmed by the broker in {}", ms(start.elapsed()))),
        Posted::Answered(status, Answered { error_message, message, .. }) => {
            let text = if error_message.is_empty() { message } else { error_message };
            Err(format!("{text} ({status})"))
        }
        Posted::NotSent(text) | Posted::NoAnswer(text) => Err(text),
    }
}

fn ms(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    /// A relay that is well, whose Kafka is away.
    const TARGETS: &str = r#"{"targets": [
        {"broker": "amqp", "exchange": "plant", "names": ["gfs.*"], "is_connected": true, "complaint": ""},
        {"broker": "kafka", "names": ["*"], "is_connected": false, "complaint": "not connected for 33 s: refused"}]}"#;

    /// Answers every request, a message with what a broker has confirmed.
    fn relay() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut length) = (String::new(), 0);
                // One that only connects says nothing.
                let _ = reader.read_line(&mut first);
                loop {
                    let mut line = String::new();
                    let read = reader.read_line(&mut line);
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    if !matches!(read, Ok(3..)) {
                        break;
                    }
                }
                let _ = reader.read_exact(&mut vec![0; length]);
                let said = if first.contains("/targets") { TARGETS } else { r#"{"error_no": 0}"# };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", said.len());
                let _ = stream.write_all(format!("{head}{said}").as_bytes());
            }
        });
        addr
    }

    #[test]
    fn only_the_broker_that_the_message_goes_to_stops_it() {
        let gateway = relay().to_string();
        for (target, code) in [
            (&["--exchange=plant", "--routing-key=gfs.x"][..], 0),
            (&["--exchange=plant", "--routing-key=wrf.x"], 2),
            (&["--exchange=nope", "--routing-key=gfs.x"], 2),
            (&["--topic=plant.events"], 2),
            // Of all of them each counts.
            (&[], 2),
        ] {
            let arguments = [&["x", "check", "--budget=20s", "--gateway", &gateway], target].concat();
            assert_eq!(crate::run(arguments.iter().map(Into::into)), code, "{target:?}");
        }
    }
}
