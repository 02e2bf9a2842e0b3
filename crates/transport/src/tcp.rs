//! Connecting over TCP to one of several addresses.

use crate::staggered::Staggered;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long an address is tried before the next one is tried beside it (RFC 8305, 8).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);

/// How long a connection may be silent before the kernel asks whether the peer is there, and between two questions. After
/// some of them it is lost.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15));

/// Has the kernel notice that a peer is gone, for protocols of which we know no sign of life.
pub(crate) fn keep_alive(io: &TcpStream) {
    let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1);
    // Without it a peer that is lost is noticed when something is sent to it.
    let _ = socket2::SockRef::from(io).set_tcp_keepalive(&keepalive);
}

/// How long one address may take to answer.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the first of these addresses that answers: each is tried 250 milliseconds after the one before, or as
/// soon as that has failed, and has 5 seconds.
///
/// # Errors
/// What became of each address.
///
/// # Cancel safety
/// Cancel safe: what was begun is dropped.
pub async fn connect_any(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    Ok(connect_first(addresses).await?.1)
}

/// The same, and which address that is.
pub(crate) async fn connect_first(addresses: Vec<SocketAddr>) -> io::Result<(SocketAddr, TcpStream)> {
    let connect = |address| async move { Ok::<_, io::Error>((address, TcpStream::connect(address).await?)) };
    let (address, connected) = race(addresses, connect).await?;
    connected.set_nodelay(true)?;
    Ok((address, connected))
}

/// What comes of the first of these addresses to which `connect` leads in its time.
pub(crate) async fn race<T, E, F>(
    addresses: Vec<SocketAddr>,
    mut connect: impl FnMut(SocketAddr) -> F,
) -> Result<T, E>
where
    E: From<io::Error> + Summary,
    F: Future<Output = Result<T, E>>,
{
    let mut attempts = Staggered::new(addresses, HEAD_START, |address| {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect(address));
        async move {
            let late = |_| Err(E::from(io::Error::new(io::ErrorKind::TimedOut, no_answer())));
            connected.await.unwrap_or_else(late).map_err(|error| (address, error))
        }
    });
    let mut failed = Vec::new();
    while let Some(outcome) = attempts.next().await {
        match outcome {
            Ok(connected) => return Ok(connected),
            Err(failure) => failed.push(failure),
        }
    }
    Err(E::summary(failed))
}

fn no_answer() -> String {
    format!("no answer within {CONNECT_TIMEOUT:?}")
}

/// Errors of several addresses that can be made one.
pub(crate) trait Summary: Sized {
    /// The one that says all. Of one alone it is that one.
    fn summary(failed: Vec<(SocketAddr, Self)>) -> Self;
}

impl Summary for io::Error {
    fn summary(mut failed: Vec<(SocketAddr, Self)>) -> Self {
        if failed.len() == 1
            && let Some((_, error)) = failed.pop()
        {
            return error;
        }
        let kind = match &failed[..] {
            [(_, first), rest @ ..] if rest.iter().all(|(_, error)| error.kind() == first.kind()) => {
                first.kind()
            }
            _ => io::ErrorKind::Other,
        };
        let texts: Vec<_> = failed.iter().map(|(address, error)| format!("{address}: {error}")).collect();
        Self::new(kind, texts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::Instant;

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (1..=count).map(|port| ([127, 0, 0, 1], port).into()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_a_black_hole_does_not_keep_one_from_the_next() {
        let start = Instant::now();
        let connected = race(addresses(3), |address| async move {
            if address.port() < 3 { pending().await } else { Ok::<_, io::Error>(address.port()) }
        });
        assert_eq!(connected.await.unwrap(), 3);
        assert_eq!(start.elapsed(), 2 * HEAD_START);
    }

    #[tokio::test(start_paused = true)]
    async fn each_address_has_its_own_time_and_its_own_error() {
        let start = Instant::now();
        let error = race(addresses(2), |address| async move {
            match address.port() {
                1 => pending().await,
                _ => Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
        });
        let error = error.await.unwrap_err().to_string();
        assert_eq!(error, "127.0.0.1:2: connection refused; 127.0.0.1:1: no answer within 5s");
        assert_eq!(start.elapsed(), CONNECT_TIMEOUT);
    }

    #[tokio::test]
    async fn a_socket_that_does_not_answer_does_not_keep_one_from_another() {
        // With a backlog of one that is full, the kernel drops what else comes.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        full.listen(0).unwrap();
        let black_hole = full.local_addr().unwrap().as_socket().unwrap();
        let mut waiting = Vec::new();
        while let Ok(connected) =
            tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(black_hole)).await
        {
            waiting.push(connected.unwrap());
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let connected = race(vec![black_hole, good], TcpStream::connect);
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connected).await.expect("well before its time");
        assert_eq!(connected.unwrap().peer_addr().unwrap(), good);
    }
}
