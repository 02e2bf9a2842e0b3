//! The dialler's half of the handshake: reads the answer to its `Hello` and checks what was granted. The other
//! half is [`negotiate`](fn@crate::negotiate).

use crate::{
    Code, Frame, GoAway, Hello, Kind, MIN_MAX_FRAME, ParseError, Reject, Terms, Welcome, retry_after,
};
use std::time::Duration;
use thiserror::Error;

/// The other end did not take the dialler in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("rejected: {code}: {text}")]
pub struct Rejection {
    /// The reason. Another attempt makes sense only if it is retryable.
    pub code: Code,
    /// The reason in words.
    pub text: String,
    /// How long to wait before the next attempt, if the other end has said so.
    pub retry_after: Option<Duration>,
}

/// A field of a `Welcome` with a value that the dialler can't work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WelcomeError {
    /// A version that was not offered.
    #[error("version in Welcome is {granted}, outside of {lowest} to {highest}, which were offered")]
    Version {
        /// What was granted.
        granted: u8,
        /// The lowest version in the `Hello`.
        lowest: u8,
        /// The highest version in the `Hello`.
        highest: u8,
    },
    /// A frame limit that a full fragment does not fit.
    #[error("max_frame in Welcome is {0}, it must be {MIN_MAX_FRAME} or more")]
    MaxFrame(u32),
    /// No heartbeat interval.
    #[error("heartbeat_ms in Welcome is 0, it must be 1 or more")]
    Heartbeat,
    /// Frontlas was dialled, and something else has answered.
    #[error("directory_time in Welcome is missing: this address is that of a gateway, not of frontlas")]
    NotFrontlas,
    /// A gateway was dialled, and frontlas has answered.
    #[error("directory_time in Welcome is set: this address is that of frontlas, not of a gateway")]
    NotGateway,
}

impl Rejection {
    /// Reads what the other end sent instead of a `Welcome`. A gateway that drains may send `GoAway` before it
    /// has read the `Hello`.
    fn parse(frame: &Frame) -> Result<Self, ParseError> {
        if frame.kind == Kind::GoAway {
            let GoAway { code, text, .. } = GoAway::parse(frame)?;
            return Ok(Self { code, text: text.into(), retry_after: None });
        }
        let Reject { code, detail, text } = Reject::parse(frame)?;
        Ok(Self { code, text: text.into(), retry_after: retry_after(code, detail) })
    }
}

impl Welcome {
    /// Reads the first frame from the other end: the `Welcome`, or why there is none.
    ///
    /// # Errors
    /// [`ParseError`] if it is neither of `Welcome`, `Reject` and `GoAway`, or is damaged.
    pub fn or_rejection(frame: &Frame) -> Result<Result<Self, Rejection>, ParseError> {
        match frame.kind {
            Kind::Welcome => Self::parse(frame).map(Ok),
            _ => Rejection::parse(frame).map(Err),
        }
    }

    /// What holds for the connection that `hello` has asked for.
    ///
    /// # Errors
    /// [`WelcomeError`] for the first field that grants what was not asked for, or too little.
    pub fn terms(&self, hello: &Hello<'_>) -> Result<Terms, WelcomeError> {
        let (lowest, highest) = hello.versions;
        if !(lowest..=highest).contains(&self.version) {
            return Err(WelcomeError::Version { granted: self.version, lowest, highest });
        }
        if self.max_frame < MIN_MAX_FRAME {
            return Err(WelcomeError::MaxFrame(self.max_frame));
        }
        if self.heartbeat_ms == 0 {
            return Err(WelcomeError::Heartbeat);
        }
        Ok(Terms { max_frame: self.max_frame.min(hello.max_frame), heartbeat_ms: self.heartbeat_ms })
    }

    /// Directory time, which frontlas tells and nobody else.
    ///
    /// # Errors
    /// [`WelcomeError::NotFrontlas`] if it is not told.
    pub fn from_frontlas(&self) -> Result<u64, WelcomeError> {
        self.directory_time.ok_or(WelcomeError::NotFrontlas)
    }

    /// For a frontier that has dialled another one.
    ///
    /// # Errors
    /// [`WelcomeError::NotGateway`] if frontlas has answered.
    pub fn from_gateway(&self) -> Result<(), WelcomeError> {
        match self.directory_time {
            Some(_) => Err(WelcomeError::NotGateway),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::testing::decode;
    use crate::{EncodeError, Epoch, Role, VERSION};

    fn welcome() -> Welcome {
        Welcome {
            version: VERSION,
            features: 0,
            max_frame: MIN_MAX_FRAME,
            heartbeat_ms: 20_000,
            id: 7,
            epoch: Epoch(1),
            max_payload: 1 << 20,
            directory_time: None,
        }
    }

    fn hello() -> Hello<'static> {
        Hello { max_frame: 2 * MIN_MAX_FRAME, ..Hello::new(Role::Edge) }
    }

    fn answer(
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<Result<Welcome, Rejection>, ParseError> {
        let mut wire = Vec::new();
        encode(&mut wire).unwrap();
        Welcome::or_rejection(&decode(&wire))
    }

    #[test]
    fn the_answer_is_a_welcome_or_says_why_there_is_none() {
        assert_eq!(answer(|out| welcome().encode(out)), Ok(Ok(welcome())));
        let rejection =
            |code, text: &str, retry_after| Ok(Err(Rejection { code, text: text.into(), retry_after }));
        let reject = Reject { code: Code::Overloaded, detail: 1_500, text: "later" };
        let after = Some(Duration::from_millis(1_500));
        assert_eq!(answer(|out| reject.encode(out)), rejection(Code::Overloaded, "later", after));
        let going = GoAway::new(Code::Draining, 5, "elsewhere");
        assert_eq!(answer(|out| going.encode(out)), rejection(Code::Draining, "elsewhere", None));
        let ping = answer(|out| {
            crate::ping(1, out);
            Ok(())
        });
        assert!(ping.is_err(), "{ping:?}");
    }

    #[test]
    fn the_error_names_the_field_and_its_value() {
        let max_frame = 2 * MIN_MAX_FRAME - 1;
        let granted = Welcome { max_frame, ..welcome() }.terms(&hello());
        assert_eq!(granted, Ok(Terms { max_frame, heartbeat_ms: 20_000 }));
        let granted = Welcome { max_frame: u32::MAX, ..welcome() }.terms(&hello()).unwrap();
        assert_eq!(granted.max_frame, hello().max_frame, "more than was asked for is not used");
        for (bad, text) in [
            (Welcome { version: VERSION + 1, ..welcome() }, "version in Welcome is 2, outside of 1 to 1"),
            (Welcome { max_frame: 9, ..welcome() }, "max_frame in Welcome is 9, "),
            (Welcome { heartbeat_ms: 0, ..welcome() }, "heartbeat_ms in Welcome is 0, "),
        ] {
            let error = bad.terms(&hello()).unwrap_err().to_string();
            assert!(error.starts_with(text), "{error}");
        }
    }

    #[test]
    fn only_frontlas_tells_directory_time() {
        let frontlas = Welcome { directory_time: Some(5), ..welcome() };
        assert_eq!(
            (frontlas.from_frontlas(), frontlas.from_gateway()),
            (Ok(5), Err(WelcomeError::NotGateway))
        );
        assert_eq!(
            (welcome().from_frontlas(), welcome().from_gateway()),
            (Err(WelcomeError::NotFrontlas), Ok(()))
        );
    }
}
