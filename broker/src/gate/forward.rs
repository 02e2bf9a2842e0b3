//! Asking the broker that has the sessions, in the name of a client.
//!
//! Everything but a WebSocket goes over connections of HTTP/2, which all share. A request is passed on as it is, with the
//! credentials of the client, which are looked at there again.

use super::PASSED_ON;
use crate::leading::Leading;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use frontier_sdk::ClientTls;
use frontier_sessions_redis::Leader;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header};
use http_body_util::BodyExt as _;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How many requests are on one connection at once: servers take a hundred at least.
const STREAMS: usize = 100;

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(2);

/// How often a connection is asked for a sign of life, and how long that may take.
const LIFE: Duration = Duration::from_secs(2);

/// The way to the broker that has the sessions.
#[derive(Debug)]
pub(crate) struct Forwarder {
    tls: ClientTls,
    connections: Mutex<Connections>,
}

/// Those to one address.
#[derive(Debug, Default)]
struct Connections {
    address: String,
    all: Vec<Connection>,
}

/// One connection; everybody who has something under way on it holds `used`.
#[derive(Clone, Debug)]
struct Connection {
    sender: http2::SendRequest<Body>,
    used: Arc<()>,
}

/// Both ends of a connection, whatever is between.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Forwarder {
    pub(crate) fn new(tls: ClientTls) -> Self {
        Self { tls, connections: Mutex::default() }
    }

    /// Has `leader` answer. The error says why it does not, in a line.
    ///
    /// # Cancel safety
    /// Whether it was asked is not known then.
    pub(crate) async fn forward(
        &self,
        leader: &Leader,
        request: Request,
        leading: &Leading,
    ) -> Result<Response, String> {
        let (scheme, authority) = place(&leader.address)?;
        if request.version() < Version::HTTP_2 && request.headers().contains_key(header::UPGRADE) {
            return self.upgrade(&scheme, &authority, request, leader.clone(), leading.clone()).await;
        }
        let version = request.version();
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme(scheme.clone()).authority(authority.clone()).path_and_query(path);
        parts.uri = uri.build().map_err(|error| error.to_string())?;
        parts.version = Version::HTTP_2;
        parts.extensions = http::Extensions::new();
        strip(&mut parts.headers);
        let Connection { mut sender, used } = self.connected(&leader.address, &scheme, &authority).await?;
        sender.ready().await.map_err(|error| one_line(&error))?;
        let answer = sender.send_request(Request::from_parts(parts, body)).await;
        let mut response = answer.map_err(|error| one_line(&error))?.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _under_way = &used;
                frame
            }))
        });
        *response.version_mut() = version;
        Ok(response)
    }

    /// A connection on which there is room; makes one if there is none that stands.
    async fn connected(
        &self,
        address: &str,
        scheme: &Scheme,
        authority: &Authority,
    ) -> Result<Connection, String> {
        let mut connections = self.connections.lock().await;
        if connections.address != address {
            *connections = Connections { address: address.to_owned(), all: Vec::new() };
        }
        connections.all.retain(|it| !it.sender.is_closed());
        if let Some(found) = connections.all.iter().find(|it| Arc::strong_count(&it.used) <= STREAMS) {
            return Ok(found.clone());
        }
        let wire = self.dial(scheme, authority, b"h2").await?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(LIFE).keep_alive_timeout(LIFE);
        let made = timeout(CONNECTING, builder.handshake(TokioIo::new(wire))).await;
        let (sender, connection) = made.map_err(|_| slow())?.map_err(|error| one_line(&error))?;
        // Those who have something under way are told how it ends.
        tokio::spawn(connection);
        let made = Connection { sender, used: Arc::default() };
        connections.all.push(made.clone());
        Ok(made)
    }

    async fn dial(
        &self,
        scheme: &Scheme,
        authority: &Authority,
        alpn: &'static [u8],
    ) -> Result<Box<dyn Wire>, String> {
        let is_tls = *scheme == Scheme::HTTPS;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let dialling = async {
            let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
            // Small requests are not held back.
            tcp.set_nodelay(true).map_err(|error| error.to_string())?;
            if !is_tls {
                return Ok(Box::new(tcp) as Box<dyn Wire>);
            }
            let name = self.tls.name(&host).map_err(|error| error.to_string())?;
            let config = self.tls.load(alpn).await.map_err(|error| error.to_string())?;
            let tls = TlsConnector::from(config).connect(name, tcp).await;
            Ok(Box::new(tls.map_err(|error| error.to_string())?) as Box<dyn Wire>)
        };
        timeout(CONNECTING, dialling).await.map_err(|_| slow())?
    }

    /// A WebSocket, over a connection of its own, for as long as the leader is one.
    async fn upgrade(
        &self,
        scheme: &Scheme,
        authority: &Authority,
        mut request: Request,
        leader: Leader,
        leading: Leading,
    ) -> Result<Response, String> {
        let wire = self.dial(scheme, authority, b"http/1.1").await?;
        let made = timeout(CONNECTING, http1::handshake(TokioIo::new(wire))).await;
        let (mut sender, connection) = made.map_err(|_| slow())?.map_err(|error| one_line(&error))?;
        tokio::spawn(connection.with_upgrades());
        let client = hyper::upgrade::on(&mut request);
        let (parts, _) = request.into_parts();
        let mut asked = Request::new(Body::empty());
        *asked.method_mut() = parts.method;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        *asked.uri_mut() = path.parse().map_err(|_| "this path can't be passed on".to_owned())?;
        *asked.headers_mut() = parts.headers;
        asked.headers_mut().insert(PASSED_ON, HeaderValue::from_static("1"));
        let host = HeaderValue::try_from(authority.as_str()).map_err(|error| error.to_string())?;
        asked.headers_mut().insert(header::HOST, host);
        let mut response = sender.send_request(asked).await.map_err(|error| one_line(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response.map(Body::new));
        }
        let server = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            let (Ok(client), Ok(server)) = tokio::join!(client, server) else { return };
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            tokio::select! {
                // Either end may go at any time.
                _ = copy_bidirectional(&mut client, &mut server) => {}
                () = leading.leaves(&leader) => {}
            }
        });
        Ok(response.map(|_| Body::empty()))
    }
}

/// Scheme and authority of where a broker says that it is asked.
pub(crate) fn place(address: &str) -> Result<(Scheme, Authority), String> {
    let uri: Uri = address.parse().map_err(|_| format!("{address}: is no URL"))?;
    let parts = uri.into_parts();
    match (parts.scheme, parts.authority) {
        (Some(scheme), Some(authority)) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => {
            Ok((scheme, authority))
        }
        _ => Err(format!("{address}: must be http://HOST:PORT or https://HOST:PORT")),
    }
}

/// What is said of a connection is said of that one alone.
fn strip(headers: &mut HeaderMap) {
    if headers.get(header::TE).is_some_and(|te| te != "trailers") {
        headers.remove(header::TE);
    }
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::HOST, header::EXPECT]
    {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "http2-settings"] {
        headers.remove(name);
    }
    headers.insert(PASSED_ON, HeaderValue::from_static("1"));
}

fn slow() -> String {
    format!("no connection within {CONNECTING:?}")
}

fn one_line(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_is_a_url_of_http() {
        let (scheme, authority) = place("https://broker-1.example:30020").unwrap();
        assert_eq!((scheme.as_str(), authority.as_str()), ("https", "broker-1.example:30020"));
        for wrong in ["", "broker:30020", "ftp://x:1", "/x", "http://"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
