//! How clients of the original come and go.

use crate::client::Client;
use frontier_api::gateway::control_plane_client::ControlPlaneClient;
use frontier_api::gateway::{ListEdgeRpCsRequest, ListEdgesRequest};
use frontier_geminio::Kind;
use frontier_sdk::{Edge, HandlerError, Request, Response};
use frontier_tests::{DEADLINE, Gateway, eventually, within};
use tonic::transport::{Channel, Endpoint};

async fn ok(_: Request) -> Result<Response, HandlerError> {
    Ok(Response::new(""))
}

async fn plane(gateway: &Gateway) -> ControlPlaneClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", gateway.control().await)).unwrap();
    ControlPlaneClient::new(within("a connection", endpoint.connect()).await.unwrap())
}

#[tokio::test]
async fn both_wires_come_to_the_same_port_and_leave_in_good_order() {
    let gateway = Gateway::start().await;
    let service = Client::service(&gateway, "svc", &[], &[]).await;
    let (edge, ours) = (Client::edge(&gateway).await, gateway.edge().connect().await.unwrap());
    assert!(service.id != 0 && edge.id != 0 && ours.id().0 != 0);
    edge.close().await;
    service.close().await;
    ours.close().await.unwrap();
}

#[tokio::test]
async fn a_listener_may_be_for_one_wire_alone() {
    let theirs = Gateway::builder().set("edgebound.listen.network", "geminio").start().await;
    Client::connect(theirs.edges(), 0, b"").await.unwrap();
    let refused = Edge::builder(theirs.edge_url()).connect().await;
    assert!(refused.is_err(), "a link is none of theirs");
    let ours = Gateway::builder().set("edgebound.listen.geminio", false).start().await;
    ours.edge().connect().await.unwrap();
    let mut client = Client::dial(ours.edges()).await;
    let conn =
        frontier_geminio::Conn { id: 0, heartbeat: std::time::Duration::from_secs(20), meta: Vec::new() };
    client.send(|id, out| conn.encode(id, out).unwrap()).await;
    assert!(!client.rest().await.contains(&Kind::ConnAck));
}

#[tokio::test]
async fn a_client_that_is_refused_hears_why() {
    let gateway = Gateway::builder().set("edgebound.edgeid_alloc_when_no_idservice_on", false).start().await;
    let refused = Client::connect(gateway.edges(), 0, b"meta").await.err().unwrap();
    assert_eq!(refused, "service not online");
    let refused = Client::connect(gateway.edges(), 0, &[7; 5000]).await.err().unwrap();
    assert!(refused.contains("limits.meta_size"), "{refused}");
    let refused = Client::connect(gateway.services(), 0, b"no JSON").await.err().unwrap();
    assert!(refused.contains("JSON"), "{refused}");
}

#[tokio::test]
async fn a_token_stands_in_the_meta() {
    let builder = Gateway::builder();
    let file = builder.file("tokens.yaml");
    // Of the two tokens below.
    let tokens = "\
- hash: sha256:fa24fa257332894db90a4afd71091dd3100d21d9da867e52482857152cc876bb
  name: device
- hash: sha256:8132b59cce034ad32f29fcda95938d88362012914807743d0252a236a32ed42f
  service: svc
";
    std::fs::write(&file, tokens).unwrap();
    let method = serde_json::json!([{ "token": { "file": file.to_str().unwrap() } }]);
    let builder =
        builder.set("edgebound.auth.methods", method.clone()).set("servicebound.auth.methods", method);
    let gateway = builder.start().await;
    let meta = br#"{"service":"svc","topics":["t"],"token":"also-right-and-long"}"#;
    let mut service = Client::connect(gateway.services(), 0, meta).await.unwrap();
    service.register("edge_online").await;
    let (edge, ()) = tokio::join!(
        Client::connect(gateway.edges(), 0, b"frontier-token: right-and-long-enough\nserial 7"),
        async {
            let (id, event) = service.asked().await;
            let text = std::str::from_utf8(&event.payload).unwrap();
            assert!(text.contains(r#""Meta":"c2VyaWFsIDc=""#), "the token is not in {text}");
            service.answer(id, &event, Ok(b"")).await;
        }
    );
    edge.unwrap();
    for meta in [&b"serial 7"[..], b"frontier-token: wrong\nserial 7"] {
        assert!(Client::connect(gateway.edges(), 0, meta).await.is_err());
    }
    assert!(Client::connect(gateway.services(), 0, br#"{"service":"svc"}"#).await.is_err());
}

#[tokio::test]
async fn the_heartbeat_of_a_client_is_answered_and_its_silence_is_not_borne() {
    let gateway = Gateway::start().await;
    let mut edge = Client::edge(&gateway).await;
    let beat = [&[1, 0x21][..], &9_u64.to_be_bytes(), &[0; 4]].concat();
    edge.send_bytes(&beat).await;
    let frame = edge.recv().await;
    assert_eq!((frame.kind, frame.id), (Kind::HeartbeatAck, 9));
    // Five seconds are its interval: it is closed when twice as many have passed.
    let mut silent = Client::dial(gateway.edges()).await;
    let conn =
        frontier_geminio::Conn { id: 0, heartbeat: std::time::Duration::from_secs(5), meta: Vec::new() };
    silent.send(|id, out| conn.encode(id, out).unwrap()).await;
    let kinds = silent.rest().await;
    assert_eq!(kinds, [Kind::ConnAck, Kind::Disconnect]);
}

#[tokio::test]
async fn a_gateway_that_drains_lets_its_clients_go_when_they_are_done() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &["m"], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    let call = edge.ask(frontier_geminio::RequestKind::Call, 1, "m", b"", b"").await;
    let (id, request) = service.asked().await;
    gateway.terminate();
    eventually(DEADLINE, "it drains", async || gateway.log().find("draining")).await;
    service.answer(id, &request, Ok(b"in time")).await;
    assert_eq!(edge.answer_to(call).await, Ok(b"in time".to_vec()));
    assert_eq!(edge.rest().await, [Kind::Disconnect]);
    assert_eq!(service.rest().await, [Kind::Disconnect]);
}

#[tokio::test]
async fn clients_come_back_to_a_gateway_that_was_killed() {
    let mut gateway = Gateway::start().await;
    let mut edge = Client::edge(&gateway).await;
    gateway.restart().await;
    assert_eq!(edge.rest().await, []);
    tokio::spawn(Client::service(&gateway, "svc", &["echo"], &[]).await.echo());
    let mut edge = Client::edge(&gateway).await;
    let answer = within("an answer", edge.call("echo", b"", b"again")).await;
    assert_eq!(answer, Ok(b"again".to_vec()));
}

#[tokio::test]
async fn what_an_edge_registers_is_listed_and_over_a_limit_it_is_registered_all_the_same() {
    let gateway = Gateway::builder().set("limits.names_per_edge", 2).start().await;
    let mut edge = Client::edge(&gateway).await;
    let _ours = gateway.edge().register("reboot", ok).connect().await.unwrap();
    for method in ["get", "reboot", "third"] {
        edge.register(method).await;
    }
    let mut plane = plane(&gateway).await;
    let request = ListEdgeRpCsRequest { edge_id: Some(edge.id), ..Default::default() };
    let listed = plane.list_edge_rp_cs(request).await.unwrap().into_inner();
    assert_eq!((listed.rpcs, listed.count), (vec!["get".into(), "reboot".into()], 2));
    let request = ListEdgesRequest { rpc: Some("reboot".into()), ..Default::default() };
    assert_eq!(plane.list_edges(request).await.unwrap().into_inner().count, 2);
    let logged = async || gateway.log().find("limits.names_per_edge");
    eventually(DEADLINE, "it is logged", logged).await;
    edge.close().await;
    let gone = async || {
        let listed =
            plane.clone().list_edge_rp_cs(ListEdgeRpCsRequest::default()).await.unwrap().into_inner();
        (listed.rpcs == ["reboot"]).then_some(())
    };
    eventually(DEADLINE, "what it told has gone with it", gone).await;
}
