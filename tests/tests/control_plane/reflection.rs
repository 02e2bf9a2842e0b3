//! What tools ask: reflection and health over gRPC, at both daemons.

use crate::world::channel;
use frontier_tests::{DEADLINE, Frontlas, Gateway, eventually, within};
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

async fn services(addr: std::net::SocketAddr) -> Vec<String> {
    let mut client = ServerReflectionClient::new(channel(addr).await);
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let asked = client.server_reflection_info(Request::new(futures_util::stream::iter([list])));
    let mut answers = within("an answer", asked).await.unwrap().into_inner();
    let answer = within("an answer", answers.message()).await.unwrap().unwrap();
    match answer.message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn both_daemons_say_which_services_they_have_and_whether_they_are_well() {
    let (gateway, frontlas) = (Gateway::start().await, Frontlas::builder().start().await);
    let of_gateway = services(gateway.control().await).await;
    for name in ["controlplane.ControlPlane", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    {
        assert!(of_gateway.iter().any(|it| it == name), "{name}: {of_gateway:?}");
    }
    let of_frontlas = services(frontlas.control()).await;
    for name in ["controlplane.ClusterService", "controlplane.Health", "grpc.health.v1.Health"] {
        assert!(of_frontlas.iter().any(|it| it == name), "{name}: {of_frontlas:?}");
    }
    let mut health = HealthClient::new(channel(gateway.control().await).await);
    let serving = async || {
        let request = HealthCheckRequest { service: "controlplane.ControlPlane".into() };
        let mut health = health.clone();
        (health.check(request).await.ok()?.into_inner().status == 1).then_some(())
    };
    eventually(DEADLINE, "it is well", serving).await;
    health.check(HealthCheckRequest { service: "nothing".into() }).await.unwrap_err();
}
