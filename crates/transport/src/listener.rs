//! Listening sockets: they accept, and leave every handshake to [`Incoming`].

use crate::incoming::Layers;
use crate::memory::{Arrival, MemoryPort};
use crate::quic::QuicListener;
use crate::{Incoming, Network, ServerTls};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::warn;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;

/// The pause after a failed accept, at first and at most.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What to listen for, and where.
#[derive(Clone, Debug)]
pub struct Bind {
    /// What is spoken.
    pub network: Network,
    /// Where; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// Must be there for [`Network::Tls`] and [`Network::Quic`], may be for [`Network::Ws`], and is not
    /// used for [`Network::Tcp`].
    pub tls: Option<ServerTls>,
    /// Whether `[::]` leaves callers over IPv4 to another listener.
    pub only_v6: bool,
}

/// An accepted connection and where it comes from.
#[derive(Debug)]
pub struct Accepted {
    /// The connection, with nothing read from it yet.
    pub incoming: Incoming,
    /// The peer's address. That of a caller over IPv4 is one of IPv4, also where `[::]` took it.
    pub peer: SocketAddr,
}

/// A listening socket that survives errors of accept.
///
/// Dropping it takes no more connections. Those over QUIC that stand share its socket, which goes on as
/// long as any of them.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(Tcp),
    /// A UDP socket, and the certificates for its connections.
    Quic(QuicListener, ServerTls),
    /// No socket: what is connected within the process.
    Memory(mpsc::Receiver<Arrival>),
}

#[derive(Debug)]
struct Tcp {
    socket: TcpListener,
    network: Network,
    tls: Option<ServerTls>,
    backoff: Duration,
}

impl Bind {
    /// Plain TCP.
    #[must_use]
    pub fn tcp(addr: SocketAddr) -> Self {
        Self { network: Network::Tcp, addr, tls: None, only_v6: false }
    }

    /// Whether the system would refuse one of the two, because the other has its port.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let is_udp = |bind: &Self| bind.network == Network::Quic;
        let (this, that) = (canonical(self.addr), canonical(other.addr));
        // [::] takes callers over IPv4 as well, unless it is told not to.
        let covers = |it: &Self, that: SocketAddr| {
            let addr = canonical(it.addr);
            let both = addr.is_ipv6() && !it.only_v6;
            addr.ip().is_unspecified() && (both || addr.is_ipv6() == that.is_ipv6())
        };
        let is_same_place = this.ip() == that.ip() || covers(self, that) || covers(other, this);
        // Port 0 is another one each time.
        is_udp(self) == is_udp(other) && this.port() == that.port() && this.port() != 0 && is_same_place
    }
}

/// An address of IPv4 that is written as one of IPv6 is that of IPv4.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

impl Listener {
    /// Listens.
    ///
    /// # Errors
    /// When the address can't be bound, or TLS is to be spoken without being set up.
    pub fn bind(bind: Bind) -> io::Result<Self> {
        let Bind { network, addr, tls, only_v6 } = bind;
        let kind = match (network, tls) {
            (Network::Tls | Network::Quic, None) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "a TLS or QUIC listener needs a certificate",
                ));
            }
            (Network::Quic, Some(tls)) => {
                let listener = QuicListener::bind(addr, only_v6, &tls.rustls_config(), tls.key_digest())?;
                Kind::Quic(listener, tls)
            }
            (network, tls) => Kind::Tcp(Tcp::bind(addr, only_v6, network, tls)?),
        };
        Ok(Self(kind))
    }

    /// Listens to who connects by the port that comes with it, within this process. For tests.
    #[must_use]
    pub fn memory() -> (Self, MemoryPort) {
        let (port, arrivals) = MemoryPort::new();
        (Self(Kind::Memory(arrivals)), port)
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.socket.local_addr(),
            Kind::Quic(listener, _) => Ok(listener.local_addr()),
            Kind::Memory(_) => Ok((Ipv4Addr::LOCALHOST, 0).into()),
        }
    }

    /// The next connection. Nothing is read from it and no handshake takes place here: see
    /// [`Incoming::link`] and [`Incoming::carrier`]. When the process is out of file descriptors or memory, this waits, longer
    /// each time, and tries again: the kernel keeps the callers meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe: no accepted connection is lost.
    pub async fn accept(&mut self) -> Accepted {
        let accepted = match &mut self.0 {
            Kind::Tcp(tcp) => tcp.accept().await,
            Kind::Quic(listener, tls) => {
                let incoming = listener.accept().await;
                Accepted { peer: incoming.peer(), incoming: Incoming::quic(incoming, tls.clone()) }
            }
            Kind::Memory(arrivals) => match arrivals.recv().await {
                Some((carrier, peer)) => Accepted { peer, incoming: Incoming::memory(carrier) },
                // Nobody can connect any more.
                None => std::future::pending().await,
            },
        };
        let peer = SocketAddr::new(accepted.peer.ip().to_canonical(), accepted.peer.port());
        Accepted { peer, ..accepted }
    }
}

impl Tcp {
    fn bind(addr: SocketAddr, only_v6: bool, network: Network, tls: Option<ServerTls>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if addr.is_ipv6() {
            // Said in any case: systems differ in what they do unasked.
            socket.set_only_v6(only_v6)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket: TcpListener::from_std(socket.into())?, network, tls, backoff: ACCEPT_BACKOFF.0 })
    }

    async fn accept(&mut self) -> Accepted {
        loop {
            match self.socket.accept().await {
                Ok((io, peer)) => {
                    self.backoff = ACCEPT_BACKOFF.0;
                    // Fails only on a connection that is already gone, which the next read will tell.
                    let _ = io.set_nodelay(true);
                    return Accepted { incoming: Incoming::new(io, self.layers()), peer };
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    warn!(%error, backoff = ?self.backoff, "can't accept connections, will try again");
                    tokio::time::sleep(self.backoff).await;
                    self.backoff = (self.backoff * 2).min(ACCEPT_BACKOFF.1);
                }
            }
        }
    }

    fn layers(&self) -> Layers {
        match (self.network, &self.tls) {
            (Network::Tls, Some(tls)) => Layers::Tls(tls.clone()),
            (Network::Ws, tls) => Layers::WebSocket(tls.clone()),
            // `Listener::bind` sees to it that TLS is not without its certificates.
            _ => Layers::Plain,
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_as_the_system_takes_it() {
        let tcp = |addr: &str| Bind::tcp(addr.parse().unwrap());
        for (one, other, overlap) in [
            ("127.0.0.1:9", "127.0.0.1:9", true),
            ("0.0.0.0:9", "127.0.0.1:9", true),
            ("[::]:9", "[::1]:9", true),
            ("[::]:9", "127.0.0.1:9", true),
            ("[::]:9", "0.0.0.0:9", true),
            ("0.0.0.0:9", "[::1]:9", false),
            ("127.0.0.1:9", "127.0.0.2:9", false),
            ("127.0.0.1:9", "127.0.0.1:8", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let (one, other) = (tcp(one), tcp(other));
            assert_eq!(
                (one.overlaps(&other), other.overlaps(&one)),
                (overlap, overlap),
                "{one:?}, {other:?}"
            );
            let quic = Bind { network: Network::Quic, ..other.clone() };
            assert!(!one.overlaps(&quic), "UDP and TCP have ports of their own");
        }
    }

    #[tokio::test]
    async fn both_families_share_a_port_if_one_is_told_to() {
        let v4 = Listener::bind(Bind::tcp("0.0.0.0:0".parse().unwrap())).unwrap();
        let port = v4.local_addr().unwrap().port();
        let v6 = Bind::tcp((std::net::Ipv6Addr::UNSPECIFIED, port).into());
        let only = Bind { only_v6: true, ..v6.clone() };
        assert!(!only.overlaps(&Bind::tcp(v4.local_addr().unwrap())) && only.overlaps(&v6));
        assert_eq!(Listener::bind(v6).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let mut v6 = Listener::bind(only).unwrap();
        let caller = tokio::net::TcpStream::connect(("::1", port)).await.unwrap();
        assert_eq!(v6.accept().await.peer, caller.local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_caller_over_ipv4_has_an_address_of_ipv4() {
        let mut listener = Listener::bind(Bind::tcp("[::]:0".parse().unwrap())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let caller = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let peer = listener.accept().await.peer;
        assert_eq!(peer, caller.local_addr().unwrap());
        assert!(peer.is_ipv4());
    }
}
