//! Handshakes. Their callers set the deadline.

use super::peer_certificate::PeerCertificate;
use super::session::Session;
use super::sni::SniRecorder;
use super::stream::Engine;
use super::{ALPN_HTTP, ALPN_LINK, ServerTls, TlsError, TlsStream};
use crate::handshake_threads;
use crate::staging::Staging;
use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// How long a peer whose handshake failed may take to be told so.
const ALERT_TIMEOUT: Duration = Duration::from_secs(1);

/// What came out of a server's handshake.
pub(crate) struct Accepted<T> {
    pub(crate) stream: TlsStream<UnbufferedServerConnection, T>,
    pub(crate) certificate: Option<PeerCertificate>,
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Alpn,
}

/// The application protocol that both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// The client named none.
    None,
    Link,
    Http,
}

/// How much is read of what a client sends before it has been answered, in bytes: none of them has a reason to.
const AHEAD: usize = 16 * 1024;

/// The server's handshake. What takes long is computed on other threads, and only while the client is there: whoever
/// gives up ends the connection. A client that names application protocols must name one of `protocols`: what is
/// served is said for each connection, and not with the certificates.
pub(crate) async fn accept<T>(io: T, tls: &ServerTls, protocols: &[&[u8]]) -> Result<Accepted<T>, TlsError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let name = Arc::new(OnceLock::new());
    let mut config = (*tls.rustls_config()).clone();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.cert_resolver = Arc::new(SniRecorder { inner: config.cert_resolver, name: name.clone() });
    let session = UnbufferedServerConnection::new(Arc::new(config));
    let session = session.map_err(|error| TlsError::new(&error, UnbufferedServerConnection::PEER))?;
    let stream = shake_elsewhere(Engine::new(session), io).await?;
    let state = stream.session().state();
    let certificate = state.peer_certificates().map(peer_certificate).transpose()?.flatten();
    let alpn = match state.alpn_protocol() {
        Some(ALPN_LINK) => Alpn::Link,
        Some(ALPN_HTTP) => Alpn::Http,
        _ => Alpn::None,
    };
    Ok(Accepted { stream, certificate, server_name: name.get().cloned(), alpn })
}

/// Waits for the client's first byte, which stays to be read. A request of HTTP starts with a letter, a
/// link with the version of its mux.
pub(crate) async fn starts_with_letter<S, T>(stream: &mut TlsStream<S, T>) -> Result<bool, TlsError>
where
    S: Session,
    T: AsyncRead + AsyncWrite + Unpin,
{
    Ok(first_byte(stream).await?.is_some_and(|byte| byte.is_ascii_alphabetic()))
}

/// Waits for the peer's first byte, which stays to be read. `None` at the end.
pub(crate) async fn first_byte<S, T>(stream: &mut TlsStream<S, T>) -> Result<Option<u8>, TlsError>
where
    S: Session,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let first = poll_fn(|cx| stream.poll_peek(cx)).await;
    first.map_err(|error| TlsError::Io(error.to_string()))
}

/// What a client's certificate says, which has been verified; `None` if it has shown none.
pub(crate) fn peer_certificate(chain: &[CertificateDer<'_>]) -> Result<Option<PeerCertificate>, TlsError> {
    if chain.is_empty() {
        return Ok(None);
    }
    let unreadable =
        || TlsError::Certificate(UnbufferedServerConnection::PEER, "it can't be read".to_owned());
    PeerCertificate::parse(chain).map(Some).ok_or_else(unreadable)
}

/// The client's handshake. With TLS 1.3 the server looks at the client's certificate only after it: that
/// it is refused shows at the first read.
pub(crate) async fn connect<T>(
    io: T,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<TlsStream<UnbufferedClientConnection, T>, TlsError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let session = UnbufferedClientConnection::new(config, name);
    let session = session.map_err(|error| TlsError::new(&error, UnbufferedClientConnection::PEER))?;
    let mut stream = TlsStream::new(Engine::new(session), io);
    let done = poll_fn(|cx| stream.poll_handshake(cx)).await;
    told(&mut stream, done).await?;
    Ok(stream)
}

/// Goes through the handshake, with all that is to be computed on the threads for it.
async fn shake_elsewhere<S, T>(mut engine: Engine<S>, mut io: T) -> Result<TlsStream<S, T>, TlsError>
where
    S: Session + 'static,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut was_answered = false;
    loop {
        let mut ahead = Staging::default();
        // What is not whole is only looked at, so that what is no TLS is told so.
        let processed = if engine.has_record() {
            // Later an end may stand behind what the peer has to say.
            let io = (!was_answered).then_some(&mut io);
            let processed;
            (engine, processed) = process_elsewhere(engine, io, &mut ahead).await?;
            processed
        } else {
            engine.process(None)
        };
        if processed.is_err() {
            let mut stream = TlsStream::new(engine, io);
            return told(&mut stream, processed).await.map(|()| stream);
        }
        was_answered |= engine.outgoing.len() > 0;
        // Why the peer has ended the connection, if it has, is still there to be read.
        let sent = poll_fn(|cx| engine.outgoing.poll_send(&mut io, cx)).await;
        if !ahead.is_empty() {
            engine.incoming.tail().extend_from_slice(ahead.bytes());
            continue;
        }
        if !engine.session.state().is_handshaking() {
            return sent.map_err(broken).map(|()| TlsStream::new(engine, io));
        }
        let read = poll_fn(|cx| engine.incoming.poll_fill_lean(&mut io, cx)).await.map_err(broken)?;
        if read == 0 {
            return Err(sent.map_or_else(broken, |()| TlsError::Ended(S::PEER)));
        }
    }
}

/// Has the session go on with what has come. Meanwhile `io` is watched if it is given: a peer that leaves before its
/// turn has nothing computed for it. What it sends is put into `ahead`.
async fn process_elsewhere<S, T>(
    mut engine: Engine<S>,
    mut io: Option<&mut T>,
    ahead: &mut Staging,
) -> Result<(Engine<S>, Result<(), TlsError>), TlsError>
where
    S: Session + 'static,
    T: AsyncRead + Unpin,
{
    let mut processing = pin!(handshake_threads::run(move || {
        let processed = engine.process(None);
        (engine, processed)
    }));
    loop {
        let is_watched = io.is_some() && ahead.len() < AHEAD;
        let read = poll_fn(|cx| match &mut io {
            Some(io) if is_watched => ahead.poll_fill_lean(io, cx),
            _ => Poll::Pending,
        });
        tokio::select! {
            biased;
            processed = &mut processing => {
                return processed.map_err(|_| TlsError::Io("the handshake could not be computed".to_owned()));
            }
            read = read => {
                if read.map_err(broken)? == 0 {
                    return Err(TlsError::Ended(S::PEER));
                }
            }
        }
    }
}

/// Tells the peer why the handshake failed, if it did.
async fn told<S, T>(stream: &mut TlsStream<S, T>, done: Result<(), TlsError>) -> Result<(), TlsError>
where
    S: Session,
    T: AsyncRead + AsyncWrite + Unpin,
{
    if done.is_err() {
        // Whether the peer still hears why is up to the peer.
        let _ = timeout(ALERT_TIMEOUT, stream.send_alert_and_drain()).await;
    }
    done
}

fn broken(error: io::Error) -> TlsError {
    TlsError::Io(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{CertificateFiles, ClientTls, ServerTlsConfig};
    use std::sync::mpsc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn server() -> (ServerTls, tempfile::TempDir) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let [cert, key_file] = ["cert", "key"].map(|name| dir.path().join(name));
        std::fs::write(&cert, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        let certs = vec![CertificateFiles { cert, key: key_file }];
        (ServerTls::load(ServerTlsConfig { certs, ..ServerTlsConfig::default() }).unwrap(), dir)
    }

    /// What a client says first.
    async fn client_hello() -> Vec<u8> {
        let config = ClientTls::new().danger_accept_any_certificate().load(ALPN_LINK).await.unwrap();
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut connecting = Box::pin(connect(near, config, "localhost".try_into().unwrap()));
        assert!(poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx).is_pending())).await);
        let mut hello = vec![0; 1 << 16];
        let n = far.read(&mut hello).await.unwrap();
        hello.truncate(n);
        hello
    }

    #[tokio::test]
    async fn nothing_is_computed_for_a_client_that_has_left() {
        let (tls, _dir) = server();
        let hello = client_hello().await;
        // Every thread is held up.
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            let wait = wait.clone();
            let (started, starts) = tokio::sync::oneshot::channel();
            tokio::spawn(handshake_threads::run(move || {
                let _ = started.send(());
                let _ = wait.lock().map(|wait| wait.recv());
            }));
            starts.await.unwrap();
        }
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut accepting = Box::pin(accept(near, &tls, &[ALPN_LINK]));
        far.write_all(&hello).await.unwrap();
        assert!(poll_fn(|cx| Poll::Ready(accepting.as_mut().poll(cx).is_pending())).await, "it waits");
        drop(far);
        let left = timeout(Duration::from_secs(20), accepting).await.expect("it does not wait for its turn");
        assert_eq!(left.map(drop).unwrap_err(), TlsError::Ended(UnbufferedServerConnection::PEER));
        drop(go_on);
    }
}
