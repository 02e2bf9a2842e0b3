//! What the gateway's own TLS stream saves against `tokio-rustls`, both in one process and in turns:
//! `cargo run --release -p frontier-transport --example tls_stream`.
//!
//! All of the gateway's side runs on the main thread, whose processor time is what counts. The clients are
//! threads with `rustls` alone. Of an idle one only the socket is kept, so that it adds no memory.

use frontier_transport::{
    Bind, BoxedCarrier, CertificateFiles, Event, Link, LinkConfig, Listener, MuxStream, Network, Priority,
    ServerTls, ServerTlsConfig, crypto_provider,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Each figure is the median of so many, taken in turns.
const ROUNDS: usize = 5;

/// Idle links of one round and one kind. All of them stay to the end.
const LINKS: usize = 600;

/// Bulk of one round, in bytes, and how much of it a link writes at once, and reads.
const BULK: usize = 256 << 20;
const WRITE: usize = MuxStream::PIECE;
const READ: usize = 64 << 10;

/// Small messages of one round, each of which is answered, and their size in bytes.
const MESSAGES: usize = 20_000;
const SMALL: usize = 100;

/// In one frame of the mux that opens the lane, a ping.
const HELLO: [u8; 28] =
    [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;
type Client = StreamOwned<ClientConnection, TcpStream>;

#[derive(Clone, Copy)]
enum Kind {
    Ours,
    TokioRustls,
}

struct Gateway {
    ours: Listener,
    theirs: TcpListener,
    acceptor: TlsAcceptor,
    client: Arc<ClientConfig>,
    config: Arc<LinkConfig>,
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let mut gateway = Gateway::new()?;
    // For the runtime, the allocator, and buffers that are in use at the same time.
    for kind in [Kind::Ours, Kind::TokioRustls] {
        gateway.idle(kind, LINKS / 2).await?;
        gateway.receive(kind, BULK / 8).await?;
    }
    let mut figures: [[Vec<f64>; 4]; 2] = Default::default();
    for _ in 0..ROUNDS {
        for kind in [Kind::Ours, Kind::TokioRustls] {
            let [idle, receive, send, small] = &mut figures[kind as usize];
            idle.push(gateway.idle(kind, LINKS).await?);
            receive.push(gateway.receive(kind, BULK).await?);
            send.push(gateway.send(kind, BULK).await?);
            small.push(gateway.echo(kind, MESSAGES).await?);
        }
    }
    let [ours, theirs] = figures.map(|kind| kind.map(median));
    let rows = [
        "an idle link, bytes of memory",
        "receive 1 MiB, µs of CPU",
        "send 1 MiB, µs of CPU",
        "a small message and its answer, µs of CPU",
    ];
    println!("| | ours | tokio-rustls | ours / theirs |\n|---|---|---|---|");
    for ((row, ours), theirs) in rows.iter().zip(ours).zip(theirs) {
        println!("| {row} | {ours:.1} | {theirs:.1} | {:.2} |", ours / theirs);
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

impl Gateway {
    fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let cert = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
        let dir = tempfile::tempdir()?;
        let file = |name: &str, content: String| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).map(|()| path)
        };
        let files =
            CertificateFiles { cert: file("cert", cert.pem())?, key: file("key", key.serialize_pem())? };
        let tls = ServerTls::load(ServerTlsConfig { certs: vec![files], ..ServerTlsConfig::default() })?;
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone())?;
        let client = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = LinkConfig {
            max_frame: 1 << 20,
            outbox_soft: 1 << 20,
            outbox_hard: 4 << 20,
            max_streams: 1024,
            window_growth: LinkConfig::WINDOW_GROWTH,
            bulk_rate: LinkConfig::BULK_RATE,
        };
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let theirs = std::net::TcpListener::bind(addr)?;
        theirs.set_nonblocking(true)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(tls.rustls_config()),
            ours: Listener::bind(Bind { network: Network::Tls, addr, tls: Some(tls), only_v6: false })?,
            theirs: TcpListener::from_std(theirs)?,
            client: Arc::new(client),
            config: Arc::new(config),
        })
    }

    /// A connection: the gateway's side, and a thread that does `what` with the client's.
    async fn connect<R: Send + 'static>(
        &mut self,
        kind: Kind,
        what: impl FnOnce(Client) -> Result<R> + Send + 'static,
    ) -> Result<(BoxedCarrier, JoinHandle<Result<R>>)> {
        let addr = match kind {
            Kind::Ours => self.ours.local_addr()?,
            Kind::TokioRustls => self.theirs.local_addr()?,
        };
        let config = self.client.clone();
        let client = tokio::task::spawn_blocking(move || {
            let io = TcpStream::connect(addr)?;
            io.set_nodelay(true)?;
            what(StreamOwned::new(ClientConnection::new(config, "localhost".try_into()?)?, io))
        });
        // Boxed, so that whoever holds the carrier does not hold the room that its handshake took.
        let carrier: BoxedCarrier = match kind {
            Kind::Ours => Box::pin(self.ours.accept().await.incoming.carrier()).await?.0,
            Kind::TokioRustls => {
                let (io, _) = self.theirs.accept().await?;
                io.set_nodelay(true)?;
                Box::new(Box::pin(self.acceptor.accept(io)).await?)
            }
        };
        Ok((carrier, client))
    }

    /// What each of so many links costs that have been used once, in bytes.
    async fn idle(&mut self, kind: Kind, links: usize) -> Result<f64> {
        let before = resident()?;
        for _ in 0..links {
            let hello = |mut client: Client| {
                client.write_all(&HELLO)?;
                client.flush()?;
                // A pong of the lane, and whatever the mux has to say.
                client.read_exact(&mut [0; 28])?;
                Ok(client.sock)
            };
            let (carrier, client) = self.connect(kind, hello).await?;
            tokio::spawn(serve(Box::pin(Link::accept(carrier, self.config.clone())).await?));
            std::mem::forget(client.await??);
        }
        Ok(resident()?.saturating_sub(before) as f64 / links as f64)
    }

    /// CPU of the gateway for each MiB that a client sends, in µs.
    async fn receive(&mut self, kind: Kind, bytes: usize) -> Result<f64> {
        let send = move |mut client: Client| {
            let piece = vec![7; WRITE];
            for _ in 0..bytes / WRITE {
                client.write_all(&piece)?;
            }
            // Waits for the gateway's end.
            Ok(client.read(&mut [0])?)
        };
        let (mut carrier, client) = self.connect(kind, send).await?;
        let (start, mut buffer, mut came) = (cpu()?, Vec::with_capacity(READ), 0);
        while came < bytes / WRITE * WRITE {
            buffer.clear();
            came += carrier.read_buf(&mut buffer).await?;
        }
        let spent = cpu()? - start;
        carrier.shutdown().await?;
        client.await??;
        Ok(spent / (bytes >> 20) as f64)
    }

    /// CPU of the gateway for each MiB that it sends, in µs.
    async fn send(&mut self, kind: Kind, bytes: usize) -> Result<f64> {
        let receive = move |mut client: Client| {
            client.write_all(b"!")?;
            let (mut buffer, mut came) = (vec![0; READ], 0);
            while came < bytes / WRITE * WRITE {
                came += client.read(&mut buffer)?;
            }
            Ok(())
        };
        let (mut carrier, client) = self.connect(kind, receive).await?;
        carrier.read_u8().await?;
        let (start, piece) = (cpu()?, vec![7; WRITE]);
        for _ in 0..bytes / WRITE {
            carrier.write_all(&piece).await?;
            carrier.flush().await?;
        }
        let spent = cpu()? - start;
        client.await??;
        Ok(spent / (bytes >> 20) as f64)
    }

    /// CPU of the gateway for each small message that it reads and answers, in µs.
    async fn echo(&mut self, kind: Kind, messages: usize) -> Result<f64> {
        let ask = move |mut client: Client| {
            for _ in 0..messages {
                client.write_all(&[7; SMALL])?;
                client.read_exact(&mut [0; SMALL])?;
            }
            Ok(())
        };
        let (mut carrier, client) = self.connect(kind, ask).await?;
        let (start, mut buffer) = (cpu()?, Vec::with_capacity(READ));
        for _ in 0..messages {
            buffer.clear();
            while buffer.len() < SMALL {
                carrier.read_buf(&mut buffer).await?;
            }
            carrier.write_all(&buffer).await?;
            carrier.flush().await?;
        }
        let spent = cpu()? - start;
        client.await??;
        Ok(spent / messages as f64)
    }
}

async fn serve(mut link: Link) {
    while let Ok(Event::Frames) = link.next().await {
        while let Ok(Some(frame)) = link.frame() {
            let _ = link.handle().send(Priority::Reply, |out| {
                frontier_protocol::pong(frame.id, out);
                Ok(())
            });
        }
    }
}

/// What this thread has had of the processor, in µs.
fn cpu() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64)
}

/// Bytes of this process that are in memory.
fn resident() -> Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = statm.split_whitespace().nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4096)
}
