//! Edges ask for what services at another gateway take, on the wire between the two.

use super::*;
use frontier_exchange::{Found, Lookup, RemoteEdges};
use frontier_protocol::{
    Ack, EDGE_ONLINE, Offer, OfferEntry, Offered, Open, OpenAck, RemoteCaller, Returned, ServiceId,
    push_remote_caller, split_remote_caller,
};
use frontier_transport::FirstFrame;
use tokio::io::AsyncWriteExt;

/// No edge is anywhere else.
#[derive(Debug)]
struct Nowhere;

impl RemoteEdges for Nowhere {
    fn known(&self, _: EdgeId, _: u32) -> Option<Arc<Peer>> {
        None
    }

    fn forget(&self, _: EdgeId, _: &Arc<Peer>) {}

    fn look_up(&self, exchange: &Arc<Exchange>, edge: EdgeId, lookup: Lookup) {
        let nowhere: Result<Found, _> = Err(frontier_exchange::Failure::edge_not_online(edge));
        lookup.resolve(exchange, edge, nowhere, &mut exchange.batch());
    }
}

fn forwarding() -> Arc<Exchange> {
    testing::exchange_of(|_| {}, Some(Arc::new(Nowhere)))
}

/// What is said of an edge.
fn said() -> Vec<u8> {
    let mut out = Vec::new();
    let (labels, address) = (Vec::new(), Some([192, 0, 2, 7].into()));
    RemoteCaller { id: ServiceId(0), name: "", subject: "sensor", labels, address }.encode(&mut out);
    out
}

fn call(
    id: u64,
    method: &'static str,
    flags: Flags,
) -> impl FnOnce(&mut Vec<u8>) -> Result<(), frontier_protocol::EncodeError> {
    move |out| {
        let said = said();
        let custom = Custom::forwarded(b"ab", &said, EdgeId(EDGE));
        Request { timeout_ms: 900, method, custom, payload: b"hi" }.encode_with(id, flags, out)
    }
}

async fn origin_gateway(exchange: &Arc<Exchange>, is_verified: bool) -> Remote {
    Remote::origin_gateway(exchange, testing::policies(""), is_verified).await
}

/// Another gateway that offers the method `m`, the topic `t` and the service `files`.
async fn owner_gateway(exchange: &Arc<Exchange>) -> Remote {
    let owner = Remote::owner_gateway(exchange, "a").await;
    let entry = |of, name| OfferEntry { of, name, is_offered: true };
    let entries =
        vec![entry(Offered::Method, "m"), entry(Offered::Topic, "t"), entry(Offered::Service, "files")];
    owner.send(|out| Offer { is_first: true, is_last: true, entries }.encode(0, out));
    testing::soon(exchange.names_told(&owner.peer)).await;
    owner
}

#[tokio::test]
async fn a_call_goes_with_what_is_known_of_the_edge_and_comes_back_without_a_tail() {
    let exchange = forwarding();
    let (mut owner, mut edge) = (owner_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    edge.send(|out| {
        let custom = Custom::plain(b"header of the user");
        Request { timeout_ms: 500, method: "m", custom, payload: b"hi" }.encode(1, out)
    });
    let frame = owner.recv().await;
    assert_eq!(frame.flags, Flags::RETURN.with(Flags::BY_NAME));
    let got = Request::parse(&frame).unwrap();
    let (rest, id) = Custom::split_tail(got.custom.body()).unwrap();
    let (custom, said) = split_remote_caller(rest).unwrap();
    let said = RemoteCaller::parse(said).unwrap();
    assert_eq!((id.0, custom, got.payload), (EDGE, &b"header of the user"[..], &b"hi"[..]));
    assert_eq!((said.id, said.name, said.address), (ServiceId(0), "", Some(testing::ADDR.ip())));
    let answer = Response { code: Code::Ok, detail: 0, custom: Custom::plain(b"12345678"), payload: b"yo" };
    owner.send(|out| answer.encode_with(frame.id, Flags::UNTAILED, out));
    let frame = edge.recv().await;
    let got = Response::parse(&frame).unwrap();
    assert_eq!((frame.id, got.custom.body(), got.payload), (1, &b"12345678"[..], &b"yo"[..]));

    edge.send(|out| {
        let publish = Publish { timeout_ms: 0, topic: "t", custom: Custom::plain(b""), payload: b"" };
        publish.encode_with(2, Flags::ACKED, out)
    });
    let frame = owner.recv().await;
    assert_eq!(frame.flags, Flags::ACKED.with(Flags::RETURN).with(Flags::BY_NAME));
    owner.send(|out| Ack { code: Code::NotDone, detail: 0, text: "later" }.encode(frame.id, out));
    assert_eq!(answers(&[edge.recv().await]), [(2, Code::NotDone, "later".to_owned())]);
}

#[tokio::test]
async fn a_service_gets_what_it_would_get_from_an_edge_here() {
    let exchange = forwarding();
    let mut asks = origin_gateway(&exchange, true).await;
    let mut service = Remote::service(&exchange, 3, &["m"], &["t"]).await;
    asks.send(call(9, "m", Flags::BY_NAME.with(Flags::RETURN)));
    let frame = service.recv().await;
    let got = Request::parse(&frame).unwrap();
    let whole = [&b"ab"[..], &tail(EDGE)].concat();
    assert_eq!(
        (got.method, got.custom.body(), got.payload, frame.flags),
        ("m", &whole[..], &b"hi"[..], Flags(0))
    );
    reply(&service, frame.id, Code::Ok, b"of the service", b"yo");
    let frame = asks.recv().await;
    let got = Response::parse(&frame).unwrap();
    assert_eq!((frame.id, frame.flags, got.custom.body()), (9, Flags::UNTAILED, &b"of the service"[..]));
    asks.send(|out| {
        let said = said();
        let custom = Custom::forwarded(b"", &said, EdgeId(EDGE));
        let publish = Publish { timeout_ms: 0, topic: "t", custom, payload: b"p" };
        publish.encode_with(10, Flags::ACKED.with(Flags::BY_NAME), out)
    });
    let frame = service.recv().await;
    assert_eq!(Publish::parse(&frame).unwrap().custom.body(), tail(EDGE));
    service.send(|out| Ack { code: Code::Ok, detail: 0, text: "" }.encode(frame.id, out));
    assert_eq!(codes(&[asks.recv().await]), [(10, Code::Ok)]);
}

#[tokio::test]
async fn what_no_service_takes_is_given_back_whole_or_refused() {
    let exchange = forwarding();
    let mut asks = origin_gateway(&exchange, true).await;
    asks.send(call(9, "m", Flags::BY_NAME.with(Flags::RETURN)));
    let frame = asks.recv().await;
    let got = Returned::parse(&frame).unwrap();
    let whole = [&b"ab"[..], &[0, 0], &tail(EDGE)].concat();
    assert_eq!((frame.id, frame.flags, got.name), (9, Flags::BY_NAME, "m"));
    assert_eq!((got.custom.body(), got.payload), (&whole[..], &b"hi"[..]));
    asks.send(call(10, "m", Flags::BY_NAME));
    assert_eq!(codes(&[asks.recv().await]), [(10, Code::MethodNotFound)]);

    // And what comes back is taken back.
    let (mut owner, mut edge) = (owner_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    edge.send(|out| request_of(b"x").encode(1, out));
    let frame = owner.recv().await;
    let Request { timeout_ms, method: name, custom, payload } = Request::parse(&frame).unwrap();
    let mut service = Remote::service(&exchange, 3, &["m"], &[]).await;
    owner.send(|out| {
        Returned { timeout_ms, name, custom, payload }.encode_with(frame.id, Flags::BY_NAME, out)
    });
    let frame = service.recv().await;
    assert_eq!(Request::parse(&frame).unwrap().custom.body(), [&b"x"[..], &tail(EDGE)].concat());
    reply(&service, frame.id, Code::Ok, b"", b"");
    assert_eq!(codes(&[edge.recv().await]), [(1, Code::Ok)]);
}

fn request_of(custom: &'static [u8]) -> Request<'static> {
    Request { timeout_ms: 900, method: "m", custom: Custom::plain(custom), payload: b"hi" }
}

#[tokio::test]
async fn streams_go_by_name_with_who_opens_them() {
    let exchange = forwarding();
    let (mut owner, edge) = (owner_gateway(&exchange).await, Remote::edge(&exchange, EDGE).await);
    let mut stream = edge.handle.open_stream().await.unwrap();
    let mut head = Vec::new();
    Open { peer: 0, timeout_ms: 900, name: "files", meta: b"meta" }.encode(&mut head).unwrap();
    stream.write_all(&head).await.unwrap();
    let FirstFrame { frame, .. } =
        testing::soon(FirstFrame::read(owner.stream().await, 1 << 20)).await.unwrap();
    let open = Open::parse(&frame).unwrap();
    let (meta, said) = split_remote_caller(open.meta).unwrap();
    assert_eq!((frame.flags, open.peer, open.name, meta), (Flags::BY_NAME, EDGE, "files", &b"meta"[..]));
    assert_eq!(RemoteCaller::parse(said).unwrap().id, ServiceId(0));

    let asks = origin_gateway(&exchange, true).await;
    let mut service = Remote::service(&exchange, 3, &[], &[]).await;
    let mut stream = asks.handle.open_stream().await.unwrap();
    let mut meta = b"meta".to_vec();
    push_remote_caller(&said_owned(said), &mut meta).unwrap();
    let mut head = Vec::new();
    let open = Open { peer: EDGE, timeout_ms: 900, name: "service-3", meta: &meta };
    open.encode_with(Flags::BY_NAME, &mut head).unwrap();
    stream.write_all(&head).await.unwrap();
    let FirstFrame { frame, stream: mut accepted } =
        testing::soon(FirstFrame::read(service.stream().await, 1 << 20)).await.unwrap();
    let open = Open::parse(&frame).unwrap();
    assert_eq!((open.peer, open.name, open.meta), (EDGE, "service-3", &b"meta"[..]));
    let mut ack = Vec::new();
    OpenAck { code: Code::Ok, detail: 0, text: "" }.encode(&mut ack).unwrap();
    accepted.write_all(&ack).await.unwrap();
    let FirstFrame { frame, .. } = testing::soon(FirstFrame::read(stream, 1 << 20)).await.unwrap();
    assert_eq!(OpenAck::parse(&frame).unwrap().code, Code::Ok);
}

fn said_owned(said: &[u8]) -> Vec<u8> {
    said.to_vec()
}

#[tokio::test]
async fn a_reserved_method_is_called_by_the_gateway_and_not_by_its_edge() {
    let exchange = forwarding();
    let mut service = Remote::service(&exchange, 3, &[EDGE_ONLINE], &[]).await;
    for (is_verified, known) in [(true, &b"ab"[..]), (false, b"")] {
        let mut asks = origin_gateway(&exchange, is_verified).await;
        asks.send(call(9, EDGE_ONLINE, Flags::BY_NAME.with(Flags::RETURN)));
        let frame = service.recv().await;
        let got = Request::parse(&frame).unwrap();
        assert_eq!((got.custom.body(), got.payload), (known, &b"hi"[..]), "without a tail");
        reply(&service, frame.id, Code::Application, b"", b"no");
        assert_eq!(answers(&[asks.recv().await]), [(9, Code::Application, "no".to_owned())]);
    }
}

#[tokio::test]
async fn the_rules_here_judge_an_edge_by_what_a_known_gateway_says_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, "{default: allow, rules: [{who: {subject: sensor}, deny: {call: [m]}}]}").unwrap();
    let policies = testing::policies(&format!("access: {{rules_file: '{}'}}", file.display()));
    let exchange = forwarding();
    let mut service = Remote::service(&exchange, 3, &["m"], &[]).await;
    let mut known = Remote::origin_gateway(&exchange, policies.clone(), true).await;
    for id in [1, 2] {
        known.send(call(id, "m", Flags::BY_NAME));
        assert_eq!(codes(&[known.recv().await]), [(id, Code::Denied)]);
    }
    let unknown = Remote::origin_gateway(&exchange, policies, false).await;
    unknown.send(call(3, "m", Flags::BY_NAME));
    assert_eq!(service.recv().await.kind, Kind::Request, "an edge that showed nothing");
    let mut known = known;
    known.send(|out| {
        let custom = Custom::forwarded(b"", b"?", EdgeId(EDGE));
        Request { timeout_ms: 9, method: "m", custom, payload: b"" }.encode_with(4, Flags::BY_NAME, out)
    });
    assert_eq!(codes(&[known.recv().await]), [(4, Code::Protocol)]);
}
