use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// They are passed on.
    Open,
    /// They are not, and nobody is told: no end, no reset.
    Blackhole,
}

/// A network between a peer and the gateway that can go wrong. Its connections end with it.
#[derive(Debug)]
pub struct StallProxy {
    addr: SocketAddr,
    mode: watch::Sender<Mode>,
    /// Counted up to end all connections.
    cuts: Arc<watch::Sender<u64>>,
    accepting: tokio::task::AbortHandle,
}

impl StallProxy {
    /// A network to `target`, which works at first.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound port");
        let mode = watch::Sender::new(Mode::Open);
        let cuts = Arc::new(watch::Sender::new(0));
        let (watched, cut) = (mode.subscribe(), cuts.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(carry(peer, target, watched.clone(), cut.subscribe()));
            }
        });
        Self { addr, mode, cuts, accepting: accepting.abort_handle() }
    }

    /// Where peers connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where peers connect to, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("tcp://{}", self.addr)
    }

    /// From here on nothing gets through, on connections old and new, and nobody is told.
    pub fn blackhole(&self) {
        self.mode.send_replace(Mode::Blackhole);
    }

    /// From here on bytes get through again, those that were held back first.
    pub fn heal(&self) {
        self.mode.send_replace(Mode::Open);
    }

    /// Resets all connections. New ones may be made.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for StallProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn carry(
    peer: TcpStream,
    target: SocketAddr,
    mode: watch::Receiver<Mode>,
    mut cut: watch::Receiver<u64>,
) {
    let Ok(gateway) = TcpStream::connect(target).await else { return };
    for stream in [&peer, &gateway] {
        let _ = stream.set_nodelay(true);
        // Ends with a reset, unless both halves have ended before.
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
    let (from_peer, to_peer) = peer.into_split();
    let (from_gateway, to_gateway) = gateway.into_split();
    let both = async {
        tokio::join!(copy(from_peer, to_gateway, mode.clone()), copy(from_gateway, to_peer, mode.clone()))
    };
    tokio::select! {
        _ = both => {}
        _ = cut.changed() => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        if mode.wait_for(|mode| *mode == Mode::Open).await.is_err() {
            return;
        }
        let read = tokio::select! {
            biased;
            _ = mode.changed() => continue,
            read = from.read(&mut chunk) => read,
        };
        match read {
            Ok(0) | Err(_) => {
                let _ = to.shutdown().await;
                return;
            }
            Ok(len) => {
                if to.write_all(&chunk[..len]).await.is_err() {
                    return;
                }
            }
        }
    }
}
