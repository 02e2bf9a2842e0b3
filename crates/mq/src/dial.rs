//! A connection to a broker whose protocol is spoken here.

use crate::BrokerTls;
use frontier_config::HostPort;
use frontier_transport::{ClientTls, connect_any, lookup};
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
