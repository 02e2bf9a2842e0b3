//! A service and an edge in one program, against a running gateway: calls both ways, a message, a stream.
//!
//! ```sh
//! cargo run -p frontier -- &
//! cargo run -p frontier-sdk --example quickstart
//! ```
//!
//! `--help` says how to show a certificate or tokens to a gateway that asks for credentials.

#[path = "access/options.rs"]
#[expect(dead_code, reason = "here are two clients, each with a token of its own")]
mod access;
#[path = "access/log.rs"]
mod log;

use access::{Tls, with_token_file};
use anyhow::{Context, Result};
use clap::Parser;
use frontier_sdk::{Builder, Edge, EdgeId, HandlerError, Request, Response, Service};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Starts a service and an edge, lets them talk through a gateway, and prints what happens.
#[derive(Parser)]
struct Options {
    /// Where services connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30011")]
    services: String,
    /// Where edges connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30012")]
    edges: String,
    /// The service shows the token in this file.
    #[arg(long, value_name = "FILE")]
    service_token_file: Option<PathBuf>,
    /// The edge shows the token in this file.
    #[arg(long, value_name = "FILE")]
    edge_token_file: Option<PathBuf>,
    #[command(flatten)]
    tls: Tls,
}

impl Options {
    /// With what this client shows the gateway.
    fn apply<P>(&self, builder: Builder<P>, token_file: Option<&Path>) -> Builder<P> {
        let builder = self.tls.apply(builder);
        match token_file {
            Some(path) => with_token_file(builder, path),
            None => builder,
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    log::to_stderr();
    let options = Options::parse();

    let service = Service::builder(&options.services).name("quickstart").topics(["telemetry"]);
    let service = options.apply(service, options.service_token_file.as_deref());
    let service = service.connect().await.context("the service can't connect")?;
    service.register("greet", greet).await?;
    // Messages and streams wait in queues until they are taken. Whoever does not take them leaves their
    // senders waiting, so each queue gets a task from the start.
    let messages = tokio::spawn(print_messages(service.clone()));
    let streams = tokio::spawn(answer_streams(service.clone()));

    let edge = Edge::builder(&options.edges).meta("sn-42");
    let edge = options.apply(edge, options.edge_token_file.as_deref());
    let edge = edge.connect().await.context("the edge can't connect")?;
    println!("edge {} is connected", edge.id());
    edge.register("temperature", |_: Request| async { Ok(Response::new("21.5")) }).await?;

    call_the_service(&edge).await?;
    call_the_edge(&service, edge.id()).await?;
    // Returns when the service has said `done`.
    edge.publish("telemetry", "21.5 degrees").await?;
    println!("edge: the message has been received");
    use_a_stream(&edge).await?;

    // In good order: what is in flight may end. To drop them would cut it off.
    edge.close().await?;
    service.close().await?;
    messages.await?;
    streams.await??;
    Ok(())
}

/// A handler. An error that it returns is the caller's error.
async fn greet(request: Request) -> Result<Response, HandlerError> {
    let name = std::str::from_utf8(&request.data)?;
    Ok(Response::new(format!("hello, {name}")))
}

async fn call_the_service(edge: &Edge) -> Result<()> {
    // By the method's name. Which service has registered it is not the edge's concern.
    let answer = edge.call("greet", "edge").await?;
    println!("edge: greet says {}", String::from_utf8_lossy(&answer.data));
    Ok(())
}

async fn call_the_edge(service: &Service, id: EdgeId) -> Result<()> {
    let answer = service.call(id, "temperature", "").await?;
    println!("service: temperature of edge {id} is {}", String::from_utf8_lossy(&answer.data));
    Ok(())
}

async fn print_messages(service: Service) {
    while let Some(message) = service.recv().await {
        println!("service: {} says {}", message.topic, String::from_utf8_lossy(&message.data));
        // Only now the sender's `publish` returns. Without this it would fail, with NotDone.
        message.done();
    }
}

/// Reads each stream to its end and answers on it in capital letters.
async fn answer_streams(service: Service) -> Result<()> {
    while let Some(mut stream) = service.accept_stream().await {
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        println!("service: read {text:?} on a stream of {}", stream.peer());
        stream.write_all(text.to_uppercase().as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

async fn use_a_stream(edge: &Edge) -> Result<()> {
    let mut stream = edge.open_stream("quickstart").await?;
    stream.write_all(b"one, two, three").await?;
    // Ends this half only: the service sees the end, and can still answer.
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    println!("edge: the stream answers {answer:?}");
    Ok(())
}
