//! Calls: among clients of the original, and between them and clients of our own wire.

use crate::client::{Client, tail};
use bytes::Bytes;
use frontier_sdk::{Code, EdgeId, HandlerError, Request, Response};
use frontier_tests::{Gateway, within};

const SIZES: [usize; 6] = [0, 1, 1000, 64 * 1024, 64 * 1024 + 1, 3_000_000];

async fn echo(request: Request) -> Result<Response, HandlerError> {
    Ok(Response::new(request.data))
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[tokio::test]
async fn an_edge_calls_a_service_of_the_same_wire() {
    let gateway = Gateway::start().await;
    let service = Client::service(&gateway, "svc", &["echo"], &[]).await;
    tokio::spawn(service.echo());
    let mut edge = Client::edge(&gateway).await;
    for len in SIZES {
        assert_eq!(edge.call("echo", b"", &payload(len)).await.as_ref(), Ok(&payload(len)), "{len} bytes");
    }
}

#[tokio::test]
async fn the_edge_stands_at_the_end_of_the_custom_header() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &["m"], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    let call = edge.ask(frontier_geminio::RequestKind::Call, 1, "m", b"own", b"x").await;
    let (id, request) = service.asked().await;
    assert_eq!((&*request.name, &request.payload[..]), ("m", &b"x"[..]));
    assert_eq!(&request.custom[..], [&b"own"[..], &tail(edge.id)].concat());
    let left = request.deadline.unwrap().duration_since(std::time::SystemTime::now()).unwrap();
    assert!(left.as_secs() <= 30, "{left:?}");
    service.answer(id, &request, Ok(b"y")).await;
    assert_eq!(edge.answer_to(call).await, Ok(b"y".to_vec()));

    let to_edge = [&b"own"[..], &tail(edge.id)].concat();
    let call = service.ask(frontier_geminio::RequestKind::Call, 1, "n", &to_edge, b"x").await;
    let (id, request) = edge.asked().await;
    assert_eq!((&*request.name, &request.custom[..]), ("n", &b"own"[..]));
    edge.answer(id, &request, Err("no such rpc: n")).await;
    assert_eq!(service.answer_to(call).await, Err("no such rpc: n".to_owned()));
}

#[tokio::test]
async fn edges_of_either_wire_call_services_of_the_other() {
    let gateway = Gateway::start().await;
    let ours = gateway.service("ours").connect().await.unwrap();
    ours.register("to-ours", echo).await.unwrap();
    tokio::spawn(Client::service(&gateway, "theirs", &["to-theirs"], &[]).await.echo());
    let (mut theirs, our_edge) = (Client::edge(&gateway).await, gateway.edge().connect().await.unwrap());
    for len in SIZES {
        let data = payload(len);
        assert_eq!(theirs.call("to-ours", b"", &data).await.as_ref(), Ok(&data), "{len} bytes");
        let answer = our_edge.call("to-theirs", Bytes::from(data.clone())).await.unwrap();
        assert!(answer.data == data, "{len} bytes");
    }
}

#[tokio::test]
async fn services_of_either_wire_call_edges_of_the_other() {
    let gateway = Gateway::start().await;
    let ours = gateway.service("ours").connect().await.unwrap();
    let mut theirs = Client::service(&gateway, "theirs", &[], &[]).await;
    let our_edge = gateway.edge().register("m", echo).connect().await.unwrap();
    let edge = Client::edge(&gateway).await;
    let their_edge = EdgeId(edge.id);
    tokio::spawn(edge.echo());
    for len in SIZES {
        let data = payload(len);
        let answer = ours.call(their_edge, "m", Bytes::from(data.clone())).await.unwrap();
        assert!(answer.data == data, "{len} bytes");
        let answer = theirs.call("m", &tail(our_edge.id().0), &data).await;
        assert_eq!(answer.as_ref(), Ok(&data), "{len} bytes");
    }
}

#[tokio::test]
async fn errors_are_the_texts_that_applications_compare() {
    let gateway = Gateway::start().await;
    let ours = gateway.service("ours").connect().await.unwrap();
    let fails = |_: Request| async { Err::<Response, _>(HandlerError::new(7, "out of paper")) };
    ours.register("fails", fails).await.unwrap();
    let (mut service, mut edge) =
        (Client::service(&gateway, "svc", &["m"], &[]).await, Client::edge(&gateway).await);
    let text = |text: &str| Err(text.to_owned());
    assert_eq!(edge.call("nothing", b"", b"").await, text("record not found"));
    assert_eq!(edge.call("fails", b"", b"").await, text("out of paper"));
    assert_eq!(service.call("m", &tail(4711), b"").await, text("edge not online"));
    assert_eq!(service.call("m", b"short", b"").await, text("illegal edgeID"));
    assert_eq!(edge.publish("nothing", b"", b"").await, Err("topic not online".to_owned()));
    for reserved in ["get_edge_id", "edge_online", "edge_offline"] {
        let refused = edge.call(reserved, b"", b"").await.unwrap_err();
        assert!(refused.contains("reserved"), "{refused}");
    }
    // What a client of the original answers has a code for others.
    let our_edge = gateway.edge().connect().await.unwrap();
    for (told, code) in [("no such rpc: m", Code::MethodNotFound), ("no", Code::Application)] {
        let (answer, ()) = tokio::join!(our_edge.call("m", "").into_future(), async {
            let (id, request) = service.asked().await;
            service.answer(id, &request, Err(told)).await;
        });
        assert_eq!(answer.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_service_that_dies_fails_its_calls_at_once() {
    let gateway = Gateway::start().await;
    let mut service = Client::service(&gateway, "svc", &["m"], &[]).await;
    let mut edge = Client::edge(&gateway).await;
    let call = edge.ask(frontier_geminio::RequestKind::Call, 1, "m", b"", b"").await;
    service.asked().await;
    drop(service);
    assert_eq!(edge.answer_to(call).await, Err("EOF".to_owned()));
    assert_eq!(edge.call("m", b"", b"").await, Err("record not found".to_owned()));
}

#[tokio::test]
async fn many_call_at_once_and_each_gets_its_own_answer() {
    let gateway = Gateway::start().await;
    tokio::spawn(Client::service(&gateway, "svc", &["echo"], &[]).await.echo());
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..10u8 {
        let mut edge = Client::edge(&gateway).await;
        callers.spawn(async move {
            for call in 0..50u8 {
                assert_eq!(edge.call("echo", b"", &[caller, call]).await, Ok(vec![caller, call]));
            }
        });
    }
    within("all answers", callers.join_all()).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_is_given_up_behind_the_gateway_too() {
    let gateway = Gateway::start().await;
    let ours = gateway.service("ours").connect().await.unwrap();
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel::<()>();
    let waits = move |_: Request| {
        let (begun, ended) = (begun.clone(), ended.clone());
        async move {
            let _ended = ended;
            begun.send(()).unwrap();
            std::future::pending::<Result<Response, HandlerError>>().await
        }
    };
    ours.register("waits", waits).await.unwrap();
    let mut edge = Client::edge(&gateway).await;
    let call = edge.ask(frontier_geminio::RequestKind::Call, 1, "waits", b"", b"").await;
    within("it begins", begins.recv()).await.unwrap();
    // A cancel, as later versions of the original send it.
    let cancel =
        [&[1, 0x73][..], &call.to_be_bytes(), &[0, 0, 0, 10], &1_u64.to_be_bytes(), &[0, 1]].concat();
    edge.send_bytes(&cancel).await;
    ours.unregister("waits").await.unwrap();
    assert_eq!(within("it ends", ends.recv()).await, None);
}
