//! One WebSocket: what it is sent, and what it may say.

use crate::reader::Reader;
use crate::rest::response::{end, response};
use crate::session::Responses;
use frontier_api::session_json::{FailedLine, LastLine};
use frontier_sessions::{Fault, FaultCode, Position};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// How many responses a client may want at once.
pub(super) const MOST_CREDIT: u64 = 1_000_000;

/// The longest text that a client may send, in bytes.
const MAX_TEXT: usize = 4096;

/// How long a client may take to answer a close.
const CLOSING: Duration = Duration::from_secs(5);

/// After how many signs of life that are not answered a client is gone.
const PATIENCE: u32 = 3;

pub(super) struct Session {
    socket: WebSocketStream<TokioIo<Upgraded>>,
    reader: Reader,
    /// How many more responses may be sent.
    credit: u64,
    keepalive: Duration,
    /// When the client was heard of last.
    heard: Instant,
    /// When it was sent a sign of life last.
    signed: Instant,
}

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// So many more responses may come.
    #[serde(default)]
    credit: u64,
    /// The responses before this place are fetched.
    acknowledge: Option<Position>,
}

/// Why a session ends.
enum End {
    /// No response follows.
    Done,
    Fault(Fault),
    /// The client is not there any more.
    Gone,
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Capacity(error) => Self::Fault(invalid(error.to_string())),
            Error::Utf8(_) | Error::Protocol(_) => Self::Fault(invalid(error.to_string())),
            _ => Self::Gone,
        }
    }
}

fn invalid(text: String) -> Fault {
    Fault::new(FaultCode::InvalidRequest, text)
}

impl Session {
    pub(super) async fn new(io: TokioIo<Upgraded>, reader: Reader, credit: u64, keepalive: Duration) -> Self {
        let config =
            WebSocketConfig::default().max_message_size(Some(MAX_TEXT)).max_frame_size(Some(MAX_TEXT));
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let now = Instant::now();
        Self { socket, reader, credit, keepalive, heard: now, signed: now }
    }

    /// Runs to the end.
    pub(super) async fn run(mut self) {
        let end = match self.serve().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        let (code, reason) = match end {
            End::Gone => return,
            End::Done => (CloseCode::Normal, ""),
            End::Fault(fault) => {
                let last = FailedLine { fault: fault.code.name().into(), message: fault.text };
                let _ = self.socket.send(text(&last)).await;
                (close_code(fault.code), fault.code.name())
            }
        };
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let closing = async {
            self.socket.close(Some(frame)).await?;
            // What is still under way, and its answer: of what was sent last it may just say that it has it.
            while let Some(came) = self.socket.next().await {
                if let Message::Text(said) = came?
                    && let Ok(Said { acknowledge: Some(before), .. }) = serde_json::from_str(&said)
                {
                    // A session that has ended keeps nothing that could be acknowledged.
                    let _ = self.reader.acknowledge(before).await;
                }
            }
            // What was written before counts as fetched: the client has answered.
            self.reader.fetched().await;
            Ok::<_, Error>(())
        };
        // A client that does not answer has gone, and the rest was for its sake.
        let _ = timeout(CLOSING, closing).await;
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            let sign_at = self.signed + self.keepalive;
            tokio::select! {
                came = self.socket.next() => match came {
                    Some(came) => self.on_message(came?).await?,
                    None => return Err(End::Gone),
                },
                found = self.reader.next(most(self.credit)), if self.credit > 0 => self.write(found?).await?,
                () = sleep_until(sign_at) => self.sign().await?,
            }
        }
    }

    async fn on_message(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Message::Text(said) => {
                let said: Said = serde_json::from_str(&said).map_err(|error| invalid(error.to_string()))?;
                self.credit = self.credit.saturating_add(said.credit);
                if self.credit > MOST_CREDIT {
                    return Err(invalid(format!("credit must not be over {MOST_CREDIT} in all")).into());
                }
                if let Some(before) = said.acknowledge {
                    self.reader.acknowledge(before).await?;
                }
                Ok(())
            }
            Message::Binary(_) => Err(invalid("what is said is JSON, as text".to_owned()).into()),
            Message::Close(_) => {
                // The answer is waiting to go out.
                let _ = timeout(CLOSING, self.socket.flush()).await;
                Err(End::Gone)
            }
            // A ping is answered with the next thing that is written, or read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    /// Writes responses, or nothing if there are none.
    async fn write(&mut self, found: Responses) -> Result<(), End> {
        self.credit = self.credit.saturating_sub(found.responses.len() as u64);
        for one in found.responses {
            self.socket.feed(text(&response(one))).await?;
        }
        if let Some(marker) = &found.end {
            self.socket.send(text(&LastLine { end_of_responses: end(marker) })).await?;
            return Err(End::Done);
        }
        self.socket.flush().await?;
        self.reader.fetched().await;
        Ok(())
    }

    /// A sign of life, by which it is seen that the client is there, and the session sees that it is.
    async fn sign(&mut self) -> Result<(), End> {
        self.signed = Instant::now();
        if self.heard.elapsed() > self.keepalive * PATIENCE {
            return Err(End::Gone);
        }
        self.reader.touch().await?;
        Ok(self.socket.send(Message::Ping(Vec::new().into())).await?)
    }
}

fn most(credit: u64) -> usize {
    usize::try_from(credit).unwrap_or(usize::MAX)
}

fn text(value: &impl Serialize) -> Message {
    // Only maps with keys that are no text fail.
    Message::text(serde_json::to_string(value).unwrap_or_default())
}

/// 1012 where another broker, or this one a little later, has more.
fn close_code(code: FaultCode) -> CloseCode {
    if code.is_retryable() { CloseCode::Restart } else { CloseCode::Policy }
}
