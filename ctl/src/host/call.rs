//! One request, and how much it may take.

use bytes::Bytes;
use frontier_sdk::{HostError, HostRequest};
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of what a program, or a container, says about a failure goes to the client, in bytes: the end of it.
pub(super) const DETAIL: usize = 2048;

/// How much a request may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Of each process, in bytes.
    pub(super) memory: Option<u64>,
    /// The longest answer, in bytes.
    pub(super) answer: usize,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// 32 hexadecimal digits, as the next one.
    pub(super) session: String,
    pub(super) message: String,
    pub(super) tries: u32,
    pub(super) action: Arc<str>,
    pub(super) user_data: Arc<str>,
    pub(super) body: Bytes,
    pub(super) deadline: Instant,
}

impl Call {
    pub(super) fn new(request: HostRequest, most: Duration) -> Self {
        let HostRequest { session, message, tries, action, body, user_data, deadline, .. } = request;
        let (session, message) = (format!("{session:032x}"), format!("{message:032x}"));
        let latest = Instant::now().checked_add(most);
        let deadline = latest.map_or(deadline, |latest| deadline.min(latest));
        Self { session, message, tries, action, user_data, body, deadline }
    }
}

/// It took too long, which counts as a try.
pub(super) fn too_late(why: &str) -> HostError {
    HostError::Retry(format!("it has taken too long{why}"))
}

/// The answer is too long: no try makes it shorter.
pub(super) fn too_large(most: usize) -> HostError {
    HostError::fault(1, format!("the answer has more than {most} bytes (--max-answer)"))
}

/// What was said about a failure, after a colon; nothing if nothing was.
pub(super) fn detail(said: impl Display) -> String {
    let said = said.to_string();
    match said.trim() {
        "" => String::new(),
        said => format!(": {}", &said[said.ceil_char_boundary(said.len().saturating_sub(DETAIL))..]),
    }
}

#[cfg(test)]
pub(super) fn sample(action: &str, body: &str) -> Call {
    Call {
        session: format!("{:032x}", 7),
        message: format!("{:032x}", 9),
        tries: 0,
        action: action.into(),
        user_data: "data".into(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        deadline: Instant::now() + Duration::from_secs(60),
    }
}
