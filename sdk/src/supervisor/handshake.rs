use super::AttemptError;
use crate::client::{Announced, Client};
use frontier_protocol::{Hello, Kind, MIN_MAX_FRAME, Reject, Token, VERSION, Welcome};
use frontier_transport::{Event, Link, Priority, PushError};

/// Introduces the client and hears what the gateway grants. Frames behind the `Welcome` stay in the
/// link. Beside it, what the gateway has been told that the client takes.
pub(super) async fn greet(
    link: &mut Link,
    client: &Client,
    token: Option<Token<'_>>,
) -> Result<(Welcome, Announced), AttemptError> {
    let identity = &client.options.identity;
    let announced = client.announced();
    let heartbeat = client.options.heartbeat.map_or(0, |interval| interval.as_millis().max(1));
    let mut hello = Hello {
        versions: (VERSION, VERSION),
        role: identity.role,
        features: 0,
        max_frame: MIN_MAX_FRAME,
        heartbeat_ms: u32::try_from(heartbeat).unwrap_or(u32::MAX),
        id: client.id(),
        name: &identity.name,
        topics: announced.topics().map(|topic| &**topic).collect(),
        methods: Vec::new(),
        meta: &identity.meta,
        token,
        advertised: Default::default(),
    };
    // What does not fit is registered behind the Welcome.
    let methods = announced.methods().map(|method| &**method);
    let told = hello.fill_methods(methods, MIN_MAX_FRAME as usize).map_err(AttemptError::TooLong)?;
    let told = Announced::new(announced.methods().take(told).cloned(), announced.topics().cloned());
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
                    Err(AttemptError::Rejected { code: go_away.code, detail: 0, text: go_away.text.into() })
                }),
                _ => Reject::parse(&frame).map(|reject| {
                    let Reject { code, detail, text } = reject;
                    Err(AttemptError::Rejected { code, detail, text: text.into() })
                }),
            };
            return parsed.map_err(AttemptError::lost)?.map(|welcome| (welcome, told));
        }
        match link.next().await.map_err(AttemptError::lost)? {
            Event::Frames => {}
            // The gateway opens no streams before it has answered. It is reset.
            Event::Stream(_) | Event::ExcessStream(_) => {}
        }
    }
}
