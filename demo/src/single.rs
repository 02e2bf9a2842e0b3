//! One gateway, a service and a few edges.

use crate::Options;
use crate::backend::Backend;
use crate::parts::Parts;
use crate::report::Report;
use anyhow::{Context as _, Result};
use frontier::config::Listen;
use frontier::{Config, Gateway};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs until `stop`, or for one round. Whether everything went well.
pub(crate) async fn run(options: Options, stop: CancellationToken) -> Result<bool> {
    let mut config = Config::parse("", &|_| None).context("the defaults")?;
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.edgebound.listeners = vec![Listen::tcp(anywhere)];
    config.servicebound.listeners = vec![Listen::tcp(anywhere)];
    let gateway = Gateway::bind(&config)?;
    let (edgebound, servicebound) = (gateway.edgebound(), gateway.servicebound());
    println!("gateway   edges on {edgebound}, services on {servicebound}");
    let (serve, served) = (CancellationToken::new(), gateway);
    let gateway = tokio::spawn(served.run(serve.clone()));

    let service = Backend::service(servicebound).await?;
    println!("service   \"demo\" with the method echo and the topic telemetry");
    let parts = Parts::start(service, &format!("tcp://{edgebound}"), options.edges).await?;
    println!("edges     {}, each with the method status", parts.edges.len());
    println!();
    let report = Arc::new(Report::default());
    let well = if options.once {
        parts.round(&report).await;
        report.print(None);
        report.is_well()
    } else {
        println!("Ctrl-C ends it.");
        parts.go_on(&report, &stop).await;
        report.is_well()
    };
    parts.close().await;
    serve.cancel();
    gateway.await.context("the gateway")??;
    Ok(well)
}
