//! Golden files: reading, comparing and writing them, and the encoders and parsers against those of frames.

use crate::json::Hex;
use crate::owned::{Fields, Header};
use crate::samples;
use frontier_protocol::{Decoder, Frame, Kind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One frame, as its fields and as its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) header: Header,
    #[serde(flatten)]
    pub(crate) what: Fields,
    pub(crate) hex: Hex,
}

/// Reads a golden file.
pub(crate) fn load<T: DeserializeOwned>(file: &str) -> T {
    let text = std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Compares a golden file with what it should hold; writes it instead if `FRONTIER_GOLDEN=write`.
pub(crate) fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(file: &str, current: &T) {
    if std::env::var_os("FRONTIER_GOLDEN").is_some_and(|value| value == "write") {
        let text = serde_json::to_string_pretty(current).expect("golden values are plain JSON");
        std::fs::write(path(file), text + "\n").unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    assert_eq!(&load::<T>(file), current, "{file} is stale: see golden/README.md");
}

/// The one frame that `wire` consists of.
pub(crate) fn decode(wire: &[u8]) -> Frame {
    let mut decoder = Decoder::new(wire.len());
    decoder.push(wire.to_vec().into());
    let frame = decoder.next().expect("a frame").expect("a whole frame");
    assert!(decoder.is_empty(), "bytes behind the frame");
    frame
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(file)
}

/// `go_away.json` for `GoAway`.
fn file_of(kind: Kind) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name + ".json"
}

fn kind_of(vector: &Vector) -> Kind {
    Kind::from_wire(vector.hex.0[4]).expect("a kind")
}

#[test]
fn files_hold_the_samples() {
    let samples = samples::all();
    for &kind in Kind::ALL {
        let of_kind: Vec<_> = samples.iter().filter(|sample| kind_of(sample) == kind).cloned().collect();
        assert!(!of_kind.is_empty(), "{kind:?} has no vector");
        check(&file_of(kind), &of_kind);
    }
}

#[test]
fn fields_encode_to_the_bytes() {
    for &kind in Kind::ALL {
        for Vector { name, header, what, hex, .. } in load::<Vec<Vector>>(&file_of(kind)) {
            assert_eq!(what.encode(header).map(Hex), Ok(hex), "{name}");
        }
    }
}

#[test]
fn bytes_parse_to_the_fields() {
    for &kind in Kind::ALL {
        for Vector { name, header, what, hex, .. } in load::<Vec<Vector>>(&file_of(kind)) {
            let frame = decode(&hex.0);
            assert_eq!(frame.kind, kind, "{name}");
            let read = (frame.flags.0, frame.code.to_wire(), frame.id);
            assert_eq!(read, (header.flags, header.code, header.id.0), "{name}");
            assert_eq!(Fields::parse(&frame, what.is_tailed()), Ok(what), "{name}");
        }
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = samples::all().into_iter().map(|sample| sample.name).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// Worked out by hand from PROTOCOL.md, so that the files do not only agree with their generator.
#[test]
fn some_vectors_by_hand() {
    let by_hand: [(&str, &[&str]); 4] = [
        // length 12: nothing behind the header; kind, flags, code, id.
        ("ping", &["0000000c", "04", "00", "0000", "0000000000000001"]),
        (
            "request",
            &[
                "0000001a", // 12 of the header, 8 fixed, 4 of the method, 2 of the payload: 26
                "20",
                "00",
                "0000",
                "0000000000000007", // kind, flags, code, id
                "00007530",         // timeout: 30,000 ms
                "0004",
                "0000",     // lengths of the method and of custom
                "6563686f", // "echo"
                "6869",     // "hi"
            ],
        ),
        (
            "hello-edge",
            &[
                "00000033", // 12, 28 fixed, 3 for an empty name, 3 + 5 for meta: 51
                "01",
                "00",
                "0000",
                "0000000000000000",
                "46525452", // "FRTR"
                "01",
                "01",
                "01",
                "00", // lowest and highest version, edge, reserved
                "00000000",
                "00040000",
                "00000000",         // features, max frame of 256 KiB, heartbeat
                "0000000000000000", // no wanted id
                "01",
                "0000", // tag 1, name
                "03",
                "0005",
                "736e2d3432", // tag 3, meta: "sn-42"
            ],
        ),
        (
            "response-to-service",
            &[
                "00000023", // 12, 8 fixed, 5 + 8 of custom, 2 of the payload: 35
                "21",
                "00",
                "0000",
                "0000000000000007",
                "00000000",
                "000d",
                "0000", // detail, custom length, reserved
                "7472616365",
                "0102030405060708", // "trace", the tail
                "6869",
            ],
        ),
    ];
    let samples = samples::all();
    for (name, parts) in by_hand {
        let sample = samples.iter().find(|sample| sample.name == name).expect(name);
        assert_eq!(sample.hex.digits(), parts.concat(), "{name}");
    }
}
