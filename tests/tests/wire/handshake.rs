//! The Hello and what can be wrong with it.

use frontier_protocol::{
    Code, Custom, Flags, Hello, Kind, MAX_TOKEN, MIN_MAX_FRAME, Reject, Request, Role, Token, VERSION,
    Welcome, ping,
};
use frontier_tests::{Gateway, RawPeer, Witness};

/// Says something other than a good Hello: the code of the refusal.
async fn refused(gateway: &Gateway, bytes: &[u8]) -> Code {
    let mut peer = RawPeer::dial(gateway.edges()).await;
    peer.send_bytes(bytes);
    let frame = peer.frame().await;
    let code = Reject::parse(&frame).expect("a refusal").code;
    peer.ended().await;
    code
}

fn encoded(hello: &Hello<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    hello.encode(&mut bytes).expect("a hello that can be encoded");
    bytes
}

#[tokio::test]
async fn a_welcome_says_what_was_agreed_on() {
    let gateway = Gateway::builder().set("limits.heartbeat", "7s").set("limits.payload_size", "1MiB");
    let gateway = gateway.start().await;
    let hello = Hello { max_frame: 300_000, heartbeat_ms: 60_000, ..RawPeer::hello(Role::Edge) };
    let edge = RawPeer::connect(gateway.edges(), &hello).await.unwrap();
    let Welcome { version, max_frame, heartbeat_ms, id, max_payload, .. } = edge.welcome.unwrap();
    assert_eq!((version, max_frame, heartbeat_ms), (VERSION, MIN_MAX_FRAME, 7000));
    assert_eq!(max_payload, 1024 * 1024);
    assert_ne!(id, 0);
    let hello = Hello { heartbeat_ms: 1500, ..hello };
    let edge = RawPeer::connect(gateway.edges(), &hello).await.unwrap();
    assert_eq!(edge.welcome.unwrap().heartbeat_ms, 1500);
}

#[tokio::test]
async fn each_bad_hello_gets_its_code() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let good = RawPeer::hello(Role::Edge);
    let mut magic = encoded(&good);
    magic[16] ^= 0xff;
    assert_eq!(refused(&gateway, &magic).await, Code::Protocol);
    let mut role = encoded(&good);
    role[22] = 9;
    assert_eq!(refused(&gateway, &role).await, Code::Protocol);
    let too_new = Hello { versions: (VERSION + 1, u8::MAX), ..good.clone() };
    assert_eq!(refused(&gateway, &encoded(&too_new)).await, Code::Version);
    let too_old = Hello { versions: (0, 0), ..good.clone() };
    assert_eq!(refused(&gateway, &encoded(&too_old)).await, Code::Version);
    let upside_down = Hello { versions: (VERSION + 1, VERSION), ..good.clone() };
    assert_eq!(refused(&gateway, &encoded(&upside_down)).await, Code::Version);
    let small = Hello { max_frame: MIN_MAX_FRAME - 1, ..good.clone() };
    assert_eq!(refused(&gateway, &encoded(&small)).await, Code::Protocol);
    let wrong_side = RawPeer::hello(Role::Service);
    assert_eq!(refused(&gateway, &encoded(&wrong_side)).await, Code::Denied);
    witness.check().await;
}

#[tokio::test]
async fn the_first_frame_must_be_a_hello() {
    let gateway = Gateway::start().await;
    let mut first = Vec::new();
    ping(1, &mut first);
    assert_eq!(refused(&gateway, &first).await, Code::Protocol);
    for kind in Kind::ALL {
        let kind = *kind as u8;
        if kind != Kind::Hello as u8 {
            first[4] = kind;
            assert_eq!(refused(&gateway, &first).await, Code::Protocol, "{kind:#x}");
        }
    }
}

#[tokio::test]
async fn a_hello_cut_anywhere_is_refused() {
    let gateway = Gateway::start().await;
    let hello = Hello { meta: b"meta", ..RawPeer::hello(Role::Edge) };
    let whole = encoded(&hello);
    // With the 28 bytes of its fixed part it is whole already: what is tagged may be left out. The
    // tagged fields are an empty name, 3 bytes, and the meta, 7 bytes.
    let may_end_at = [16 + 28, 16 + 28 + 3, whole.len()];
    for len in (16..whole.len()).filter(|len| !may_end_at.contains(len)) {
        let mut cut = whole[..len].to_vec();
        cut[..4].copy_from_slice(&u32::try_from(len - 4).unwrap().to_be_bytes());
        assert_eq!(refused(&gateway, &cut).await, Code::Protocol, "{len}");
    }
}

#[tokio::test]
async fn what_is_unknown_but_may_be_passed_over_is_passed_over() {
    let gateway = Gateway::start().await;
    let mut hello = encoded(&RawPeer::hello(Role::Edge));
    hello.extend_from_slice(b"\xee\0\x03new");
    let len = u32::try_from(hello.len() - 4).unwrap();
    hello[..4].copy_from_slice(&len.to_be_bytes());
    let mut bytes = b"\0\0\0\x10\x7e\x80\0\0\0\0\0\0\0\0\0\0what".to_vec();
    assert!(Flags(bytes[5]).has(Flags::SKIPPABLE));
    bytes.extend_from_slice(&hello);
    let mut edge = RawPeer::dial(gateway.edges()).await;
    edge.send_bytes(&bytes);
    assert_eq!(edge.frame().await.kind, Kind::Welcome);
}

#[tokio::test]
async fn metas_and_names_up_to_the_limit_are_taken_and_longer_ones_are_too_large() {
    let gateway = Gateway::builder().set("limits.meta_size", 100).set("limits.name_size", 20).start().await;
    let text = "n".repeat(101);
    let edge = |meta| Hello { meta, ..RawPeer::hello(Role::Edge) };
    RawPeer::connect(gateway.edges(), &edge(&text.as_bytes()[..100])).await.unwrap();
    let refusal = RawPeer::connect(gateway.edges(), &edge(text.as_bytes())).await.unwrap_err();
    assert_eq!(
        refusal,
        (Code::TooLarge, "a meta of 101 bytes is over the limit of 100 (limits.meta_size)".to_owned())
    );
    let service = |name, topic| Hello { name, topics: vec![topic], ..RawPeer::hello(Role::Service) };
    RawPeer::connect(gateway.services(), &service(&text[..20], &text[..20])).await.unwrap();
    for (name, topic, expected) in
        [(&text[..21], "t", Code::TooLarge), ("s", &text[..21], Code::TooLarge), ("s", "", Code::Denied)]
    {
        let hello = service(name, topic);
        let (code, _) = RawPeer::connect(gateway.services(), &hello).await.unwrap_err();
        assert_eq!(code, expected);
    }
}

#[tokio::test]
async fn a_second_hello_ends_the_connection() {
    let gateway = Gateway::start().await;
    let mut witness = Witness::new(&gateway).await;
    let hello = RawPeer::hello(Role::Edge);
    let mut edge = RawPeer::edge(gateway.edges()).await;
    edge.send(|out| hello.encode(out));
    assert_eq!(edge.ended().await, Some(Code::Protocol));
    // Also when both come in one piece.
    let mut edge = RawPeer::dial(gateway.edges()).await;
    edge.send_bytes(&[encoded(&hello), encoded(&hello)].concat());
    assert_eq!(edge.ended().await, Some(Code::Protocol));
    witness.check().await;
}

/// What an edge sends right behind its Hello is not lost.
#[tokio::test]
async fn a_dialler_need_not_wait_for_its_welcome() {
    let gateway = Gateway::start().await;
    let mut bytes = encoded(&RawPeer::hello(Role::Edge));
    ping(77, &mut bytes);
    let mut edge = RawPeer::dial(gateway.edges()).await;
    edge.send_bytes(&bytes);
    assert_eq!(edge.frame().await.kind, Kind::Welcome);
    let pong = edge.frame().await;
    assert_eq!((pong.kind, pong.id), (Kind::Pong, 77));
}

#[tokio::test]
async fn a_token_of_any_text_is_taken_up_to_its_limit() {
    let gateway = Gateway::start().await;
    let secret = "s3cret-".repeat(MAX_TOKEN);
    let hello = Hello { token: Some(Token::new(&secret[..MAX_TOKEN])), ..RawPeer::hello(Role::Edge) };
    RawPeer::connect(gateway.edges(), &hello).await.unwrap();
    // One more byte can't be encoded, so it is put in by hand.
    let mut long = encoded(&RawPeer::hello(Role::Edge));
    let len = u16::try_from(MAX_TOKEN + 1).unwrap();
    long.extend_from_slice(&[4]);
    long.extend_from_slice(&len.to_be_bytes());
    long.extend_from_slice(&secret.as_bytes()[..=MAX_TOKEN]);
    let len = u32::try_from(long.len() - 4).unwrap();
    long[..4].copy_from_slice(&len.to_be_bytes());
    let mut edge = RawPeer::dial(gateway.edges()).await;
    edge.send_bytes(&long);
    let frame = edge.frame().await;
    let reject = Reject::parse(&frame).unwrap();
    assert_eq!(reject.code, Code::TooLarge);
    assert_eq!(reject.text, "a token of 16385 bytes is over the limit of 16384, which can't be changed");
    let log = gateway.log().lines();
    assert!(!log.iter().any(|line| line.contains("s3cret")), "{log:?}");
}

#[tokio::test]
async fn methods_of_the_hello_work_from_the_welcome_on_and_are_taken_whole_or_not_at_all() {
    let gateway = Gateway::builder().set("limits.names_per_service", 3).start().await;
    let service = |methods: &[&'static str], topics: &[&'static str]| Hello {
        methods: methods.to_vec(),
        topics: topics.to_vec(),
        ..RawPeer::hello(Role::Service)
    };
    let mut edge = RawPeer::edge(gateway.edges()).await;
    let refused =
        [(service(&["a", "b"], &["t", "u"]), Code::Overloaded), (service(&["a", ""], &[]), Code::Denied)];
    for (hello, expected) in refused {
        let (code, _) = RawPeer::connect(gateway.services(), &hello).await.unwrap_err();
        assert_eq!(code, expected);
        edge.request(1, "a", Custom::plain(b""), b"");
        assert_eq!(edge.response(1).await.0, Code::MethodNotFound);
    }
    let hello = service(&["a", "edge_online", "a"], &["t"]);
    let mut service = RawPeer::connect(gateway.services(), &hello).await.unwrap();
    edge.request(2, "a", Custom::plain(b""), b"");
    let asked = service.frame().await;
    assert_eq!(asked.kind, Kind::Request);
    service.respond(asked.id, b"ok");
    assert_eq!(edge.response(2).await, (Code::Ok, b"ok".to_vec()));
    // It is told of edges without another word.
    let addr = gateway.edges();
    let coming = tokio::spawn(async move { RawPeer::edge(addr).await });
    let told = service.frame().await;
    assert_eq!(Request::parse(&told).unwrap().method, "edge_online");
    service.respond(told.id, b"");
    coming.await.unwrap();
}
