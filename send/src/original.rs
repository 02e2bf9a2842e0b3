//! The commands of the program that this one stands in for, with its options and its envelope: consumers notice nothing.

use crate::job::Environment;
use crate::message::{Target, without_user};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// What the envelope calls the sender.
const APP: &str = "nwpc-message-client";

/// A message, and what is to be done with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) target: Target,
    pub(crate) data: Vec<u8>,
}

/// Options of all commands of the original.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetOptions {
    /// The broker, as amqp://host:port; user and password in it are sent nowhere
    #[arg(long, value_name = "URL", default_value = "")]
    rabbitmq_server: String,
    /// The exchange, if it is not that of the command
    #[arg(long, value_name = "NAME")]
    exchange_name: Option<String>,
    /// The routing key, if it is not that of the command
    #[arg(long, value_name = "NAME")]
    route_key_name: Option<String>,
    /// Send to this topic of Kafka, and not to RabbitMQ
    #[arg(long, value_name = "TOPIC")]
    kafka_topic: Option<String>,
    /// The relay, as the original called it
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) broker_address: Option<String>,
    /// Taken and of no effect: there is no other way
    #[arg(long)]
    with_broker: bool,
    /// Taken and of no effect: the budget counts
    #[arg(long, value_name = "COUNT")]
    broker_tries: Option<u32>,
    /// Print the message, and send nothing
    #[arg(long)]
    pub(crate) disable_send: bool,
}

/// A product has changed its state.
#[derive(Clone, Debug, Args)]
pub(crate) struct Production {
    /// The system, such as grapes_gfs_gmf
    #[arg(long)]
    system: String,
    /// oper or eps
    #[arg(long)]
    production_stream: String,
    /// Such as grib2
    #[arg(long)]
    production_type: String,
    /// Such as orig
    #[arg(long)]
    production_name: String,
    /// Such as storage
    #[arg(long)]
    event: String,
    /// unknown, complete, queued, aborted, submitted, active or suspended
    #[arg(long, default_value = "complete")]
    status: String,
    /// YYYYMMDDHH
    #[arg(long)]
    start_time: String,
    /// Such as 3h
    #[arg(long)]
    forecast_time: String,
    /// The member, with eps
    #[arg(long, default_value_t = 0)]
    number: i64,
    #[command(flatten)]
    pub(crate) to: TargetOptions,
}

/// ecflow_client was called.
#[derive(Clone, Debug, Args)]
pub(crate) struct EcflowClient {
    /// Its arguments, in one
    #[arg(long, allow_hyphen_values = true)]
    command_options: String,
    #[command(flatten)]
    pub(crate) to: TargetOptions,
}

/// A line of a log.
#[derive(Clone, Debug, Args)]
pub(crate) struct Log {
    /// The system, such as grapes_gfs_gmf
    #[arg(long)]
    system: String,
    /// YYYYMMDDHH
    #[arg(long)]
    start_time: String,
    /// Such as info
    #[arg(long)]
    level: String,
    /// Such as background
    #[arg(long)]
    log_type: String,
    /// When it happened, if not now: RFC 3339, or YYYY-MM-DD HH:MM:SS in UTC
    #[arg(long)]
    time: Option<String>,
    #[command(flatten)]
    pub(crate) to: TargetOptions,
    /// What else there is to say: --NAME=VALUE
    #[arg(last = true, value_name = "--NAME=VALUE", allow_hyphen_values = true)]
    content: Vec<String>,
}

/// A message as it is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Raw {
    /// The message
    #[arg(long, allow_hyphen_values = true)]
    message_body: String,
    #[command(flatten)]
    pub(crate) to: TargetOptions,
}

#[derive(Serialize)]
struct Envelope {
    app: &'static str,
    r#type: &'static str,
    time: String,
    data: Value,
}

/// The numbers of states, in their order.
const STATES: [&str; 7] = ["unknown", "complete", "queued", "aborted", "submitted", "active", "suspended"];

impl Production {
    pub(crate) fn event(&self, now: OffsetDateTime) -> Result<Event, String> {
        let status = STATES.iter().position(|state| *state == self.status);
        let status =
            status.ok_or_else(|| format!("{:?} is no status: {}", self.status, STATES.join(", ")))?;
        let mut data = json!({
            "system": self.system,
            "stream": self.production_stream,
            "type": self.production_type,
            "name": self.production_name,
            "start_time": start_time(&self.start_time)?,
            "forecast_time": self.forecast_time,
            "event": self.event,
            "status": status,
        });
        match &*self.production_stream {
            "oper" => {}
            "eps" => data["number"] = json!(self.number),
            other => return Err(format!("{other:?} is no stream: oper, eps")),
        }
        let key = format!("{}.production.{}", self.system, self.production_type);
        Ok(self.to.event("nwpc.operation.production", key, envelope("production", now, data)))
    }
}

impl EcflowClient {
    pub(crate) fn event(&self, now: OffsetDateTime, environment: Environment<'_>) -> Result<Event, String> {
        let mut host = environment("ECF_HOST").unwrap_or_default();
        let mut port = environment("ECF_PORT").unwrap_or_default();
        let (mut command, mut values, mut rest) = (String::new(), Vec::new(), Vec::new());
        let mut tokens = self.command_options.split_whitespace();
        while let Some(token) = tokens.next() {
            let Some(option) = token.strip_prefix("--").filter(|option| !option.is_empty()) else {
                rest.push(token.to_owned());
                continue;
            };
            let (name, value) =
                option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            match name {
                "host" => host = value.or_else(|| tokens.next()).unwrap_or_default().to_owned(),
                "port" => port = value.or_else(|| tokens.next()).unwrap_or_default().to_owned(),
                name => {
                    name.clone_into(&mut command);
                    values.extend(value.filter(|value| !value.is_empty()).map(str::to_owned));
                }
            }
        }
        values.append(&mut rest);
        let get = |name| environment(name).unwrap_or_default();
        let data = json!({
            "command": command,
            "args": if values.is_empty() { Value::Null } else { json!(values) },
            "envs": null,
            "ecf_host": host,
            "ecf_port": port,
            "ecf_name": get("ECF_NAME"),
            "ecf_rid": get("ECF_RID"),
            "ecf_tryno": get("ECF_TRYNO"),
            "ecf_date": get("ECF_DATE"),
        });
        let key = "ecflow.command.ecflow_client".to_owned();
        Ok(self.to.event("nwpc.operation.workflow", key, envelope("ecflow-client", now, data)))
    }
}

impl Log {
    pub(crate) fn event(&self, now: OffsetDateTime) -> Result<Event, String> {
        let mut content = BTreeMap::new();
        for argument in &self.content {
            let named = argument.trim_start_matches('-').split_once('=');
            let (name, value) = named.ok_or_else(|| format!("{argument:?} is not --NAME=VALUE"))?;
            if !value.is_empty() {
                content.insert(name, value);
            }
        }
        let time = match &self.time {
            None => now,
            Some(text) => moment(text)?,
        };
        let data = json!({
            "system": self.system,
            "start_time": start_time(&self.start_time)?,
            "time": rfc3339(time),
            "level": self.level,
            "type": self.log_type,
            "content": if self.content.is_empty() { Value::Null } else { json!(content) },
        });
        let key = format!("{}.log.{}", self.system, self.log_type);
        // What the original calls these, too.
        Ok(self.to.event("nwpc.operation.log", key, envelope("production", now, data)))
    }
}

impl Raw {
    pub(crate) fn event(&self) -> Event {
        let key = "ecflow.command.ecflow_client".to_owned();
        self.to.event("nwpc.operation.workflow", key, self.message_body.clone().into_bytes())
    }
}

impl TargetOptions {
    fn event(&self, exchange: &str, routing_key: String, data: Vec<u8>) -> Event {
        let target = match &self.kafka_topic {
            Some(topic) => Target::Kafka { topic: topic.clone() },
            None => Target::Amqp {
                server: without_user(&self.rabbitmq_server),
                exchange: self.exchange_name.clone().unwrap_or_else(|| exchange.to_owned()),
                routing_key: self.route_key_name.clone().unwrap_or(routing_key),
            },
        };
        Event { target, data }
    }
}

fn envelope(kind: &'static str, now: OffsetDateTime, data: Value) -> Vec<u8> {
    let envelope = Envelope { app: APP, r#type: kind, time: rfc3339(now), data };
    // Only maps with keys that are no text fail, and there are none.
    serde_json::to_vec(&envelope).unwrap_or_default()
}

fn rfc3339(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// `YYYYMMDDHH`, which is UTC.
fn start_time(text: &str) -> Result<String, String> {
    let format = format_description!("[year][month][day][hour][minute]");
    let parsed = PrimitiveDateTime::parse(&format!("{text}00"), format);
    let parsed = parsed.map_err(|_| format!("{text:?} is no start time: expected YYYYMMDDHH"))?;
    Ok(rfc3339(parsed.assume_utc()))
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let parsed = OffsetDateTime::parse(text, &Rfc3339);
    let parsed =
        parsed.or_else(|_| PrimitiveDateTime::parse(text, format).map(PrimitiveDateTime::assume_utc));
    parsed.map_err(|_| format!("{text:?} is no time: expected RFC 3339, or YYYY-MM-DD HH:MM:SS"))
}

#[cfg(test)]
mod tests;
