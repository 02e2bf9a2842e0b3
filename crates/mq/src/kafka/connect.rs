//! Connecting to a cluster of Kafka.

use super::Settings;
use crate::text::{of_servers, one_line};
use crate::{BrokerTls, Credentials, KafkaCompression, SaslMechanism};
use frontier_config::unreadable;
use krafka::auth::{AuthConfig, TlsConfig};
use krafka::producer::{Acks, Producer};
use krafka::{Compression, Kafka, KrafkaError};
use std::path::Path;
use std::time::Duration;

/// Bytes that go to one partition together.
const BATCH_SIZE: usize = 256 << 10;

/// Bytes of a request beside the largest message in it.
const REQUEST_SIZE: usize = 1 << 20;

/// How long brokers are asked for a topic that they do not know.
const MAX_BLOCK: Duration = Duration::from_secs(2);

/// Connects, as a producer whose records are acked by all replicas in sync. The error is one line.
pub(super) async fn connect(settings: &Settings) -> Result<Producer, String> {
    let config = &settings.config;
    let delivery = settings.delivery_timeout();
    // Two attempts at least; and a request has the time of its connection in it.
    let request = delivery / 2;
    let connect = settings.bounds.connect_timeout.min(request);
    let addrs: Vec<String> = config.addrs.iter().map(ToString::to_string).collect();
    let kafka = Kafka::builder(addrs.join(","))
        .client_id(format!("frontier-{}", settings.name))
        .security(security(&config.credentials, config.mechanism, config.tls.as_ref()).await?)
        .request_timeout(request)
        .connect_timeout(connect)
        .allow_auto_create_topics(config.create_topics)
        .connect()
        .await
        .map_err(|error| of_servers(&error.to_string(), &config.addrs))?;
    let size = config.max_message_size;
    let compression = match config.compression {
        KafkaCompression::None => Compression::None,
        KafkaCompression::Gzip => Compression::Gzip,
        KafkaCompression::Snappy => Compression::Snappy,
        KafkaCompression::Lz4 => Compression::Lz4,
    };
    let producer = kafka
        .producer()
        .acks(Acks::All)
        .idempotent(true)
        .compression(compression)
        .compression_level(config.compression_level.map(i32::from))
        // Batches form behind what is in flight.
        .linger(Duration::ZERO)
        .batch_size(BATCH_SIZE)
        .max_request_size(size + REQUEST_SIZE)
        .delivery_timeout(delivery)
        .max_block(MAX_BLOCK.min(delivery))
        // More than what the sink may hold, with what each record costs: nothing ever waits for it.
        .buffer_memory(settings.bounds.bytes.saturating_mul(2) + settings.bounds.messages * 1024 + BATCH_SIZE)
        .metrics_push(false)
        .build();
    producer.await.map_err(|error| of_servers(&error.to_string(), &config.addrs))
}

/// What is shown to brokers.
pub(super) async fn security(
    credentials: &Credentials,
    mechanism: SaslMechanism,
    tls: Option<&BrokerTls>,
) -> Result<AuthConfig, String> {
    let auth = match (&credentials.username, &credentials.password) {
        (Some(username), Some(password)) => {
            let password = password.expose();
            match mechanism {
                SaslMechanism::Plain => AuthConfig::sasl_plain(username, password),
                SaslMechanism::ScramSha256 => AuthConfig::sasl_scram_sha256(username, password),
                SaslMechanism::ScramSha512 => AuthConfig::sasl_scram_sha512(username, password),
            }
        }
        _ => AuthConfig::plaintext(),
    };
    match tls {
        None => Ok(auth),
        Some(tls) => Ok(auth.with_tls(tls_config(tls).await?)),
    }
}

async fn tls_config(tls: &BrokerTls) -> Result<TlsConfig, String> {
    let mut config = TlsConfig::new();
    if tls.ca_certs.is_empty() {
        config = config.with_native_roots();
    } else {
        let mut roots = Vec::new();
        for path in &tls.ca_certs {
            roots.extend(read(path).await?);
            roots.push(b'\n');
        }
        config = config.with_ca_cert_pem(roots);
    }
    match &tls.identity {
        None => Ok(config),
        Some((cert, key)) => Ok(config.with_client_cert_pem(read(cert).await?, read(key).await?)),
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    tokio::fs::read(path).await.map_err(|error| format!("{}: {}", path.display(), unreadable(&error)))
}

/// An error in one line.
pub(super) fn describe(error: &KrafkaError) -> String {
    one_line(&error.to_string())
}
