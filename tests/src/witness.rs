//! A pair that is served while others misbehave.

use crate::{Gateway, RawPeer};
use frontier_protocol::{Code, Custom, Kind, Request};

const METHOD: &str = "witness";

/// An edge and a service that do nothing wrong, to show that others' mistakes do not concern them.
#[derive(Debug)]
pub struct Witness {
    edge: RawPeer,
    calls: u64,
}

impl Witness {
    /// Connects both.
    pub async fn new(gateway: &Gateway) -> Self {
        let mut service = RawPeer::service(gateway.services(), METHOD, &[]).await;
        service.take_methods(&[METHOD]).await;
        tokio::spawn(answer(service));
        Self { edge: RawPeer::edge(gateway.edges()).await, calls: 0 }
    }

    /// Has the edge call the service.
    ///
    /// # Panics
    /// If the right answer does not come.
    pub async fn check(&mut self) {
        self.calls += 1;
        let (id, request) = (self.calls, self.calls.to_be_bytes());
        self.edge.request(id, METHOD, Custom::plain(b""), &request);
        assert_eq!(self.edge.response(id).await, (Code::Ok, request.to_vec()));
    }
}

async fn answer(mut service: RawPeer) {
    while let Some(frame) = service.next().await {
        if frame.kind == Kind::Request {
            let request = Request::parse(&frame).expect("a good request");
            service.respond(frame.id, request.payload);
        }
    }
}
