use super::AttemptError;
use crate::client::Client;
use frontier_protocol::{Hello, Kind, MIN_MAX_FRAME, Reject, VERSION, Welcome};
use frontier_transport::{Event, Link, Priority, PushError};

/// Introduces the client and hears what the gateway grants. Frames behind the `Welcome` stay in the
/// link.
pub(super) async fn greet(link: &mut Link, client: &Client) -> Result<Welcome, AttemptError> {
    let identity = &client.options.identity;
    let topics = client.topics.all();
    let heartbeat = client.options.heartbeat.map_or(0, |interval| interval.as_millis().max(1));
    let hello = Hello {
        versions: (VERSION, VERSION),
        role: identity.role,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: u32::try_from(heartbeat).unwrap_or(u32::MAX),
        id: client.id(),
        name: &identity.name,
        topics: topics.iter().map(String::as_str).collect(),
        meta: &identity.meta,
    };
    link.handle().send(Priority::Question, |out| hello.encode(out)).map_err(|error| match error {
        PushError::Encode(error) => AttemptError::TooLong(error),
        error => AttemptError::Lost(error.to_string()),
    })?;
    loop {
        if let Some(frame) = link.frame().map_err(AttemptError::lost)? {
            let parsed = match frame.kind {
                Kind::Welcome => Welcome::parse(&frame).map(Ok),
                // A gateway that drains may say so before it has looked at the hello.
                Kind::GoAway => frontier_protocol::GoAway::parse(&frame).map(|go_away| {
                    Err(AttemptError::Rejected { code: go_away.code, text: go_away.text.into() })
                }),
                _ => Reject::parse(&frame).map(|reject| {
                    Err(AttemptError::Rejected { code: reject.code, text: reject.text.into() })
                }),
            };
            return parsed.map_err(AttemptError::lost)?;
        }
        match link.next().await.map_err(AttemptError::lost)? {
            Event::Frames => {}
            // The gateway opens no streams before it has answered. It is reset.
            Event::Stream(_) | Event::ExcessStream(_) => {}
        }
    }
}
