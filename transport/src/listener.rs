use crate::incoming::Language;
use crate::quic::QuicListener;
use crate::{Incoming, LinkConfig, Network, ServerTls};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::warn;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;

/// The pause after a failed accept, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

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
}

/// An accepted connection and where it comes from.
#[derive(Debug)]
pub struct Accepted {
    /// The connection, with nothing read from it yet.
    pub incoming: Incoming,
    /// The peer's address.
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
    Quic(Quic),
}

/// A UDP socket, and what its connections are greeted with.
#[derive(Debug)]
struct Quic {
    listener: QuicListener,
    tls: ServerTls,
    greeting: Arc<rustls::ServerConfig>,
}

#[derive(Debug)]
struct Tcp {
    socket: TcpListener,
    network: Network,
    tls: Option<ServerTls>,
    pause: Duration,
}

impl Bind {
    /// Plain TCP.
    #[must_use]
    pub fn tcp(addr: SocketAddr) -> Self {
        Self { network: Network::Tcp, addr, tls: None }
    }
}

impl Listener {
    /// Listens. `config` bounds the streams of links over QUIC.
    ///
    /// # Errors
    /// When the address can't be bound, or TLS is to be spoken without being set up.
    pub fn bind(bind: Bind, config: &LinkConfig) -> io::Result<Self> {
        let Bind { network, addr, tls } = bind;
        let kind = match (network, tls) {
            (Network::Tls | Network::Quic, None) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs a certificate"));
            }
            (Network::Quic, Some(tls)) => Kind::Quic(Quic::bind(addr, tls, config)?),
            (network, tls) => Kind::Tcp(Tcp::bind(addr, network, tls)?),
        };
        Ok(Self(kind))
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.socket.local_addr(),
            Kind::Quic(quic) => Ok(quic.listener.local_addr()),
        }
    }

    /// The next connection. Nothing is read from it and no handshake takes place here: see
    /// [`Incoming::link`]. When the process is out of file descriptors or memory, this waits, longer
    /// each time, and tries again: the kernel keeps the callers meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe: no accepted connection is lost.
    pub async fn accept(&mut self) -> Accepted {
        match &mut self.0 {
            Kind::Tcp(tcp) => tcp.accept().await,
            Kind::Quic(quic) => quic.accept().await,
        }
    }
}

impl Tcp {
    fn bind(addr: SocketAddr, network: Network, tls: Option<ServerTls>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket: TcpListener::from_std(socket.into())?, network, tls, pause: PAUSE.0 })
    }

    async fn accept(&mut self) -> Accepted {
        loop {
            match self.socket.accept().await {
                Ok((io, peer)) => {
                    self.pause = PAUSE.0;
                    // Fails only on a connection that is already gone, which the next read will tell.
                    let _ = io.set_nodelay(true);
                    return Accepted { incoming: Incoming::new(io, self.language()), peer };
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    warn!(%error, pause = ?self.pause, "can't accept connections, will try again");
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    fn language(&self) -> Language {
        match (self.network, &self.tls) {
            (Network::Tls, Some(tls)) => Language::Tls(tls.clone()),
            (Network::Ws, tls) => Language::Ws(tls.clone()),
            // `Listener::bind` sees to it that TLS is not without its certificates.
            _ => Language::Tcp,
        }
    }
}

impl Quic {
    fn bind(addr: SocketAddr, tls: ServerTls, config: &LinkConfig) -> io::Result<Self> {
        let greeting = tls.rustls_config();
        Ok(Self { listener: QuicListener::bind(addr, &greeting, config)?, tls, greeting })
    }

    async fn accept(&mut self) -> Accepted {
        let incoming = self.listener.accept().await;
        // The handshake has not begun: what was reloaded while we waited holds for it.
        let current = self.tls.rustls_config();
        if !Arc::ptr_eq(&current, &self.greeting) {
            if let Err(error) = self.listener.set_tls(&current) {
                warn!(%error, "the new TLS settings are of no use for QUIC, the old ones stay");
            }
            self.greeting = current;
        }
        Accepted { peer: incoming.peer(), incoming: Incoming::quic(incoming) }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
