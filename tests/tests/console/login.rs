//! The way in, and what is kept of it.

use crate::world::{READER, World};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_asked_for_and_kept_for_the_tab_alone() {
    let world = World::start().await;
    let browser = world.at_login().await;
    browser.is_good_on_all_screens("login").await;
    browser.fill("#token", "guessed").await;
    browser.press("\u{e007}").await;
    browser.sees("#refused", "Unknown token").await;
    assert_eq!(browser.run("return sessionStorage.length;").await, 0);

    browser.fill("#token", READER).await;
    browser.press("\u{e007}").await;
    browser.sees(".state", "live").await;
    let kept = browser
        .run("return [JSON.stringify({...localStorage}) + document.cookie, Object.values(sessionStorage)];")
        .await;
    assert!(!kept[0].as_str().unwrap().contains(READER), "{kept}");
    assert_eq!(kept[1][0], READER);

    // A page of the same tab is still logged in; who logs out is not.
    browser.open(&world.url("?again#/edges")).await;
    browser.sees("h1", "Edges").await;
    browser.click("button[aria-label='Log out']").await;
    browser.wait("the login", "document.getElementById('token')").await;
    assert_eq!(browser.run("return sessionStorage.length;").await, 0);
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_can_be_chosen() {
    let world = World::start().await;
    let browser = world.at_login().await;
    let ground = async || browser.run("return getComputedStyle(document.body).backgroundColor;").await;
    let light = ground().await;
    for name in ["light", "dark"] {
        browser.click("button.square").await;
        browser.wait(name, &format!("document.documentElement.dataset.theme === {name:?}")).await;
        assert_eq!(ground().await == light, name == "light", "{name}");
    }
    browser.open(&world.url("?again")).await;
    browser.wait("it is remembered", "document.documentElement.dataset.theme === 'dark'").await;
    browser.click("button.square").await;
    browser.wait("as the system has it", "document.documentElement.dataset.theme === undefined").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_is_small_and_comes_from_the_plane() {
    let world = World::start().await;
    let browser = world.browser().await;
    for page in ["edges", "services", "events", ""] {
        browser.run(&format!("location.hash = '#/{page}';")).await;
        browser
            .wait(page, &format!("document.querySelector('nav a[aria-current]').hash === '#/{page}'"))
            .await;
    }
    let size = browser.bytes_over_the_wire(&world.url("").replace("/console/", "/")).await;
    assert!((10_000..300 * 1024).contains(&size), "{size} bytes");
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_are_not_its_own_do_not_run() {
    let world = World::start().await;
    let browser = world.at_login().await;
    let tried = browser
        .run_async(
            "let refused = 0;
             addEventListener('securitypolicyviolation', () => { refused += 1; });
             const script = document.createElement('script');
             try { script.textContent = 'window.ran = true'; document.body.append(script); } catch {}
             try { document.body.insertAdjacentHTML('beforeend', '<img src=x>'); } catch {}
             await fetch('https://example.invalid/').catch(() => {});
             await new Promise((go) => setTimeout(go, 100));
             return [window.ran ?? null, refused];",
        )
        .await;
    assert_eq!(tried[0], Value::Null, "{tried}");
    assert!(tried[1].as_u64().unwrap() >= 3, "{tried}");
}
