//! The lists of a gateway follow who comes and goes, and do not jump.

use crate::browser::Browser;
use crate::gateway_world::{GatewayWorld, READER};
use frontier_sdk::{Edge, EdgeId};
use frontier_tests::{Gateway, within};
use serde_json::Value;

const DOWN: &str = "\u{e015}";

/// The first cells of all rows in sight, in their order.
const ROWS: &str =
    "[...document.querySelectorAll('.space .row')].sort((a, b) => a.dataset.index - b.dataset.index)
    .map((row) => row.firstChild.textContent)";

/// Whose row is at the place where the mouse was put.
const POINTED_AT: &str = "document.elementFromPoint(...window.place).closest('.row')?.firstChild.textContent";

async fn edge(gateway: &Gateway, id: u64) -> Edge {
    within("an edge connects", gateway.edge().id(EdgeId(id)).connect()).await.unwrap()
}

async fn edges(gateway: &Gateway, ids: std::ops::Range<u64>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for id in ids {
        edges.push(edge(gateway, id).await);
    }
    edges
}

impl Browser {
    /// Puts the mouse on the row of this edge.
    async fn point_at_row(&self, id: u64) {
        self.run(&format!(
            "const row = [...document.querySelectorAll('.space .row')].find((it) => it.firstChild.textContent === '{id}');
             const {{left, top, width, height}} = row.getBoundingClientRect();
             window.place = [left + width / 2, top + height / 2];"
        ))
        .await;
        self.point_at(&format!(".space .row[id$='-{id}']")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_and_goes_is_in_the_list_without_a_reload() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    browser.click("nav a[href='#/edges']").await;
    browser.sees(".note", "2 edges").await;
    let newcomer = edge(&world.gateway, 9).await;
    browser.wait("it is the first", &format!("{ROWS}[0] === '9'")).await;
    browser.sees(".note", "3 edges").await;
    newcomer.close().await.unwrap();
    browser.wait("it has left", &format!("{ROWS}.length === 2 && !{ROWS}.includes('9')")).await;

    // Who does not match what is searched for does not come in.
    browser.fill("input[type=search]", "sn-").await;
    browser.sees(".note", "1 edge found").await;
    let _other = edge(&world.gateway, 10).await;
    let _match = world.gateway.edge().id(EdgeId(11)).meta("sn-11").connect().await.unwrap();
    browser.sees(".note", "2 edges found").await;
    browser.wait("those alone", &format!("{ROWS}.join() === '11,7'")).await;

    browser.click("nav a[href='#/services']").await;
    browser.sees(".note", "1 service").await;
    let service = world.gateway.service("mail").connect().await.unwrap();
    browser.sees(".space .row", "mail").await;
    service.close().await.unwrap();
    browser.sees(".note", "1 service").await;
    browser.click("nav a[href='#/events']").await;
    browser.sees(".events", "Edge 11 (sn-11) connected from 127.0.0.1:").await;
    browser.sees(".events", "Edge 9 left").await;
    browser.is_good_on_all_screens("gateway-events").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_moves_away_from_under_the_mouse_or_the_keyboard() {
    let world = GatewayWorld::start().await;
    let mut connected = edges(&world.gateway, 101..161).await;
    let browser = world.browser(READER).await;
    browser.click("nav a[href='#/edges']").await;
    browser.wait("the newest is the first", &format!("{ROWS}[0] === '160'")).await;

    // At the top, where the newest come in.
    browser.point_at_row(157).await;
    let mut more = edges(&world.gateway, 201..206).await;
    browser.wait("there are newer ones", "!document.querySelector('.above').hidden").await;
    browser.sees(".note", "67 edges").await;
    assert_eq!(browser.run(&format!("return {POINTED_AT};")).await, "157");
    browser.is_good_on_all_screens("newer-above").await;
    browser.point_at_row(157).await;
    // Those above leave, and some below.
    for edge in more.drain(..).chain(connected.drain(..20)) {
        edge.close().await.unwrap();
    }
    browser.sees(".note", "42 edges").await;
    assert_eq!(browser.run(&format!("return {POINTED_AT};")).await, "157");

    // Whoever takes the mouse away sees the newest come in again.
    let _newest = edge(&world.gateway, 301).await;
    browser.point_at("h1").await;
    browser
        .wait(
            "the newest",
            &format!("{ROWS}[0] === '301' && document.querySelector('.scroll').scrollTop === 0"),
        )
        .await;

    // The active row stays active, and where it is.
    browser.run("document.querySelector('[role=grid]').focus();").await;
    browser.press(&DOWN.repeat(4)).await;
    let active = "document.querySelector('.row.active')";
    let place =
        format!("[{active}.firstChild.textContent, Math.round({active}.getBoundingClientRect().top)]");
    browser.wait("it is the fifth", &format!("{active}?.dataset.index === '4'")).await;
    let before: Value = browser.run(&format!("return {place};")).await;
    let _more = edges(&world.gateway, 401..404).await;
    browser.sees(".note", "46 edges").await;
    browser.wait("there are newer ones", "!document.querySelector('.above').hidden").await;
    assert_eq!(browser.run(&format!("return {place};")).await, before);
    browser.click(".above").await;
    browser
        .wait("the newest", &format!("{ROWS}[0] === '403' && document.querySelector('.above').hidden"))
        .await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missed_while_the_watch_is_away_is_read_again() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    browser.click("nav a[href='#/edges']").await;
    browser.sees(".note", "2 edges").await;
    // A reload ends all watches; the page has no answer to its next one for a while.
    browser
        .run(
            "const fetched = window.fetch;
             window.refused = 0;
             window.fetch = (path, options) => {
                 if (!String(path).startsWith('/v1/watch') || window.mayWatch) return fetched(path, options);
                 window.refused += 1;
                 return Promise.reject(new TypeError('no network'));
             };",
        )
        .await;
    world.gateway.hang_up();
    browser.wait("the watch is away", "window.refused > 0").await;
    browser.sees(".note button", "Read it again").await;
    let _edge = edge(&world.gateway, 9).await;
    world.edge.close().await.unwrap();
    browser.run("window.mayWatch = true;").await;
    browser
        .wait(
            "who has come is there, and who has left is not",
            &format!("{ROWS}.includes('9') && !{ROWS}.includes('7')"),
        )
        .await;
    browser.wait("it follows again", "!document.querySelector('.note button')").await;
}
