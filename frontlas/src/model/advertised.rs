//! The forms of an advertised address. Frontiers report URLs, such as `tcp://host:port`; one at which clients of the Go
//! original alone are let in is `geminio://host:port`.

use super::Invalid;
use frontier_transport::Endpoint;
use std::net::IpAddr;

/// The longest name of a host, in bytes (RFC 1035, section 3.1).
const MAX_HOST_SIZE: usize = 253;

/// Where clients of the Go original alone are let in.
const GEMINIO: &str = "geminio://";
const GEMINIO_TLS: &str = "geminio+tls://";

/// What stands in the fields for clients that dial `host:port`: that, where the listener is plain TCP, and else the
/// URL, which they can't dial either way.
pub(crate) fn addr(advertised: &str) -> &str {
    let plain = advertised.strip_prefix("tcp://").or_else(|| advertised.strip_prefix(GEMINIO));
    plain.filter(|rest| !rest.contains('/')).unwrap_or(advertised)
}

/// The same for who dials on our own wire, as gateways and those whom they send to each other do; empty if there is
/// nothing for them.
pub(crate) fn native(advertised: &str) -> &str {
    if is_theirs(advertised).is_some() { "" } else { advertised }
}

/// What stands behind the scheme of a URL for clients of the original alone.
fn is_theirs(advertised: &str) -> Option<&str> {
    advertised.strip_prefix(GEMINIO).or_else(|| advertised.strip_prefix(GEMINIO_TLS))
}

/// The URL; empty if nothing is advertised.
pub(crate) fn url(advertised: &str) -> String {
    match advertised {
        "" => String::new(),
        url if url.contains("://") => url.to_owned(),
        addr => format!("tcp://{addr}"),
    }
}

/// Whether others can dial it: everybody who asks is told it, and some make links of it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(advertised: &str) -> Result<(), Invalid> {
    if advertised.is_empty() {
        return Ok(());
    }
    let plain = is_theirs(advertised).map_or_else(|| url(advertised), |rest| format!("tcp://{rest}"));
    let endpoint: Endpoint = plain.parse().map_err(|_| {
        Invalid("an advertised address must be a URL of tcp, tls, quic, ws, wss or geminio, or host:port")
    })?;
    let (host, _) = endpoint.host_port();
    if host.len() > MAX_HOST_SIZE {
        return Err(Invalid("the host of an advertised address must not be longer than 253 bytes"));
    }
    if host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_unspecified()) {
        return Err(Invalid("an advertised address must name a host: nobody reaches 0.0.0.0 or [::]"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_dial_is_no_address() {
        for fine in [
            "",
            "h:1",
            "tcp://h:1",
            "tls://[::1]:1",
            "wss://h/edges?a=1",
            "quic://192.0.2.7:1",
            "geminio://h:1",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        let long = format!("tcp://{}:1", "x".repeat(3000));
        for bad in [
            "javascript:alert(1)",
            "javascript://alert(1)",
            "http://h:1",
            "tcp://h:1\n",
            "tcp://h",
            "tcp://h:0",
            "tcp://user:pw@h:1",
            "tls://h:1/path",
            "geminio://h",
            "geminio+tls://0.0.0.0:1",
            "tcp://0.0.0.0:1",
            "[::]:1",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_tcp_is_host_and_port_and_all_else_a_url() {
        for (advertised, as_addr, as_url) in [
            ("tcp://h:1", "h:1", "tcp://h:1"),
            ("tcp://[::1]:1", "[::1]:1", "tcp://[::1]:1"),
            ("h:1", "h:1", "tcp://h:1"),
            ("tls://h:1", "tls://h:1", "tls://h:1"),
            ("tcp://h:1/", "tcp://h:1/", "tcp://h:1/"),
            ("geminio://h:1", "h:1", "geminio://h:1"),
            ("geminio+tls://h:1", "geminio+tls://h:1", "geminio+tls://h:1"),
            ("wss://h/edges", "wss://h/edges", "wss://h/edges"),
            ("", "", ""),
        ] {
            assert_eq!((addr(advertised), url(advertised).as_str()), (as_addr, as_url));
            let as_native = if as_url.starts_with("geminio") { "" } else { advertised };
            assert_eq!(native(advertised), as_native);
        }
    }
}
