//! The service: accepts streams, and receives or sends one file over each.

use crate::access::Access;
use crate::{target, transfer};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use frontier_sdk::{Service, Stream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// How long a stream may be open before its opener says what it wants.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct Options {
    /// Where the files are kept.
    #[arg(long)]
    dir: PathBuf,
    /// The name by which edges find this service.
    #[arg(long, default_value = "files")]
    name: String,
    /// Where services connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30011")]
    gateway: String,
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    ensure!(options.dir.is_dir(), "{} is no directory", options.dir.display());
    let service = Service::builder(options.gateway).name(&options.name);
    let service = options.access.apply(service).connect().await?;
    println!("{} serves {}", options.name, options.dir.display());
    let serving = async {
        while let Some(stream) = service.accept_stream().await {
            tokio::spawn(report(stream, options.dir.clone()));
        }
    };
    tokio::select! {
        () = serving => Err(anyhow!("{}", service.closed().await)),
        _ = tokio::signal::ctrl_c() => Ok(service.close().await?),
    }
}

async fn report(stream: Stream, dir: PathBuf) {
    let peer = stream.peer().clone();
    match serve(stream, &dir).await {
        Ok(done) => println!("{peer}: {done}"),
        Err(error) => eprintln!("{peer}: failed: {error:#}"),
    }
}

async fn serve(mut stream: Stream, dir: &Path) -> Result<String> {
    let request = timeout(REQUEST_TIMEOUT, stream.recv()).await.context("nothing was asked for")?;
    let request = request.context("the stream ended before anything was asked for")?;
    let name = String::from_utf8_lossy(&request.data).into_owned();
    // The text of `fail` is what the edge is told.
    let path = match (target(dir, &name), &*request.topic) {
        (Ok(path), "put") => path,
        (Ok(path), "get") if path.is_file() => path,
        (Ok(_), "get") => {
            request.fail(format!("there is no {name}"));
            bail!("there is no {name}");
        }
        (Ok(_), other) => {
            let text = format!("{other:?} is neither put nor get");
            request.fail(&*text);
            bail!(text);
        }
        (Err(error), _) => {
            request.fail(error.to_string());
            return Err(error);
        }
    };
    let is_put = &*request.topic == "put";
    request.done();
    if is_put {
        let received = transfer::receive(&mut stream, &path).await.with_context(|| name.clone())?;
        Ok(format!("received {name}: {received}; verified"))
    } else {
        let sent = transfer::send(&mut stream, &path).await.with_context(|| name.clone())?;
        Ok(format!("sent {name}: {sent}; the receiver has verified it"))
    }
}
