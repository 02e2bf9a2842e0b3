//! An edge, a service or a host as a process of its own: `peer-under-test edge|service|host URL SERVER-NAME CA-FILE [ID]`.
//! It answers `echo`, says why it is closed if it is, and goes on until it is killed; a host, whose service is the ID, also
//! drains on SIGTERM, and with one more word never answers what is to `stall`. The name and the file mean nothing without TLS. As `client` it makes a durable session at the broker of that
//! URL, and sends requests to it of which it flushes the first 40.

use frontier_sdk::{
    ClientTls, DurableSession, Edge, EdgeId, HandlerError, HostError, HostRequest, Request, Response,
    Service, ServiceHost, SessionStartInfo,
};
use std::error;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, url, name, ca, id @ ..] = &arguments[..] else {
        return Err("usage: peer-under-test edge|service URL SERVER-NAME CA-FILE [ID]".into());
    };
    let tls = ClientTls::new().ca_file(ca).server_name(name);
    match role.as_str() {
        "edge" => {
            let edge = Edge::builder(url).tls(tls).backoff(BACKOFF.0, BACKOFF.1);
            let edge = match id.first() {
                Some(id) => edge.id(EdgeId(id.parse()?)).connect().await?,
                None => edge.connect().await?,
            };
            edge.register("echo", echo).await?;
            println!("connected {}", edge.id());
            println!("closed: {}", edge.closed().await);
            std::future::pending().await
        }
        "service" => {
            let service =
                Service::builder(url).tls(tls).name("peer").backoff(BACKOFF.0, BACKOFF.1).connect().await?;
            service.register("echo", echo).await?;
            println!("connected {}", service.id());
            std::future::pending().await
        }
        "host" => {
            let mut stop = signal(SignalKind::terminate())?;
            let service = id.first().map_or("calc", String::as_str);
            let edge = Edge::builder(url).tls(tls).backoff(BACKOFF.0, BACKOFF.1);
            let stalls = id.len() > 1;
            let handler = move |request| compute(request, stalls);
            let host = ServiceHost::of_edge(edge, service).capacity(2).handler(handler).connect().await?;
            println!("connected {}", host.id());
            stop.recv().await;
            println!("drained: {}", host.drain(Duration::from_secs(10)).await);
            Ok(())
        }
        "client" => {
            let session = DurableSession::create(SessionStartInfo::new(url, "calc").no_proxy()).await?;
            let client = session.client("main")?;
            for number in 0..60 {
                client.send_request("echo", &number, &number.to_string()).await?;
                if number == 39 {
                    println!("flushed {}", client.flush().await?);
                }
            }
            println!("connected {}", session.id());
            std::future::pending().await
        }
        other => Err(format!("no such role: {other}").into()),
    }
}

async fn echo(request: Request) -> Result<Response, HandlerError> {
    Ok(Response::new(request.data))
}

/// Says when nobody waits for a request any more.
struct Stalled;

impl Drop for Stalled {
    fn drop(&mut self) {
        println!("given up");
    }
}

/// Answers what it was sent, unless the action is to hang.
async fn compute(request: HostRequest, stalls: bool) -> Result<Response, HostError> {
    if stalls && &*request.action == "stall" {
        println!("stalled");
        let _stalled = Stalled;
        std::future::pending::<()>().await;
    }
    if &*request.action == "hang" && request.tries == 0 {
        println!("hanging");
        std::future::pending::<()>().await;
    }
    Ok(Response::new(request.body))
}
