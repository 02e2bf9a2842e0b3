use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tracing::warn;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;

/// The pause after a failed accept, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// An accepted connection, with nothing read from it yet.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub io: TcpStream,
    /// The peer's address.
    pub peer: SocketAddr,
}

/// A listening TCP socket that survives errors of accept.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    pause: Duration,
}

impl Listener {
    /// Listens on `addr`; port 0 lets the system choose.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self { socket: TcpListener::from_std(socket.into())?, pause: PAUSE.0 })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next connection. When the process is out of file descriptors or memory, this waits,
    /// longer each time, and tries again: the kernel keeps the callers meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe: no accepted connection is lost.
    pub async fn accept(&mut self) -> Accepted {
        loop {
            match self.socket.accept().await {
                Ok((io, peer)) => {
                    self.pause = PAUSE.0;
                    // Fails only on a connection that is already gone, which the next read will tell.
                    let _ = io.set_nodelay(true);
                    return Accepted { io, peer };
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
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
