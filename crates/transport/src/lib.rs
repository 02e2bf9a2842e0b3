//! The only crate that moves bytes: sockets, the multiplexer, and the [`Link`] above them.
//!
//! ```text
//!   tcp socket ─────────────▶ ┐
//!   tcp socket ⇄ TLS ───────▶ │ bytes ⇄ mux (yamux) ⇄ lane ⇄ frames     one task owns all of it: Link
//!   tcp socket ⇄ WebSocket ─▶ │                     ⇄ streams           handed out as MuxStream
//!   tcp ⇄ TLS ⇄ WebSocket ──▶ ┘
//!   udp socket ⇄ QUIC, whose own streams are the mux ⇄ lane, streams
//! ```
//!
//! A [`Listener`] accepts and nothing else: TLS, the upgrade to WebSocket and the opening of the lane
//! happen in [`Incoming::link`], in the task of the connection and under its deadline. [`dial()`] is the
//! other side. From there on nobody sees what carries a link. A listener for another protocol takes the
//! bytes as they are from [`Incoming::carrier`].
//!
//! One task owns a [`Link`] and polls it with [`Link::next`]; everyone else holds a cheap
//! [`LinkHandle`] with which to queue frames, open streams, or close the link.

mod address;
mod advice;
mod backoff;
mod buffer;
mod carrier;
mod connector;
mod dial;
mod downgrade;
mod endpoint;
mod first_frame;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
mod handshake_threads;
mod incoming;
mod introduction;
mod link;
mod listener;
mod memory;
mod mux;
mod outgoing;
mod ports;
mod proxy;
mod proxy_header;
mod quic;
mod roaming_tcp;
mod signal;
mod sniffed;
mod spin;
mod staggered;
mod staging;
mod tcp;
mod tls;
mod websocket;

pub use address::lookup;
pub use backoff::Backoff;
pub use buffer::recycle;
pub use carrier::{BoxedCarrier, Carrier};
pub use connector::Connector;
pub use dial::{DialError, DialOptions, dial, dial_bytes};
pub use downgrade::{Downgrade, DowngradeRule};
pub use endpoint::{Endpoint, EndpointError, Scheme, masked_url};
pub use first_frame::{FirstFrame, FirstFrameError};
pub use handshake::{Granted, HandshakeError};
pub use incoming::{AcceptError, Incoming, Network, PeerInfo, Spoken};
pub use introduction::{connect_greeted, dial_and_introduce};
pub use link::handle::{LinkHandle, OpenError, Priority, PushError};
pub use link::{CloseReason, Event, Link, LinkConfig, LinkError};
pub use listener::{Accepted, Bind, Listener};
pub use memory::MemoryPort;
pub use mux::{MuxStream, Traffic};
pub use ports::reject_taken_ports;
pub use proxy::{Proxy, ProxyChoice, ProxyError, ProxyUrlError, ProxyVariableError};
pub use proxy_header::{ProxyHeader, ProxyHeaderError, ProxyVersion};
pub use quic::QuicClient;
pub use spin::Spin;
pub use staggered::Staggered;
pub use tcp::connect_any;
pub use tls::{
    ALPN_LINK, CertificateFiles, ClientAuth, ClientFile, ClientTls, ClientTlsError, ExpiryLog, Lifetime,
    LifetimeKind, Lifetimes, Party, PeerCertificate, ServerTls, ServerTlsConfig, TlsError, TlsFile,
    TlsMistake, TlsMistakes, TlsVersion, crypto_provider,
};
#[cfg(feature = "config")]
pub use tls::{read_server_tls, reject_client_files};
pub use websocket::{ForwardedField, HeaderError, OriginPattern, UpgradeError, UpgradeHeaders, UpgradeRules};

/// How a dialler calls itself where HTTP has it do so.
const USER_AGENT: &str = concat!("frontier-sdk/", env!("CARGO_PKG_VERSION"));
