//! The numbers of the kinds, the layout of the header, and its flags.

use super::*;

#[test]
fn kind_numbers_are_frozen() {
    let frozen = [
        (Kind::Hello, 0x01),
        (Kind::Welcome, 0x02),
        (Kind::Reject, 0x03),
        (Kind::Ping, 0x04),
        (Kind::Pong, 0x05),
        (Kind::GoAway, 0x06),
        (Kind::Publish, 0x10),
        (Kind::Ack, 0x11),
        (Kind::Request, 0x20),
        (Kind::Response, 0x21),
        (Kind::Cancel, 0x22),
        (Kind::Register, 0x30),
        (Kind::RegisterAck, 0x31),
        (Kind::Unregister, 0x32),
        (Kind::UnregisterAck, 0x33),
        (Kind::Open, 0x40),
        (Kind::OpenAck, 0x41),
        (Kind::Data, 0x50),
        (Kind::Report, 0x60),
        (Kind::ReportAck, 0x61),
        (Kind::Lookup, 0x62),
        (Kind::LookupAck, 0x63),
        (Kind::Plan, 0x64),
        (Kind::Members, 0x65),
        (Kind::Returned, 0x68),
        (Kind::Offer, 0x69),
    ];
    assert_eq!(frozen.map(|(kind, _)| kind), Kind::ALL, "a kind that is not in this list");
    for number in 0..=u8::MAX {
        let expected = frozen.iter().find(|(_, frozen)| *frozen == number).map(|(kind, _)| *kind);
        assert_eq!(Kind::from_wire(number), expected, "{number:#04x}");
    }
}

#[test]
fn a_header_is_laid_out_as_drawn() {
    let mut wire = Vec::new();
    put_header(&mut wire, Kind::Response, Flags(0x82), Code::Application, 0x0102, 5).unwrap();
    assert_eq!(wire, b"\0\0\0\x11\x21\x82\0\x64\0\0\0\0\0\0\x01\x02");
}

#[test]
fn flags_combine() {
    let both = Flags::ACKED.with(Flags::DETACHED);
    assert!(both.has(Flags::ACKED) && both.has(Flags::DETACHED) && both.has(both));
    assert!(!both.has(Flags::SKIPPABLE) && !Flags::ACKED.has(both));
    assert!(both.has(Flags::default()));
}
