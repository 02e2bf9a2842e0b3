//! The page of `examples/bridge`: edges publish, and a browser shows it.

use crate::browser::Browser;
use crate::screen::Screen;
use frontier_sdk::Edge;
use frontier_tests::{DEADLINE, Gateway, GatewayBuilder, Process, eventually, tool, within};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;

fn example(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/bridge").join(file)
}

/// A gateway with a bridge, and the page from a server of its own, which is another origin.
struct World {
    gateway: Gateway,
    /// Where the page is from, and where the bridge is.
    origin: String,
    bridge: String,
    url: String,
    _files: Process,
}

impl World {
    async fn start() -> Self {
        let mut command = Command::new(tool("python3", "python3"));
        command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(example(""));
        let files = Process::spawn("http.server", command);
        let port = eventually(DEADLINE, "the page is served", async || {
            let line = files.log().find("Serving HTTP on ")?;
            line.split_once(" port ")?.1.split(' ').next()?.parse::<u16>().ok()
        });
        let origin = format!("http://127.0.0.1:{}", port.await);
        let gateway = bridged(&origin, "127.0.0.1:0").start().await;
        let bridge = eventually(DEADLINE, "the bridge listens", async || {
            let line = gateway.log().find("the bridge listens")?;
            Some(line.split_once("addr=")?.1.split_whitespace().next()?.to_owned())
        });
        let bridge = bridge.await;
        let url = format!("{origin}/?bridge=http://{bridge}&topic=telemetry");
        Self { gateway, origin, bridge, url, _files: files }
    }
}

fn bridged(origin: &str, addr: &str) -> GatewayBuilder {
    Gateway::builder()
        .set("bridge.enable", true)
        .set("bridge.listen.addr", addr)
        .set("bridge.topics", json!([{"name": "telemetry", "fields": "sensor"}]))
        .set("bridge.allowed_origins", json!([origin]))
}

async fn publish(edge: &Edge, sensor: &str, number: u32) {
    let angle = f64::from(number) / 9.0 + f64::from(u32::try_from(sensor.len()).unwrap());
    let (temperature, humidity) = (21.0 + 4.0 * angle.sin(), 48.0 + 12.0 * (angle / 2.0).cos());
    let reading =
        json!({"sensor": sensor, "temperature": temperature, "humidity": humidity, "number": number});
    within("an ack", edge.publish("telemetry", reading.to_string()).into_future()).await.unwrap();
}

#[tokio::test]
async fn a_page_shows_what_edges_publish_and_goes_on_after_a_restart() {
    let mut world = World::start().await;
    let edge = world.gateway.edge().connect().await.unwrap();
    let sensors = ["hall", "cellar", "roof", "garden"];
    for sensor in sensors {
        publish(&edge, sensor, 0).await;
    }
    let browser = Browser::start().await;
    browser.show_on(Screen::DESK).await;
    browser.open(&world.url).await;
    browser.sees("#state", "live").await;
    browser.wait("the last value of each", "document.querySelectorAll('.card').length === 4").await;
    // All of it lies within `bridge.lag`, however late the page reads.
    for number in 1..=80 {
        for sensor in sensors {
            publish(&edge, sensor, number).await;
        }
    }
    within("an ack", edge.publish("telemetry", r#"{"sensor":"door","state":"open"}"#).into_future())
        .await
        .unwrap();
    browser.sees("[data-key=hall] li", "80number").await;
    browser.sees("[data-key=door] p", "open").await;
    browser.sees("#messages", "325").await;
    let drawn = "(() => { const it = document.querySelector('[data-key=roof] canvas'); \
                 return it.getContext('2d').getImageData(0, 0, it.width, it.height).data.some((byte) => byte > 0) })()";
    browser.wait("a line is drawn", drawn).await;
    browser
        .wait(
            "it is told to who does not see it",
            "document.querySelector('[data-key=roof] canvas').ariaLabel.includes('temperature')",
        )
        .await;
    for screen in Screen::ALL {
        browser.show_on(screen).await;
        browser.wait("it fits", "document.documentElement.scrollWidth <= innerWidth").await;
        browser.keep_picture(&format!("bridge-{}", screen.name())).await;
    }
    browser.has_no_complaints().await;
    drop(edge);
    world.gateway.kill().await;
    browser.wait("it is noticed", "document.querySelector('#state').dataset.state !== 'live'").await;
    let next = bridged(&world.origin, &world.bridge).start().await;
    publish(&next.edge().connect().await.unwrap(), "attic", 7).await;
    browser.sees("[data-key=attic] li", "7number").await;
    browser.wait("what was there before is gone", "document.querySelectorAll('.card').length === 1").await;
}

#[tokio::test]
async fn the_feed_publishes_what_the_page_shows() {
    let world = World::start().await;
    let browser = Browser::start().await;
    browser.open(&world.url).await;
    browser.sees("#state", "live").await;
    let mut feed = Command::new(example("feed.sh"));
    let home = tempfile::tempdir().unwrap();
    feed.env("FRONTCTL", Process::binary("frontctl-under-test"))
        .env("TIMES", "2")
        .env("PAUSE", "0")
        .env("HOME", home.path());
    feed.env("FRONTCTL_EDGEBOUND", world.gateway.edge_url());
    let mut feed = Process::spawn("feed", feed);
    assert_eq!(feed.exit().await, Some(0), "{:?}", feed.log().lines());
    browser.wait("the cards", "document.querySelectorAll('.card').length === 3").await;
    browser.sees("[data-key=cellar] li", "temperature").await;
    browser.sees("#messages", "6").await;
}
