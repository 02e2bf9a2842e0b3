//! The port itself: where it is, and for how long it is there.

use crate::world::{Rest, says};
use frontier_sdk::EdgeId;
use frontier_tests::{DEADLINE, Gateway, eventually};
use serde_json::json;
use std::net::TcpListener;

const DEFAULT: &str = "127.0.0.1:30010";

/// Several gateways on one machine need not be told apart for their control planes.
#[tokio::test]
async fn a_gateway_goes_without_where_the_default_port_is_taken_and_with_another_one_does_not_start() {
    // If somebody has it already, that does as well.
    let _taken = TcpListener::bind(DEFAULT).ok();
    let gateway = Gateway::builder().set("controlplane.listen.addr", DEFAULT).start().await;
    says(gateway.log(), &["WARN", "there is no control plane", DEFAULT, "controlplane.listen.addr"]).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, lines) = Gateway::builder().set("controlplane.listen.addr", addr.clone()).fail().await;
    let text = lines.join("\n");
    assert!(code == Some(1) && text.contains(&addr) && text.contains("control plane"), "{code:?} {text}");
}

#[tokio::test]
async fn there_need_not_be_any() {
    let gateway = Gateway::builder().set("controlplane.enable", false).start().await;
    let _edge = gateway.edge().connect().await.unwrap();
    assert!(gateway.log().find("control plane").is_none());
}

#[tokio::test]
async fn it_answers_while_the_gateway_drains_and_is_not_ready() {
    let mut gateway =
        Gateway::builder().set("daemon.grace", "20s").set("daemon.drain_spread", "0s").start().await;
    let rest = Rest::of(&gateway).await;
    let ready = async || (rest.ask("GET", "/readyz").await.0 == 200).then_some(());
    eventually(DEADLINE, "it is ready", ready).await;
    let service = gateway.service("s").connect().await.unwrap();
    let (entered, holds) = (tokio::sync::Semaphore::new(0), tokio::sync::Semaphore::new(0));
    let gates = std::sync::Arc::new((entered, holds));
    let inside = gates.clone();
    let handler = move |_: frontier_sdk::Request| {
        let inside = inside.clone();
        async move {
            inside.0.add_permits(1);
            inside.1.acquire().await.unwrap().forget();
            Ok("done".into())
        }
    };
    service.register("slow", handler).await.unwrap();
    let edge = gateway.edge().id(EdgeId(7)).connect().await.unwrap();
    let call = tokio::spawn(async move { edge.call("slow", "").await });
    gates.0.acquire().await.unwrap().forget();
    gateway.terminate();
    let unready = async || (rest.ask("GET", "/readyz").await.0 == 503).then_some(());
    eventually(DEADLINE, "it is not ready", unready).await;
    assert_eq!(rest.get("/v1/edges").await["edges"][0]["calls_from"], json!(1));
    gates.1.add_permits(1);
    assert_eq!(call.await.unwrap().unwrap().data, "done");
    assert_eq!(gateway.process().exit().await, Some(0));
}
