//! TLS of a server: the files and what is thought of them are the transport's, what is spoken within is said here.

use frontier_config::Section;
use frontier_transport::{ServerTls, read_server_tls};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The protocols of HTTP, the first of them preferred.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reads the section `tls` of a listener, and the files that it names: what is wrong with those is a mistake of the
/// configuration. `None` unless it is enabled, and after a mistake. Whether it is takes a restart, all else a reload.
///
/// With it comes whether it is enabled.
pub(crate) fn read(tls: &Section<'_>) -> (Option<ServerTls>, bool) {
    let is_enabled = tls.fixed().is_enabled(false);
    (read_server_tls(&tls.reloadable(), is_enabled), is_enabled)
}

/// What a handshake that begins now goes by.
pub(crate) fn acceptor(tls: &ServerTls) -> TlsAcceptor {
    let mut config = (*tls.rustls_config()).clone();
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Arc::new(config).into()
}
