//! Streams of Redis as sources: what a dead consumer held, servers that die, groups that vanish.

use super::redis::{add, nothing_is_pending, orders, pending};
use super::{Inbox, buried};
use crate::resp::Resp;
use crate::world::{connected, edge};
use frontier_test_redis::Server;
use frontier_tests::{DEADLINE, eventually, within};
use serde_json::json;

/// Edges of the tests here.
const EDGES: [u64; 4] = [1, 2, 3, 4];

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_in_the_middle_loses_nothing() {
    let server = Server::start();
    let mut gateway = orders(&server, &json!({"max_inflight": 32})).start().await;
    let inbox = Inbox::default();
    let mut edges = inbox.edges(&gateway, EDGES).await;
    // More than are acked when it is killed.
    let adding = std::thread::spawn({
        let addr = server.addr();
        move || {
            let mut client = Resp::connect(addr);
            for number in 0..500 {
                for id in EDGES {
                    let (id, number) = (id.to_string(), number.to_string());
                    client.ask(&["XADD", "orders", "*", "edge_id", &id, "payload", &number]);
                }
            }
        }
    });
    for round in 1..=2 {
        inbox.holds(400 * round).await;
        gateway.kill().await;
        drop(edges);
        gateway.start_again().await;
        edges = inbox.edges(&gateway, EDGES).await;
    }
    adding.join().unwrap();
    // What the dead one held comes behind what was not read by it, so the order is that of each start alone.
    let doubled = inbox.has_all(2000).await;
    assert!(doubled <= 2 * 32, "at most what was held: {doubled}");
    nothing_is_pending(&server).await;
    assert!(buried(&gateway).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_takes_over_what_a_dead_one_held_and_nothing_of_one_that_is_slow() {
    let server = Server::start();
    // It has no place for what is for others.
    let mut dead = orders(&server, &json!({"max_inflight": 3})).start().await;
    let held = edge(&dead, 1).await;
    add(&server, &[1], 0..3);
    // It has the first, and does not answer; the others are behind it.
    let first = within("it comes", held.recv()).await.unwrap();
    let other = orders(&server, &json!({})).start().await;
    connected(&other, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&other, [1, 2]).await;
    // Longer than `claim_after`: one that gives signs of life keeps what it holds.
    for number in 0..4 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        add(&server, &[2], number..number + 1);
        inbox.holds(number + 1).await;
    }
    assert_eq!(inbox.of(1), [] as [&str; 0]);
    dead.kill().await;
    drop(first);
    assert_eq!(inbox.is_whole(&[1], 3).await, 0);
    nothing_is_pending(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stops_gives_back_what_it_holds_at_once() {
    let server = Server::start();
    // Another one would take it over only long after this test.
    let keys = json!({"claim_after": "600s", "max_inflight": 5});
    let mut first = orders(&server, &keys).start().await;
    connected(&first, 1).await;
    add(&server, &[1], 0..5);
    let read = async || (pending(&server) == 5).then_some(());
    eventually(DEADLINE, "they wait for their edge", read).await;
    let second = orders(&server, &keys).start().await;
    connected(&second, 1).await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&second, [1]).await;
    first.terminate();
    assert_eq!(first.process().exit().await, Some(0));
    assert_eq!(inbox.is_whole(&[1], 5).await, 0);
    nothing_is_pending(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_server_killed_and_frozen_nothing_is_lost() {
    let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"], &[]);
    let gateway = orders(&server, &json!({"max_inflight": 32})).set("mq.timeout", "1s").start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, EDGES).await;
    for round in 0..3 {
        add(&server, &EDGES, round * 100..(round + 1) * 100);
        inbox.holds(round * 400 + 100).await;
        server.restart();
    }
    let doubled = inbox.is_whole(&EDGES, 300).await;
    assert_eq!(doubled, 0, "what is held is known, whatever becomes of the connection");
    nothing_is_pending(&server).await;
    server.signal("-STOP");
    let left = async || gateway.log().find("has not answered for 1s");
    eventually(DEADLINE, "it is left", left).await;
    server.signal("-CONT");
    add(&server, &EDGES, 300..310);
    assert_eq!(inbox.is_whole(&EDGES, 310).await, 0);
    nothing_is_pending(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_vanishes_is_made_again_where_it_was() {
    let server = Server::start();
    let gateway = orders(&server, &json!({})).start().await;
    let inbox = Inbox::default();
    let _edges = inbox.edges(&gateway, [1]).await;
    add(&server, &[1], 0..10);
    inbox.holds(10).await;
    nothing_is_pending(&server).await;
    server.cli(&["XGROUP", "DESTROY", "orders", "plant"]);
    add(&server, &[1], 10..20);
    assert_eq!(inbox.is_whole(&[1], 20).await, 0, "what was read is not read again");
    // The whole stream goes, and another one begins.
    server.cli(&["DEL", "orders"]);
    add(&server, &[1], 20..30);
    assert_eq!(inbox.is_whole(&[1], 30).await, 0);
    server.cli(&["FLUSHALL"]);
    add(&server, &[1], 30..40);
    assert_eq!(inbox.is_whole(&[1], 40).await, 0);
    nothing_is_pending(&server).await;
    gateway.log().line("NOGROUP").await;
}
