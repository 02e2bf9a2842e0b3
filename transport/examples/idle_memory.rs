//! What an idle link costs its gateway, in resident memory: `cargo run --release --example idle_memory`.
//!
//! The gateway's side is real, over loopback TCP, each link in a task of its own. The edges are bare
//! sockets that send what an edge's link once said, so that they add nothing but what the kernel holds.

use frontier_transport::{Bind, Event, Incoming, Link, LinkConfig, Listener, Priority};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const LINKS: usize = 5_000;

/// For thread stacks, the runtime, and buffers that are in use at the same time.
const WARM_UP: usize = 500;

/// In one frame of the mux that opens the lane, a ping.
const HELLO: [u8; 28] =
    [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = LinkConfig {
        max_frame: 1 << 20,
        outbox_soft: 1 << 20,
        outbox_hard: 4 << 20,
        max_streams: 1024,
        window_growth: LinkConfig::WINDOW_GROWTH,
    };
    let config = Arc::new(config);
    let mut listener = Listener::bind(Bind::tcp(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let addr = listener.local_addr()?;
    let (ready, mut is_ready) = mpsc::channel(1);
    let mut edges = Vec::new();
    let mut before = 0;
    for number in 0..WARM_UP + LINKS {
        if number == WARM_UP {
            before = resident()?;
        }
        let mut edge = TcpStream::connect(addr)?;
        edge.write_all(&HELLO)?;
        let incoming = listener.accept().await.incoming;
        tokio::spawn(serve(incoming, config.clone(), ready.clone()));
        is_ready.recv().await.ok_or("a link ended")?;
        // A pong of the lane, and whatever the mux has to say.
        edge.read_exact(&mut [0; 28])?;
        edges.push(edge);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let each = resident()?.saturating_sub(before) / LINKS;
    println!("{LINKS} idle links, {each} bytes each, of which Link itself {}", size_of::<Link>());
    Ok(())
}

async fn serve(incoming: Incoming, config: Arc<LinkConfig>, ready: mpsc::Sender<()>) {
    // Boxed, so that an idle link does not hold the room that its handshake took.
    let Ok((mut link, _)) = Box::pin(incoming.link(config)).await else { return };
    while let Ok(Event::Frames) = link.next().await {
        while let Ok(Some(frame)) = link.frame() {
            let pong = link.handle().send(Priority::Answer, |out| {
                frontier_protocol::pong(frame.id, out);
                Ok(())
            });
            if pong.is_err() || ready.send(()).await.is_err() {
                return;
            }
        }
    }
}

/// Bytes of this process that are in memory.
fn resident() -> Result<usize, Box<dyn std::error::Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = statm.split_whitespace().nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4096)
}
