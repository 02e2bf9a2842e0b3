//! What the recorded packets say, and how ours look.

use super::recorded::RECORDED;
use super::{frame, unhex};
use frontier_geminio::{
    Conn, ConnAck, Kind, Open, OpenAck, Packet, Reply, Request, RequestKind, disconnect, disconnected,
    dismiss, dismissed, heartbeat_ack, raw, register, registered,
};
use std::time::{Duration, UNIX_EPOCH};

const STREAM: u64 = 0x6b0c_c015_a2db_a358;

fn recorded(name: &str) -> Vec<u8> {
    let found = RECORDED.iter().find(|(it, _)| *it == name);
    unhex(found.unwrap_or_else(|| panic!("{name} was recorded")).1)
}

#[track_caller]
fn says(name: &str, packet: &Packet<'_>) {
    assert_eq!(&Packet::parse(&frame(&recorded(name))).expect("it is a packet"), packet, "{name}");
}

fn request(kind: RequestKind, name: &'static str, payload: &'static [u8]) -> Request<'static> {
    let custom = (&b""[..]).into();
    Request {
        kind,
        session: 1,
        name: name.into(),
        custom,
        tail: None,
        payload: payload.into(),
        deadline: None,
    }
}

#[test]
fn clients_begin() {
    let heartbeat = Duration::from_secs(20);
    says("edge CONN", &Packet::Conn(Conn { id: 0, heartbeat, meta: b"em".to_vec() }));
    let meta = br#"{"service":"svc","topics":["t1","t2"]}"#.to_vec();
    says("svc CONN", &Packet::Conn(Conn { id: 0, heartbeat, meta }));
    let mut wire = Vec::new();
    Conn { id: 0, heartbeat, meta: b"em".to_vec() }.encode(0x6b0c_c015_2590_e0cd, &mut wire).unwrap();
    assert_eq!(wire, recorded("edge CONN"));
}

#[test]
fn clients_ask() {
    says("svc REGISTER", &Packet::Register(1, "get_edge_id".into()));
    let at = UNIX_EPOCH + Duration::from_nanos(1_795_997_722_774_147_417);
    let call = Request { deadline: Some(at), ..request(RequestKind::Call, "echo", b"hi") };
    says("edge CALL", &Packet::Request(call));
    let custom = 1001_u64.to_be_bytes().to_vec();
    let call = Request { custom: custom.clone().into(), ..request(RequestKind::Call, "ping", b"x") };
    says("svc CALL", &Packet::Request(Request { deadline: Some(at), ..call }));
    says("edge MESSAGE", &Packet::Request(request(RequestKind::Message, "t1", b"m1")));
    let message = Request { custom: custom.into(), ..request(RequestKind::Message, "", b"m2") };
    says("svc MESSAGE", &Packet::Request(message));
}

#[test]
fn clients_answer() {
    let reply = |kind, outcome| Packet::Reply(Reply { kind, session: 1, custom: Vec::new(), outcome });
    says("svc RESPONSE", &reply(RequestKind::Call, Ok(1001_u64.to_be_bytes().to_vec())));
    let error = Err("context canceled".to_owned());
    says("edge RESPONSE", &reply(RequestKind::Call, error.clone()));
    says("svc MESSAGE_ACK", &reply(RequestKind::Message, Ok(Vec::new())));
    says("edge MESSAGE_ACK", &reply(RequestKind::Message, error));
}

#[test]
fn clients_have_streams_and_leave() {
    let open = Open { number: STREAM, chooses: true, peer: "svc".to_owned(), meta: Vec::new() };
    says("edge OPEN", &Packet::Open(open));
    says("svc OPEN_ACK", &Packet::OpenAck(OpenAck { number: 2, session: 2, error: String::new() }));
    says("edge RAW", &Packet::Raw(STREAM, b"abc"));
    says("edge DISMISS", &Packet::Dismiss(STREAM));
    says("edge DISMISSED", &Packet::Dismissed(STREAM));
    says("edge HEARTBEAT", &Packet::Heartbeat);
    says("edge DISCONNECT", &Packet::Disconnect);
    says("edge DISCONNECTED", &Packet::Disconnected);
}

/// Ours are those that the original's own encoder writes, without the times that stand for none.
#[test]
fn ours_look_as_they_always_have() {
    fn wire(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        out.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    let ack = |id, error: &str| ConnAck { id, error: error.to_owned() };
    assert_eq!(
        wire(|out| ack(0x0064_0000_0002, "").encode(0x101, out).unwrap()),
        "010200000000000001010000000b0000000064000000027b7d"
    );
    assert_eq!(
        wire(|out| ack(0, "service not online").encode(0x101, out).unwrap()),
        "0102000000000000010100000027010000000000000000\
         7b226572726f72223a2273657276696365206e6f74206f6e6c696e65227d"
    );
    assert_eq!(wire(|out| disconnect(0x103, out)), "0111000000000000010300000000");
    assert_eq!(wire(|out| disconnected(0x103, out)), "0112000000000000010300000003007b7d");
    assert_eq!(wire(|out| heartbeat_ack(0x105, out)), "0122000000000000010500000000");
    let open = Open { number: 0x208, chooses: false, peer: String::new(), meta: Vec::new() };
    assert_eq!(
        wire(|out| open.encode(0x20a, out).unwrap()),
        "0131000000000000020a0000000c000000000000000002087b7d"
    );
    let opened = OpenAck { number: 0x107, session: 0x206, error: String::new() };
    assert_eq!(
        wire(|out| opened.encode(0x109, out).unwrap()),
        "01320000000000000109000000140000000000000000010700000000000002067b7d"
    );
    assert_eq!(wire(|out| dismiss(0x10b, 0x206, out)), "0141000000000000010b0000000a00000000000002067b7d");
    assert_eq!(wire(|out| dismissed(0x10b, 0x206, out)), "0142000000000000010b0000000a00000000000002067b7d");
    assert_eq!(
        wire(|out| raw(0x10f, 0x206, b"raw!", out).unwrap()),
        "0161000000000000010f0000000c000000000000020672617721"
    );
    assert_eq!(
        wire(|out| register(0x113, 1, "echo", out).unwrap()),
        "018100000000000001130000000c00000000000000016563686f"
    );
    assert_eq!(
        wire(|out| registered(0x113, 1, "", out).unwrap()),
        "018200000000000001130000000a00000000000000017b7d"
    );
    let at = UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
    let call = Request {
        custom: b"c"[..].into(),
        tail: Some(0x64_0000_0002),
        deadline: Some(at),
        ..request(RequestKind::Call, "echo", b"hi")
    };
    let mut out = Vec::new();
    call.encode(0x111, &mut out).unwrap();
    assert_eq!(frame(&out).kind, Kind::Call);
    assert_eq!(
        std::str::from_utf8(&out[22..]).unwrap(),
        r#"{"key":"ZWNobw==","value":"aGk=","custom":"YwAAAGQAAAAC","deadline":"2026-01-02T03:04:05.678Z"}"#
    );
    let mut out = Vec::new();
    Reply::encode(0x111, RequestKind::Message, 1, b"", Err("no <&> \"é\""), &mut out).unwrap();
    assert_eq!(std::str::from_utf8(&out[22..]).unwrap(), r#"{"error":"no <&> \"é\""}"#);
}
