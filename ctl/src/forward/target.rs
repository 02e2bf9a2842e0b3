//! What is listened on and what is connected to: an address, over TCP unless it begins with `udp://`.

use frontier_sdk::Bytes;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// What is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

/// `HOST:PORT`, `tcp://HOST:PORT` or `udp://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) protocol: Protocol,
    /// Host and port, as they are looked up.
    pub(super) addr: String,
}

impl Protocol {
    /// The meta of a stream that carries this for `peer`.
    pub(super) fn meta(self, peer: SocketAddr) -> String {
        format!("{self} {peer}")
    }

    /// What a stream with this meta carries. Streams of others say nothing, and carry bytes.
    pub(super) fn of(meta: &Bytes) -> Self {
        if meta.starts_with(b"udp ") { Self::Udp } else { Self::Tcp }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, addr) = match text.split_once("://") {
            None => (Protocol::Tcp, text),
            Some(("tcp", addr)) => (Protocol::Tcp, addr),
            Some(("udp", addr)) => (Protocol::Udp, addr),
            Some((scheme, _)) => {
                return Err(format!("{scheme}:// can't be forwarded; tcp:// and udp:// can"));
            }
        };
        let port = addr.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        match port.map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(_)) => Ok(Self { protocol, addr: addr.to_owned() }),
            _ => Err("write it as HOST:PORT, or udp://HOST:PORT for datagrams".to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.protocol, self.addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_tcp_unless_it_says_otherwise() {
        for (text, shown) in [
            ("127.0.0.1:22", "tcp://127.0.0.1:22"),
            ("tcp://db:5432", "tcp://db:5432"),
            ("udp://[::1]:53", "udp://[::1]:53"),
        ] {
            assert_eq!(text.parse::<Target>().map(|target| target.to_string()), Ok(shown.to_owned()));
        }
        for wrong in ["", "22", ":22", "db:", "db:99999", "quic://db:1", "udp://db"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
        assert_eq!(Protocol::of(&Protocol::Udp.meta(([127, 0, 0, 1], 1).into()).into()), Protocol::Udp);
        assert_eq!(Protocol::of(&Bytes::new()), Protocol::Tcp);
    }
}
