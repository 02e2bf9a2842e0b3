use super::Advertised;
use super::clock::Reading;
use frontier_exchange::Exchange;
use frontier_protocol::{
    Code, Frame, GoAway, Hello, Kind, MIN_MAX_FRAME, Reject, Role, VERSION, Welcome, ping, pong_time,
    retry_after,
};
use frontier_transport::{DialError, DialOptions, Endpoint, Event, Link, LinkConfig, Priority};
use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;
use thiserror::Error;
use tokio::time::Instant;

/// How long dialling and the handshake may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the time is asked for, at most, and for how long.
const READINGS: (u64, Duration) = (8, Duration::from_millis(500));

/// Frames that may come behind the Welcome while the time is asked for.
const EARLY: usize = 64;

/// Bytes that wait for frontlas: from the first on nothing new is sent, at the second the connection is
/// closed. There is one report on its way at a time, and lookups.
const OUTBOX: (usize, usize) = (1024 * 1024, 2 * 1024 * 1024);

/// Why no frontlas, or no other gateway, was found at an address.
#[derive(Debug, Error)]
pub(crate) enum GreetError {
    /// It can't be reached, or is none.
    #[error("{0}")]
    Failed(String),
    /// It does not take this gateway in.
    #[error("refused: {code}: {text}")]
    Refused { code: Code, text: String, after: Option<Duration> },
}

impl GreetError {
    pub(crate) fn failed(error: impl ToString) -> Self {
        Self::Failed(error.to_string())
    }

    pub(crate) fn dial(error: &DialError) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Writing to a string does not fail.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        Self::Failed(text)
    }
}

/// A connection to frontlas that stands.
pub(super) struct Greeted {
    pub(super) link: Link,
    pub(super) welcome: Welcome,
    /// What directory time is here.
    pub(super) reading: Reading,
    /// What has come meanwhile.
    pub(super) early: Vec<Frame>,
}

/// Dials frontlas and introduces the gateway.
pub(super) async fn greet(
    endpoint: &Endpoint,
    dial: &DialOptions,
    advertised: &Advertised,
    incarnation: u64,
    exchange: &Exchange,
) -> Result<Greeted, GreetError> {
    let greeted = async {
        let link = frontier_transport::dial(endpoint, dial, link_config()).await;
        let mut link = link.map_err(|error| GreetError::dial(&error))?;
        let hello = hello(advertised, incarnation);
        let asked_at = exchange.micros();
        link.handle().send(Priority::Answer, |out| hello.encode(out)).map_err(GreetError::failed)?;
        let welcome = welcomed(&mut link).await?;
        if welcome.version != VERSION || welcome.heartbeat_ms == 0 {
            return Err(GreetError::failed("the welcome makes no sense"));
        }
        let time = welcome.directory_time.ok_or_else(|| GreetError::failed("that is no frontlas"))?;
        link.set_max_frame(welcome.max_frame.min(MIN_MAX_FRAME) as usize);
        let mut reading = Reading::new(asked_at, exchange.micros(), time);
        let mut early = Vec::new();
        let until = Instant::now() + READINGS.1;
        for id in 1..=READINGS.0 {
            reading = reading.best(read(&mut link, exchange, id, &mut early).await?);
            if Instant::now() > until {
                break;
            }
        }
        Ok(Greeted { link, welcome, reading, early })
    };
    let late = |_| GreetError::Failed(format!("no welcome within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, greeted).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}

fn hello(advertised: &Advertised, incarnation: u64) -> Hello<'_> {
    let Advertised { id, servicebound, edgebound } = advertised;
    Hello {
        versions: (VERSION, VERSION),
        role: Role::Frontier,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: 0,
        id: incarnation,
        name: id,
        topics: Vec::new(),
        methods: Vec::new(),
        meta: b"",
        token: None,
        advertised: frontier_protocol::Advertised { servicebound, edgebound },
    }
}

/// Asks for the time once more. Frontlas may be about to say something else: that is put aside.
async fn read(
    link: &mut Link,
    exchange: &Exchange,
    id: u64,
    early: &mut Vec<Frame>,
) -> Result<Reading, GreetError> {
    let asked_at = exchange.micros();
    let asks = |out: &mut Vec<u8>| {
        ping(id, out);
        Ok(())
    };
    link.handle().send(Priority::Answer, asks).map_err(GreetError::failed)?;
    loop {
        let frame = frame(link).await?;
        match (frame.kind, frame.id, pong_time(&frame)) {
            (Kind::Pong, pinged, Some(time)) if pinged == id => {
                return Ok(Reading::new(asked_at, exchange.micros(), time));
            }
            (Kind::GoAway, ..) => return Err(GreetError::failed("frontlas is going away")),
            (Kind::Pong, ..) => return Err(GreetError::failed("frontlas does not tell the time")),
            _ if early.len() >= EARLY => return Err(GreetError::failed("frontlas talks of other things")),
            _ => early.push(frame),
        }
    }
}

async fn frame(link: &mut Link) -> Result<Frame, GreetError> {
    loop {
        if let Some(frame) = link.frame().map_err(GreetError::failed)? {
            return Ok(frame);
        }
        match link.next().await.map_err(GreetError::failed)? {
            Event::Frames => {}
            Event::Stream(_) | Event::ExcessStream(_) => {
                return Err(GreetError::failed("it opened a stream in the handshake"));
            }
        }
    }
}

/// Waits for the Welcome.
pub(crate) async fn welcomed(link: &mut Link) -> Result<Welcome, GreetError> {
    let frame = frame(link).await?;
    match frame.kind {
        Kind::Welcome => Welcome::parse(&frame).map_err(GreetError::failed),
        Kind::GoAway => {
            let GoAway { code, text, .. } = GoAway::parse(&frame).map_err(GreetError::failed)?;
            Err(GreetError::Failed(format!("{code}: {text}")))
        }
        _ => {
            let Reject { code, detail, text } = Reject::parse(&frame).map_err(GreetError::failed)?;
            Err(GreetError::Refused { code, text: text.into(), after: retry_after(code, detail) })
        }
    }
}

fn link_config() -> LinkConfig {
    LinkConfig {
        max_frame: MIN_MAX_FRAME as usize,
        outbox_soft: OUTBOX.0,
        outbox_hard: OUTBOX.1,
        max_streams: 1,
        window_growth: 0,
        bulk_rate: 0,
    }
}
