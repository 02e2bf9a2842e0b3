//! What the WebSocket request of an edge says.

use frontier_sdk::Edge;
use frontier_tests::within;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

#[tokio::test]
async fn headers_of_ones_own_are_in_the_request_and_take_the_place_of_the_usual_ones() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asks = async |headers: &[(&str, &str)]| {
        let edge = Edge::builder(format!("ws://{addr}/edges"));
        let edge = headers.iter().fold(edge, |edge, (name, value)| edge.header(name, value));
        let connecting = tokio::spawn(edge.connect());
        let (mut io, _) = within("a connection", listener.accept()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("a request", io.read_u8()).await.unwrap());
        }
        connecting.abort();
        String::from_utf8(head).unwrap()
    };
    let usual = asks(&[]).await;
    assert!(usual.starts_with(&format!("GET /edges HTTP/1.1\r\nHost: {addr}\r\n")), "{usual}");
    assert!(usual.contains("\r\nUser-Agent: frontier-sdk/"), "{usual}");
    let own = asks(&[("Host", "front.example"), ("user-agent", "pump/7"), ("X-Site", "north 4")]).await;
    for line in ["Host: front.example", "user-agent: pump/7", "X-Site: north 4", "Upgrade: websocket"] {
        assert!(own.contains(&format!("\r\n{line}\r\n")), "{own}");
    }
    assert!(!own.contains(&addr.to_string()) && !own.contains("frontier-sdk/"), "{own}");
}
