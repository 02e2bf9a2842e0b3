//! The QUIC configuration that connections of one listener share.

use super::config;
use crate::LinkConfig;
use parking_lot::Mutex;
use quinn::ServerConfig;
use std::io;
use std::sync::Arc;

/// The QUIC configuration of a listener. What is made of TLS and limits is shared by all connections, and
/// made anew only when those have changed.
#[derive(Debug)]
pub(super) struct ConfigCache {
    server: ServerConfig,
    last: Mutex<Option<Cached>>,
}

#[derive(Debug)]
struct Cached {
    tls: Arc<rustls::ServerConfig>,
    max_streams: u32,
    window_growth: usize,
    server: Arc<ServerConfig>,
}

impl ConfigCache {
    pub(super) fn new(tls: &rustls::ServerConfig) -> io::Result<Self> {
        Ok(Self { server: config::server(tls)?, last: Mutex::new(None) })
    }

    /// For packets of which nothing is known yet.
    pub(super) fn initial(&self) -> ServerConfig {
        self.server.clone()
    }

    pub(super) fn for_link(
        &self,
        tls: &Arc<rustls::ServerConfig>,
        config: &LinkConfig,
    ) -> io::Result<Arc<ServerConfig>> {
        let LinkConfig { max_streams, window_growth, .. } = *config;
        let mut last = self.last.lock();
        if let Some(last) = &*last
            && Arc::ptr_eq(&last.tls, tls)
            && (last.max_streams, last.window_growth) == (max_streams, window_growth)
        {
            return Ok(last.server.clone());
        }
        let server = Arc::new(config::for_link(&self.server, tls, config)?);
        *last = Some(Cached { tls: tls.clone(), max_streams, window_growth, server: server.clone() });
        Ok(server)
    }
}
