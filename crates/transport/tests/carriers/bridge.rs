//! WebSockets of another make, joined to plain TCP.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Carries bytes both ways until one side ends.
async fn join(mut socket: WebSocketStream<TcpStream>, mut plain: TcpStream) {
    let mut buffer = vec![0; 100_000];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => plain.write_all(&bytes).await.unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(other)) => panic!("{other:?}"),
            },
            read = plain.read(&mut buffer) => match read {
                Ok(n @ 1..) => {
                    // Messages and their boundaries mean nothing, nor do pings in between.
                    let (head, tail) = buffer[..n].split_at(n / 3);
                    for part in [head, &[], tail] {
                        if socket.send(Message::Binary(part.to_vec().into())).await.is_err() {
                            return;
                        }
                    }
                    let _ = socket.send(Message::Ping("?".into())).await;
                }
                _ => {
                    let _ = socket.close(None).await;
                    return;
                }
            },
        }
    }
}

/// A WebSocket server that passes everything on to a plain TCP port. The port to connect to.
pub(crate) async fn websocket_in_front_of(plain: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            let socket = tokio_tungstenite::accept_async(io).await.unwrap();
            tokio::spawn(join(socket, TcpStream::connect(("127.0.0.1", plain)).await.unwrap()));
        }
    });
    port
}

/// A plain TCP server that passes everything on to a WebSocket port. The port to connect to.
pub(crate) async fn plain_in_front_of(websocket: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(join(client(websocket).await, io));
        }
    });
    port
}

/// A WebSocket client that offers no subprotocol.
pub(crate) async fn client(port: u16) -> WebSocketStream<TcpStream> {
    let io = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio_tungstenite::client_async(format!("ws://localhost:{port}/any/path"), io).await.unwrap().0
}

/// A plain TCP server that passes on one byte at a time of what clients send. The port to connect to.
pub(crate) async fn drip_in_front_of(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let drip = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            let to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            to.set_nodelay(true).unwrap();
            let ((mut from, mut back), (mut answers, mut to)) = (io.into_split(), to.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut answers, &mut back).await });
            tokio::spawn(async move {
                while let Ok(byte) = from.read_u8().await {
                    to.write_all(&[byte]).await.unwrap();
                }
            });
        }
    });
    drip
}

/// A plain TCP server that passes everything on to a TLS port, with TLS 1.2 and no application protocol.
/// The port to connect to.
pub(crate) async fn tls12_in_front_of(port: u16, ca: std::path::PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let openssl = tokio::process::Command::new("openssl")
            .args(["s_client", "-quiet", "-tls1_2", "-verify_return_error", "-verify_hostname", "localhost"])
            .arg("-connect")
            .arg(format!("127.0.0.1:{port}"))
            .arg("-CAfile")
            .arg(ca)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut openssl = openssl.expect("openssl is there");
        let (mut stdin, mut stdout) = (openssl.stdin.take().unwrap(), openssl.stdout.take().unwrap());
        let (mut from, mut to) = io.into_split();
        let out = async move {
            let _ = tokio::io::copy(&mut from, &mut stdin).await;
        };
        let back = async move {
            let _ = tokio::io::copy(&mut stdout, &mut to).await;
        };
        tokio::join!(out, back);
    });
    front
}
