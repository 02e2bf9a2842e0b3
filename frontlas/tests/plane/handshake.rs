//! Welcome or Reject: what a frontier is told, and who takes over from whom.

use crate::directory::Mood;
use crate::frontier::{World, entry, eventually, hello};
use frontier_protocol::{Advertised, Code, Hello, Kind, Op, Role, pong_time};
use std::time::Duration;

#[tokio::test]
async fn a_welcome_has_the_incarnation_the_time_and_a_third_of_the_time_to_live() {
    let world = World::with(Duration::from_secs(30), |_| {});
    let mut frontier = world.frontier("f").await;
    assert_eq!(frontier.welcome.heartbeat_ms, 10_000);
    assert!(frontier.welcome.id != 0 && frontier.welcome.epoch.0 != 0);
    let time = frontier.welcome.directory_time.unwrap();
    frontier.send(|out| {
        frontier_protocol::ping(9, out);
        Ok(())
    });
    // A plane that has just started may ask for a snapshot before that.
    let pong = loop {
        let frame = frontier.frame().await.unwrap();
        if frame.kind == Kind::Pong {
            break frame;
        }
    };
    let later = pong_time(&pong).unwrap();
    assert!(pong.id == 9 && later >= time && later < time + 60_000_000, "{time} {later}");
}

#[tokio::test]
async fn each_bad_hello_gets_its_code() {
    let world = World::new();
    let long = "x".repeat(256);
    for (hello, code) in [
        (Hello { role: Role::Edge, ..hello("f", 0) }, Code::Denied),
        (Hello { role: Role::Service, ..hello("f", 0) }, Code::Denied),
        (hello("", 0), Code::Denied),
        (hello("a\nb", 0), Code::Denied),
        (hello(&long, 0), Code::Denied),
        (hello("f", u64::MAX), Code::Denied),
        (
            Hello {
                advertised: Advertised { servicebound: "", edgebound: "javascript:alert(1)" },
                ..hello("f", 0)
            },
            Code::Denied,
        ),
        (
            Hello {
                advertised: Advertised { servicebound: "tcp://0.0.0.0:1", edgebound: "" },
                ..hello("f", 0)
            },
            Code::Denied,
        ),
        (Hello { versions: (2, 3), ..hello("f", 0) }, Code::Version),
        (Hello { max_frame: 1, ..hello("f", 0) }, Code::Protocol),
    ] {
        let refused = world.connect(&hello).await.map(|_| "welcome").unwrap_err();
        assert_eq!(refused.0, code, "{}", refused.1);
    }
    assert_eq!(world.frontiers().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_no_reason_to_give_up() {
    let world = World::new();
    for mood in [Mood::Failing, Mood::Hanging] {
        world.directory.set(mood);
        let (code, text) = world.connect(&hello("f", 0)).await.map(|_| "welcome").unwrap_err();
        assert!(code.is_retryable(), "{code}: {text}");
    }
    world.directory.set(Mood::Fine);
    world.frontier("f").await;
}

#[tokio::test]
async fn a_later_process_of_the_same_id_takes_over_and_the_earlier_one_stays_out() {
    let world = World::new();
    let mut first = world.frontier("f").await;
    first.snapshot(vec![entry(Op::EdgeOnline, 1, 10)]).await;
    let second = world.frontier("f").await;
    assert_eq!(first.end().await, Code::Superseded);
    assert!(world.edges().await.is_empty(), "what the first one had told is gone at once");
    let again = world.connect(&hello("f", first.welcome.id)).await.map(|_| "welcome").unwrap_err();
    assert_eq!(again.0, Code::Superseded);
    let mut again = world.connect(&hello("f", second.welcome.id)).await.unwrap();
    assert_eq!(again.snapshot(vec![]).await.code, Code::Ok);
}

#[tokio::test]
async fn the_same_process_finds_what_it_has_told_before() {
    let world = World::new();
    let mut first = world.frontier("f").await;
    first.snapshot(vec![entry(Op::EdgeOnline, 1, 10), entry(Op::EdgeOnline, 2, 20)]).await;
    let incarnation = first.welcome.id;
    drop(first);
    let mut second = world.connect(&hello("f", incarnation)).await.unwrap();
    assert_eq!(world.edges().await.len(), 2, "a lost connection takes nothing away");
    second.snapshot(vec![entry(Op::EdgeOnline, 2, 20), entry(Op::EdgeOnline, 3, 30)]).await;
    assert_eq!(world.edges().await, [(2, "f".into()), (3, "f".into())]);
}

/// Nobody can keep a frontier out by a number that is greater than all that it will ever get.
#[tokio::test]
async fn an_incarnation_that_was_never_given_out_is_refused() {
    let world = World::new();
    let first = world.frontier("f").await;
    let given = first.welcome.id;
    let made_up = world.connect(&hello("f", given + 1)).await.map(|_| "welcome").unwrap_err();
    assert_eq!(made_up.0, Code::Denied, "{}", made_up.1);
    assert!(made_up.1.contains("never given out"), "{}", made_up.1);
    world.connect(&hello("f", given)).await.expect("the rightful one is in");
}

#[tokio::test]
async fn a_store_that_has_forgotten_an_incarnation_gives_out_another() {
    let world = World::new();
    let far = frontlas::Timestamp::MAX.0;
    let first = world.connect(&hello("f", far)).await.expect("nothing is known of it");
    assert!(first.welcome.id < far, "it is not taken from the frontier");
    world.directory.inner.clear();
    let again = world.connect(&hello("f", first.welcome.id)).await.expect("so it is after a loss");
    let later = world.frontier("f").await;
    assert!(later.welcome.id > again.welcome.id);
}

#[tokio::test]
async fn connections_have_a_limit() {
    let world = World::with(Duration::from_secs(3600), |config| config.frontiers = 1);
    let first = world.frontier("first").await;
    let refused = world.connect(&hello("excess", 0)).await.map(|_| "welcome").unwrap_err();
    assert_eq!(refused.0, Code::Overloaded, "{}", refused.1);
    assert!(refused.1.contains("frontier_plane.max_frontiers"), "{}", refused.1);
    assert_eq!(world.frontiers().await, ["first"]);
    drop(first);
    let incoming = async || world.connect(&hello("next", 0)).await.is_ok();
    eventually("there is room again", incoming).await;
}

#[tokio::test]
async fn silent_connections_keep_no_frontier_out() {
    let world = World::new();
    let mut silent = Vec::new();
    // 128 of each address have a place, and 1,024 in all. Each is accepted in the order in which it connects.
    for (last, count) in (2..=10).map(|last| (last, 128)).chain([(1, 130)]) {
        for _ in 0..count {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((std::net::Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
            silent.push(socket.connect(world.addr).await.unwrap());
        }
    }
    world.frontier("f").await;
    assert_eq!(world.frontiers().await, ["f"]);
}
