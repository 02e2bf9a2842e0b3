//! The two forms of an advertised address. Frontiers report URLs, such as `tcp://host:port`.

/// What stands in the fields for clients that dial `host:port`: that, where the listener is plain TCP, and else the
/// URL, which they can't dial either way.
pub(crate) fn addr(advertised: &str) -> &str {
    advertised.strip_prefix("tcp://").filter(|rest| !rest.contains('/')).unwrap_or(advertised)
}

/// The URL; empty if nothing is advertised.
pub(crate) fn url(advertised: &str) -> String {
    match advertised {
        "" => String::new(),
        url if url.contains("://") => url.to_owned(),
        addr => format!("tcp://{addr}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_tcp_is_host_and_port_and_all_else_a_url() {
        for (advertised, as_addr, as_url) in [
            ("tcp://h:1", "h:1", "tcp://h:1"),
            ("tcp://[::1]:1", "[::1]:1", "tcp://[::1]:1"),
            ("h:1", "h:1", "tcp://h:1"),
            ("tls://h:1", "tls://h:1", "tls://h:1"),
            ("wss://h/edges", "wss://h/edges", "wss://h/edges"),
            ("", "", ""),
        ] {
            assert_eq!((addr(advertised), url(advertised).as_str()), (as_addr, as_url));
        }
    }
}
