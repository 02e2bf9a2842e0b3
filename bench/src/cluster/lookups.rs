//! The process that asks where edges are.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use frontier_api::cluster::GetEdgeByIdRequest;
use frontier_protocol::{EdgeId, Kind, Lookup, LookupAck};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::connection::Connection;
use super::control_plane::{self, Client};
use crate::console::Console;
use crate::drive::{Caller, drive, drive_with};
use crate::layout::{Layout, Share};
use crate::meter::Meter;
use crate::role::LookupClient;

/// Asks for edges that stay where they are, `callers` lookups at a time.
pub(super) async fn run(
    client: LookupClient,
    layout: Layout,
    callers: u32,
    console: &mut Console,
) -> Result<()> {
    match client {
        LookupClient::Grpc(control_plane) => {
            let client = control_plane::client(control_plane).await?;
            let callers = (0..callers).map(|_| GrpcCaller { client: client.clone(), layout }).collect();
            drive(callers, JoinSet::new(), console).await
        }
        LookupClient::Gateway(frontlas) => {
            let meter = Arc::new(Meter::new()?);
            let connection = Connection::open(frontlas, "bench-lookups").await?;
            let mut background = JoinSet::new();
            background.spawn(look_up(connection, layout, callers, meter.clone()));
            drive_with(meter, Vec::<GrpcCaller>::new(), None, background, console).await
        }
    }
}

/// An edge that stays, and where.
fn any(layout: Layout) -> (Share, u64) {
    let share = layout.share(rand::random_range(0..layout.frontiers));
    (share, share.id(rand::random_range(0..share.staying)))
}

struct GrpcCaller {
    client: Client,
    layout: Layout,
}

impl Caller for GrpcCaller {
    async fn call(&mut self) -> Result<()> {
        let (share, edge_id) = any(self.layout);
        let found = self.client.get_edge_by_id(GetEdgeByIdRequest { edge_id }).await?.into_inner().edge;
        let at = found.map(|edge| edge.frontier_id).unwrap_or_default();
        ensure!(at == share.frontier(), "edge {edge_id} is at {}, frontlas says {at:?}", share.frontier());
        Ok(())
    }
}

/// Keeps so many lookups in flight, all on one connection as a gateway does.
async fn look_up(mut connection: Connection, layout: Layout, callers: u32, meter: Arc<Meter>) -> Result<()> {
    let mut waiting = Vec::new();
    for slot in 0..callers {
        waiting.push(send_lookup(&connection, layout, slot)?);
    }
    loop {
        let wake_at = connection.beat()?;
        let frame = tokio::select! {
            frame = connection.frame() => frame?,
            () = sleep_until(wake_at) => continue,
        };
        match frame.kind {
            Kind::LookupAck => {}
            Kind::Pong | Kind::ReportAck | Kind::Plan | Kind::Members => continue,
            kind => bail!("a {kind:?} frame from frontlas"),
        }
        let ack = LookupAck::parse(&frame)?;
        let slot = u32::try_from(frame.id).unwrap_or(u32::MAX);
        let Some((share, start)) = waiting.get_mut(slot as usize) else { bail!("an answer to no lookup") };
        let check = || {
            let (is, at) = (share.frontier(), ack.frontier);
            ensure!(at == is, "an edge is at {is}, frontlas says {at:?} ({})", ack.code);
            Ok(())
        };
        meter.ended(start.elapsed(), &check());
        (*share, *start) = send_lookup(&connection, layout, slot)?;
    }
}

fn send_lookup(connection: &Connection, layout: Layout, slot: u32) -> Result<(Share, Instant)> {
    let (share, edge) = any(layout);
    connection.send(|out| Lookup { edge: EdgeId(edge) }.encode(slot.into(), out))?;
    Ok((share, Instant::now()))
}
