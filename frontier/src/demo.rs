//! `frontier demo`: a gateway, a service and a few edges in one process, and what goes on between them; or a
//! whole cluster.

mod activity;
mod backend;
mod cluster;
mod parts;
mod report;

use crate::config::Listen;
use crate::{Config, Gateway};
use activity::Activity;
use anyhow::{Context as _, Result};
use backend::Backend;
use clap::Args;
use parts::Parts;
use report::Report;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many operations of each kind `--once` does at each edge.
const ROUND: u64 = 200;

/// How often the table is printed.
const REFRESH: Duration = Duration::from_secs(1);

/// What the demo is asked for.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// How many edges connect.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    edges: u16,
    /// One round of everything, then exit: 0 if all of it went well. With --cluster, another one after the
    /// loss of a gateway.
    #[arg(long)]
    once: bool,
    /// A cluster: frontlas, which keeps its directory in memory, and two gateways.
    #[arg(long)]
    cluster: bool,
}

/// Runs the demo until `stop`, or for one round. Whether everything went well.
///
/// # Errors
/// When the gateway, the service or an edge does not start.
pub async fn run(options: Options, stop: CancellationToken) -> Result<bool> {
    if options.cluster { cluster::run(options, stop).await } else { run_one(options, stop).await }
}

/// With a single gateway.
async fn run_one(options: Options, stop: CancellationToken) -> Result<bool> {
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
        round(&parts, &report).await;
        report.print(None);
        report.is_well()
    } else {
        println!("Ctrl-C ends it.");
        go_on(&parts, &report, &stop).await;
        report.is_well()
    };
    parts.close().await;
    serve.cancel();
    gateway.await.context("the gateway")??;
    Ok(well)
}

/// A fixed number of each operation at each edge.
async fn round(parts: &Parts, report: &Arc<Report>) {
    let mut tasks = tokio::task::JoinSet::new();
    for edge in &parts.edges {
        for activity in Activity::ALL {
            let (service, edge, report) = (parts.service.clone(), edge.clone(), report.clone());
            tasks.spawn(async move {
                for _ in 0..ROUND {
                    activity.once(&service, &edge, &report).await;
                }
            });
        }
    }
    tasks.join_all().await;
}

/// Everything at once at every edge until `stop`, with a table every second.
async fn go_on(parts: &Parts, report: &Arc<Report>, stop: &CancellationToken) {
    let mut tasks = tokio::task::JoinSet::new();
    for edge in &parts.edges {
        for activity in Activity::ALL {
            let (service, edge, report) = (parts.service.clone(), edge.clone(), report.clone());
            let stop = stop.clone();
            tasks.spawn(async move {
                while !stop.is_cancelled() {
                    activity.once(&service, &edge, &report).await;
                }
            });
        }
    }
    while !stop.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(REFRESH) => report.print(Some(REFRESH)),
            () = stop.cancelled() => {}
        }
    }
    tasks.join_all().await;
}
