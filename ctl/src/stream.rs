//! `frontctl stream`: standard input and output, joined to a stream.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::output;
use crate::settings::Settings;
use crate::subscribe::Side;
use clap::Args;
use frontier_sdk::{Edge, EdgeId, Error, Service, Stream};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes that are read at once. The stream sends as much in one frame.
const BUFFER: usize = 64 * 1024;

#[derive(Args, Clone, Debug)]
pub(crate) struct StreamCommand {
    #[command(flatten)]
    with: With,
    /// What to say about the stream to the one who accepts it.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    stream_meta: String,
    #[command(flatten)]
    identity: Identity,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct With {
    /// Open it to this edge, as a service.
    #[arg(long, value_name = "ID")]
    edge: Option<u64>,
    /// Open it to a service of this name, as an edge.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Wait for the first one that somebody opens to this.
    #[arg(long, value_name = "SIDE")]
    accept: Option<Side>,
}

/// A connected client; the stream lives as long as its connection.
enum Client {
    Edge(Edge),
    Service(Service),
}

impl StreamCommand {
    pub(crate) async fn run(self, settings: &Settings) -> Outcome {
        let as_edge = self.with.service.is_some() || self.with.accept == Some(Side::Edge);
        let client = match as_edge {
            true => Client::Edge(settings.connect_edge(settings.edge(&self.identity)).await?),
            false => Client::Service(settings.connect_service(settings.service(&self.identity)).await?),
        };
        let stream = self.stream(&client).await?;
        let joined = join(stream).await;
        let closed = client.close().await;
        joined?;
        Ok(closed?)
    }

    async fn stream(&self, client: &Client) -> Outcome<Stream> {
        let meta = self.stream_meta.clone();
        match (client, &self.with) {
            (Client::Service(service), With { edge: Some(edge), .. }) => {
                Ok(service.open_stream(EdgeId(*edge)).meta(meta).await?)
            }
            (Client::Edge(edge), With { service: Some(name), .. }) => {
                Ok(edge.open_stream(name).meta(meta).await?)
            }
            (client, _) => client.accept().await,
        }
    }
}

impl Client {
    async fn accept(&self) -> Outcome<Stream> {
        let accepted = match self {
            Self::Edge(edge) => {
                output::note(&format!("waiting for a stream as edge {}", edge.id().0));
                edge.accept_stream().await
            }
            Self::Service(service) => {
                output::note(&format!("waiting for a stream as service {}", service.id().0));
                service.accept_stream().await
            }
        };
        match accepted {
            Some(stream) => Ok(stream),
            None => Err(Failure::new(Exit::Unreachable, "the connection has ended for good")),
        }
    }

    async fn close(&self) -> Result<(), Error> {
        match self {
            Self::Edge(edge) => edge.close().await,
            Self::Service(service) => service.close().await,
        }
    }
}

/// Copies both ways until both directions have ended. The end of standard input is passed on, and output goes on.
async fn join(stream: Stream) -> Outcome {
    let (mut from, mut to) = (stream.clone(), stream.clone());
    let sending = async {
        copy(&mut tokio::io::stdin(), &mut to).await.map_err(|error| broken(&error))?;
        stream.shutdown().await.map_err(|error| broken(&error))
    };
    let receiving = async {
        let mut output = tokio::io::stdout();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = from.read(&mut buffer).await.map_err(|error| broken(&error))?;
            if read == 0 {
                return Ok(());
            }
            output.write_all(&buffer[..read]).await?;
            // Somebody may be waiting for an answer.
            output.flush().await?;
        }
    };
    let joined = tokio::try_join!(sending, receiving);
    if joined.is_err() {
        // An end in good order would make a part look like all of it.
        stream.reset();
    }
    joined.map(drop)
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::new(Exit::TryAgain, format!("the stream broke off: {error}"))
        .advise("the other end has reset it, or a connection on the way was lost: what came is not all")
}
