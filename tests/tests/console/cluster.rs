//! The cluster on the screen: what is there, and what happens while somebody looks.

use crate::world::World;
use frontier_sdk::{Edge, EdgeId, Response, Service};
use frontier_tests::{DEADLINE, Gateway, within};
use frontlas::{Directory, Event, NewFrontier, Presence};
use tokio::sync::{mpsc, watch};

const DOWN: &str = "\u{e015}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

impl World {
    async fn gateway(&self, id: &str) -> Gateway {
        let gateway = Gateway::builder()
            .set("frontlas.enable", true)
            .set("frontlas.dial.addrs", vec![self.plane.to_string()])
            .set("daemon.frontier_id", id)
            .set("daemon.drain_spread", "2s");
        gateway.start().await
    }
}

async fn edges(gateway: &Gateway, ids: std::ops::Range<u64>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for id in ids {
        edges.push(within("an edge connects", gateway.edge().id(EdgeId(id)).connect()).await.unwrap());
    }
    edges
}

/// The text of all rows in sight, in their order.
const ROWS: &str =
    "[...document.querySelectorAll('.space .row')].sort((a, b) => a.dataset.index - b.dataset.index)
    .map((row) => row.firstChild.textContent)";

#[tokio::test(flavor = "multi_thread")]
async fn edges_are_listed_searched_and_inspected_and_leave_while_one_looks() {
    let world = World::start().await;
    let gateway = world.gateway("west").await;
    let mut connected = edges(&gateway, 101..131).await;
    let browser = world.browser().await;
    browser.click("nav a[href='#/edges']").await;
    browser.sees(".total", "30").await;
    browser.wait("the first edge", &format!("{ROWS}[0] === '101'")).await;

    // By the keyboard: to the list, down, in, out.
    browser.run("document.querySelector('[role=grid]').focus();").await;
    browser.press(&DOWN.repeat(2)).await;
    let active = "document.getElementById(document.querySelector('[role=grid]').getAttribute('aria-activedescendant'))";
    browser.wait("the third is the active one", &format!("{active}?.firstChild.textContent === '103'")).await;
    browser.press(ENTER).await;
    browser.sees("dialog.panel", "west").await;
    browser.sees("dialog.panel", "127.0.0.1:").await;
    assert_eq!(browser.run("return location.hash;").await, "#/edges/103");
    browser.is_good_on_all_screens("edge").await;
    browser.press(ESCAPE).await;
    browser.wait("the panel is closed", "!document.querySelector('dialog[open]')").await;
    let focus = browser.run("return document.activeElement.getAttribute('role');").await;
    assert_eq!(focus, "grid", "the focus is back where it was");

    // What begins like this, and one who leaves, in the list and in the panel.
    browser.fill("input[type=search]", "11").await;
    browser.sees(".note", "10 edges found").await;
    browser
        .wait("none but these", &format!("{ROWS}.length === 10 && {ROWS}.every((it) => it.startsWith('11'))"))
        .await;
    browser.click(".space .row").await;
    browser.sees("dialog.panel h2", "110").await;
    connected.remove(9).close().await.unwrap();
    browser.sees("dialog.panel", "not connected any more").await;
    browser.press(ESCAPE).await;
    browser.wait("it has left the list", &format!("{ROWS}[0] === '111'")).await;
    browser.is_good_on_all_screens("edges").await;
    browser.fill("input[type=search]", "nobody").await;
    browser.sees(".note", "No edge begins like this").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_and_who_moves_are_seen_as_they_happen() {
    let world = World::start().await;
    let west = world.gateway("west").await;
    let east = world.gateway("east").await;
    let service = |gateway: &Gateway| gateway.service("files").connect();
    let [at_west, _at_east]: [Service; 2] = [service(&west).await.unwrap(), service(&east).await.unwrap()];
    let browser = world.browser().await;
    let (begun, mut calls_begun) = mpsc::unbounded_channel();
    let (let_go, held) = watch::channel(false);
    let mut connected = Vec::new();
    for id in 1..41 {
        let (begun, held) = (begun.clone(), held.clone());
        let edge = west.edge().id(EdgeId(id)).register("hold", move |_| {
            let (begun, mut held) = (begun.clone(), held.clone());
            async move {
                let _ = begun.send(());
                let _ = held.wait_for(|may_go| *may_go).await;
                Ok(Response::new(""))
            }
        });
        connected.push(within("an edge connects", edge.connect()).await.unwrap());
    }
    browser.sees("table", "west").await;
    browser.sees(".map", "east").await;
    browser.wait("an edge moves", "document.querySelector('.map .arc')").await;
    browser.sees(".events", "moved from west to east").await;
    browser.is_good_on_all_screens("cluster").await;
    browser.click("nav a[href='#/services']").await;
    browser.sees(".space .row", "files").await;
    browser.is_good_on_all_screens("services").await;
    browser.click("nav a[href='#/']").await;
    // It drains for as long as it is looked at: who has not moved has a call.
    for id in 1..41 {
        let service = at_west.clone();
        tokio::spawn(async move { service.call(EdgeId(id), "hold", "").timeout(2 * DEADLINE).await });
    }
    within("a call is there", calls_begun.recv()).await.unwrap();
    west.terminate();
    browser.sees("table .badge", "draining").await;
    browser.sees(".tiles", "1 draining").await;
    let_go.send_replace(true);
    browser.wait("it is gone", "!document.querySelector('table').textContent.includes('west')").await;
    browser.click("nav a[href='#/events']").await;
    browser.sees(".events", "Gateway west drains").await;
    browser.sees(".events", "Gateway west has gone").await;
    browser.is_good_on_all_screens("events").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_leads_to_its_edges() {
    let world = World::start().await;
    let (west, east) = (world.gateway("west").await, world.gateway("east").await);
    let _west = edges(&west, 1..4).await;
    let _east = edges(&east, 4..9).await;
    let browser = world.browser().await;
    browser.sees("table", "east").await;
    browser
        .run("[...document.querySelectorAll('table a')].find((it) => it.textContent === 'east').click();")
        .await;
    browser.sees(".note", "5 edges found").await;
    browser.wait("those of east", &format!("{ROWS}.join() === '4,5,6,7,8'")).await;
    browser.has_no_complaints().await;
}

/// Nobody tells of each edge of a gateway that is lost.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_at_a_gateway_that_has_gone_leaves_the_list_with_it() {
    let world = World::start().await;
    let directory = &world.directory;
    let now = directory.time().await.unwrap();
    let join = async |id: &str, edges: std::ops::Range<u64>| {
        let addr = format!("tcp://{id}:1");
        let frontier =
            NewFrontier { id: id.into(), advertised_sb_addr: addr.clone(), advertised_eb_addr: addr };
        let lease = directory.join(&frontier, None).await.unwrap();
        let online = |id| Event::Online(Presence::edge(id, "192.0.2.1:40000", now));
        directory.apply(&lease, &edges.map(online).collect::<Vec<_>>()).await.unwrap();
        lease
    };
    let (west, _east) = (join("west", 1..4).await, join("east", 4..6).await);
    let browser = world.browser().await;
    browser.run("location.hash = '#/edges/2';").await;
    browser.sees("dialog.panel", "west").await;
    browser.wait("all of them", &format!("{ROWS}.join() === '1,2,3,4,5'")).await;
    directory.leave(&west).await.unwrap();
    browser.sees("dialog.panel", "not connected any more").await;
    browser.wait("those of east", &format!("{ROWS}.join() === '4,5'")).await;
    browser.has_no_complaints().await;
}
