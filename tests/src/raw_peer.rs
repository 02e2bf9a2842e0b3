//! A peer that sends any frames it is told to.

mod frames;

pub use frames::{accept, first_frame, none};

use crate::{Gateway, within};
use bytes::Bytes;
use frontier_protocol::{Code, EncodeError, Frame, GoAway, Hello, Kind, Reject, Role, VERSION, Welcome};
use frontier_transport::{
    ClientTls, CloseReason, DialOptions, Event, Link, LinkConfig, LinkHandle, MuxStream, Priority,
};
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpSocket;
use tokio::sync::{mpsc, watch};

/// The longest frame that a raw peer takes, in bytes.
const MAX_FRAME: u32 = 16 * 1024 * 1024;

/// Nothing that a test does shall be refused on this side.
const CONFIG: LinkConfig = LinkConfig {
    max_frame: MAX_FRAME as usize,
    outbox_soft: usize::MAX,
    outbox_hard: usize::MAX,
    max_streams: 4096,
    window_growth: LinkConfig::WINDOW_GROWTH,
    bulk_rate: LinkConfig::BULK_RATE,
};

/// A peer that speaks frames, good and bad ones, and no more than it is told to: it sends no heartbeat
/// and answers nothing by itself.
#[derive(Debug)]
pub struct RawPeer {
    link: LinkHandle,
    /// What the gateway granted, once it did.
    pub welcome: Option<Welcome>,
    frames: mpsc::UnboundedReceiver<Frame>,
    streams: mpsc::UnboundedReceiver<MuxStream>,
    end: watch::Receiver<Option<CloseReason>>,
    io: IoSwitch,
}

/// Whether a raw peer reads and writes.
#[derive(Clone, Debug)]
pub struct IoSwitch(watch::Sender<bool>);

impl IoSwitch {
    /// Reads and writes nothing from here on.
    pub fn pause(&self) {
        self.0.send_replace(false);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.0.send_replace(true);
    }
}

impl RawPeer {
    /// What a peer of `role` says of itself if there is nothing special about it.
    #[must_use]
    pub fn hello(role: Role) -> Hello<'static> {
        Hello {
            versions: (VERSION, VERSION),
            role,
            features: 0,
            max_frame: MAX_FRAME,
            heartbeat_ms: 0,
            id: 0,
            name: "",
            topics: Vec::new(),
            methods: Vec::new(),
            meta: b"",
            token: None,
            advertised: Default::default(),
            session: None,
        }
    }

    /// Connects, and says nothing yet.
    ///
    /// # Panics
    /// If that is not possible.
    pub async fn dial(addr: SocketAddr) -> Self {
        Self::dial_from("127.0.0.1".parse().expect("an address"), addr).await
    }

    /// Connects from a certain address, and says nothing yet.
    ///
    /// # Panics
    /// If that is not possible.
    pub async fn dial_from(from: IpAddr, addr: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("a free port");
        let io = within("a connection", socket.connect(addr)).await.expect("somebody listens");
        io.set_nodelay(true).expect("the connection stands");
        let link = within("a lane", Link::dial(io, CONFIG)).await.expect("the connection stands");
        Self::over(link)
    }

    /// Connects to one side of a gateway, over whatever network it speaks, and says nothing yet.
    ///
    /// # Panics
    /// If that is not possible.
    pub async fn reach(gateway: &Gateway, role: Role) -> Self {
        let url = match role {
            Role::Edge => gateway.edge_url(),
            Role::Service | Role::Frontier => gateway.service_url(),
        };
        Self::reach_url(&url, gateway.tls()).await
    }

    /// Connects over whatever network the URL names, TLS handshake included, and says nothing yet.
    ///
    /// # Panics
    /// If that is not possible.
    pub async fn reach_url(url: &str, tls: ClientTls) -> Self {
        let endpoint = url.parse().expect("a URL");
        let options = DialOptions { tls, ..DialOptions::default() };
        let dialled = frontier_transport::dial(&endpoint, &options, CONFIG);
        Self::over(within("a link", dialled).await.expect("somebody listens"))
    }

    fn over(link: Link) -> Self {
        let handle = link.handle();
        let (to_frames, frames) = mpsc::unbounded_channel();
        let (to_streams, streams) = mpsc::unbounded_channel();
        let (to_end, end) = watch::channel(None);
        let (io, held) = watch::channel(true);
        tokio::spawn(async move {
            let reason = drive(link, &to_frames, &to_streams, held).await;
            to_end.send_replace(Some(reason));
        });
        Self { link: handle, welcome: None, frames, streams, end, io: IoSwitch(io) }
    }

    /// Connects and says `hello`.
    ///
    /// # Errors
    /// As for [`handshake`](Self::handshake).
    ///
    /// # Panics
    /// If there is no answer at all.
    pub async fn connect(addr: SocketAddr, hello: &Hello<'_>) -> Result<Self, (Code, String)> {
        Self::dial(addr).await.handshake(hello).await
    }

    /// Says `hello` on a connection on which nothing was said yet.
    ///
    /// # Errors
    /// The code and the text of the gateway's refusal; `Disconnected` if the connection ended without.
    ///
    /// # Panics
    /// If there is no answer at all.
    pub async fn handshake(mut self, hello: &Hello<'_>) -> Result<Self, (Code, String)> {
        self.send(|out| hello.encode(out));
        let Some(frame) = within("an answer to a hello", self.frames.recv()).await else {
            return Err((Code::Disconnected, String::new()));
        };
        if frame.kind == Kind::Reject {
            let Reject { code, text, .. } = Reject::parse(&frame).expect("a good refusal");
            return Err((code, text.to_owned()));
        }
        self.welcome = Some(Welcome::parse(&frame).expect("a good welcome"));
        Ok(self)
    }

    /// An edge with nothing special about it.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn edge(addr: SocketAddr) -> Self {
        Self::connect(addr, &Self::hello(Role::Edge)).await.expect("a welcome")
    }

    /// A service of this name, with these topics.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn service(addr: SocketAddr, name: &str, topics: &[&str]) -> Self {
        let hello = Hello { name, topics: topics.to_vec(), ..Self::hello(Role::Service) };
        Self::connect(addr, &hello).await.expect("a welcome")
    }

    /// The id that the gateway gave it.
    ///
    /// # Panics
    /// Before the handshake.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.welcome.expect("after the handshake").id
    }

    /// Whether it reads and writes, to be changed from elsewhere.
    #[must_use]
    pub fn io(&self) -> IoSwitch {
        self.io.clone()
    }

    /// Sends frames. Whether they arrive does not matter.
    pub fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
        let _ = self.link.send(Priority::Request, encode);
    }

    /// Sends bytes on the lane that may be anything.
    pub fn send_bytes(&self, bytes: &[u8]) {
        self.send(|out| {
            out.extend_from_slice(bytes);
            Ok(())
        });
    }

    /// The next frame that comes.
    ///
    /// # Panics
    /// If none comes.
    pub async fn frame(&mut self) -> Frame {
        let frame = within("a frame", self.frames.recv()).await;
        frame.unwrap_or_else(|| panic!("a frame, but the connection ended: {:?}", *self.end.borrow()))
    }

    /// The next frame, however long it takes; `None` once the connection is over.
    pub async fn next(&mut self) -> Option<Frame> {
        self.frames.recv().await
    }

    /// A frame that has come already.
    pub fn try_frame(&mut self) -> Option<Frame> {
        self.frames.try_recv().ok()
    }

    /// The next stream that the gateway opens.
    ///
    /// # Panics
    /// If it opens none.
    pub async fn stream(&mut self) -> MuxStream {
        within("a stream", self.streams.recv()).await.expect("the connection stands")
    }

    /// Opens a stream.
    ///
    /// # Panics
    /// If the connection is lost.
    pub async fn open(&self) -> MuxStream {
        within("a stream", self.link.open_stream()).await.expect("the connection stands")
    }

    /// Waits for the end of the connection: the code of the gateway's last word, if there was one.
    pub async fn ended(&mut self) -> Option<Code> {
        let mut code = None;
        // The task drops its end of the queue when the connection is over.
        while let Some(frame) = within("the end of the connection", self.frames.recv()).await {
            if frame.kind == Kind::GoAway {
                code = Some(GoAway::parse(&frame).expect("a good notice").code);
            }
        }
        code
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end.borrow().is_some()
    }
}

async fn drive(
    mut link: Link,
    frames: &mpsc::UnboundedSender<Frame>,
    streams: &mpsc::UnboundedSender<MuxStream>,
    mut io: watch::Receiver<bool>,
) -> CloseReason {
    loop {
        if io.wait_for(|works| *works).await.is_err() {
            return CloseReason::Local;
        }
        let event = tokio::select! {
            biased;
            changed = io.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return CloseReason::Local,
            },
            event = link.next() => event,
        };
        match event {
            Ok(Event::Frames) => loop {
                match link.frame() {
                    Ok(Some(frame)) => {
                        // Not a slice of the read buffer: tests keep frames.
                        let frame = Frame { body: Bytes::copy_from_slice(&frame.body), ..frame };
                        let _ = frames.send(frame);
                    }
                    Ok(None) => break,
                    Err(error) => return error.reason(),
                }
            },
            Ok(Event::Stream(stream) | Event::ExcessStream(stream)) => {
                let _ = streams.send(stream);
            }
            Err(error) => return error.reason(),
        }
    }
}
