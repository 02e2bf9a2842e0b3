//! One gateway, a service and a few edges.

use crate::Options;
use crate::backend::Backend;
use crate::gateway::LocalGateway;
use crate::parts::Parts;
use crate::report::Report;
use anyhow::Result;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs until `stop`, or for one round. Whether everything went well.
pub(crate) async fn run(options: Options, stop: CancellationToken) -> Result<bool> {
    let gateway = LocalGateway::start()?;
    let service = Backend::service(gateway.servicebound).await?;
    println!("service   \"demo\" with the method echo and the topic telemetry");
    let parts = Parts::start(service, &format!("tcp://{}", gateway.edgebound), options.edges).await?;
    println!("edges     {}, each with the method status", parts.edges.len());
    println!();
    let report = Arc::new(Report::default());
    if options.once {
        parts.round(&report).await;
        report.print(None);
    } else {
        println!("Ctrl-C ends it.");
        parts.go_on(&report, &stop).await;
    }
    parts.close().await;
    gateway.close().await?;
    Ok(report.is_well())
}
