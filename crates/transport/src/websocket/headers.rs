//! What a dialler's WebSocket request says beside what the handshake needs.

use std::fmt::{self, Write as _};
use thiserror::Error;

/// Headers that are the handshake's own, or that would change what a request is.
const OWN: [&str; 6] = ["connection", "content-length", "expect", "te", "transfer-encoding", "upgrade"];

/// Bytes of all headers together: servers take some 8 KiB.
const MAX_BYTES: usize = 4 * 1024;

/// Headers of one's own in a WebSocket request: a `User-Agent` that says which program this is, unless it is set, and
/// `Host` as in the URL, unless that is set. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UpgradeHeaders(Vec<(String, String)>);

/// A header that can't be sent. Its value is not shown, since it may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// Not a name.
    #[error("`{0}` is no name of an HTTP header")]
    Name(String),
    /// The handshake has it.
    #[error("the header `{0}` is that of the WebSocket handshake, and can't be set")]
    Own(String),
    /// Not a value.
    #[error("the value of the header `{0}` has other characters than visible ASCII and spaces")]
    Value(String),
    /// More than servers take.
    #[error("the headers have more than {MAX_BYTES} bytes")]
    TooLong,
}

impl UpgradeHeaders {
    /// Sets a header, in place of one of the same name.
    ///
    /// # Errors
    /// [`HeaderError`] if it can't be sent.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(HeaderError::Name(name.chars().filter(|c| !c.is_control()).take(64).collect()));
        }
        let lower = name.to_ascii_lowercase();
        if OWN.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
            return Err(HeaderError::Own(name.into()));
        }
        let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if !value.bytes().all(is_plain) || value.trim() != value || (lower == "host" && value.is_empty()) {
            return Err(HeaderError::Value(name.into()));
        }
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.0.push((name.into(), value.into()));
        let bytes: usize = self.0.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        if bytes > MAX_BYTES { Err(HeaderError::TooLong) } else { Ok(()) }
    }

    /// As lines of a request to this authority.
    pub(super) fn lines(&self, authority: &str) -> String {
        let set = |name: &str| self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut lines = String::new();
        // Writing to a text does not fail.
        if !set("Host") {
            let _ = write!(lines, "Host: {authority}\r\n");
        }
        if !set("User-Agent") {
            let _ = write!(lines, "User-Agent: {}\r\n", crate::USER_AGENT);
        }
        for (name, value) in &self.0 {
            let _ = write!(lines, "{name}: {value}\r\n");
        }
        lines
    }
}

impl fmt::Debug for UpgradeHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_user_agent_are_there_unless_they_are_set() {
        let mut headers = UpgradeHeaders::default();
        let agent = format!("User-Agent: {}\r\n", crate::USER_AGENT);
        assert_eq!(headers.lines("h:1"), format!("Host: h:1\r\n{agent}"));
        for (name, value) in
            [("host", "front.example"), ("X-Site", "a"), ("x-site", "b"), ("user-agent", "me/1")]
        {
            headers.set(name, value).unwrap();
        }
        assert_eq!(headers.lines("h:1"), "host: front.example\r\nx-site: b\r\nuser-agent: me/1\r\n");
    }

    #[test]
    fn nothing_is_sent_that_is_the_handshakes_own_or_that_would_begin_another_line() {
        let set = |name: &str, value: &str| UpgradeHeaders::default().set(name, value).unwrap_err();
        for name in ["", "a b", "a:", "a\r\nb", "ä"] {
            assert!(matches!(set(name, "x"), HeaderError::Name(_)), "{name:?}");
        }
        for name in ["Upgrade", "connection", "Sec-WebSocket-Key", "Transfer-Encoding"] {
            assert!(matches!(set(name, "x"), HeaderError::Own(_)), "{name}");
        }
        for value in ["a\r\nb: c", "a\n", "\0", "ä", " a"] {
            assert!(matches!(set("x", value), HeaderError::Value(_)), "{value:?}");
        }
        let mut secret = UpgradeHeaders::default();
        secret.set("Authorization", "s3cret").unwrap();
        assert_eq!(format!("{secret:?}"), r#"["Authorization"]"#);
        assert_eq!(set("x", &"y".repeat(MAX_BYTES)), HeaderError::TooLong);
    }
}
