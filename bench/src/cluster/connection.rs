//! A connection to frontlas as a gateway has one.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use frontier_protocol::{
    Advertised, Beat, EncodeError, Frame, GoAway, Heartbeat, Hello, Kind, MIN_MAX_FRAME, Role, ping,
};
use frontier_transport::handshake::{connect, within};
use frontier_transport::{DialOptions, Endpoint, Event, Granted, Link, LinkConfig, Priority};
use tokio::time::Instant;

/// How long dialling and the handshake may take: many frontiers come at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

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
        let (options, hello) = (DialOptions::default(), hello(frontier));
        let connecting = connect(&endpoint, &options, link_config(), &hello);
        let (link, Granted { welcome, .. }) =
            within("connecting to frontlas", CONNECT_TIMEOUT, connecting).await?;
        let now = Instant::now();
        let interval = Duration::from_millis(welcome.heartbeat_ms.into());
        Ok(Self {
            link,
            heartbeat: Heartbeat::new(interval, now.into_std()),
            welcome_time: welcome.from_frontlas()?,
            welcomed: now,
        })
    }

    /// Directory time, about.
    pub(super) fn time(&self) -> u64 {
        self.welcome_time + u64::try_from(self.welcomed.elapsed().as_micros()).unwrap_or_default()
    }

    pub(super) fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Result<()> {
        self.link.handle().send(Priority::Reply, encode).context("sending to frontlas")
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
    let advertised = Advertised { servicebound: "tcp://192.0.2.1:30011", edgebound: "tcp://192.0.2.1:30012" };
    Hello { name: frontier, advertised, ..Hello::new(Role::Frontier) }
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
