//! What an operator does from the console of a gateway: calls, messages, the log level, a drain.

use crate::browser::Browser;
use crate::gateway_world::{ADMIN, GatewayWorld, OPERATOR, READER};
use frontier_tests::{DEADLINE, eventually};

const DOWN: &str = "\u{e015}";
const ENTER: &str = "\u{e007}";
const SPACE: &str = " ";

impl Browser {
    /// Fills in the form of a call, and has it sent.
    async fn call(&self, method: &str, form: &str, payload: &str) {
        self.fill(".request .name input", method).await;
        self.click(&format!(".request .form option[value={form}]")).await;
        self.fill(".request .payload textarea", payload).await;
        self.click(".request button[type=submit]").await;
    }
}

async fn says(world: &GatewayWorld, words: &[&str]) {
    let log = world.gateway.log();
    let line = async || log.lines().into_iter().find(|line| words.iter().all(|word| line.contains(word)));
    eventually(DEADLINE, &words.join(" "), line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_is_called_and_its_answer_and_its_errors_are_shown() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(OPERATOR).await;
    browser.run("location.hash = '#/edges/7';").await;
    browser.call("echo", "json", r#"{"rate": 5, "unit": "s"}"#).await;
    browser.sees(".answer", "Answered after").await;
    browser.sees(".answer pre", "\"rate\": 5").await;
    says(&world, &["frontier::audit", "action=\"call\"", "edge 7: echo", "outcome=\"done\""]).await;
    browser.is_good_on_all_screens("call").await;
    browser.call("echo", "hex", "0xff 00:fe").await;
    browser.sees(".answer pre", "0000  ff 00 fe").await;
    browser.call("echo", "text", "grün").await;
    browser.sees(".answer pre", "grün").await;
    browser.click(".answer option[value=hex]").await;
    browser.sees(".answer pre", "67 72 c3 bc 6e").await;

    browser.call("fails", "text", "").await;
    browser.sees(".answer code", "application error 42").await;
    browser.sees(".answer .text", "no more paper").await;
    browser.is_good_on_all_screens("call-fails").await;
    browser.call("nowhere", "text", "").await;
    browser.sees(".answer code", "method not found").await;
    browser.fill(".request .deadline input", "0.2").await;
    browser.call("hangs", "text", "").await;
    browser.sees(".answer code", "deadline exceeded").await;
    browser.fill(".request .deadline input", "9").await;
    browser.call("hangs", "text", "").await;
    browser.click(".request button[type=button]").await;
    browser.sees(".answer", "It was cancelled").await;
    browser.has_no_complaints_but_of(&["status of 424", "status of 504"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_payload_is_said_before_it_is_sent() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(OPERATOR).await;
    browser.run("location.hash = '#/edges/7';").await;
    for (method, form, payload, says) in [
        ("echo", "hex", "abc", "half a byte"),
        ("echo", "hex", "xy", "no digit"),
        ("echo", "json", "{", "no JSON"),
        ("", "text", "", "Say which method"),
    ] {
        browser.call(method, form, payload).await;
        browser.sees(".answer .bad", says).await;
        let marked = browser.run("return document.activeElement.hasAttribute('aria-invalid');").await;
        assert_eq!(marked, true, "{says}: what is wrong has the focus");
    }
    browser.fill(".request .deadline input", "0").await;
    browser.call("echo", "text", "").await;
    browser.sees(".answer .bad", "The deadline must be").await;
    assert_eq!(world.gateway.log().find("action=\"call\""), None, "nothing was sent");
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_by_the_keyboard_and_what_was_typed_is_there_again() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(OPERATOR).await;
    browser.run("location.hash = '#/edges/7';").await;
    browser.sees(".request", "Call this edge").await;
    browser.run("document.querySelector('.request input[type=radio]').focus();").await;
    browser.press(DOWN).await;
    browser.sees(".request .name label", "Topic").await;
    browser.fill(".request .name input", "config").await;
    browser.press(ENTER).await;
    browser.sees(".answer", "It was acked after").await;
    says(&world, &["action=\"publish\"", "edge 7: config"]).await;
    // Its figures are read again while one looks; what was typed stays, and so it does for the next one.
    browser.run("document.querySelector('.fields').dataset.old = '';").await;
    browser.wait("it was read again", "!('old' in document.querySelector('.fields').dataset)").await;
    browser.sees(".answer", "It was acked after").await;
    browser.run(&format!("location.hash = '#/edges/{}';", world.raw.id())).await;
    browser
        .wait("the other one", "document.querySelector('.fields').textContent.includes('edgebound')")
        .await;
    browser.wait("its topic", "document.querySelector('.request .name input').value === 'config'").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_called_by_a_method_that_it_takes() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(OPERATOR).await;
    browser.run(&format!("location.hash = '#/services/{}';", world.service.id())).await;
    browser.sees(".request", "Call this service").await;
    let names = "[...document.querySelectorAll('.request datalist option')].map((it) => it.value).join()";
    browser.wait("its methods are offered", &format!("{names} === 'put'")).await;
    browser.call("put", "text", "a file").await;
    browser.sees(".answer pre", "a file").await;
    browser.is_good_on_all_screens("call-service").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_is_told_so_and_calls_nobody() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    browser.run("location.hash = '#/edges/7';").await;
    browser.sees(".request .lacking", "takes the role operate; yours is read").await;
    browser.is_good_on_all_screens("call-reader").await;
    browser.call("echo", "text", "x").await;
    browser.sees(".answer code", "PERMISSION_DENIED").await;
    browser.run("location.hash = '#/gateway';").await;
    browser.sees(".lacking", "To change it takes the role operate").await;
    browser.sees(".lacking", "This takes the role admin; yours is read").await;
    browser.fill("#level", "debug").await;
    browser.press(ENTER).await;
    browser.sees(".said .bad", "It is as before").await;
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_looked_at_its_log_level_is_set_and_it_is_drained() {
    let mut world = GatewayWorld::start().await;
    let operator = world.browser(OPERATOR).await;
    operator.click("nav a[href='#/gateway']").await;
    operator.sees("#main .fields", &world.gateway.edge_url()).await;
    operator.sees("#main .fields", "operate").await;
    operator.sees(".policy th", "limits.connections").await;
    operator.sees(".policy .badge", "allow").await;
    operator.fill("#level", "info,frontier=debug").await;
    operator.press(ENTER).await;
    operator.sees(".said .good", "It logs info,frontier=debug now").await;
    operator.fill("#level", "loud").await;
    operator.press(ENTER).await;
    operator.sees(".said .bad", "level").await;
    says(&world, &["frontier::audit", "action=\"log level\"", "info,frontier=debug"]).await;
    operator.is_good_on_all_screens("gateway").await;
    operator.click("section .danger").await;
    operator.sees("dialog.confirm", "Drain this gateway?").await;
    operator.click("dialog.confirm .danger").await;
    operator.sees(".notice.bad", "It does not drain").await;
    operator.has_no_complaints_but_of(&["status of 400"]).await;

    let admin = world.browser(ADMIN).await;
    admin.click("nav a[href='#/gateway']").await;
    admin.sees("#main .fields", "admin").await;
    // By the keyboard, and what does no harm has the focus.
    admin.run("document.querySelector('section .danger').focus();").await;
    admin.press(SPACE).await;
    admin.sees("dialog.confirm", "the process ends").await;
    admin.is_good_on_all_screens("drain").await;
    admin.press("\u{e004}").await;
    admin.press(ENTER).await;
    assert_eq!(world.gateway.process().exit().await, Some(0));
    admin.sees(".state", "connecting again").await;
}
