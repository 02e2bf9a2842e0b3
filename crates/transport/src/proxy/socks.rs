//! SOCKS5 (RFC 1928), with user and password (RFC 1929).

use super::ProxyError;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NOT_SOCKS: ProxyError = ProxyError::Protocol("SOCKS5");

/// Asks for a connection. The proxy looks up the name.
pub(super) async fn ask(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    host: &str,
    port: u16,
    credentials: Option<&(String, String)>,
) -> Result<(), ProxyError> {
    let methods: &[u8] = match credentials {
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
        None => &[VERSION, 1, NO_AUTHENTICATION],
    };
    io.write_all(methods).await?;
    match (read::<2>(io).await?, credentials) {
        ([VERSION, NO_AUTHENTICATION], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some((user, password))) => {
            let mut request = vec![1];
            push(&mut request, user)?;
            push(&mut request, password)?;
            io.write_all(&request).await?;
            let [_, status] = read::<2>(io).await?;
            if status != 0 {
                return Err(ProxyError::Credentials(format!("status {status}")));
            }
        }
        ([VERSION, _], _) => return Err(ProxyError::Credentials("it wants others, or some".into())),
        _ => return Err(NOT_SOCKS),
    }
    let mut request = vec![VERSION, 1, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend(address.octets());
        }
        Err(_) => {
            request.push(3);
            push(&mut request, host)?;
        }
    }
    request.extend(port.to_be_bytes());
    io.write_all(&request).await?;
    let [version, reply, _, kind] = read::<4>(io).await?;
    if version != VERSION {
        return Err(NOT_SOCKS);
    }
    if reply != 0 {
        return Err(ProxyError::Refused(words(reply)));
    }
    // From where it connects is of no interest.
    let len = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(io.read_u8().await?),
        _ => return Err(NOT_SOCKS),
    };
    let mut bound = [0; 255 + 2];
    io.read_exact(&mut bound[..len + 2]).await?;
    Ok(())
}

async fn read<const N: usize>(io: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    io.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn push(request: &mut Vec<u8>, text: &str) -> Result<(), ProxyError> {
    request.push(u8::try_from(text.len()).map_err(|_| ProxyError::NameTooLong)?);
    request.extend_from_slice(text.as_bytes());
    Ok(())
}

fn words(reply: u8) -> String {
    let text = match reply {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown",
    };
    format!("{reply} {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(answer: &[u8], credentials: Option<&(String, String)>) -> (Vec<u8>, Result<(), String>) {
        let (mut near, mut far) = tokio::io::duplex(1 << 16);
        far.write_all(answer).await.unwrap();
        let outcome = ask(&mut near, "h.test", 258, credentials).await.map_err(|error| error.to_string());
        let outcome = match outcome {
            Ok(()) => {
                let mut more = Vec::new();
                drop(far.shutdown().await);
                near.read_to_end(&mut more).await.unwrap();
                assert_eq!(more, b"more", "nothing is read beyond the answer");
                Ok(())
            }
            error => error,
        };
        drop(near);
        let mut request = Vec::new();
        far.read_to_end(&mut request).await.unwrap();
        (request, outcome)
    }

    #[tokio::test]
    async fn a_name_is_asked_for_with_and_without_credentials() {
        let (request, outcome) = asked(b"\x05\0\x05\0\0\x01\x01\x02\x03\x04\0\x07more", None).await;
        assert_eq!((&request[..], outcome), (&b"\x05\x01\0\x05\x01\0\x03\x06h.test\x01\x02"[..], Ok(())));
        let credentials = ("me".to_owned(), "pw".to_owned());
        let (request, outcome) =
            asked(b"\x05\x02\x01\0\x05\0\0\x03\x01x\0\x07more", Some(&credentials)).await;
        let sent = b"\x05\x02\0\x02\x01\x02me\x02pw\x05\x01\0\x03\x06h.test\x01\x02";
        assert_eq!((&request[..], outcome), (&sent[..], Ok(())));
    }

    #[tokio::test]
    async fn refusals_are_told_in_words() {
        let credentials = ("me".to_owned(), "pw".to_owned());
        for (answer, credentials, text) in [
            (&b"\x05\0\x05\x05\0\x01\0\0\0\0\0\0"[..], None, "it answered `5 connection refused`"),
            (b"\x05\xff", None, "it does not take these credentials"),
            (b"\x05\x02", None, "it does not take these credentials"),
            (b"\x05\x02\x01\x01", Some(&credentials), "it does not take these credentials (status 1)"),
            (b"HTTP", None, "it does not speak SOCKS5"),
            (b"\x05\0HTTP", None, "it does not speak SOCKS5"),
        ] {
            let error = asked(answer, credentials).await.1.unwrap_err();
            assert!(error.starts_with(text), "{error}");
        }
    }
}
