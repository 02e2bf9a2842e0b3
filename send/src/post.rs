//! One request to one gateway.

use crate::gateway::Gateway;
use crate::targets::Described;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// What is shown to gateways, and what is trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) token: Option<String>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Posted {
    /// The gateway was not reached, or nothing was sent to it.
    NotSent(String),
    /// It may have got the request, and has not answered.
    NoAnswer(String),
    /// Its answer.
    Answered(u16, Answered),
}

/// The JSON of a relay, or of an error before it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answered {
    pub(crate) error_no: Option<i32>,
    pub(crate) error_message: String,
    /// Of an error before the relay.
    pub(crate) message: String,
    /// Of a list of targets.
    pub(crate) targets: Vec<Described>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) data: &'a [u8],
}

/// Sends a request. A connection is waited for until `connect_by`, an answer until `deadline`.
pub(crate) async fn post(
    gateway: &Gateway,
    credentials: &Credentials,
    ask: Ask<'_>,
    connect_by: Instant,
    deadline: Instant,
) -> Posted {
    let connected = timeout_at(connect_by.into(), connect(gateway, credentials, connect_by)).await;
    let mut sender = match connected {
        Ok(Ok(sender)) => sender,
        Ok(Err(error)) => return Posted::NotSent(error.to_string()),
        Err(_) => return Posted::NotSent("no connection in time".to_owned()),
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let request = match request(gateway, credentials, ask, left) {
        Ok(request) => request,
        Err(error) => return Posted::NotSent(error),
    };
    match timeout(left, exchange(&mut sender, request)).await {
        Ok(Ok((status, answered))) => Posted::Answered(status, answered),
        Ok(Err(error)) => Posted::NoAnswer(error.to_string()),
        Err(_) => Posted::NoAnswer("no answer in time".to_owned()),
    }
}

fn request(
    gateway: &Gateway,
    credentials: &Credentials,
    ask: Ask<'_>,
    left: Duration,
) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::builder().method(ask.method).uri(&ask.path);
    request = request.header(header::HOST, gateway.authority());
    // What the relay may take; its answer comes before that is over.
    request = request.header("grpc-timeout", format!("{}m", left.as_millis().clamp(1, 99_999_999)));
    if let Some(token) = &credentials.token {
        let mut shown = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| "the token has characters that no header may have".to_owned())?;
        shown.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, shown);
    }
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    let body = Full::new(Bytes::copy_from_slice(ask.data));
    request.body(body).map_err(|error| format!("the request can't be made: {error}"))
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> io::Result<(u16, Answered)> {
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(io::Error::other)?;
    // What is no JSON says nothing: the status does.
    Ok((status, serde_json::from_slice(&body.to_bytes()).unwrap_or_default()))
}

async fn connect(
    gateway: &Gateway,
    credentials: &Credentials,
    by: Instant,
) -> io::Result<SendRequest<Full<Bytes>>> {
    let tcp = dial(gateway, by).await?;
    if !gateway.is_tls {
        return speak(tcp).await;
    }
    let config = tls(credentials)?;
    let name = ServerName::try_from(gateway.host.clone()).map_err(io::Error::other)?;
    speak(TlsConnector::from(Arc::new(config)).connect(name, tcp).await?).await
}

/// Of several addresses each is tried, one after the other, and each has its part of the time.
pub(crate) async fn dial(gateway: &Gateway, by: Instant) -> io::Result<TcpStream> {
    let found = tokio::net::lookup_host((gateway.host.as_str(), gateway.port)).await?;
    let addresses: Vec<SocketAddr> = found.collect();
    let mut last = io::Error::other("the name has no address");
    for (index, addr) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let share = by.saturating_duration_since(Instant::now()) / left;
        match timeout(share, TcpStream::connect(addr)).await {
            Ok(Ok(tcp)) => {
                // Fails only if the connection has ended.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => last = io::Error::new(error.kind(), format!("{addr}: {error}")),
            Err(_) => last = io::Error::other(format!("{addr}: no connection in time")),
        }
    }
    Err(last)
}

async fn speak(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(io::Error::other)?;
    // Its error is told to whoever waits for a response.
    tokio::spawn(connection);
    Ok(sender)
}

fn tls(credentials: &Credentials) -> io::Result<ClientConfig> {
    let read =
        |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    match &credentials.ca {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| read(path, &error))? {
                let certificate = certificate.map_err(|error| read(path, &error))?;
                roots.add(certificate).map_err(|error| read(path, &error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    let Some((certificates, key)) = &credentials.identity else { return Ok(config.with_no_client_auth()) };
    let chain = CertificateDer::pem_file_iter(certificates).map_err(|error| read(certificates, &error))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| read(certificates, &error))?;
    let own = PrivateKeyDer::from_pem_file(key).map_err(|error| read(key, &error))?;
    config.with_client_auth_cert(chain, own).map_err(io::Error::other)
}
