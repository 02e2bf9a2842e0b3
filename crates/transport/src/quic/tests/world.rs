//! Certificates, a listener and a client, and what is done with the links between them.

use crate::quic::{QuicAccepted, QuicClient, QuicListener};
use crate::tls::KeyDigest;
use crate::{CloseReason, Event, Link, LinkConfig, LinkHandle, MuxStream, Priority, crypto_provider};
use frontier_protocol::{Custom, Flags, Frame, Publish, ping};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Within this, everything that shall happen has.
const HANG: Duration = Duration::from_secs(60);

pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, what).await.expect("it hangs")
}

pub(super) fn config() -> LinkConfig {
    LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 256 << 10,
        outbox_hard: 8 << 20,
        max_streams: 64,
        window_growth: LinkConfig::WINDOW_GROWTH,
        bulk_rate: LinkConfig::BULK_RATE,
    }
}

/// A certificate that vouches for itself, for `localhost`.
pub(super) struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Bytes of one at most.
    pub(super) const MAX: usize = 4096;

    /// Without the key.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.certificate.to_vec()
    }

    /// Without the key: for those who only trust it.
    pub(super) fn from_bytes(certificate: &[u8]) -> Self {
        Self { certificate: certificate.to_vec().into(), ..Self::new() }
    }

    pub(super) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        // Who vouches for a certificate is looked up by name.
        let name = format!("test {}", MADE.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Arc::new(roots)
    }

    pub(super) fn server(&self) -> ServerConfig {
        let chain = vec![self.certificate.clone()];
        let server =
            ServerConfig::builder_with_provider(crypto_provider()).with_safe_default_protocol_versions();
        server.unwrap().with_no_client_auth().with_single_cert(chain, self.key.clone_key()).unwrap()
    }

    /// Asks for `client`'s certificate.
    pub(super) fn server_for(&self, client: &Self) -> ServerConfig {
        let chain = vec![self.certificate.clone()];
        let verifier = WebPkiClientVerifier::builder_with_provider(client.roots(), crypto_provider()).build();
        let server =
            ServerConfig::builder_with_provider(crypto_provider()).with_safe_default_protocol_versions();
        let server = server.unwrap().with_client_cert_verifier(verifier.unwrap());
        server.with_single_cert(chain, self.key.clone_key()).unwrap()
    }

    /// Trusts this server.
    pub(super) fn client(&self) -> ClientConfig {
        let client =
            ClientConfig::builder_with_provider(crypto_provider()).with_safe_default_protocol_versions();
        client.unwrap().with_root_certificates(self.roots()).with_no_client_auth()
    }

    /// Trusts this server, and shows itself as `client`.
    pub(super) fn client_as(&self, client: &Self) -> ClientConfig {
        let chain = vec![client.certificate.clone()];
        let config =
            ClientConfig::builder_with_provider(crypto_provider()).with_safe_default_protocol_versions();
        let config = config.unwrap().with_root_certificates(self.roots());
        config.with_client_auth_cert(chain, client.key.clone_key()).unwrap()
    }
}

pub(super) struct World {
    pub(super) identity: Identity,
    pub(super) listener: QuicListener,
    /// What new connections are served with.
    pub(super) tls: Arc<ServerConfig>,
    pub(super) client: QuicClient,
    /// Of those who dial, and of those who accept.
    pub(super) configs: [LinkConfig; 2],
}

impl World {
    pub(super) fn new(config: LinkConfig) -> Self {
        let identity = Identity::new();
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let tls = Arc::new(identity.server());
        let listener = QuicListener::bind(addr, false, &tls, KeyDigest::of(b"key")).unwrap();
        Self { identity, listener, tls, client: QuicClient::default(), configs: [config.clone(), config] }
    }

    /// Both sides of a link: one that dialled, one that accepted.
    pub(super) async fn pair(&self) -> (Link, Link) {
        self.pair_through(self.listener.local_addr()).await
    }

    pub(super) async fn pair_through(&self, addr: SocketAddr) -> (Link, Link) {
        let (dialled, accepted) = self.connect(addr, &self.identity.client()).await;
        (dialled, accepted.link)
    }

    /// The lane comes into being with the first frame, a ping, which is taken.
    pub(super) async fn connect(&self, addr: SocketAddr, tls: &ClientConfig) -> (Link, QuicAccepted) {
        let dial = async {
            let to = ("127.0.0.1", addr.port());
            let link = self.client.dial(to, "localhost", tls, self.configs[0].clone()).await.unwrap();
            assert_eq!(
                link.handle().send(Priority::Reply, |out| {
                    ping(0, out);
                    Ok(())
                }),
                Ok(())
            );
            link
        };
        let accept = async {
            let incoming = self.listener.accept().await;
            assert!(incoming.peer().ip().is_loopback());
            let mut accepted = incoming.link(&self.tls, Arc::new(self.configs[1].clone())).await.unwrap();
            assert!(matches!(accepted.link.next().await, Ok(Event::Frames)));
            assert!(accepted.link.frame().unwrap().is_some());
            accepted
        };
        soon(async {
            tokio::pin!(accept);
            let mut dialled = tokio::select! {
                dialled = dial => dialled,
                _ = &mut accept => unreachable!("the lane is not there yet"),
            };
            tokio::select! {
                accepted = &mut accept => (dialled, accepted),
                ended = dialled.next() => panic!("nothing was sent: {ended:?}"),
            }
        })
        .await
    }
}

/// A link that a task drives, and what has come of it.
pub(super) struct Driven {
    pub(super) handle: LinkHandle,
    pub(super) frames: mpsc::UnboundedReceiver<Frame>,
    pub(super) streams: mpsc::UnboundedReceiver<(MuxStream, bool)>,
    pub(super) task: JoinHandle<CloseReason>,
}

/// Drives `link` until it ends, and drops it. Streams come with whether they are excess ones.
pub(super) fn drive(mut link: Link) -> Driven {
    let (frames_in, frames) = mpsc::unbounded_channel();
    let (streams_in, streams) = mpsc::unbounded_channel();
    let handle = link.handle();
    let task = tokio::spawn(async move {
        loop {
            match link.next().await {
                Ok(Event::Frames) => {
                    while let Some(frame) = link.frame().expect("only frames are sent") {
                        let _ = frames_in.send(frame);
                    }
                }
                Ok(Event::Stream(stream)) => drop(streams_in.send((stream, false))),
                Ok(Event::ExcessStream(stream)) => drop(streams_in.send((stream, true))),
                Err(error) => return error.reason(),
            }
        }
    });
    Driven { handle, frames, streams, task }
}

impl Driven {
    pub(super) async fn frame(&mut self) -> u64 {
        check(&soon(self.frames.recv()).await.expect("the link stands"))
    }

    pub(super) async fn stream(&mut self) -> MuxStream {
        soon(self.streams.recv()).await.expect("the link stands").0
    }

    pub(super) async fn end(self) -> CloseReason {
        soon(self.task).await.expect("no panic")
    }
}

pub(super) fn message(
    id: u64,
    len: usize,
) -> impl FnOnce(&mut Vec<u8>) -> Result<(), frontier_protocol::EncodeError> {
    move |out| {
        let payload = filler(id, len);
        let custom = Custom::plain(b"");
        let publish = Publish { timeout_ms: 0, topic: "t", custom, payload: &payload };
        publish.encode_with(id, Flags::default(), out)
    }
}

pub(super) fn send(link: &LinkHandle, id: u64, len: usize) {
    link.send(Priority::Reply, message(id, len)).expect("the outbox has room");
}

fn check(frame: &Frame) -> u64 {
    let publish = Publish::parse(frame).unwrap();
    assert!(publish.payload == filler(frame.id, publish.payload.len()), "frame {}", frame.id);
    frame.id
}

/// Bytes that follow from a number.
pub(super) fn filler(seed: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|n| (n.wrapping_mul(31) ^ (n >> 8) ^ seed).to_le_bytes()[0]).collect()
}

/// Everything up to the end of `stream`.
pub(super) async fn read_all(stream: &mut MuxStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = soon(stream.chunk()).await {
        all.extend_from_slice(&chunk.unwrap());
    }
    all
}
