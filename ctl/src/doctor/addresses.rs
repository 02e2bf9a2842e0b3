//! The addresses: whether anybody is there, and lets one in.

use super::report::Report;
use super::{certificates, clock};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::plane::{Address, Plane, PlaneKind, dial};
use crate::settings::Settings;
use frontier_transport::{ALPN_LINK, Endpoint, Scheme};
use std::time::Instant;

/// Looks at the control planes that the settings name.
pub(super) async fn look_at_planes(settings: &Settings, report: &mut Report) {
    let context = &settings.context;
    if context.frontlas.is_some() {
        look_at_plane(PlaneKind::Frontlas, "/cluster/v1/edges/count", settings, report).await;
    } else {
        report.good("frontlas", "no address is set, so there is nothing to look at");
    }
    if context.gateway.is_some() {
        look_at_plane(PlaneKind::Gateway, "/v1/status", settings, report).await;
    } else {
        report.good("gateway", "no address of its control plane is set, so there is nothing to look at");
    }
}

async fn look_at_plane(kind: PlaneKind, path: &str, settings: &Settings, report: &mut Report) {
    let name = kind.name();
    let mut plane = match settings.plane(kind) {
        Ok(plane) => plane,
        Err(failure) => return report.failure(name, &failure),
    };
    match plane.health().await {
        Err(failure) => return report.failure(name, &failure),
        Ok(health) => {
            report.good(name, format!("{} answers in {:.1?}", plane.address(), health.round_trip));
            clock::look(&format!("{name}'s clock"), &health, report);
        }
    }
    if plane.address().is_tls
        && let Ok(chain) = plane_chain(&plane, settings).await
    {
        certificates::server(&format!("{name}'s certificate"), chain.as_deref(), report);
    }
    match plane.get::<serde_json::Value>(path, &[]).await {
        Ok(_) => report.good(format!("{name}'s access"), "it may be read"),
        Err(failure) => report.failure(format!("{name}'s access"), &failure),
    }
}

type Chain = Option<Vec<tokio_rustls::rustls::pki_types::CertificateDer<'static>>>;

async fn plane_chain(plane: &Plane, settings: &Settings) -> std::io::Result<Chain> {
    let looked = tokio::time::timeout(settings.timeout, chain(plane.address(), b"http/1.1", settings)).await;
    looked.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

async fn chain(address: &Address, alpn: &'static [u8], settings: &Settings) -> std::io::Result<Chain> {
    let stream = dial::secured(address, &settings.tls(), alpn).await?;
    Ok(stream
        .get_ref()
        .1
        .peer_certificates()
        .map(|chain| chain.iter().map(|der| der.clone().into_owned()).collect()))
}

/// Looks at both sides of a gateway.
pub(super) async fn look_at_gateways(settings: &Settings, connect: bool, report: &mut Report) {
    for (name, url) in [("edgebound", settings.edgebound()), ("servicebound", settings.servicebound())] {
        let looked =
            tokio::time::timeout(settings.timeout, look_at_gateway(name, url, settings, report)).await;
        let late =
            || Failure::new(Exit::Unreachable, format!("{url}: nothing within {:?}", settings.timeout));
        if let Err(failure) = looked.unwrap_or_else(|_| Err(late())) {
            report.failure(name, &failure);
        }
    }
    if connect {
        let identity = Identity { id: None, meta: "frontctl".into(), name: "frontctl".into() };
        let as_edge = settings.connect_edge(settings.edge(&identity)).await;
        connected("as an edge", as_edge.map(|edge| edge.id().0), report);
        let as_service = settings.connect_service(settings.service(&identity)).await;
        connected("as a service", as_service.map(|service| service.id().0), report);
    }
}

fn connected(check: &str, id: Outcome<u64>, report: &mut Report) {
    match id {
        Ok(id) => report.good(check, format!("let in with the id {id}")),
        Err(failure) => report.failure(check, &failure),
    }
}

async fn look_at_gateway(name: &str, url: &str, settings: &Settings, report: &mut Report) -> Outcome {
    let endpoint: Endpoint = url.parse().map_err(Failure::usage)?;
    let (host, port) = endpoint.host_port();
    if endpoint.scheme() == Scheme::Quic {
        let text = format!("{url}: over QUIC only connecting tells");
        report.good(name, format!("{text}, which --connect does"));
        return Ok(());
    }
    let is_tls = endpoint.is_secured();
    let address = Address { host: host.to_owned(), port, is_tls };
    let wrong = |error| {
        Failure::new(Exit::Unreachable, format!("{url}: {error}"))
            .advise(format!("is the gateway running? --{name} or a context sets the address"))
    };
    let begin = Instant::now();
    drop(dial::tcp(&address).await.map_err(wrong)?);
    report.good(name, format!("{url} accepts connections, after {:.1?}", begin.elapsed()));
    if is_tls {
        let alpn = if endpoint.scheme() == Scheme::Tls { ALPN_LINK } else { b"http/1.1" };
        let check = format!("{name}'s certificate");
        match chain(&address, alpn, settings).await {
            Ok(chain) => certificates::server(&check, chain.as_deref(), report),
            Err(error) => report.failure(
                check,
                &Failure::usage(error).advise("--ca is whom to trust, --server-name what it is for"),
            ),
        }
    }
    Ok(())
}
