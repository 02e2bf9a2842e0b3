//! The console of a gateway: who is connected to it is found, looked at and kicked, and what goes through is seen.

use crate::gateway_world::{GatewayWorld, OPERATOR, READER};

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_is_found_looked_at_and_kicked_and_is_gone() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(OPERATOR).await;
    let id = world.raw.id();
    browser.click("nav a[href='#/edges']").await;
    browser.sees(".note", "2 edges").await;
    browser.run(&format!("[...document.querySelectorAll('.space .row')].find((it) => it.textContent.includes('{id}')).click();")).await;
    browser.sees("dialog.panel .fields", "127.0.0.1:").await;
    browser.click("dialog.panel .acts > .danger").await;
    browser.sees("dialog.confirm", &format!("Kick edge {id}?")).await;
    let focus = browser.run("return document.activeElement.textContent;").await;
    assert_eq!(focus, "Cancel", "what does no harm has the focus");
    browser.is_good_on_all_screens("kick").await;
    browser.press(ENTER).await;
    browser.wait("nothing has happened", "!document.querySelector('dialog.confirm')").await;
    browser.click("dialog.panel .acts > .danger").await;
    browser.click("dialog.confirm .danger").await;
    browser.sees(".notice", "was kicked").await;
    browser.sees("dialog.panel", "not connected any more").await;
    browser.press(ESCAPE).await;
    browser.sees(".note", "1 edge").await;
    browser
        .wait("it is gone", &format!("!document.querySelector('.space').textContent.includes('{id}')"))
        .await;
    browser.is_good_on_all_screens("gateway-edges").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_shown_with_what_it_takes() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    browser.click("nav a[href='#/services']").await;
    browser.click(".space .row").await;
    browser.sees("dialog.panel .chip", "put").await;
    browser.sees("dialog.panel .chip", "uploads").await;
    browser.is_good_on_all_screens("service").await;
    browser.press(ESCAPE).await;
    browser.click("nav a[href='#/edges']").await;
    browser.fill("input[type=search]", "sn-").await;
    browser.sees(".note", "1 edge found").await;
    browser.click(".space .row").await;
    browser.sees("dialog.panel .chip", "hangs").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_changes_nothing() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    browser.run("location.hash = '#/edges/7';").await;
    browser.sees(".acts > .lacking", "To kick it takes the role operate; yours is read").await;
    browser.click("dialog.panel .acts > .danger").await;
    browser.click("dialog.confirm .danger").await;
    browser.sees(".notice.bad", "It was not kicked").await;
    assert_eq!(world.gateway.log().find("closed by an operator"), None, "it is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_through_is_seen_as_it_does() {
    let mut world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    let edge = world.edge.clone();
    let calls = tokio::spawn(async move { while edge.call("put", "x").await.is_ok() {} });
    let calls_shown = "(() => { const text = [...document.querySelectorAll('.tiles > div')]
        .find((it) => it.textContent.startsWith('Calls')).textContent; return /[1-9]/.test(text) && text.endsWith('/s'); })()";
    browser.wait("calls", calls_shown).await;
    let label = "document.querySelector('canvas').getAttribute('aria-label')";
    browser.wait("the plot says it", &format!("/to services [1-9]/.test({label})")).await;
    browser
        .wait(
            "percentiles",
            "/p99 [0-9.]+ (µs|ms|s)/.test(document.querySelectorAll('canvas')[1].getAttribute('aria-label'))",
        )
        .await;
    browser.sees(".title", "version").await;
    browser.is_good_on_all_screens("overview").await;
    calls.abort();
    world.gateway.kill().await;
    browser.sees(".state", "connecting again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_a_gateway_are_small_and_come_from_it() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    for (page, heading) in [
        ("edges/7", "Edges"),
        ("services", "Services"),
        ("events", "Events"),
        ("gateway", "Gateway"),
        ("", "Overview"),
    ] {
        browser.run(&format!("location.hash = '#/{page}';")).await;
        browser.sees("h1", heading).await;
    }
    let size = browser.bytes_over_the_wire(&world.url()).await;
    assert!((10_000..300 * 1024).contains(&size), "{size} bytes");
    browser.has_no_complaints().await;
}
