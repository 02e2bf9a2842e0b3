//! Methods, topics and the handlers of a service: added, refused and taken away.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{EDGE_ONLINE, GET_EDGE_ID, Kind, Names, RegisterAck, Registration, Response};
use frontier_sdk::{Code, EdgeId, HandlerError, Status};

#[tokio::test]
async fn a_refused_registration_leaves_no_handler() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let refuse = async {
        let frame = peer.expect(Kind::Register).await;
        let ack = RegisterAck { change: Registration::Add, code: Code::Denied, text: "not yours" };
        peer.send(|out| ack.encode(frame.id, out));
    };
    let register = service.register("m", |_| async { Ok(frontier_sdk::Response::new("")) });
    let (registered, ()) = soon(async { tokio::join!(register, refuse) }).await;
    assert_eq!(registered.unwrap_err().code(), Code::Denied);
    peer.request(1, "m", b"");
    let frame = peer.expect(Kind::Response).await;
    assert_eq!(Response::parse(&frame).unwrap().code, Code::MethodNotFound);
}

#[tokio::test]
async fn unregister_and_unsubscribe_are_announced() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let (done, names) = soon(async { tokio::join!(service.unregister("m"), peer.agree()) }).await;
    done.unwrap();
    assert_eq!(names, (Names::Methods, vec!["m".to_owned()]));
    let (done, names) = soon(async { tokio::join!(service.unsubscribe("t"), peer.agree()) }).await;
    done.unwrap();
    assert_eq!(names, (Names::Topics, vec!["t".to_owned()]));
}

#[tokio::test]
async fn a_service_gives_out_ids() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let give = service.on_edge_id(|meta| async move {
        match &meta[..] {
            b"sn-42-and-more" => Ok(EdgeId(42)),
            _ => Err(HandlerError::new(1, "unknown serial number")),
        }
    });
    let (done, names) = soon(async { tokio::join!(give, peer.agree()) }).await;
    done.unwrap();
    assert_eq!(names.1, [GET_EDGE_ID]);
    peer.request(1, GET_EDGE_ID, b"sn-42-and-more");
    let frame = peer.expect(Kind::Response).await;
    assert_eq!(Response::parse(&frame).unwrap().payload, 42u64.to_be_bytes());
    peer.request(2, GET_EDGE_ID, b"?");
    let frame = peer.expect(Kind::Response).await;
    let response = Response::parse(&frame).unwrap();
    assert_eq!((response.code, response.payload), (Code::Application, &b"unknown serial number"[..]));
}

#[tokio::test]
async fn a_service_hears_of_edges() {
    let mut gateway = Gateway::bind();
    let (service, mut peer) = gateway.connected_service().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let hear = service.on_edge_online(move |event| {
        let sent = tell.send(event);
        async move { Ok(sent?) }
    });
    let (done, names) = soon(async { tokio::join!(hear, peer.agree()) }).await;
    done.unwrap();
    assert_eq!(names.1, [EDGE_ONLINE]);
    let mut payload = 7u64.to_be_bytes().to_vec();
    payload.extend_from_slice(&[0, 9]);
    payload.extend_from_slice(b"1.2.3.4:5meta");
    peer.request(1, EDGE_ONLINE, &payload);
    assert_eq!(Response::parse(&peer.expect(Kind::Response).await).unwrap().code, Code::Ok);
    let event = soon(told.recv()).await.unwrap();
    assert_eq!((event.id, &event.meta[..], event.addr.as_str()), (EdgeId(7), &b"meta"[..], "1.2.3.4:5"));
}

#[tokio::test]
async fn what_the_builder_was_given_holds_from_the_first_frame_on() {
    let mut gateway = Gateway::bind();
    let builder = gateway
        .service()
        .register("echo", |req| async move { Ok(frontier_sdk::Response::new(req.data)) })
        .on_edge_id(|_| async { Ok(EdgeId(42)) })
        .on_edge_online(|_| async { Ok(()) })
        .on_edge_offline(|_| async { Ok(()) });
    assert!(format!("{builder:?}").contains("echo"));
    let connect = tokio::spawn(builder.connect());
    let caller = gateway.accept().await;
    assert_eq!(caller.methods, ["edge_offline", "edge_online", "get_edge_id", "echo"]);
    let mut peer = caller.welcome();
    // Right behind the Welcome.
    peer.request(1, GET_EDGE_ID, b"");
    peer.request(2, "echo", b"hi");
    let service = soon(connect).await.unwrap().unwrap();
    assert_eq!(Response::parse(&peer.expect(Kind::Response).await).unwrap().payload, 42u64.to_be_bytes());
    assert_eq!(Response::parse(&peer.expect(Kind::Response).await).unwrap().payload, b"hi");
    assert_eq!(service.status().get(), Status::Connected);
}

#[tokio::test]
async fn an_edge_answers_from_its_first_frame_on() {
    let mut gateway = Gateway::bind();
    let builder = gateway.edge().register("m", |_| async { Ok(frontier_sdk::Response::new("ok")) });
    let connect = tokio::spawn(builder.connect());
    let caller = gateway.accept().await;
    assert_eq!(caller.methods, ["m"]);
    let mut peer = caller.welcome();
    peer.request(1, "m", b"");
    let _edge = soon(connect).await.unwrap().unwrap();
    assert_eq!(Response::parse(&peer.expect(Kind::Response).await).unwrap().payload, b"ok");
}

#[tokio::test]
async fn methods_that_do_not_fit_the_hello_are_registered_behind_it() {
    let mut gateway = Gateway::bind();
    let mut builder = gateway.service().on_edge_id(|_| async { Ok(EdgeId(42)) });
    for n in 0..10 {
        let method = format!("{n}{}", "m".repeat(30_000));
        builder = builder.register(&method, |_| async { Ok(frontier_sdk::Response::new("")) });
    }
    let connect = tokio::spawn(builder.connect());
    let caller = gateway.accept().await;
    assert_eq!((caller.methods.len(), caller.methods[0].as_str()), (9, GET_EDGE_ID));
    let mut peer = caller.welcome();
    let (of, names) = peer.agree().await;
    assert_eq!((of, names.len()), (Names::Methods, 2));
    soon(connect).await.unwrap().unwrap();
}
