//! HTTP `CONNECT` (RFC 9110, 9.3.6).

use super::ProxyError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;

const NO_HTTP: ProxyError = ProxyError::Protocol("HTTP");

/// Asks for a tunnel. Nothing is read beyond the head of the answer.
pub(super) async fn ask(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    host: &str,
    port: u16,
    credentials: Option<&(String, String)>,
) -> Result<(), ProxyError> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut request = format!(
        "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {}\r\n",
        crate::USER_AGENT
    );
    if let Some((user, password)) = credentials {
        let basic = data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes());
        request.push_str(&format!("Proxy-Authorization: Basic {basic}\r\n"));
    }
    request.push_str("\r\n");
    io.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(NO_HTTP);
        }
        // One by one: what follows belongs to whom it leads to.
        head.push(io.read_u8().await?);
        if !b"HTTP/1.".starts_with(&head[..head.len().min(7)]) {
            return Err(NO_HTTP);
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
    let Some((_, status)) = status.filter(|(_, status)| !status.chars().any(char::is_control)) else {
        return Err(NO_HTTP);
    };
    let status = status.trim_end();
    match status.get(..3).and_then(|code| code.parse::<u16>().ok()) {
        Some(200..=299) => Ok(()),
        Some(401 | 407) => Err(ProxyError::Credentials(status.chars().take(100).collect())),
        Some(_) => Err(ProxyError::Refused(status.chars().take(100).collect())),
        None => Err(NO_HTTP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for, and what comes of this answer.
    async fn asked(answer: &[u8], credentials: Option<&(String, String)>) -> (String, Result<(), String>) {
        let (mut near, mut far) = tokio::io::duplex(1 << 16);
        far.write_all(answer).await.unwrap();
        let outcome = ask(&mut near, "::1", 7, credentials).await.map_err(|error| error.to_string());
        drop(near);
        let mut request = String::new();
        far.read_to_string(&mut request).await.unwrap();
        (request, outcome)
    }

    #[tokio::test]
    async fn a_tunnel_is_asked_for_and_nothing_read_beyond_the_answer() {
        let credentials = ("Aladdin".to_owned(), "open sesame".to_owned());
        let (request, outcome) = asked(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", Some(&credentials)).await;
        assert_eq!(outcome, Ok(()));
        assert!(
            request.starts_with("CONNECT [::1]:7 HTTP/1.1\r\nHost: [::1]:7\r\nUser-Agent: "),
            "{request}"
        );
        assert!(request.ends_with("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
        let (mut near, mut far) = tokio::io::duplex(1 << 10);
        far.write_all(b"HTTP/1.0 200 Connection established\r\n\r\nmore").await.unwrap();
        ask(&mut near, "h", 1, None).await.unwrap();
        let mut more = [0; 4];
        near.read_exact(&mut more).await.unwrap();
        assert_eq!(&more, b"more");
    }

    #[tokio::test]
    async fn refusals_are_told_with_their_status() {
        let no = async |answer: &[u8]| asked(answer, None).await.1.unwrap_err();
        assert_eq!(no(b"HTTP/1.1 403 Filtered\r\n\r\n").await, "it answered `403 Filtered`");
        let unauthorized = no(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        assert!(unauthorized.contains("407") && unauthorized.contains("user and password"), "{unauthorized}");
        for answer in [&b"SSH-2.0-x\r\n\r\n"[..], b"HTTP/1.1 what\r\n\r\n", b"HTTP/1.1\r\n\r\n", &[b'H'; 20]]
        {
            assert_eq!(no(answer).await, "it does not speak HTTP");
        }
        let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
        endless.resize(MAX_HEAD + 1, b'x');
        assert_eq!(no(&endless).await, "it does not speak HTTP");
    }
}
