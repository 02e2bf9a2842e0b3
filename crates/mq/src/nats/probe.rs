//! Whether a server lets us in, and has the streams. Core NATS says nothing of what may be published.

use super::connect::{self, Access};
use super::jetstream::ApiError;
use super::{Nats, stream, stream_reader};
use crate::backend::Backend;
use crate::text::one_line;
use crate::{
    Bounds, JetStreamConfig, JetStreamConsumer, NatsConfig, NatsSourceConfig, SinkConfig, SourceBounds,
};
use async_nats::Client;
use serde::Deserialize;
use serde_json::json;

/// No stream has this name.
const NOT_FOUND: u32 = 10059;

#[derive(Debug, Deserialize)]
struct Info {
    error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct Names {
    error: Option<ApiError>,
    #[serde(default)]
    streams: Option<Vec<String>>,
}

/// What is wrong with the stream that is made, or with those that take these subjects; and with streams of these names.
pub(crate) async fn look(
    config: &NatsConfig,
    name: &'static str,
    bounds: Bounds,
    subjects: &[String],
    streams: &[String],
) -> Result<Vec<String>, String> {
    let bare = NatsConfig {
        jetstream: config.jetstream.as_ref().map(|_| JetStreamConfig { create: None }),
        ..config.clone()
    };
    let backend = crate::BackendConfig::Nats(bare.clone());
    let sink = SinkConfig { name, topics: Vec::new(), bounds, backend };
    let session = Nats::new(&bare, &sink, bounds).connect().await?;
    let client = &session.connected.client;
    let mut faults = Vec::new();
    for stream in streams {
        faults.extend(missing(client, stream, false).await);
    }
    match &config.jetstream {
        None => {}
        Some(JetStreamConfig { create: Some(stream) }) => faults.extend(missing(client, stream, true).await),
        Some(JetStreamConfig { create: None }) => {
            for subject in subjects {
                faults.extend(untaken(client, subject).await);
            }
        }
    }
    Ok(faults)
}

/// What is wrong with the consumer of a source if it is there, and what may surprise, with whether it is that. Nothing where the
/// broker can't be asked.
pub(crate) async fn look_at_consumer(
    server: &NatsSourceConfig,
    consumer: &JetStreamConsumer,
    bounds: SourceBounds,
) -> Vec<(String, bool)> {
    let NatsSourceConfig { addrs, credentials, tls } = server;
    let (tls, timeout) = (tls.as_ref(), bounds.connect_timeout);
    let access = Access { name: "check", addrs, credentials, tls, timeout, messages: 1, reads: true };
    match connect::connect(access, 0).await {
        Ok(connected) => stream_reader::consumer::look(&connected.client, consumer, bounds).await,
        Err(_) => Vec::new(),
    }
}

async fn missing(client: &Client, stream: &str, is_made: bool) -> Option<String> {
    match stream::ask::<Info>(client, &format!("$JS.API.STREAM.INFO.{stream}"), String::new()).await {
        Ok(Info { error: None }) => None,
        Ok(Info { error: Some(error) }) if error.err_code == NOT_FOUND && is_made => None,
        Ok(Info { error: Some(error) }) => Some(one_line(&format!("{stream:?}: {}", error.description))),
        Err(cause) => Some(format!("{stream:?}: {cause}; or it may not be asked for")),
    }
}

async fn untaken(client: &Client, subject: &str) -> Option<String> {
    let request = json!({ "subject": subject }).to_string();
    match stream::ask::<Names>(client, "$JS.API.STREAM.NAMES", request).await {
        Ok(Names { error: None, streams }) => streams
            .unwrap_or_default()
            .is_empty()
            .then(|| format!("no stream takes {subject:?}, and `jetstream.name` says none to make")),
        Ok(Names { error: Some(error), .. }) => {
            Some(one_line(&format!("{subject:?}: {}", error.description)))
        }
        Err(cause) => Some(format!("{subject:?}: {cause}; or it may not be asked for")),
    }
}
