//! A connection to a broker whose protocol is spoken here.

use crate::BrokerTls;
use frontier_config::{HostPort, format_duration};
use frontier_transport::{ClientTls, connect_any, lookup};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

/// Bytes both ways, with TLS or without.
pub(crate) type Stream = Box<dyn Duplex>;

/// What a connection is, whatever is below.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Connects, up to the end of the handshake of TLS. The error is one line.
pub(crate) async fn dial(addr: &HostPort, tls: Option<&BrokerTls>) -> Result<Stream, String> {
    let HostPort { host, port } = addr;
    let addresses = lookup(host, *port).await.map_err(|error| format!("{host} is not found: {error}"))?;
    let stream = connect_any(addresses).await.map_err(|error| error.to_string())?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    secure(Box::new(stream), tls, host).await
}

/// The handshake of TLS with this host. The error is one line.
pub(crate) async fn secure(stream: Stream, tls: &BrokerTls, host: &str) -> Result<Stream, String> {
    let mut settings = ClientTls::new();
    for ca in &tls.ca_certs {
        settings = settings.ca_file(ca);
    }
    if let Some((cert, key)) = &tls.identity {
        settings = settings.identity_files(cert, key);
    }
    let name = settings.name(host).map_err(|error| error.to_string())?;
    let config = settings.load_bare().await.map_err(|error| error.to_string())?;
    let connecting = TlsConnector::from(config).connect(name, stream);
    let stream = connecting.await.map_err(|error| format!("no TLS: {error}"))?;
    Ok(Box::new(stream))
}

/// Connects to the first of these that answers, from `first` on: what that gave, and which one is to be tried first when it
/// is lost. Each has its part of the time, so one that does not answer keeps nobody from the next. The error is one line.
pub(crate) async fn first_of<'a, T, F: Future<Output = Result<T, String>>>(
    addrs: &'a [HostPort],
    first: usize,
    within: Duration,
    connect: impl Fn(&'a HostPort) -> F,
) -> Result<(T, usize), String> {
    let count = addrs.len().max(1);
    let share = within / u32::try_from(count).unwrap_or(u32::MAX);
    let mut causes = Vec::new();
    for step in 0..count {
        let index = (first + step) % count;
        let Some(addr) = addrs.get(index) else { continue };
        let connected = tokio::time::timeout(share, connect(addr)).await;
        match connected.unwrap_or_else(|_| Err(format!("no connection within {}", format_duration(share)))) {
            Ok(connected) => return Ok((connected, (index + 1) % count)),
            Err(cause) => causes.push(format!("{cause} ({addr})")),
        }
    }
    Err(causes.join("; "))
}
