//! A listener whose links echo, and clients that try to reach it.

use frontier_protocol::{Custom, EncodeError, Flags, Publish};
use frontier_transport::{
    Bind, ClientTls, DialOptions, Endpoint, Event, Link, LinkConfig, Listener, Network, PeerInfo, Priority,
    ServerTls, ServerTlsConfig, dial,
};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Longer than anything takes that goes well.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn soon<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future.into_future()).await.expect("took too long")
}

pub(crate) fn config() -> LinkConfig {
    LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 256 << 10,
        outbox_hard: 64 << 20,
        max_streams: 64,
        window_growth: LinkConfig::WINDOW_GROWTH,
        bulk_rate: LinkConfig::BULK_RATE,
    }
}

pub(crate) struct Gateway {
    pub(crate) port: u16,
    pub(crate) tls: Option<ServerTls>,
    accepted: mpsc::UnboundedReceiver<Result<PeerInfo, String>>,
    ended: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gateway {
    pub(crate) fn start(network: Network, tls: Option<ServerTlsConfig>) -> Self {
        let tls = tls.map(|config| ServerTls::load(config).unwrap());
        let addr = ([127, 0, 0, 1], 0).into();
        let mut listener = Listener::bind(Bind { network, addr, tls: tls.clone(), only_v6: false }).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, accepted) = mpsc::unbounded_channel();
        let (tell_end, ended) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let incoming = listener.accept().await.incoming;
                let (tell, tell_end) = (tell.clone(), tell_end.clone());
                tokio::spawn(async move {
                    match incoming.link(Arc::new(config())).await {
                        Ok((link, peer)) => {
                            let _ = tell.send(Ok(peer));
                            let _ = tell_end.send(echo(link).await);
                        }
                        Err(error) => {
                            let _ = tell.send(Err(error.to_string()));
                        }
                    }
                });
            }
        });
        Self { port, tls, accepted, ended, task }
    }

    pub(crate) fn tls(config: ServerTlsConfig) -> Self {
        Self::start(Network::Tls, Some(config))
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.port)
    }

    /// What became of the next connection.
    pub(crate) async fn accepted(&mut self) -> Result<PeerInfo, String> {
        soon(self.accepted.recv()).await.unwrap()
    }

    /// Why the next link ended that stood.
    pub(crate) async fn ended(&mut self) -> String {
        soon(self.ended.recv()).await.unwrap()
    }

    /// What a client and this gateway say when it does not get in.
    pub(crate) async fn refuses(&mut self, scheme: &str, tls: ClientTls) -> (String, String) {
        let told = call(&self.url(scheme), tls).await.expect_err("it got in");
        (told, self.accepted().await.expect_err("it got in"))
    }
}

/// Sends everything back, until the link ends.
async fn echo(mut link: Link) -> String {
    loop {
        match link.next().await {
            Ok(Event::Frames) => loop {
                match link.frame() {
                    Ok(Some(frame)) => {
                        let publish = Publish::parse(&frame).unwrap();
                        link.handle().send(Priority::Reply, message(frame.id, publish.payload)).unwrap();
                    }
                    Ok(None) => break,
                    Err(error) => return error.reason().to_string(),
                }
            },
            Ok(Event::Stream(stream) | Event::ExcessStream(stream)) => {
                tokio::spawn(async move {
                    let (mut from, mut to) = tokio::io::split(stream);
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                    let _ = tokio::io::AsyncWriteExt::shutdown(&mut to).await;
                });
            }
            Err(error) => return error.reason().to_string(),
        }
    }
}

pub(crate) fn message(id: u64, payload: &[u8]) -> impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError> {
    move |out| {
        let publish = Publish { topic: "t", timeout_ms: 0, custom: Custom::plain(b""), payload };
        publish.encode_with(id, Flags::default(), out)
    }
}

/// Dials, and calls once.
pub(crate) async fn call(url: &str, tls: ClientTls) -> Result<Link, String> {
    let endpoint: Endpoint = url.parse().unwrap();
    let called = async {
        let mut link = dial(&endpoint, &DialOptions { tls, ..DialOptions::default() }, config())
            .await
            .map_err(|error| causes(&error))?;
        echoes(&mut link, 7).await?;
        Ok(link)
    };
    soon(called).await
}

/// Whether a message of its own comes back.
pub(crate) async fn echoes(link: &mut Link, id: u64) -> Result<(), String> {
    link.handle().send(Priority::Request, message(id, b"hello")).map_err(|error| error.to_string())?;
    loop {
        match soon(link.next()).await {
            Ok(Event::Frames) => {
                if let Some(frame) = link.frame().map_err(|error| error.reason().to_string())? {
                    assert_eq!(frame.id, id);
                    return Ok(());
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => return Err(error.reason().to_string()),
        }
    }
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
