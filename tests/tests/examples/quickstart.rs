//! The `quickstart` example, and what all examples have in common: how they show who they are.

use crate::program::Program;
use frontier_tests::{Authority, Gateway, Network, SERVER_NAME, Validity};
use serde_json::json;
use std::fs;

async fn shows_everything(mut quickstart: Program) {
    assert_eq!(quickstart.exits().await, Some(0));
    for line in [
        "edge: greet says hello, edge",
        "is 21.5",
        "service: telemetry says 21.5 degrees",
        "edge: the message has been received",
        "edge: the stream answers \"ONE, TWO, THREE\"",
    ] {
        quickstart.prints(line).await;
    }
}

#[tokio::test]
async fn it_shows_everything_and_ends_well() {
    let gateway = Gateway::start().await;
    let (services, edges) = (gateway.service_url(), gateway.edge_url());
    shows_everything(Program::example("quickstart", ["--services", &services, "--edges", &edges])).await;
}

#[tokio::test]
async fn each_example_says_why_it_does_not_connect_while_it_tries() {
    let gateway = Gateway::over(Network::Tls).start().await;
    let (services, edges) = (gateway.service_url(), gateway.edge_url());
    for (name, arguments) in [
        ("quickstart", &["--services", &services, "--edges", &edges][..]),
        ("chatroom", &["service", "--gateway", &services]),
        ("file", &["serve", "--dir", "/", "--gateway", &services]),
    ] {
        let line = Program::example(name, arguments).prints("could not connect: trying on").await;
        assert!(line.contains("WARN") && line.contains("CA"), "{name}: {line}");
    }
}

/// A gateway over TLS that asks edges for a certificate and services for a token.
async fn strict() -> Gateway {
    let ca = Authority::new("clients");
    let builder = Gateway::over(Network::Tls).mtls(&ca, &[]);
    ca.client("quickstart", &[], Validity::Now).write(&builder.file(""), "client");
    fs::write(builder.file("service.token"), "of-services\n").unwrap();
    // SHA-256 of the token.
    let hash = "2d110748059fc68b8d88b07de0d153b6cdb698647eeb9c43f317bdbe6ef8a322";
    let tokens = builder.file("tokens.yaml");
    fs::write(&tokens, format!("- {{hash: 'sha256:{hash}'}}\n")).unwrap();
    builder.set("servicebound.auth.methods", json!([{ "token": { "file": tokens } }])).start().await
}

#[tokio::test]
async fn it_speaks_tls_and_shows_a_certificate_and_a_token() {
    let gateway = strict().await;
    let file = |name: &str| gateway.dir().join(name).to_str().unwrap().to_owned();
    let (services, edges, ca) = (gateway.service_url(), gateway.edge_url(), file("ca.pem"));
    let (cert, key, token) = (file("client.pem"), file("client.key"), file("service.token"));
    let tls = ["--ca", &ca, "--server-name", SERVER_NAME, "--cert", &cert, "--key", &key];
    let urls = ["--services", &services, "--edges", &edges, "--service-token-file", &token];
    shows_everything(Program::example("quickstart", urls.iter().chain(&tls))).await;
}

#[tokio::test]
async fn each_example_shows_what_it_is_told_to() {
    let gateway = strict().await;
    let file = |name: &str| gateway.dir().join(name).to_str().unwrap().to_owned();
    let (services, edges, ca) = (gateway.service_url(), gateway.edge_url(), file("ca.pem"));
    let (cert, key, token) = (file("client.pem"), file("client.key"), file("service.token"));
    let as_service =
        ["--gateway", &services, "--ca", &ca, "--server-name", SERVER_NAME, "--token-file", &token];
    let as_edge =
        ["--gateway", &edges, "--ca", &ca, "--server-name", SERVER_NAME, "--cert", &cert, "--key", &key];

    let dir = file("");
    let serve = Program::example("file", ["serve", "--dir", &dir].iter().chain(&as_service));
    serve.prints("files serves").await;
    let mut send = Program::example("file", ["send", &token].iter().chain(&as_edge));
    assert_eq!(send.exits().await, Some(0));

    // Last, since the room lets in nobody else.
    let room = Program::example("chatroom", ["service"].iter().chain(&as_service));
    room.prints("the room is open").await;
    let ada = Program::example("chatroom", ["client", "--name", "ada"].iter().chain(&as_edge));
    ada.prints("* ada joined").await;
}
