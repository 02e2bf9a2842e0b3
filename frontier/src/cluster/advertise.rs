//! What others are told of this gateway: its id and its URLs.

use crate::config::{Listen, Membership, Wires};
use frontier_transport::{Endpoint, Network};
use std::net::SocketAddr;
use thiserror::Error;

/// What others are told of this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advertised {
    pub(crate) id: String,
    pub(crate) servicebound: String,
    pub(crate) edgebound: String,
    /// Whether its edges reach the services of other gateways that do the same.
    pub(crate) forwards: bool,
}

/// Where one side listens.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// The key path of its `advertised_addr`.
    pub(crate) key: String,
    /// That of its URL.
    pub(crate) scheme: &'static str,
    pub(crate) wires: Wires,
    pub(crate) addr: SocketAddr,
    /// Its `advertised_addr`, as it is written; `None` for `addr`.
    pub(crate) advertised: Option<String>,
}

impl Bound {
    /// A listener that has got this address.
    pub(crate) fn new(listen: &Listen, addr: SocketAddr) -> Self {
        Self {
            key: format!("{}.advertised_addr", listen.key),
            scheme: listen.scheme(),
            wires: listen.wires,
            addr,
            advertised: listen.advertised_addr.clone(),
        }
    }
}

/// Why others could not reach this gateway.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdvertiseError {
    /// It listens on all addresses, and nobody has said which of them others can reach.
    #[error("{key}: {}", self.reason())]
    Anywhere {
        /// The key that says where it can be dialled.
        key: String,
        /// Where it listens.
        addr: SocketAddr,
    },
    /// What is written can't be dialled.
    #[error("{key}: {reason}")]
    Unusable {
        /// The key that says where it can be dialled.
        key: String,
        /// Why not.
        reason: String,
    },
    /// The host does not tell its name, and no id is set.
    #[error("daemon.frontier_id: {}", self.reason())]
    NoName,
}

impl AdvertiseError {
    /// The key that must be set.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Anywhere { key, .. } | Self::Unusable { key, .. } => key,
            Self::NoName => "daemon.frontier_id",
        }
    }

    /// Why, without the key.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Anywhere { addr, .. } => {
                format!("must be set with `frontlas.enable`: nobody can dial {addr}")
            }
            Self::Unusable { reason, .. } => reason.clone(),
            Self::NoName => "must be set with `frontlas.enable`: this host has no name".into(),
        }
    }
}

/// All that keeps others from reaching a gateway that listens there.
pub(crate) fn unreachable(
    membership: &Membership,
    servicebound: &Bound,
    edgebound: &Bound,
) -> Vec<AdvertiseError> {
    let urls = [url(servicebound), url(edgebound)].into_iter().filter_map(Result::err);
    let id = id(membership, edgebound).err();
    urls.chain(id).collect()
}

impl Advertised {
    /// By the configuration and by where the gateway listens.
    pub(crate) fn new(
        membership: &Membership,
        servicebound: &Bound,
        edgebound: &Bound,
    ) -> Result<Self, AdvertiseError> {
        let id = id(membership, edgebound)?;
        let forwards = membership.forward.is_some();
        Ok(Self { id, servicebound: url(servicebound)?, edgebound: url(edgebound)?, forwards })
    }
}

fn id(membership: &Membership, edgebound: &Bound) -> Result<String, AdvertiseError> {
    match &membership.frontier_id {
        Some(id) => Ok(id.clone()),
        // The port tells apart the gateways of one host, and stays when one is started again.
        None => Ok(format!("{}-{}", host_name().ok_or(AdvertiseError::NoName)?, edgebound.addr.port())),
    }
}

/// Where a side can be dialled.
///
/// ```text
///   tcp://host:port        both wires: clients of the Go original are told host:port
///   tcp://host:port/       our own wire alone: they are told the URL, which they take for no address
///   geminio://host:port    theirs alone: they are told host:port, and clients of our own wire do not dial it
/// ```
fn url(bound: &Bound) -> Result<String, AdvertiseError> {
    let Bound { scheme, wires, .. } = *bound;
    let url = plain_url(bound)?;
    let is_plain = scheme == Network::Tcp.as_str() && url.starts_with("tcp://");
    Ok(match (wires, url.split_once("://")) {
        (Wires::Geminio, Some((_, rest))) => format!("{scheme}://{rest}"),
        (Wires::Native, _) if is_plain => format!("{url}/"),
        _ => url,
    })
}

/// The same in a scheme that is dialled.
fn plain_url(bound: &Bound) -> Result<String, AdvertiseError> {
    let (addr, key) = (bound.addr, bound.key.clone());
    let scheme = match bound.wires {
        // It is looked at like any address.
        Wires::Geminio => Network::Tcp.as_str(),
        Wires::Native | Wires::Both => bound.scheme,
    };
    let Some(written) = &bound.advertised else {
        return match addr.ip().is_unspecified() {
            true => Err(AdvertiseError::Anywhere { key, addr }),
            false => Ok(format!("{scheme}://{addr}")),
        };
    };
    let url = if written.contains("://") { written.to_owned() } else { format!("{scheme}://{written}") };
    let endpoint: Endpoint = url
        .parse()
        .map_err(|error: frontier_transport::EndpointError| error.to_string())
        .map_err(|reason| AdvertiseError::Unusable { key: key.clone(), reason })?;
    let ip = endpoint.host_port().0.parse::<std::net::IpAddr>();
    if ip.is_ok_and(|ip| ip.is_unspecified()) {
        let reason = format!("nobody can dial {endpoint}");
        return Err(AdvertiseError::Unusable { key, reason });
    }
    Ok(endpoint.url())
}

fn host_name() -> Option<String> {
    let name = frontier_daemon::process::host_name()?;
    (!name.is_empty() && name.len() <= 240 && !name.chars().any(char::is_control)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(addr: &str) -> Bound {
        let key = "edgebound.listen.advertised_addr".into();
        Bound { key, scheme: "tls", wires: Wires::Both, addr: addr.parse().unwrap(), advertised: None }
    }

    #[test]
    fn where_it_listens_is_told_if_that_can_be_dialled() {
        assert_eq!(url(&bound("192.0.2.1:30012")).unwrap(), "tls://192.0.2.1:30012");
        for anywhere in ["0.0.0.0:30012", "[::]:30012"] {
            let bound = bound(anywhere);
            let error = url(&bound).unwrap_err();
            let text = format!("must be set with `frontlas.enable`: nobody can dial {anywhere}");
            assert_eq!(error.to_string(), format!("edgebound.listen.advertised_addr: {text}"));
        }
    }

    #[test]
    fn a_listener_for_one_wire_is_no_plain_address_for_the_other() {
        let bound = |scheme, wires| Bound { scheme, wires, ..bound("192.0.2.1:1") };
        for (scheme, wires, told) in [
            ("tcp", Wires::Both, "tcp://192.0.2.1:1"),
            ("tcp", Wires::Native, "tcp://192.0.2.1:1/"),
            ("tls", Wires::Native, "tls://192.0.2.1:1"),
            ("geminio", Wires::Geminio, "geminio://192.0.2.1:1"),
            ("geminio+tls", Wires::Geminio, "geminio+tls://192.0.2.1:1"),
        ] {
            assert_eq!(url(&bound(scheme, wires)).unwrap(), told);
        }
        let written =
            Bound { advertised: Some("gw.example:7".to_owned()), ..bound("geminio", Wires::Geminio) };
        assert_eq!(url(&written).unwrap(), "geminio://gw.example:7");
        let nowhere = Bound { addr: ([0, 0, 0, 0], 1).into(), ..bound("geminio", Wires::Geminio) };
        assert!(url(&nowhere).is_err());
    }

    #[test]
    fn what_is_written_counts_if_it_can_be_dialled() {
        let url = |written: &str| url(&Bound { advertised: Some(written.to_owned()), ..bound("0.0.0.0:1") });
        assert_eq!(url("gw.example:30011").unwrap(), "tls://gw.example:30011");
        assert_eq!(url("wss://gw.example/edges").unwrap(), "wss://gw.example/edges");
        for bad in ["gw.example", "0.0.0.0:30011", "tcp://[::]:30011", ":30011", "gw:0"] {
            let error = url(bad).unwrap_err().to_string();
            assert!(error.starts_with("edgebound.listen.advertised_addr: "), "{bad}: {error}");
        }
    }
}
