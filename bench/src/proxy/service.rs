//! The service's process behind the proxy.

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::console::Console;
use crate::dialogue::Ready;
use crate::loopback::{accept, listen};

/// Serves every connection in a task of its own.
pub(super) async fn run<S, F>(serve: S, console: &mut Console) -> Result<()>
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (listener, address) = listen().await?;
    console.ready(Ready { services: Some(address), ..Ready::default() })?;
    tokio::select! {
        result = accept_all(listener, serve) => result,
        () = console.closed() => Ok(()),
    }
}

async fn accept_all<S, F>(listener: TcpListener, serve: S) -> Result<()>
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    loop {
        tokio::spawn(serve(accept(&listener).await?));
    }
}

pub(super) async fn echo(mut stream: TcpStream) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

pub(super) async fn sink(mut stream: TcpStream) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

const BUFFER: usize = 64 << 10;
