//! The handshakes of what lies over TCP: TLS, and the upgrade to WebSocket.

use super::{AcceptError, ByteStream, HttpBy, Layers, Network, PeerInfo};
use crate::roaming_tcp::RoamingTcp;
use crate::tls::{self, ALPN_HTTP, ALPN_LINK, Alpn};
use crate::websocket::{self, UpgradeRules};
use std::sync::Arc;

impl Layers {
    /// Goes through the handshakes.
    pub(super) async fn open(
        self,
        io: RoamingTcp,
        http: HttpBy,
        rules: Option<Arc<UpgradeRules>>,
    ) -> Result<(ByteStream, PeerInfo), AcceptError> {
        let rules = rules.unwrap_or_default();
        let mut peer = PeerInfo::plain();
        let (tls, only_websocket) = match self {
            Self::Plain => return Ok((ByteStream::Tcp(io), peer)),
            Self::WebSocket(None) => {
                peer.network = Network::Ws;
                let upgraded = websocket::accept(io, &rules).await.map_err(AcceptError::Upgrade)?;
                peer.forwarded = upgraded.forwarded;
                return Ok((ByteStream::Layered(Box::new(upgraded.socket)), peer));
            }
            Self::Tls(tls) => (tls, false),
            Self::WebSocket(Some(tls)) => (tls, true),
        };
        let accepted = tls::accept(io, &tls, &[ALPN_LINK, ALPN_HTTP]).await.map_err(AcceptError::Tls)?;
        let tls::Accepted { mut stream, certificate, server_name, alpn } = accepted;
        (peer.certificate, peer.server_name) = (certificate.map(Arc::new), server_name);
        let is_http = match alpn {
            Alpn::Http => http != HttpBy::Nothing,
            Alpn::None if http == HttpBy::AlpnOrFirstByte && !only_websocket => {
                tls::starts_with_letter(&mut stream).await.map_err(AcceptError::Tls)?
            }
            Alpn::None | Alpn::Link => false,
        };
        if !is_http && !only_websocket {
            peer.network = Network::Tls;
            return Ok((ByteStream::Tls(Box::new(stream)), peer));
        }
        peer.network = Network::Ws;
        let upgraded = websocket::accept(stream, &rules).await.map_err(AcceptError::Upgrade)?;
        peer.forwarded = upgraded.forwarded;
        Ok((ByteStream::Layered(Box::new(upgraded.socket)), peer))
    }
}
