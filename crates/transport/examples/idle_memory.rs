//! What an idle link costs its gateway, in resident memory:
//! `cargo run --release --example idle_memory [tcp|tls|mtls]`.
//!
//! The gateway's side is real, over loopback, each link in a task of its own. The edges are bare sockets
//! that send what an edge's link once said, so that they add nothing but what the kernel holds.

use frontier_transport::{
    Bind, CertificateFiles, ClientAuth, Event, Incoming, Link, LinkConfig, Listener, Network, Priority,
    ServerTls, ServerTlsConfig, crypto_provider,
};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const LINKS: usize = 5_000;

/// For thread stacks, the runtime, and buffers that are in use at the same time.
const WARM_UP: usize = 500;

/// In one frame of the mux that opens the lane, a ping.
const HELLO: [u8; 28] =
    [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let config = LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 1 << 20,
        outbox_hard: 4 << 20,
        max_streams: 1024,
        window_growth: LinkConfig::WINDOW_GROWTH,
        bulk_rate: LinkConfig::BULK_RATE,
    };
    let config = Arc::new(config);
    let secure = match std::env::args().nth(1).as_deref() {
        None | Some("tcp") => None,
        Some("tls") => Some(secure(ClientAuth::Off)?),
        Some("mtls") => Some(secure(ClientAuth::Required)?),
        Some(other) => return Err(format!("`{other}` is none of tcp, tls, mtls").into()),
    };
    let network = if secure.is_some() { Network::Tls } else { Network::Tcp };
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    let tls = secure.as_ref().map(|(server, _)| server.clone());
    let mut listener = Listener::bind(Bind { network, addr, tls, only_v6: false })?;
    let addr = listener.local_addr()?;
    let (ready, mut is_ready) = mpsc::channel(1);
    let mut edges = Vec::new();
    let mut before = 0;
    for number in 0..WARM_UP + LINKS {
        if number == WARM_UP {
            before = resident()?;
        }
        let mut edge = TcpStream::connect(addr)?;
        let incoming = listener.accept().await.incoming;
        tokio::spawn(serve(incoming, config.clone(), ready.clone()));
        let client = secure.as_ref().map(|(_, client)| client.clone());
        edge = tokio::task::spawn_blocking(move || greet(edge, client).map_err(|error| error.to_string()))
            .await??;
        is_ready.recv().await.ok_or("a link ended")?;
        edges.push(edge);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let each = resident()?.saturating_sub(before) / LINKS;
    println!("{LINKS} idle links, {each} bytes each, of which Link itself {}", size_of::<Link>());
    Ok(())
}

/// Says hello and waits for a pong of the lane, over TLS if need be. Only the socket is kept.
fn greet(mut edge: TcpStream, client: Option<Arc<ClientConfig>>) -> Result<TcpStream> {
    match client {
        None => hello(&mut edge)?,
        Some(client) => {
            let mut connection = ClientConnection::new(client, "localhost".try_into()?)?;
            hello(&mut rustls::Stream::new(&mut connection, &mut edge))?;
        }
    }
    Ok(edge)
}

fn hello(io: &mut (impl Read + Write)) -> Result<()> {
    io.write_all(&HELLO)?;
    io.flush()?;
    // A pong of the lane, and whatever the mux has to say.
    Ok(io.read_exact(&mut [0; 28])?)
}

/// Both sides of TLS, with a CA of their own.
fn secure(client_auth: ClientAuth) -> Result<(ServerTls, Arc<ClientConfig>)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let cert = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &ca)?;
    let dir = tempfile::tempdir()?;
    let file = |name: &str, content: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).map(|()| path)
    };
    let server = ServerTls::load(ServerTlsConfig {
        certs: vec![CertificateFiles {
            cert: file("cert", cert.pem())?,
            key: file("key", key.serialize_pem())?,
        }],
        client_auth,
        ca_certs: vec![file("ca", ca.pem())?],
        ..ServerTlsConfig::default()
    })?;
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone())?;
    let builder = ClientConfig::builder_with_provider(crypto_provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    Ok((server, Arc::new(builder.with_client_auth_cert(vec![cert.der().clone()], key)?)))
}

async fn serve(incoming: Incoming, config: Arc<LinkConfig>, ready: mpsc::Sender<()>) {
    // Boxed, so that an idle link does not hold the room that its handshake took.
    let Ok((mut link, _)) = Box::pin(incoming.link(config)).await else { return };
    while let Ok(Event::Frames) = link.next().await {
        while let Ok(Some(frame)) = link.frame() {
            let pong = link.handle().send(Priority::Reply, |out| {
                frontier_protocol::pong(frame.id, out);
                Ok(())
            });
            if pong.is_err() || ready.send(()).await.is_err() {
                return;
            }
        }
    }
}

/// Bytes of this process that are in memory.
fn resident() -> Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = statm.split_whitespace().nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4096)
}
