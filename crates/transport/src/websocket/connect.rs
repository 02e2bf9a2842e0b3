//! The dialler's side of the upgrade.

use super::head::{self, MAX_FIELDS};
use super::{Role, SUBPROTOCOL, UpgradeError, WebSocket, accept_key};
use crate::Endpoint;
use crate::staging::Staging;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// Asks for a WebSocket. The caller sets the deadline.
pub(crate) async fn connect<T>(mut io: T, endpoint: &Endpoint) -> Result<WebSocket<T>, UpgradeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let key = data_encoding::BASE64.encode(&rand::random::<[u8; 16]>());
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n",
        endpoint.path(),
        endpoint.authority()
    );
    let asked = async {
        io.write_all(request.as_bytes()).await?;
        io.flush().await
    };
    // It may have answered, and ended the connection, before it was asked.
    let asked = asked.await;
    match (read_answer(io, &key).await, asked) {
        (Err(UpgradeError::Ended | UpgradeError::Io(_)), Err(error)) => Err(error.into()),
        (answered, _) => answered,
    }
}

/// Reads the server's answer to a request with this key.
pub(super) async fn read_answer<T>(mut io: T, key: &str) -> Result<WebSocket<T>, UpgradeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut incoming = Staging::default();
    let end = head::read(&mut io, &mut incoming).await?;
    check(&incoming.bytes()[..end], key)?;
    incoming.consume(end);
    Ok(WebSocket::new(io, Role::Client, incoming))
}

fn check(head: &[u8], key: &str) -> Result<(), UpgradeError> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    match answer.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(UpgradeError::WrongAnswer("too many fields")),
        _ => return Err(UpgradeError::NotHttp),
    }
    let fields = &*answer.headers;
    if answer.code != Some(101) {
        // Parsed, so it is short and of visible characters.
        let (code, reason) = (answer.code.unwrap_or_default(), answer.reason.unwrap_or_default());
        return Err(UpgradeError::Answer(format!("{code} {reason}").trim_end().to_owned()));
    }
    let required = |holds: bool, what| if holds { Ok(()) } else { Err(UpgradeError::WrongAnswer(what)) };
    required(head::lists(fields, "Upgrade", "websocket"), "`Upgrade` does not say `websocket`")?;
    required(head::lists(fields, "Connection", "Upgrade"), "`Connection` does not say `Upgrade`")?;
    let accept = head::value(fields, "Sec-WebSocket-Accept");
    let expected = accept_key(key.as_bytes());
    required(accept == Some(expected.as_bytes()), "`Sec-WebSocket-Accept` does not fit our key")?;
    let extended = fields.iter().any(|field| field.name.eq_ignore_ascii_case("Sec-WebSocket-Extensions"));
    required(!extended, "it has extensions that nobody asked for")?;
    let chosen = fields.iter().find(|field| field.name.eq_ignore_ascii_case("Sec-WebSocket-Protocol"));
    let ours = chosen.is_none_or(|field| field.value == SUBPROTOCOL.as_bytes());
    required(ours, "`Sec-WebSocket-Protocol` is another than we offered")
}
