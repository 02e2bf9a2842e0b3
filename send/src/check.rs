//! A message through the whole way, step by step, and where it stops: for whoever supervises the relay.

use crate::cli::Failure;
use crate::deliver::Route;
use crate::exit::Exit;
use crate::gateway::Gateway;
use crate::job;
use crate::message::Target;
use crate::post::{Answered, Ask, Credentials, Posted, dial, post};
use crate::print;
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
    tell("credentials", credentials_of(gateway, credentials, deadline).await)?;
    tell("brokers", brokers(gateway, credentials, deadline).await)?;
    match target {
        Some(target) => tell("message", message(gateway, credentials, target, deadline).await),
        None => Ok(()),
    }
}

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

async fn targets(
    gateway: &Gateway,
    credentials: &Credentials,
    deadline: Instant,
) -> Result<Answered, String> {
    match get(gateway, credentials, "/relay/v1/targets", deadline).await {
        Posted::Answered(200, answered) => Ok(answered),
        Posted::Answered(status, answered) => Err(format!("{} ({status})", answered.message)),
        Posted::NotSent(text) | Posted::NoAnswer(text) => Err(text),
    }
}

async fn credentials_of(gateway: &Gateway, credentials: &Credentials, deadline: Instant) -> Step {
    targets(gateway, credentials, deadline).await.map(|_| "it lets this job in".to_owned())
}

async fn brokers(gateway: &Gateway, credentials: &Credentials, deadline: Instant) -> Step {
    let answered = targets(gateway, credentials, deadline).await?;
    let name = |target: &serde_json::Value| {
        let broker = target["broker"].as_str().unwrap_or_default();
        match target["exchange"].as_str() {
            Some(exchange) => format!("{broker} {exchange:?}"),
            None => broker.to_owned(),
        }
    };
    let complaints = answered.targets.iter().filter_map(|target| {
        let complaint = target["complaint"].as_str().unwrap_or_default();
        (!complaint.is_empty()).then(|| format!("{}: {complaint}", name(target)))
    });
    let complaints: Vec<String> = complaints.collect();
    if complaints.is_empty() {
        let names: Vec<String> = answered.targets.iter().map(name).collect();
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
