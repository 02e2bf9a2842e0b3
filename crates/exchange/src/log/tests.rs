//! That peers can neither forge nor flood the log.

use super::*;
use crate::testing::log::logged;
use crate::testing::{self, TestPeer};

#[test]
fn what_peers_say_stands_in_the_log_escaped_and_clipped() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, 7);
    let text = format!("no\nINFO all is well \u{1b}[2J{}", "x".repeat(100_000));
    let lines = logged(|| {
        exchange.log_denied(&edge.peer, &text);
        exchange.log_closed(&edge.peer, &CloseReason::Refused(frontier_protocol::Code::Denied, text.clone()));
        exchange.log_callback("edge_offline", &edge.peer, &text);
    });
    assert_eq!(lines.len(), 3);
    for line in lines {
        assert!(!line.contains(char::is_control) && line.len() < 500, "{line}");
        assert!(line.contains(r"no\nINFO all is well \u{1b}[2J"), "{line}");
    }
}

#[test]
fn each_kind_of_line_comes_a_few_times_a_second_whatever_peers_do() {
    let exchange = testing::exchange();
    let (new, old) = (TestPeer::edge(&exchange, 7), TestPeer::edge(&exchange, 8));
    let (new, old) = (&new.peer, &old.peer);
    let kinds: [&dyn Fn(); 6] = [
        &|| exchange.log_denied(new, ""),
        &|| exchange.log_closed(new, &CloseReason::Silent),
        &|| exchange.log_moved(new),
        &|| exchange.log_callback("edge_offline", new, ""),
        &|| exchange.log_take_over(new, old, false),
        &|| exchange.log_defence(new, old, ""),
    ];
    for say in kinds {
        let start = Instant::now();
        let lines = logged(|| (0..1000).for_each(|_| say())).len();
        let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
        assert!((10..=10 * seconds).contains(&lines), "{lines}");
    }
}

#[test]
fn who_displaced_whom_is_told_with_both_addresses_and_both_identities() {
    let exchange = testing::exchange();
    let lines = logged(|| {
        let _first = TestPeer::service(&exchange, 5, &[], &[]);
        let _second = TestPeer::service(&exchange, 5, &[], &[]);
    });
    let expected = "INFO a newer connection took over the id of another service by the same proof id=5 \
                    addr=127.0.0.1:7 subject=service-5 old_addr=127.0.0.1:7 old_subject=service-5 suppressed=0";
    assert_eq!(lines, [expected]);
}
