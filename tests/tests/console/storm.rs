//! A list of many while very many come and go.

use crate::world::World;
use frontlas::{Directory, Event, NewFrontier, Presence};
use std::time::Duration;
use tokio::time::interval;

const EDGES: u64 = 20_000;
/// In each tenth of a second; twice as many changes.
const CHURN: u64 = 250;

/// How often there was a picture, and the longest time without one in milliseconds, until `window.watched.stop`.
const WATCH_FRAMES: &str = "
    const watched = window.watched = {frames: 0, longest: 0, stop: false};
    let last = performance.now();
    const frame = () => {
        const now = performance.now();
        watched.frames += 1;
        watched.longest = Math.max(watched.longest, now - last);
        last = now;
        if (!watched.stop) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_answers_while_thousands_come_and_go_each_second() {
    let world = World::start().await;
    let directory = world.directory.clone();
    let frontier = NewFrontier {
        id: "west".into(),
        advertised_sb_addr: "tcp://west:30011".into(),
        advertised_eb_addr: "tcp://west:30012".into(),
    };
    let lease = directory.join(&frontier, None).await.unwrap();
    let now = directory.time().await.unwrap();
    let edge = |id: u64, at| Presence::edge(id, format!("192.0.2.{}:40000", id % 250), at);
    let all: Vec<_> = (1..=EDGES).map(|id| Event::Online(edge(id, now))).collect();
    directory.apply(&lease, &all).await.unwrap();
    let browser = world.browser().await;
    browser.click("nav a[href='#/edges']").await;
    browser.sees(".total", "20,000").await;

    let churn = tokio::spawn(async move {
        let mut tick = interval(Duration::from_millis(100));
        let mut before = vec![now; usize::try_from(EDGES).unwrap() + 1];
        for round in 0.. {
            tick.tick().await;
            let now = directory.time().await.unwrap();
            let ids = (0..CHURN).map(|it| (round * CHURN + it) * 7 % EDGES + 1);
            let again = |id: u64| {
                let known = std::mem::replace(&mut before[usize::try_from(id).unwrap()], now);
                [edge(id, known).offline(), Event::Online(edge(id, now))]
            };
            let events: Vec<_> = ids.flat_map(again).collect();
            directory.apply(&lease, &events).await.unwrap();
        }
    });
    browser.run(WATCH_FRAMES).await;
    // The list goes on to its end, and is searched, meanwhile.
    browser.run("document.querySelector('[role=grid]').focus();").await;
    let mut loads = 0;
    while browser.run("return document.querySelector('.note')?.textContent.includes('more come');").await
        == true
    {
        browser.press("\u{e010}").await;
        loads += 1;
        assert!(loads < 500, "the list has an end");
    }
    browser.fill("input[type=search]", "1999").await;
    browser.sees(".note", "11 edges found").await;
    let watched = browser.run("watched.stop = true; return watched;").await;
    println!("{loads} keys, {watched}");
    churn.abort();
    let longest = watched["longest"].as_f64().unwrap();
    assert!(longest < 1000.0, "a page that stands still for {longest} ms");
    browser.has_no_complaints().await;
}
