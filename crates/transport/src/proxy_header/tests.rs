//! Headers as proxies send them, cut at every byte, and what is refused.

use super::*;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const V4: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb";

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [binary::SIGNATURE, &[command, family], &len, body].concat()
}

fn header(bytes: &[u8]) -> (ProxyVersion, Option<String>) {
    match parse(bytes) {
        Ok(Parsed::Header(header, len)) if len == bytes.len() => {
            (header.version, header.client.map(|client| client.to_string()))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_headers_of_the_specification() {
    let v6 = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[1], &[0; 16], &[0, 80, 1, 187]].concat();
    let extended = [&V4[16..], b"\x20\0\x03\x01\0\0\x04\0\x01\0"].concat();
    let cases: [(Vec<u8>, _, Option<&str>); 9] = [
        (
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".into(),
            ProxyVersion::V1,
            Some("192.0.2.1:56324"),
        ),
        (b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n".into(), ProxyVersion::V1, Some("[2001:db8::1]:0")),
        (b"PROXY UNKNOWN\r\n".into(), ProxyVersion::V1, None),
        (b"PROXY UNKNOWN ffff::1 what ever 99999\r\n".into(), ProxyVersion::V1, None),
        (V4.into(), ProxyVersion::V2, Some("192.0.2.1:56324")),
        (v2(0x21, 0x21, &v6), ProxyVersion::V2, Some("[2001:db8::1]:80")),
        (v2(0x21, 0x11, &extended), ProxyVersion::V2, Some("192.0.2.1:56324")),
        (v2(0x20, 0x11, &V4[16..]), ProxyVersion::V2, None),
        (v2(0x21, 0x31, &[b'/'; 216]), ProxyVersion::V2, None),
    ];
    for (bytes, version, client) in cases {
        assert_eq!(header(&bytes), (version, client.map(str::to_owned)));
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Ok(Parsed::More), "{cut} bytes of {bytes:?}");
        }
        let behind = [&bytes[..], b"behind"].concat();
        assert!(matches!(parse(&behind), Ok(Parsed::Header(_, len)) if len == bytes.len()));
    }
}

#[test]
fn what_begins_otherwise_is_no_header() {
    for bytes in [&b"\x16\x03\x01"[..], b"\0\0", b"GET / HTTP/1.1\r\n", b"PROPFIND", b"\r\n\r\n\r", b"PROXYS"]
    {
        assert_eq!(parse(bytes), Ok(Parsed::Other), "{bytes:?}");
    }
}

#[test]
fn what_breaks_the_rules_is_refused() {
    let line = |text: &str| format!("PROXY {text}\r\n").into_bytes();
    let long = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat();
    let far = [binary::SIGNATURE, b"\x21\x11\xff\xff"].concat();
    for (bytes, what) in [
        (line("TCP5 1.2.3.4 1.2.3.4 1 1"), "neither TCP4"),
        (line("tcp4 1.2.3.4 1.2.3.4 1 1"), "neither TCP4"),
        (line("TCP4 ::1 ::1 1 1"), "does not fit"),
        (line("TCP6 1.2.3.4 1.2.3.4 1 1"), "does not fit"),
        (line("TCP4 1.2.3.4  1.2.3.4 1 1"), "does not fit"),
        (line("TCP4 1.2.3.4 1.2.3.4 65536 1"), "a port"),
        (line("TCP4 1.2.3.4 1.2.3.4 +1 1"), "a port"),
        (line("TCP4 1.2.3.4 1.2.3.4 01 1"), "a port"),
        (line("TCP4 1.2.3.4 1.2.3.4 1"), "a port"),
        (line("TCP4 1.2.3.4 1.2.3.4 1 1 "), "follows the ports"),
        (b"PROXY \xff\r\n".to_vec(), "not ASCII"),
        (long, "more than 107 bytes"),
        (far, "more than 4096 bytes"),
        (v2(0x11, 0x11, &V4[16..]), "version is not 2"),
        (v2(0x22, 0x11, &V4[16..]), "neither LOCAL nor PROXY"),
        (v2(0x21, 0x12, &V4[16..]), "not TCP"),
        (v2(0x21, 0x11, &V4[17..]), "too short"),
        (v2(0x21, 0x21, &V4[16..]), "too short"),
        (v2(0x21, 0x31, &[0; 215]), "too short"),
    ] {
        let error = parse(&bytes).unwrap_err().to_string();
        assert!(error.contains(what), "{error} for {bytes:?}");
    }
}

/// What `read` makes of bytes that come in `pieces`, and what is left to be read behind it.
async fn read_from(pieces: &[&[u8]]) -> (Result<Option<ProxyHeader>, ProxyHeaderError>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.set_nodelay(true).unwrap();
    let (mut io, _) = listener.accept().await.unwrap();
    let write = async {
        for piece in pieces {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.shutdown().await.unwrap();
    };
    let taken = async {
        let header = read(&mut io).await;
        let mut rest = Vec::new();
        io.read_to_end(&mut rest).await.unwrap();
        (header, rest)
    };
    tokio::join!(taken, write).0
}

#[tokio::test]
async fn a_header_is_taken_off_and_nothing_behind_it() {
    let line = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
    let padded = v2(0x21, 0x11, &[&V4[16..], &[0; 3000]].concat());
    for header in [&line[..], V4, &padded] {
        let single: Vec<&[u8]> = header.chunks(1).collect();
        let one = [header, b"behind"].concat();
        for pieces in [&[&one[..]][..], &[&header[..7], &header[7..], b"behind"], &single] {
            let (read, rest) = read_from(pieces).await;
            assert_eq!(read.unwrap().unwrap().client, Some("192.0.2.1:56324".parse().unwrap()));
            assert!(rest == b"behind" || (rest.is_empty() && pieces.len() == single.len()), "{rest:?}");
        }
    }
    let (read, rest) = read_from(&[b"GET / HTTP/1.1"]).await;
    assert_eq!((read, &rest[..]), (Ok(None), &b"GET / HTTP/1.1"[..]));
    assert_eq!(read_from(&[]).await.0, Ok(None));
    assert_eq!(read_from(&[&V4[..20]]).await.0, Err(ProxyHeaderError::Ended));
}

proptest! {
    /// However it is cut: what was part of a header stays so.
    #[test]
    fn more_bytes_never_take_back_what_was_said(bytes in any_header(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(bytes.len() + 1);
        let (part, whole) = (parse(&bytes[..cut]), parse(&bytes));
        if part != Ok(Parsed::More) {
            prop_assert_eq!(part, whole);
        }
    }

    #[test]
    fn every_client_comes_through(client: SocketAddr, to_port: u16) {
        let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
        let (ip, port) = (client.ip(), client.port());
        let line = format!("PROXY {family} {ip} {ip} {port} {to_port}\r\n");
        let expected = SocketAddr::new(ip, port).to_string();
        prop_assert_eq!(header(line.as_bytes()), (ProxyVersion::V1, Some(expected)));
    }
}

fn any_header() -> impl Strategy<Value = Vec<u8>> {
    let anything = prop::collection::vec(any::<u8>(), 0..64);
    (0..3_usize, anything).prop_map(|(start, rest)| {
        let start = [&b""[..], text::START, &V4[..14]][start];
        [start, &rest].concat()
    })
}
