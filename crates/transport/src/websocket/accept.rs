//! The server's side of the upgrade.

use super::head::{self, MAX_FIELDS};
use super::{Role, SUBPROTOCOL, UpgradeError, UpgradeRules, WebSocket, accept_key, forwarded};
use crate::staging::Staging;
use std::future::poll_fn;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// How long a client that is refused may take to be told so.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// How much of a text that a client sends is said again, in bytes.
const MAX_QUOTED: usize = 256;

/// A connection that became a WebSocket.
pub(crate) struct Upgraded<T> {
    pub(crate) socket: WebSocket<T>,
    /// For whom proxies say that they have passed on the request, the nearest last.
    pub(crate) forwarded: Vec<Option<IpAddr>>,
}

/// What is answered to a request that is granted.
struct Granted {
    answer: String,
    forwarded: Vec<Option<IpAddr>>,
}

/// Reads the request, of any path, and answers it. The caller sets the deadline.
pub(crate) async fn accept<T>(mut io: T, rules: &UpgradeRules) -> Result<Upgraded<T>, UpgradeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut incoming = Staging::default();
    let answer = match head::read(&mut io, &mut incoming).await {
        Ok(end) => {
            let answer = judge(&incoming.bytes()[..end], rules);
            incoming.consume(end);
            answer
        }
        Err(error) => Err(error),
    };
    match answer {
        Ok(Granted { answer, forwarded }) => {
            io.write_all(answer.as_bytes()).await?;
            io.flush().await?;
            Ok(Upgraded { socket: WebSocket::new(io, Role::Server, incoming), forwarded })
        }
        Err(error) => {
            // Whether the client still hears why is up to the client.
            let _ = timeout(REFUSAL_TIMEOUT, refuse(io, incoming, &error)).await;
            Err(error)
        }
    }
}

fn judge(head: &[u8], rules: &UpgradeRules) -> Result<Granted, UpgradeError> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(UpgradeError::NoUpgrade("too many fields")),
        _ => return Err(UpgradeError::NotHttp),
    }
    let fields = &*request.headers;
    let required = |holds: bool, what| if holds { Ok(()) } else { Err(UpgradeError::NoUpgrade(what)) };
    required(request.method == Some("GET"), "the method is not GET")?;
    required(request.version == Some(1), "it is not HTTP/1.1")?;
    required(head::lists(fields, "Upgrade", "websocket"), "`Upgrade` does not say `websocket`")?;
    required(head::lists(fields, "Connection", "Upgrade"), "`Connection` does not say `Upgrade`")?;
    let version = head::value(fields, "Sec-WebSocket-Version");
    required(version == Some(b"13"), "`Sec-WebSocket-Version` is not 13")?;
    let key = head::value(fields, "Sec-WebSocket-Key").unwrap_or_default();
    let bytes = data_encoding::BASE64.decode(key).unwrap_or_default();
    required(bytes.len() == 16, "`Sec-WebSocket-Key` is not 16 bytes in base64")?;
    check_origin(fields, rules)?;
    let offered = head::lists(fields, "Sec-WebSocket-Protocol", SUBPROTOCOL);
    let protocol = if offered { format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n") } else { String::new() };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{protocol}\r\n",
        accept_key(key)
    );
    let forwarded = rules.forwarded.map(|field| forwarded::hops(fields, field)).unwrap_or_default();
    Ok(Granted { answer, forwarded })
}

/// Browsers name the origin of the page, and a page can't keep them from it.
fn check_origin(fields: &[httparse::Header<'_>], rules: &UpgradeRules) -> Result<(), UpgradeError> {
    let mut origins = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("Origin"));
    let refused = origins.find(|origin| {
        let origin = str::from_utf8(origin.value).unwrap_or_default();
        !rules.allowed_origins.iter().any(|pattern| pattern.allows(origin))
    });
    refused.map_or(Ok(()), |field| {
        let quoted = &field.value[..field.value.len().min(MAX_QUOTED)];
        Err(UpgradeError::Origin(String::from_utf8_lossy(quoted).into_owned()))
    })
}

/// Says why, and reads on for as long as the client sends: to close a socket with something unread in it
/// takes back what was said.
async fn refuse<T>(mut io: T, mut incoming: Staging, error: &UpgradeError) -> std::io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let status = match error {
        UpgradeError::NoUpgrade(_) => "426 Upgrade Required",
        UpgradeError::Origin(_) => "403 Forbidden",
        UpgradeError::HeadTooLong(_) => "431 Request Header Fields Too Large",
        _ => "400 Bad Request",
    };
    let body = format!("{error}\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\
         Sec-WebSocket-Version: 13\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    io.write_all(format!("{head}{body}").as_bytes()).await?;
    io.shutdown().await?;
    loop {
        incoming.consume(incoming.len());
        if poll_fn(|cx| incoming.poll_fill(&mut io, cx)).await? == 0 {
            return Ok(());
        }
    }
}
