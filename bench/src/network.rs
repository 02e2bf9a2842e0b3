//! How edges and services reach the gateway: the network, and an address on it.

use std::fmt;
use std::net::SocketAddr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What edges and services speak to the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Network {
    /// Plain TCP
    #[default]
    Tcp,
    /// TLS over TCP
    Tls,
    /// QUIC, which has TLS in it
    Quic,
    /// WebSocket over plain TCP
    Ws,
}

/// The key of the gateway's certificate, where there is TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    /// ECDSA on P-256, whose signatures cost little
    #[default]
    Ecdsa,
    /// RSA of 4096 bits, whose signatures cost most of what is in use
    #[value(name = "rsa4096")]
    Rsa4096,
}

/// Where a port of the gateway is, and what is spoken there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) network: Network,
    pub(crate) addr: SocketAddr,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Ws => "ws",
        })
    }
}

/// As a URL.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.network, self.addr)
    }
}
