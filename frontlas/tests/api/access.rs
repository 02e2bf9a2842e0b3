//! The seam for a check of who asks.

use crate::world::{World, config};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use frontier_admin::Caller;
use frontier_api::cluster::GetEdgesCountRequest;
use frontlas::Lifetimes;

async fn nobody(request: Request, _: Next) -> Response {
    let caller = request.extensions().get::<Caller>().expect("every request has a caller");
    assert!(caller.addr.ip().is_loopback() && caller.certificate.is_none());
    hyper::StatusCode::FORBIDDEN.into_response()
}

#[tokio::test]
async fn a_layer_guards_all_but_health() {
    let world =
        World::build(config(""), Lifetimes::default(), |plane| plane.with_access(from_fn(nobody))).await;
    for path in ["/cluster/v1/edges", "/cluster/v1/watch", "/cluster/v1/frontier?edge_id=1"] {
        assert_eq!(world.get(path).await.status().as_u16(), 403, "{path}");
    }
    let refused = world.client().await.get_edges_count(GetEdgesCountRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    assert_eq!(world.get("/livez").await.status().as_u16(), 200);
}
