//! Taking the header off a connection, and not a byte of what follows it.

use super::{Parsed, ProxyHeader, ProxyHeaderError, parse};
use std::io;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// How much is looked at at a time, in bytes: headers without extensions are whole in it.
const LOOK: usize = 256;

/// The header, if the peer begins with one. Waits for its first bytes, so the caller sets the deadline.
pub(crate) async fn read(io: &mut TcpStream) -> Result<Option<ProxyHeader>, ProxyHeaderError> {
    let mut header = Vec::new();
    loop {
        let mut came = [0; LOOK];
        let n = io.peek(&mut came).await.map_err(broken)?;
        if n == 0 {
            return if header.is_empty() { Ok(None) } else { Err(ProxyHeaderError::Ended) };
        }
        let before = header.len();
        header.extend_from_slice(&came[..n]);
        let taken = match parse(&header)? {
            Parsed::Other if before == 0 => return Ok(None),
            Parsed::Other => return Err(ProxyHeaderError::Malformed("it goes on otherwise")),
            Parsed::More => n,
            Parsed::Header(_, len) => len - before,
        };
        io.read_exact(&mut came[..taken]).await.map_err(broken)?;
        if let Parsed::Header(found, _) = parse(&header)? {
            return Ok(Some(found));
        }
    }
}

fn broken(error: io::Error) -> ProxyHeaderError {
    ProxyHeaderError::Io(error.to_string())
}
