//! Connecting to the server, the sentinels or the cluster of the configuration.

mod sentinel;

use crate::config::{RedisConfig, RedisMode, RedisTls};
use crate::error::describe_dial;
use frontier_config::{HostPort, Secret, format_duration, unreadable};
use frontier_transport::crypto_provider;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, TlsCertificates, TlsMode,
};
use rustls::crypto::CryptoProvider;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// A connection that many may use at once.
#[derive(Clone)]
pub(crate) enum Handle {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// The user at a server, and the database.
#[derive(Clone, Copy, Default)]
struct Login<'a> {
    username: Option<&'a str>,
    password: Option<&'a Secret>,
    db: u16,
}

/// Connects. The error is one line.
pub(crate) async fn dial(config: &RedisConfig) -> Result<Handle, String> {
    if config.tls.is_some() {
        // Redis' client takes that of the process. Fails if there is one already: then that one is used.
        let _ = CryptoProvider::clone(&crypto_provider()).install_default();
    }
    let login = Login { username: config.username.as_deref(), password: config.password.as_ref(), db: 0 };
    match &config.mode {
        RedisMode::Standalone { addr, db } => {
            server(config, addr, Login { db: *db, ..login }, config.dial_timeout).await.map(Handle::Server)
        }
        RedisMode::Sentinel { addrs, master_name, db, username, password } => {
            let sentinel_login = Login { username: username.as_deref(), password: password.as_ref(), db: 0 };
            sentinel::master(config, addrs, master_name, sentinel_login, Login { db: *db, ..login })
                .await
                .map(Handle::Server)
        }
        RedisMode::Cluster { addrs } => cluster(config, addrs, login).await.map(Handle::Cluster),
    }
}

async fn server(
    config: &RedisConfig,
    addr: &HostPort,
    login: Login<'_>,
    within: Duration,
) -> Result<MultiplexedConnection, String> {
    let failed = |error: &RedisError| format!("{} ({addr}, by {})", describe_dial(error), config.key());
    let info = info(config, addr, login).map_err(|error| failed(&error))?;
    let client = match &config.tls {
        None => Client::open(info),
        Some(tls) => Client::build_with_tls(info, certificates(tls)?),
    };
    let client = client.map_err(|error| failed(&error))?;
    // The answers have their own timeout, which also covers waiting for the socket to take the command.
    let settings =
        AsyncConnectionConfig::new().set_connection_timeout(Some(within)).set_response_timeout(None);
    match timeout(within, client.get_multiplexed_async_connection_with_config(&settings)).await {
        Ok(connected) => connected.map_err(|error| failed(&error)),
        Err(_) => Err(format!(
            "redis: no connection within {} ({addr}, by {})",
            format_duration(within),
            config.key()
        )),
    }
}

async fn cluster(
    config: &RedisConfig,
    addrs: &[HostPort],
    login: Login<'_>,
) -> Result<ClusterConnection, String> {
    let failed =
        |error: RedisError| format!("{} ({}, by {})", describe_dial(&error), listed(addrs), config.key());
    let infos: Result<Vec<_>, _> = addrs.iter().map(|addr| info(config, addr, login)).collect();
    let mut builder = ClusterClientBuilder::new(infos.map_err(failed)?)
        .connection_timeout(config.dial_timeout)
        .response_timeout(config.read_timeout + config.write_timeout)
        .tcp_settings(tcp())
        .retries(3);
    if let Some(tls) = &config.tls {
        builder = builder.tls(TlsMode::Secure).certs(certificates(tls)?);
    }
    let client = builder.build().map_err(failed)?;
    match timeout(config.dial_timeout, client.get_async_connection()).await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => Err(format!(
            "redis: no connection within {} ({}, by {})",
            format_duration(config.dial_timeout),
            listed(addrs),
            config.key()
        )),
    }
}

fn info(config: &RedisConfig, addr: &HostPort, login: Login<'_>) -> Result<ConnectionInfo, RedisError> {
    let (host, port) = (addr.host.clone(), addr.port);
    let addr = match config.tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
    };
    let mut redis = RedisConnectionInfo::default().set_db(login.db.into());
    if let Some(username) = login.username {
        redis = redis.set_username(username);
    }
    if let Some(password) = login.password {
        redis = redis.set_password(password.expose());
    }
    Ok(addr.into_connection_info()?.set_redis_settings(redis).set_tcp_settings(tcp()))
}

fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn certificates(tls: &RedisTls) -> Result<TlsCertificates, String> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| format!("redis: {}: {}", path.display(), unreadable(&error)))
    };
    let mut roots = Vec::new();
    for path in &tls.ca_certs {
        roots.extend(read(path)?);
        roots.push(b'\n');
    }
    let client_tls = match &tls.identity {
        None => None,
        Some((cert, key)) => Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? }),
    };
    Ok(TlsCertificates { client_tls, root_cert: (!roots.is_empty()).then_some(roots) })
}

fn listed(addrs: &[HostPort]) -> String {
    addrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_server_of_another_kind_is_told_as_that() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = HostPort::new("127.0.0.1", listener.local_addr().unwrap().port());
        let config = RedisConfig {
            section: "redis",
            mode: RedisMode::Standalone { addr: addr.clone(), db: 0 },
            username: None,
            password: None,
            dial_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            tls: None,
        };
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // As NATS begins.
            stream.write_all(b"INFO {\"server_id\":\"x\"}\r\n").await.unwrap();
            stream
        };
        let failed = tokio::join!(answering, dial(&config)).1.err().unwrap();
        assert!(
            failed.starts_with(&format!("redis: what answers there is no Redis ({addr}, by ")),
            "{failed}"
        );
    }
}
