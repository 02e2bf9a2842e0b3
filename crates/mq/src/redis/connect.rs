//! Connecting to a server of Redis.

use super::reply::describe;
use crate::probe::IS_REPLICA;
use crate::{BrokerTls, Credentials, RedisConfig};
use frontier_config::{HostPort, unreadable};
use frontier_transport::crypto_provider;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo, RedisError, ServerErrorKind, TlsCertificates,
    Value, cmd,
};
use rustls::crypto::CryptoProvider;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Cancelled once a connection is lost.
pub(super) type Lost = CancellationToken;

/// By what a connection is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub(super) credentials: &'a Credentials,
    pub(super) db: u16,
    pub(super) tls: Option<&'a BrokerTls>,
}

impl<'a> From<&'a RedisConfig> for Access<'a> {
    fn from(config: &'a RedisConfig) -> Self {
        Self { credentials: &config.credentials, db: config.db, tls: config.tls.as_ref() }
    }
}

/// Connects, by RESP3: only there a connection that is lost while nothing is asked says so. The error is one line.
pub(super) async fn server(
    access: Access<'_>,
    addr: &HostPort,
) -> Result<(MultiplexedConnection, Lost), String> {
    let failed = |error: &RedisError| match error.kind() {
        // Nothing of it is repeated: it may be anything.
        ErrorKind::Parse => format!("what answers there is no Redis ({addr})"),
        _ => format!("{} ({addr})", describe(error)),
    };
    let mut login =
        RedisConnectionInfo::default().set_db(access.db.into()).set_protocol(ProtocolVersion::RESP3);
    if let Some(username) = &access.credentials.username {
        login = login.set_username(username);
    }
    if let Some(password) = &access.credentials.password {
        login = login.set_password(password.expose());
    }
    let (host, port) = (addr.host.clone(), addr.port);
    let place = match access.tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
    };
    let info = place.into_connection_info().map_err(|error| failed(&error))?;
    let info = info.set_redis_settings(login).set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let client = match access.tls {
        None => Client::open(info),
        Some(tls) => {
            // The library takes that of the process. Fails if there is one already: then that one is used.
            let _ = CryptoProvider::clone(&crypto_provider()).install_default();
            Client::build_with_tls(info, certificates(tls).await?)
        }
    };
    let client = client.map_err(|error| failed(&error))?;
    let lost = Lost::new();
    let token = lost.clone();
    let hear = move |push: PushInfo| -> Result<(), redis::aio::SendError> {
        if push.kind == PushKind::Disconnection {
            token.cancel();
        }
        Ok(())
    };
    // How long a connection and an answer may take is the supervisor's to say.
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_push_sender(hear);
    let connection = client.get_multiplexed_async_connection_with_config(&settings).await;
    let mut connection = connection.map_err(|error| failed(&error))?;
    check_loaded(&mut connection).await.map_err(|error| failed(&error))?;
    Ok((connection, lost))
}

/// Refuses a server that loads its data. It would refuse messages until it has, and take the others of those that are sent together:
/// these would be in front then.
async fn check_loaded(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    match cmd("PING").query_async::<Value>(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading) => Err(error),
        // It is there: who may not ask that may write all the same, and one whose disk is full takes what is not stored.
        Err(error) if error.code().is_some() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Refuses a replica, which takes no writes: another address may be the master.
pub(super) async fn check_master(
    connection: &mut MultiplexedConnection,
    addr: &HostPort,
) -> Result<(), String> {
    match cmd("ROLE").query_async::<Value>(connection).await {
        Ok(Value::Array(role)) => match role.first() {
            Some(Value::BulkString(role)) if role == b"slave" => Err(format!("{addr} {IS_REPLICA}")),
            _ => Ok(()),
        },
        Ok(_) => Ok(()),
        // Whoever may not ask that may write all the same.
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => Ok(()),
        Err(error) => Err(format!("{} ({addr})", describe(&error))),
    }
}

async fn certificates(tls: &BrokerTls) -> Result<TlsCertificates, String> {
    let mut roots = Vec::new();
    for path in &tls.ca_certs {
        roots.extend(read(path).await?);
        roots.push(b'\n');
    }
    let client_tls = match &tls.identity {
        None => None,
        Some((cert, key)) => {
            Some(ClientTlsConfig { client_cert: read(cert).await?, client_key: read(key).await? })
        }
    };
    Ok(TlsCertificates { client_tls, root_cert: (!roots.is_empty()).then_some(roots) })
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    tokio::fs::read(path).await.map_err(|error| format!("{}: {}", path.display(), unreadable(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_server_of_another_kind_is_told_as_that() {
        // NATS, RabbitMQ, and one of HTTP.
        for said in
            ["INFO {\"server_id\":\"x\"}\r\n", "AMQP\0\0\u{9}\u{1}", "HTTP/1.1 400 Bad Request\r\n\r\n"]
        {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let answering = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(said.as_bytes()).await.unwrap();
                stream
            };
            let access = Access { credentials: &Credentials::default(), db: 0, tls: None };
            let addr = HostPort::new("127.0.0.1", port);
            let both = async { tokio::join!(answering, server(access, &addr)).1 };
            let failed = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap().err().unwrap();
            assert_eq!(failed, format!("what answers there is no Redis (127.0.0.1:{port})"), "{said}");
        }
    }
}
