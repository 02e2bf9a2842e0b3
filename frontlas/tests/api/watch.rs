//! A watch over gRPC, as tests read it.

use crate::world::{World, within};
use frontier_api::cluster::change::What;
use frontier_api::cluster::cluster_service_client::ClusterServiceClient;
use frontier_api::cluster::watch_response::Event;
use frontier_api::cluster::{Position, Snapshot, WatchKind, WatchRequest, WatchResponse};
use tonic::transport::Endpoint;
use tonic::{Status, Streaming};

/// A watch, read message by message.
pub(crate) struct Watch(pub(crate) Streaming<WatchResponse>);

impl Watch {
    pub(crate) async fn open(
        world: &World,
        after: Option<Position>,
        kinds: &[WatchKind],
    ) -> Result<Self, Status> {
        let kinds = kinds.iter().map(|kind| i32::from(*kind)).collect();
        let opened = world.client().await.watch(WatchRequest { after, kinds }).await;
        Ok(Self(opened?.into_inner()))
    }

    /// A watch that lets the node send little ahead.
    pub(crate) async fn narrow(world: &World) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", world.addr)).unwrap();
        let channel = endpoint.initial_stream_window_size(65_535).connect().await.unwrap();
        let opened = ClusterServiceClient::new(channel).watch(WatchRequest::default()).await;
        Self(opened.unwrap().into_inner())
    }

    pub(crate) async fn next(&mut self) -> Result<WatchResponse, Status> {
        within("a message", self.0.message()).await.map(|message| message.expect("it goes on"))
    }

    /// The whole snapshot, and where the changes go on from.
    pub(crate) async fn snapshot(&mut self) -> (Snapshot, Position) {
        let mut whole = Snapshot::default();
        loop {
            let message = self.next().await.unwrap();
            let Some(Event::Snapshot(part)) = message.event else { panic!("{message:?}") };
            assert_eq!(part.first, whole == Snapshot::default());
            assert_eq!(part.last, message.position.is_some());
            whole.first |= part.first;
            whole.frontiers.extend(part.frontiers);
            whole.edges.extend(part.edges);
            whole.services.extend(part.services);
            if let Some(position) = message.position {
                return (whole, position);
            }
        }
    }

    /// The next change; signs of life are passed over.
    pub(crate) async fn change(&mut self) -> Result<(Position, What), Status> {
        loop {
            let message = self.next().await?;
            let position = message.position.expect("what follows the snapshot has a position");
            match message.event {
                None => {}
                Some(Event::Change(change)) => return Ok((position, change.what.expect("it says what"))),
                Some(Event::Snapshot(part)) => panic!("{part:?}"),
            }
        }
    }

    pub(crate) async fn edge_online(&mut self) -> (Position, u64) {
        match self.change().await.unwrap() {
            (position, What::EdgeOnline(online)) => (position, online.edge.unwrap().edge_id),
            (_, other) => panic!("{other:?}"),
        }
    }
}
