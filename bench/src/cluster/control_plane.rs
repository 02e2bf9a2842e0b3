//! A client of frontlas' control plane, and the check that the directory has what is true, to the last edge.

use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use frontier_api::cluster::cluster_service_client::ClusterServiceClient;
use frontier_api::cluster::{GetEdgesCountRequest, ListEdgesRequest, ListFrontiersRequest};
use tonic::transport::{Channel, Endpoint};

use crate::layout::{Layout, Share};

pub(super) type Client = ClusterServiceClient<Channel>;

pub(super) async fn client(control_plane: SocketAddr) -> Result<Client> {
    let endpoint = Endpoint::from_shared(format!("http://{control_plane}"))?.tcp_nodelay(true);
    let channel = endpoint.connect().await.context("connecting to the control plane")?;
    Ok(ClusterServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE))
}

/// Compares the counts of all edges and of those at each frontier, and every single edge. `turns` is how often
/// edges of each frontier have come and gone.
pub(super) async fn compare(control_plane: SocketAddr, layout: Layout, turns: &[u64]) -> Result<()> {
    let mut client = client(control_plane).await?;
    let count = client.get_edges_count(GetEdgesCountRequest {}).await?.into_inner().count;
    ensure!(count == u64::from(layout.edges), "{} edges are online, frontlas counts {count}", layout.edges);
    let listed = client.list_frontiers(ListFrontiersRequest::default()).await?.into_inner().frontiers;
    let counts: HashMap<String, u64> =
        listed.into_iter().map(|frontier| (frontier.frontier_id, frontier.edge_count)).collect();
    let mut online: HashMap<u64, String> = HashMap::with_capacity(layout.edges as usize);
    for (share, &turns) in layout.shares().zip(turns) {
        let (name, count) = (share.frontier(), counts.get(&share.frontier()));
        ensure!(
            count == Some(&share.online().into()),
            "{name} has {} edges, frontlas counts {count:?}",
            share.online()
        );
        online.extend(slots(share, turns).map(|slot| (share.id(slot), name.clone())));
    }
    let mut page_token = String::new();
    loop {
        let request = ListEdgesRequest { count: Some(PAGE_SIZE), page_token, ..Default::default() };
        let page = client.list_edges(request).await?.into_inner();
        for edge in page.edges {
            let id = edge.edge_id;
            let at =
                online.remove(&id).with_context(|| format!("frontlas lists edge {id}, which is offline"))?;
            ensure!(
                at == edge.frontier_id,
                "edge {id} is at {at}, frontlas lists it at {}",
                edge.frontier_id
            );
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    ensure!(online.is_empty(), "{} edges are online that frontlas does not list", online.len());
    Ok(())
}

/// The slots whose edges are online.
fn slots(share: Share, turns: u64) -> impl Iterator<Item = u32> {
    (0..share.staying).chain((0..u64::from(share.turning)).map(move |at| share.turn(turns + at).0))
}

const PAGE_SIZE: u32 = 1000;
const MAX_MESSAGE: usize = 16 << 20;
