//! From dialling frontlas to the first reports: the handshake, then directory time as exactly as a few pings tell it.

use super::Advertised;
use super::clock::Reading;
use crate::config::TokenSource;
use frontier_exchange::Exchange;
use frontier_protocol::{
    FEATURE_CLAIMS, FEATURE_FORWARDS, Frame, GoAway, Hello, Kind, MIN_MAX_FRAME, Role, Token, Welcome, ping,
    pong_time,
};
use frontier_transport::handshake::{offer, within};
use frontier_transport::{
    CloseReason, DialOptions, Endpoint, Event, HandshakeError, Link, LinkConfig, Priority, dial_and_introduce,
};
use std::time::Duration;
use tokio::time::Instant;

/// How long the handshake and reading directory time may take together. Dialling has times of its own.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often directory time is read.
const MAX_READINGS: u64 = 8;

/// No new reading is begun after this.
const READINGS_TIMEOUT: Duration = Duration::from_millis(500);

/// Frames behind the Welcome that are kept while directory time is read.
const MAX_EARLY_FRAMES: usize = 64;

/// Bytes that wait for frontlas from which on nothing new is sent. There is one report on its way at a time, and
/// lookups.
const OUTBOX_SOFT: usize = 1024 * 1024;

/// Bytes that wait for frontlas from which on the connection is closed.
const OUTBOX_HARD: usize = 2 * 1024 * 1024;

/// A connection to frontlas that is ready for reports.
pub(super) struct Established {
    pub(super) link: Link,
    pub(super) welcome: Welcome,
    /// The most exact reading of directory time.
    pub(super) reading: Reading,
    /// Frames that came while directory time was read.
    pub(super) early: Vec<Frame>,
}

/// What the gateway says of itself.
#[derive(Clone, Copy)]
pub(super) struct Introduction<'a> {
    pub(super) advertised: &'a Advertised,
    pub(super) incarnation: u64,
    pub(super) token: Option<&'a TokenSource>,
}

/// Dials frontlas and introduces the gateway.
pub(super) async fn connect(
    endpoint: &Endpoint,
    dial: &DialOptions,
    introduction: Introduction<'_>,
    exchange: &Exchange,
) -> Result<Established, HandshakeError> {
    // Before dialling: what is wrong with it is so whether frontlas can be reached or not.
    let token = match introduction.token {
        Some(token) => Some(token.load().await.map_err(unreadable)?),
        None => None,
    };
    let introduce = |link| {
        let introduced = introduce(link, introduction, token.clone(), exchange);
        within("the handshake with frontlas", HANDSHAKE_TIMEOUT, introduced)
    };
    dial_and_introduce(endpoint, dial, link_config(), introduce, HandshakeError::is_answer).await
}

async fn introduce(
    mut link: Link,
    introduction: Introduction<'_>,
    token: Option<Token<'static>>,
    exchange: &Exchange,
) -> Result<Established, HandshakeError> {
    let sent_at = exchange.micros();
    let welcome = offer(&mut link, &introduction.hello(token)).await?.welcome;
    let time = welcome.from_frontlas()?;
    let mut reading = Reading::new(sent_at, exchange.micros(), time);
    let mut early = Vec::new();
    let until = Instant::now() + READINGS_TIMEOUT;
    for id in 1..=MAX_READINGS {
        reading = reading.best(read_time(&mut link, exchange, id, &mut early).await?);
        if Instant::now() > until {
            break;
        }
    }
    Ok(Established { link, welcome, reading, early })
}

impl Introduction<'_> {
    fn hello(&self, token: Option<Token<'static>>) -> Hello<'_> {
        let Advertised { id, servicebound, edgebound, forwards } = self.advertised;
        let features = FEATURE_CLAIMS | if *forwards { FEATURE_FORWARDS } else { 0 };
        let advertised = frontier_protocol::Advertised { servicebound, edgebound };
        Hello { id: self.incarnation, name: id, advertised, features, token, ..Hello::new(Role::Frontier) }
    }
}

fn unreadable(error: std::io::Error) -> HandshakeError {
    HandshakeError::Link(CloseReason::Lost(format!("frontlas.dial.token_file can't be read: {error}")))
}

/// Reads directory time with one ping. Other frames that come meanwhile are kept.
async fn read_time(
    link: &mut Link,
    exchange: &Exchange,
    id: u64,
    early: &mut Vec<Frame>,
) -> Result<Reading, HandshakeError> {
    let sent_at = exchange.micros();
    let encode = |out: &mut Vec<u8>| {
        ping(id, out);
        Ok(())
    };
    link.handle().send(Priority::Reply, encode)?;
    loop {
        let frame = next_frame(link).await?;
        match (frame.kind, pong_time(&frame)) {
            (Kind::Pong, Some(time)) if frame.id == id => {
                return Ok(Reading::new(sent_at, exchange.micros(), time));
            }
            (Kind::GoAway, _) => {
                let GoAway { code, text, .. } = GoAway::parse(&frame)?;
                let reason = format!("frontlas is going away: {code}: {text}");
                return Err(HandshakeError::Link(CloseReason::Lost(reason)));
            }
            (Kind::Pong, Some(_)) => return Err(broken(format!("Pong has the id {}, not {id}", frame.id))),
            (Kind::Pong, None) => {
                return Err(broken(format!(
                    "Pong {id} has no directory time: is this address that of frontlas?"
                )));
            }
            _ if early.len() >= MAX_EARLY_FRAMES => {
                return Err(broken(format!("over {MAX_EARLY_FRAMES} other frames instead of Pong {id}")));
            }
            _ => early.push(frame),
        }
    }
}

async fn next_frame(link: &mut Link) -> Result<Frame, HandshakeError> {
    loop {
        if let Some(frame) = link.frame()? {
            return Ok(frame);
        }
        match link.next().await? {
            Event::Frames => {}
            Event::Stream(_) | Event::ExcessStream(_) => {
                return Err(broken("frontlas opened a stream, which it never does".into()));
            }
        }
    }
}

fn broken(what: String) -> HandshakeError {
    HandshakeError::Link(CloseReason::Protocol(what))
}

fn link_config() -> LinkConfig {
    LinkConfig {
        max_frame: MIN_MAX_FRAME as usize,
        outbox_soft: OUTBOX_SOFT,
        outbox_hard: OUTBOX_HARD,
        max_streams: 1,
        window_growth: 0,
        bulk_rate: 0,
    }
}
