//! What others are told of this gateway: its id and its URLs.

use crate::config::Membership;
use frontier_transport::{Endpoint, Network};
use std::net::SocketAddr;
use thiserror::Error;

/// What others are told of this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advertised {
    pub(crate) id: String,
    pub(crate) servicebound: String,
    pub(crate) edgebound: String,
}

/// Where one side listens.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) network: Network,
    pub(crate) tls: bool,
    pub(crate) addr: SocketAddr,
    /// Its `advertised_addr`, as it is written; `None` for `addr`.
    pub(crate) advertised: Option<String>,
}

impl Bound {
    /// The scheme of its URL.
    fn scheme(&self) -> &'static str {
        match (self.network, self.tls) {
            (Network::Ws, true) => "wss",
            (network, _) => network.as_str(),
        }
    }
}

/// Why others could not reach this gateway.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdvertiseError {
    /// It listens on all addresses, and nobody has said which of them others can reach.
    #[error("nobody can dial {addr}: with frontlas.enable, {side}.listen.advertised_addr must be set")]
    Anywhere {
        /// `edgebound` or `servicebound`.
        side: &'static str,
        /// Where it listens.
        addr: SocketAddr,
    },
    /// What is written can't be dialled.
    #[error("{side}.listen.advertised_addr: {reason}")]
    Unusable {
        /// `edgebound` or `servicebound`.
        side: &'static str,
        /// Why not.
        reason: String,
    },
    /// The host does not tell its name, and no id is set.
    #[error("this host has no name: with frontlas.enable, daemon.frontier_id must be set")]
    NoName,
}

impl Advertised {
    /// By the configuration and by where the gateway listens.
    pub(crate) fn new(
        membership: &Membership,
        servicebound: &Bound,
        edgebound: &Bound,
    ) -> Result<Self, AdvertiseError> {
        let id = match &membership.frontier_id {
            Some(id) => id.clone(),
            // The port tells apart the gateways of one host, and stays when one is started again.
            None => format!("{}-{}", host_name().ok_or(AdvertiseError::NoName)?, edgebound.addr.port()),
        };
        let servicebound = url("servicebound", servicebound)?;
        Ok(Self { id, servicebound, edgebound: url("edgebound", edgebound)? })
    }
}

/// Where a side can be dialled.
fn url(side: &'static str, bound: &Bound) -> Result<String, AdvertiseError> {
    let (scheme, addr) = (bound.scheme(), bound.addr);
    let Some(written) = &bound.advertised else {
        return match addr.ip().is_unspecified() {
            true => Err(AdvertiseError::Anywhere { side, addr }),
            false => Ok(format!("{scheme}://{addr}")),
        };
    };
    let url = if written.contains("://") { written.to_owned() } else { format!("{scheme}://{written}") };
    let endpoint: Endpoint = url
        .parse()
        .map_err(|error: frontier_transport::EndpointError| error.to_string())
        .map_err(|reason| AdvertiseError::Unusable { side, reason })?;
    let ip = endpoint.host_port().0.parse::<std::net::IpAddr>();
    if ip.is_ok_and(|ip| ip.is_unspecified()) {
        let reason = format!("nobody can dial {endpoint}");
        return Err(AdvertiseError::Unusable { side, reason });
    }
    Ok(endpoint.to_string())
}

fn host_name() -> Option<String> {
    let name = frontier_daemon::process::host_name()?;
    (!name.is_empty() && name.len() <= 240 && !name.chars().any(char::is_control)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(addr: &str) -> Bound {
        Bound { network: Network::Tls, tls: true, addr: addr.parse().unwrap(), advertised: None }
    }

    #[test]
    fn where_it_listens_is_told_if_that_can_be_dialled() {
        assert_eq!(url("edgebound", &bound("192.0.2.1:30012")).unwrap(), "tls://192.0.2.1:30012");
        for anywhere in ["0.0.0.0:30012", "[::]:30012"] {
            let bound = bound(anywhere);
            let error = url("edgebound", &bound).unwrap_err();
            assert_eq!(error, AdvertiseError::Anywhere { side: "edgebound", addr: bound.addr });
        }
    }

    #[test]
    fn what_is_written_counts_if_it_can_be_dialled() {
        let url = |written: &str| {
            url("servicebound", &Bound { advertised: Some(written.to_owned()), ..bound("0.0.0.0:1") })
        };
        assert_eq!(url("gw.example:30011").unwrap(), "tls://gw.example:30011");
        assert_eq!(url("wss://gw.example/edges").unwrap(), "wss://gw.example/edges");
        for bad in ["gw.example", "0.0.0.0:30011", "tcp://[::]:30011", ":30011", "gw:0"] {
            let error = url(bad).unwrap_err().to_string();
            assert!(error.starts_with("servicebound.listen.advertised_addr: "), "{bad}: {error}");
        }
    }
}
