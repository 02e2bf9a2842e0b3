//! Dialling up to the end of the handshake: an address of a name that takes the connection and then says nothing, or what
//! the dialler can't use, is not waited for while there are others.

use crate::address::lookup;
use crate::dial::prepare;
use crate::roaming_tcp::RoamingTcp;
use crate::tcp::connect_first;
use crate::{DialError, DialOptions, Endpoint, Link, LinkConfig, Staggered};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// How long an address that has taken the connection is given before the next one is tried beside it. Longer than a
/// handshake takes, as a rule: a dialler that is let in at two of them has to leave one again.
const HEAD_START: Duration = Duration::from_secs(3);

/// The same, where it costs nothing but a connection to have greeted two.
const GREETING_HEAD_START: Duration = Duration::from_secs(1);

/// Dials `endpoint` as [`dial`](crate::dial()) does, and introduces the dialler: `introduce` is the handshake over a link.
/// Of a name with several addresses another one is tried beside the one that has taken the connection, once that has not
/// brought the handshake to its end within 3 seconds, or has failed; the first to come through is the one, the others are
/// dropped. Where `is_answer` says of an error that the other end has answered with it, that is the outcome.
///
/// QUIC, where the addresses are raced until one speaks it, and proxies are dialled once.
///
/// # Errors
/// [`DialError`], or what `introduce` fails with: of several addresses the first that failed. `introduce` sets its own
/// deadline.
///
/// # Cancel safety
/// Cancel safe: the connections are dropped. The other ends may have read what they were told.
pub async fn dial_and_introduce<T, E, F>(
    endpoint: &Endpoint,
    options: &DialOptions,
    config: LinkConfig,
    introduce: impl Fn(Link) -> F,
    is_answer: impl Fn(&E) -> bool,
) -> Result<T, E>
where
    E: From<DialError>,
    F: Future<Output = Result<T, E>>,
{
    let prepared = match prepare(endpoint, options).await? {
        Some(prepared) => prepared,
        None => return introduce(crate::dial(endpoint, options, config).await?).await,
    };
    let addresses = &Addresses::of(endpoint).await?;
    let (prepared, introduce) = (&prepared, &introduce);
    let introduce_at = |io: io::Result<TcpStream>| {
        let config = config.clone();
        async move {
            let io = io.map_err(|source| DialError::Connect { endpoint: endpoint.clone(), source })?;
            introduce(prepared.link(RoamingTcp::new(io), endpoint, options, config).await?).await
        }
    };
    let none = || DialError::Connect { endpoint: endpoint.clone(), source: io::ErrorKind::NotFound.into() };
    addresses.race(HEAD_START, introduce_at, is_answer).await.unwrap_or_else(|| Err(none().into()))
}

/// Connects to one of these addresses, as [`connect_any`](crate::connect_any) does, and greets whoever is there: another
/// address is tried beside the one that has taken the connection, once `greet` has not come to its end there within a
/// second, or has failed. The first greeting that is answered is the outcome, the other connections are dropped.
///
/// # Errors
/// Of several addresses that of the first that failed. `greet` sets its own deadline.
///
/// # Cancel safety
/// Cancel safe: the connections are dropped.
pub async fn connect_greeted<T, F>(
    addresses: Vec<SocketAddr>,
    greet: impl Fn(TcpStream) -> F,
) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    greet_any(addresses, greet, |_| false).await
}

/// The same, where `is_answer` says of an error that it is the other end's answer, and so the outcome.
pub(crate) async fn greet_any<T, E, F>(
    addresses: Vec<SocketAddr>,
    greet: impl Fn(TcpStream) -> F,
    is_answer: impl Fn(&E) -> bool,
) -> Result<T, E>
where
    E: From<io::Error>,
    F: Future<Output = Result<T, E>>,
{
    let greet = &greet;
    let greet_at = |io: io::Result<TcpStream>| async move { greet(io?).await };
    let greeted = Addresses::new(addresses).race(GREETING_HEAD_START, greet_at, is_answer).await;
    greeted.unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::NotFound).into()))
}

/// The addresses of a name that no attempt has come to yet.
struct Addresses {
    left: Mutex<Vec<SocketAddr>>,
    count: usize,
}

impl Addresses {
    async fn of(endpoint: &Endpoint) -> Result<Self, DialError> {
        let (host, port) = endpoint.host_port();
        let looked_up = lookup(host, port).await;
        let left = looked_up.map_err(|source| DialError::Lookup { endpoint: endpoint.clone(), source })?;
        Ok(Self::new(left))
    }

    fn new(left: Vec<SocketAddr>) -> Self {
        Self { count: left.len(), left: Mutex::new(left) }
    }

    /// What comes of the first of them with which the dialler comes through, of an answer, or else of the first that fails.
    /// `None` without any.
    async fn race<T, E, F>(
        &self,
        head_start: Duration,
        introduce: impl Fn(io::Result<TcpStream>) -> F,
        is_answer: impl Fn(&E) -> bool,
    ) -> Option<Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let introduce = &introduce;
        let mut attempts = Staggered::new(0..self.count, head_start, |_| async move {
            Some(introduce(self.next().await?).await)
        });
        let mut first = None;
        while let Some(outcome) = attempts.next().await {
            match outcome {
                None => {}
                Some(Err(error)) if !is_answer(&error) => {
                    first.get_or_insert(error);
                }
                outcome => return outcome,
            }
        }
        first.map(Err)
    }

    /// A connection to one of those that are left, which are raced. `None` if none is, or none has answered before.
    async fn next(&self) -> Option<io::Result<TcpStream>> {
        // One attempt after the other, or two would come to the same address.
        let mut left = self.left.lock().await;
        if left.is_empty() {
            return None;
        }
        Some(match connect_first(left.clone()).await {
            Ok((address, io)) => {
                left.retain(|other| *other != address);
                Ok(io)
            }
            Err(error) => {
                left.clear();
                Err(error)
            }
        })
    }
}

#[cfg(test)]
mod tests;
