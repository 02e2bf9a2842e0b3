//! The handshake: a request that becomes a WebSocket.

use super::extension;
use axum::body::Body;
use axum::response::Response;
use data_encoding::BASE64;
use frontier_admin::protocols;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};

/// The subprotocol of the bridge.
const SUBPROTOCOL: &str = "frontier.bridge.v1";

/// RFC 6455, 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What was agreed on.
#[derive(Debug)]
pub(crate) struct Upgrade {
    key: String,
    protocol: bool,
    extension: Option<String>,
}

/// Whether a request asks for a WebSocket, however wrongly.
pub(crate) fn is_upgrade(headers: &HeaderMap) -> bool {
    lists(headers, &header::UPGRADE, "websocket")
}

impl Upgrade {
    /// Looks at a request for a WebSocket.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(
        method: &Method,
        version: Version,
        headers: &HeaderMap,
        compression: bool,
    ) -> Result<Self, &'static str> {
        let required = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        required(method == Method::GET, "the method is not GET")?;
        required(version == Version::HTTP_11, "a WebSocket is asked for with HTTP/1.1")?;
        required(lists(headers, &header::CONNECTION, "upgrade"), "`Connection` does not say `Upgrade`")?;
        let value = |name| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        let version = value(header::SEC_WEBSOCKET_VERSION);
        required(version == b"13", "`Sec-WebSocket-Version` is not 13")?;
        let key = value(header::SEC_WEBSOCKET_KEY);
        let is_key = BASE64.decode(key).is_ok_and(|key| key.len() == 16);
        required(is_key, "`Sec-WebSocket-Key` is not 16 bytes in base64")?;
        Ok(Self {
            key: accept_key(key),
            protocol: protocols(headers).any(|protocol| protocol == SUBPROTOCOL),
            extension: compression.then(|| extension::accept(headers)).flatten(),
        })
    }

    /// Whether messages may be compressed.
    pub(crate) fn is_compressed(&self) -> bool {
        self.extension.is_some()
    }

    /// The answer.
    pub(crate) fn response(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        // Base64, and what stands in this crate.
        if let Ok(key) = HeaderValue::from_str(&self.key) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
        }
        if self.protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        if let Some(extension) = self.extension.as_deref().and_then(|it| HeaderValue::from_str(it).ok()) {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
        }
        response
    }
}

/// Whether a header that is a list has this word.
fn lists(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

fn accept_key(key: &[u8]) -> String {
    let mut sha1 = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key);
    sha1.update(GUID);
    BASE64.encode(sha1.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changed: &[(&'static str, &'static str)]) -> HeaderMap {
        let all = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "frontier.bridge.v1, bearer.YQ"),
            ("sec-websocket-extensions", "permessage-deflate"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in all.iter().chain(changed) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_request_is_answered_with_what_was_agreed_on() {
        let headers = headers(&[]);
        assert!(is_upgrade(&headers));
        let upgrade = Upgrade::new(&Method::GET, Version::HTTP_11, &headers, true).unwrap();
        let response = upgrade.response();
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()["sec-websocket-protocol"], "frontier.bridge.v1");
        assert!(upgrade.is_compressed() && response.headers().contains_key("sec-websocket-extensions"));
        let plain = Upgrade::new(&Method::GET, Version::HTTP_11, &headers, false).unwrap();
        assert!(!plain.is_compressed());
    }

    #[test]
    fn what_is_no_request_for_a_websocket_is_told_why() {
        let ask =
            |changed, method, version| Upgrade::new(&method, version, &headers(changed), true).unwrap_err();
        let get = |changed| ask(changed, Method::GET, Version::HTTP_11);
        assert!(ask(&[], Method::POST, Version::HTTP_11).contains("GET"));
        assert!(ask(&[], Method::GET, Version::HTTP_2).contains("HTTP/1.1"));
        assert!(get(&[("connection", "close")]).contains("Connection"));
        assert!(get(&[("sec-websocket-version", "8")]).contains("Version"));
        assert!(get(&[("sec-websocket-key", "YQ==")]).contains("Key"));
        assert!(!is_upgrade(&headers(&[("upgrade", "h2c")])));
    }
}
