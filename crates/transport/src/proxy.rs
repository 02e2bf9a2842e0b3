//! Proxies through which endpoints over TCP are reached: HTTP `CONNECT` and SOCKS5.

mod choice;
mod connect;
mod socks;

pub use choice::{ProxyChoice, ProxyVariableError};

use crate::address::lookup;
use crate::introduction::greet_any;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long a proxy may take to answer: meanwhile it looks up the name, and connects.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A proxy, from a URL: `http://user:password@host:port` or `socks5://user:password@host:port`; user and password may be
/// left out, and the port where it is 80 or 1080. Other characters than letters and digits in them are written as `%2F`
/// and the like. The proxy looks up the names of gateways.
///
/// `Display` and `Debug` mask the user and the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

/// A URL that names no proxy. It is not shown, since it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProxyUrlError {
    /// Not one that is spoken.
    #[error("a proxy's URL begins with http://, socks5:// or socks5h://")]
    Scheme,
    /// No host, or no port that is a number.
    #[error("a proxy's URL has a host, and a port from 1 to 65535: http://user:password@host:port")]
    Address,
    /// What is no text of 1 to 255 bytes once it is decoded.
    #[error(
        "user and password in a proxy's URL have 255 bytes at most, and write what is no letter or digit as %2F and the like"
    )]
    Credentials,
}

/// Why a proxy did not lead to where it was asked to.
#[derive(Debug, Error)]
pub enum ProxyError {
    /// Its own name could not be looked up.
    #[error("its name could not be looked up: {0}")]
    Lookup(io::Error),
    /// It could not be reached, or the connection broke.
    #[error(transparent)]
    Io(io::Error),
    /// It ended the connection.
    #[error("it ended the connection where an answer was due")]
    Ended,
    /// It said nothing.
    #[error("it gave no answer within {0:?}")]
    Silent(Duration),
    /// It wants other credentials.
    #[error("it does not take these credentials ({0}): its URL is to have the right user and password")]
    Credentials(String),
    /// It does not let one through.
    #[error("it answered `{0}`")]
    Refused(String),
    /// What it answers is not of its protocol.
    #[error("it does not speak {0}")]
    Protocol(&'static str),
    /// The name is longer than SOCKS5 has room for.
    #[error("the name of the host is longer than 255 bytes")]
    NameTooLong,
}

impl ProxyError {
    /// Whether the proxy has said so, whichever of its addresses was asked.
    fn is_answer(&self) -> bool {
        matches!(self, Self::Credentials(_) | Self::Refused(_) | Self::NameTooLong)
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Ended } else { Self::Io(error) }
    }
}

impl Proxy {
    /// Connects to `host` through it.
    ///
    /// # Errors
    /// [`ProxyError`], after 15 seconds without an answer at the latest.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection is dropped.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ProxyError> {
        let addresses = lookup(&self.host, self.port).await.map_err(ProxyError::Lookup)?;
        let (proxy, host) = (self.clone(), host.to_owned());
        let ask = move |mut io: TcpStream| {
            let (proxy, host) = (proxy.clone(), host.clone());
            async move {
                proxy.ask(&mut io, &host, port).await?;
                Ok(io)
            }
        };
        greet_any(addresses, ask, ProxyError::is_answer).await
    }

    async fn ask(
        &self,
        io: &mut (impl AsyncRead + AsyncWrite + Unpin),
        host: &str,
        port: u16,
    ) -> Result<(), ProxyError> {
        let credentials = self.credentials.as_ref();
        let asked = async {
            match self.kind {
                Kind::Http => connect::ask(io, host, port, credentials).await,
                Kind::Socks5 => socks::ask(io, host, port, credentials).await,
            }
        };
        let late = |_| Err(ProxyError::Silent(ANSWER_TIMEOUT));
        tokio::time::timeout(ANSWER_TIMEOUT, asked).await.unwrap_or_else(late)
    }
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    fn from_str(url: &str) -> Result<Self, ProxyUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(ProxyUrlError::Scheme)?;
        let (kind, usual_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return Err(ProxyUrlError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, address) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        let credentials = user.map(credentials).transpose()?;
        let (host, port) = match address.rsplit_once(':') {
            // What stands behind the last colon of a bracketed address is no port.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port != 0).ok_or(ProxyUrlError::Address)?)
            }
            _ => (address, usual_port),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_valid) {
            return Err(ProxyUrlError::Address);
        }
        Ok(Self { kind, host: host.into(), port, credentials })
    }
}

fn credentials(text: &str) -> Result<(String, String), ProxyUrlError> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let decoded =
        |text: &str| decoded(text).filter(|text| text.len() <= 255).ok_or(ProxyUrlError::Credentials);
    let (user, password) = (decoded(user)?, decoded(password)?);
    // HTTP ends the user at its first colon.
    if user.is_empty() || user.contains(':') {
        return Err(ProxyUrlError::Credentials);
    }
    Ok((user, password))
}

/// `None` if it is damaged, or no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digit =
            |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        out.push(match byte {
            b'%' => digit(bytes.next())? << 4 | digit(bytes.next())?,
            byte => byte,
        });
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
        };
        let user = if self.credentials.is_some() { "****@" } else { "" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{user}{open}{}{close}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies_are_read_and_shown_without_their_secrets() {
        let shown = |url: &str| url.parse::<Proxy>().map(|proxy| proxy.to_string());
        for (url, text) in [
            ("http://proxy.example", "http://proxy.example:80"),
            ("HTTP://u:p%40ss@proxy.example:3128/", "http://****@proxy.example:3128"),
            ("socks5://[::1]", "socks5://[::1]:1080"),
            ("socks5h://u@10.0.0.1:9", "socks5://****@10.0.0.1:9"),
        ] {
            assert_eq!(shown(url).as_deref(), Ok(text), "{url}");
        }
        let proxy: Proxy = "http://u:p%40s%3As@h:1".parse().unwrap();
        assert_eq!(proxy.credentials, Some(("u".into(), "p@s:s".into())));
        for (url, error) in [
            ("proxy.example:3128", ProxyUrlError::Scheme),
            ("https://h:1", ProxyUrlError::Scheme),
            ("http://", ProxyUrlError::Address),
            ("http://h:0", ProxyUrlError::Address),
            ("http://a b:1", ProxyUrlError::Address),
            ("http://h\r\n:1", ProxyUrlError::Address),
            ("http://u:%zz@h:1", ProxyUrlError::Credentials),
            ("http://u%0d%0a:p@h:1", ProxyUrlError::Credentials),
            ("http://:p@h:1", ProxyUrlError::Credentials),
        ] {
            assert_eq!(url.parse::<Proxy>(), Err(error), "{url}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_says_nothing_or_hangs_up_is_given_up() {
        for url in ["http://h", "socks5://h"] {
            let proxy: Proxy = url.parse().unwrap();
            let (mut near, far) = tokio::io::duplex(1024);
            let start = tokio::time::Instant::now();
            let error = proxy.ask(&mut near, "gateway.test", 1).await.unwrap_err();
            assert!(matches!(error, ProxyError::Silent(_)), "{url}: {error}");
            assert_eq!(start.elapsed(), ANSWER_TIMEOUT);
            let (_unread, mut far) = tokio::io::split(far);
            tokio::io::AsyncWriteExt::shutdown(&mut far).await.unwrap();
            let error = proxy.ask(&mut near, "gateway.test", 1).await.unwrap_err();
            assert!(matches!(error, ProxyError::Ended), "{url}: {error}");
        }
    }
}
