//! A connection to frontlas as a gateway has one.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use frontier_protocol::{
    Advertised, Beat, EncodeError, Frame, GoAway, Heartbeat, Hello, Kind, MIN_MAX_FRAME, Reject, Role,
    VERSION, Welcome, ping,
};
use frontier_transport::{DialOptions, Endpoint, Event, Link, LinkConfig, Priority};
use tokio::time::{Instant, timeout};

/// A frontier that was welcomed.
pub(super) struct Connection {
    link: Link,
    heartbeat: Heartbeat,
    /// Directory time of the Welcome.
    welcome_time: u64,
    welcomed: Instant,
}

impl Connection {
    pub(super) async fn open(frontlas: SocketAddr, frontier: &str) -> Result<Self> {
        let endpoint: Endpoint = format!("tcp://{frontlas}").parse()?;
        let greeted = async {
            let mut link =
                frontier_transport::dial(&endpoint, &DialOptions::default(), link_config()).await?;
            link.handle().send(Priority::Answer, |out| hello(frontier).encode(out))?;
            let frame = next(&mut link).await?;
            Ok::<_, anyhow::Error>((link, frame))
        };
        let (link, frame) =
            timeout(PATIENCE, greeted).await.map_err(|_| anyhow!("no welcome within {PATIENCE:?}"))??;
        if frame.kind == Kind::Reject {
            let Reject { code, text, .. } = Reject::parse(&frame)?;
            bail!("frontlas refuses a frontier: {code}: {text}");
        }
        let welcome = Welcome::parse(&frame)?;
        let now = Instant::now();
        let interval = Duration::from_millis(welcome.heartbeat_ms.into());
        Ok(Self {
            link,
            heartbeat: Heartbeat::new(interval, now.into_std()),
            welcome_time: welcome.directory_time.context("that is no frontlas")?,
            welcomed: now,
        })
    }

    /// Directory time, about.
    pub(super) fn time(&self) -> u64 {
        self.welcome_time + u64::try_from(self.welcomed.elapsed().as_micros()).unwrap_or_default()
    }

    pub(super) fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Result<()> {
        self.link.handle().send(Priority::Answer, encode).context("sending to frontlas")
    }

    /// Sends the ping that keeps the frontier alive, if it is time. When it is time again.
    pub(super) fn beat(&mut self) -> Result<Instant> {
        loop {
            match self.heartbeat.poll(Instant::now().into_std()) {
                Beat::Wait(until) => return Ok(until.into()),
                Beat::Ping => self.send(|out| {
                    ping(1, out);
                    Ok(())
                })?,
                Beat::Dead => bail!("frontlas gives no sign of life"),
            }
        }
    }

    /// The next frame. Cancel safe.
    pub(super) async fn frame(&mut self) -> Result<Frame> {
        let frame = next(&mut self.link).await?;
        self.heartbeat.heard(Instant::now().into_std());
        if frame.kind == Kind::GoAway {
            let GoAway { code, text, .. } = GoAway::parse(&frame)?;
            bail!("frontlas ends a connection: {code}: {text}");
        }
        Ok(frame)
    }
}

async fn next(link: &mut Link) -> Result<Frame> {
    loop {
        if let Some(frame) = link.frame()? {
            return Ok(frame);
        }
        match link.next().await.context("the connection to frontlas")? {
            Event::Frames => {}
            Event::Stream(_) | Event::ExcessStream(_) => bail!("frontlas opened a stream"),
        }
    }
}

fn hello(frontier: &str) -> Hello<'_> {
    Hello {
        versions: (VERSION, VERSION),
        role: Role::Frontier,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: 0,
        id: 0,
        name: frontier,
        topics: Vec::new(),
        methods: Vec::new(),
        meta: b"",
        token: None,
        advertised: Advertised { servicebound: "tcp://192.0.2.1:30011", edgebound: "tcp://192.0.2.1:30012" },
    }
}

fn link_config() -> LinkConfig {
    LinkConfig {
        max_frame: MIN_MAX_FRAME as usize,
        outbox_soft: 4 << 20,
        outbox_hard: 8 << 20,
        max_streams: 1,
        window_growth: 0,
        bulk_rate: 0,
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
