//! `--cluster`: frontlas, two gateways, a service at both, and edges spread over them.
//!
//! The gateways speak to frontlas as they do anywhere; the demo alone starts it.

mod directory;
mod member;

use crate::Options;
use crate::backend::Backend;
use crate::parts::Parts;
use crate::report::Report;
use anyhow::{Context as _, Result};
use directory::Places;
use frontlas::Node;
use member::Member;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Clients and gateways are on ports that the system chooses; who is killed is forgotten sooner than by default,
/// since nobody wants to wait.
const FRONTLAS: &str = "
control_plane: {listen: {addr: 127.0.0.1:0}}
frontier_plane: {listen: {addr: 127.0.0.1:0}, expiration: {alive: 3s}}
directory: {store: memory}
";

/// How long a call to an edge that has moved may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs until `stop`, or for two rounds, between which a gateway is killed. Whether everything went well.
pub(crate) async fn run(options: Options, stop: CancellationToken) -> Result<bool> {
    let config = frontlas::Config::parse(FRONTLAS, &|_| None).context("the configuration of frontlas")?;
    let node = Node::bind(&config).await?;
    let (control_plane, plane) = (node.control_plane_addr(), node.frontier_plane_addr());
    let places = Places::new(node.directory());
    println!("frontlas    clients on {control_plane}, gateways on {plane}, its directory in memory");
    let serve = CancellationToken::new();
    let served = tokio::spawn(node.run(serve.clone()));

    let mut members = Vec::new();
    for number in 1..=2 {
        members.push(Member::start(format!("frontier-{number}"), plane)?);
    }
    places.until_members(members.len()).await?;
    let service = Backend::cluster(control_plane).await?;
    println!("service     \"demo\" with the method echo and the topic telemetry, at both");
    let parts = Parts::start(service, &format!("frontlas://{control_plane}"), options.edges).await?;
    places.until_edges(&parts.edges, |_| true).await?;
    println!("edges       {}, each with the method status: {}\n", parts.edges.len(), places.text().await?);

    let report = Arc::new(Report::default());
    if options.once {
        parts.round(&report).await;
        report.print(None);
        lose_one(&mut members, &places, &parts).await?;
        parts.round(&report).await;
        report.print(None);
    } else {
        println!("Ctrl-C ends it.");
        parts.go_on(&report, &stop).await;
    }
    parts.close().await;
    drop(members);
    serve.cancel();
    served.await.context("frontlas")?;
    Ok(report.is_well())
}

/// Kills the gateway of the first edge, and waits until every edge is found at the other one.
async fn lose_one(members: &mut Vec<Member>, places: &Places, parts: &Parts) -> Result<()> {
    let edge = parts.edges.first().context("there are no edges")?;
    let lost = places.of(edge).await?.context("an edge is offline")?;
    println!("{lost} is killed, without a word to anyone");
    let start = Instant::now();
    members.retain(|member| member.id() != lost);
    places.until_edges(&parts.edges, |at| at != lost).await?;
    for edge in &parts.edges {
        parts
            .service
            .call(edge.id(), "status", CALL_TIMEOUT)
            .await
            .context("a call to an edge that has moved")?;
    }
    println!(
        "all edges are back and answer after {:.1} s: {}\n",
        start.elapsed().as_secs_f64(),
        places.text().await?
    );
    Ok(())
}
