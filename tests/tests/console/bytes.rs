//! Payloads as they are typed and shown, and lists against what is told late: modules of the console, asked in the browser.

use crate::gateway_world::{GatewayWorld, READER};

#[tokio::test(flavor = "multi_thread")]
async fn payloads_are_read_and_shown_in_every_form() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    let found = browser
        .run_async(
            r#"
    const { read, show, bestForm, toBase64, fromBase64 } = await import('./js/bytes.js');
    const wrong = (text, form) => { try { read(text, form); return ''; } catch (error) { return error.message; } };
    const all = Uint8Array.from({ length: 100_000 }, (_, at) => at % 256);
    const same = (one, other) => one.length === other.length && one.every((it, at) => it === other[at]);
    const check = {
        text: same(read('ü', 'text'), [0xc3, 0xbc]),
        json: same(read(' {"a":1}', 'json'), new TextEncoder().encode(' {"a":1}')),
        hex: same(read('0xDE ad:be,EF\n', 'hex'), [0xde, 0xad, 0xbe, 0xef]),
        none: read('', 'hex').length === 0,
        odd: wrong('abc', 'hex').includes('half a byte'),
        noHex: wrong('0g', 'hex').includes('"g"'),
        noJson: wrong('', 'json').includes('no JSON'),
        trip: same(fromBase64(toBase64(all)), all),
        empty: fromBase64(undefined).length === 0,
        best: [bestForm(read('[1]', 'text')), bestForm(read('7', 'text')), bestForm(new Uint8Array([255])), bestForm(new Uint8Array([0]))].join(),
        pretty: show(read('{"a":[1]}', 'text'), 'json').text.includes('\n  "a"'),
        noText: show(new Uint8Array([0xff, 0x41]), 'text').text,
        cut: show(all, 'hex').rest,
        cutLetter: show(read('ü'.repeat(40_000), 'text'), 'text').rest,
    };
    return check;"#,
        )
        .await;
    for key in ["text", "json", "hex", "none", "odd", "noHex", "noJson", "trip", "empty", "pretty"] {
        assert_eq!(found[key], true, "{key}: {found}");
    }
    assert_eq!(found["best"], "json,text,hex,hex");
    assert_eq!(found["noText"], format!("0000  {:47}  .A", "ff 41"));
    assert_eq!((&found["cut"], &found["cutLetter"]), (&34_464.into(), &14_464.into()));
    browser.has_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_right_in_whatever_order_it_is_told() {
    let world = GatewayWorld::start().await;
    let browser = world.browser(READER).await;
    let found = browser
        .run_async(
            r#"
    const { Peers } = await import('./js/peers.js');
    const row = (id, stamp) => ({ id: String(id), stamp: String(stamp) });
    const settled = () => new Promise((go) => setTimeout(go, 300));
    const list = async (newestFirst, pages, meanwhile) => {
        const stop = new AbortController();
        let peers;
        const kind = {
            id: 'id', newestFirst, matches: () => true,
            // Behind the last one there is one that never comes.
            page: async (token) => { meanwhile?.(peers); return pages[Number(token)] ?? new Promise(() => {}); },
        };
        peers = new Peers(kind, { text: '' }, () => {}, stop.signal);
        peers.more();
        await settled();
        return peers;
    };
    const ids = (peers) => peers.rows.map((it) => it.id).join();
    const found = {};
    // Who has left while the page that tells of them was on its way.
    let peers = await list(true, [{ rows: [row(2, 20), row(1, 10)], next: '' }], (it) => it?.offline('1', '10'));
    found.late = ids(peers);
    // A later connection is no matter of the end of an earlier one.
    peers = await list(true, [{ rows: [row(2, 20), row(1, 10)], next: '' }]);
    peers.online(row(1, 30));
    peers.offline('1', '10');
    await settled();
    found.later = ids(peers);
    // Comes and goes and comes within one look.
    peers.online(row(3, 40)); peers.offline('3', '40'); peers.online(row(3, 50)); peers.online(row(4, 60));
    await settled();
    found.newest = ids(peers);
    // In the order of ids, and not beyond what is loaded.
    peers = await list(false, [{ rows: [row(10, 1), row(30, 1)], next: '9' }]);
    [row(20, 2), row(5, 2), row(40, 2)].forEach((it) => peers.online(it));
    peers.offline('10', '1');
    await settled();
    found.sorted = ids(peers);
    return found;"#,
        )
        .await;
    for (key, expected) in [("late", "2"), ("later", "2,1"), ("newest", "4,3,2,1"), ("sorted", "5,20,30")] {
        assert_eq!(found[key], expected, "{key}: {found}");
    }
}
