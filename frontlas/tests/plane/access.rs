//! Who may be which frontier, and what everybody else gets.

use crate::frontier::{World, dial, entry, hello};
use frontier_access::authn::token;
use frontier_protocol::{
    Advertised, Cancel, Code, Custom, EdgeId, EncodeError, GoAway, Hello, Kind, Lookup, Names, Op, Part,
    Publish, Register, Registration, Reject, Report, ReportAck, Request, Role, Token, ping, pong,
};
use frontier_transport::Priority;
use frontlas::{Config, Frontier, PlaneAccess};
use std::path::Path;
use std::time::Duration;
use tempfile::NamedTempFile;

const FAR: &str = "not_after: 2200-01-01T00:00:00Z";

/// Who may connect, by a token file with these entries.
fn access(tokens: &Path) -> PlaneAccess {
    PlaneAccess::load(&config(tokens).access).expect("the files of a test are right")
}

fn config(tokens: &Path) -> Config {
    let yaml = format!(
        "frontier_plane: {{auth: {{methods: [{{token: {{file: '{}'}}}}]}}}}\naccess: {{throttle: {{failures: 1000}}}}",
        tokens.display()
    );
    Config::parse(&yaml, &|_| None).expect("the settings of a test are right")
}

fn tokens() -> NamedTempFile {
    let file = NamedTempFile::new().expect("room for a file");
    let entry = |token: &str, what: &str| format!("- {{hash: '{}', {what}}}\n", token::hash(token));
    let entries = [
        entry("one", &format!("frontier: f1, {FAR}")),
        entry("eu", "frontier: eu-*"),
        entry("any", "frontier: '*'"),
        entry("service", "service: files"),
        entry("edge", "edge_id: 7"),
        entry("operator", "role: admin"),
        entry("nobody", "name: fixes nothing"),
        entry("over", "frontier: '*', not_after: 2001-01-01T00:00:00Z"),
    ];
    std::fs::write(file.path(), entries.concat()).expect("room for a file");
    file
}

fn shown<'a>(token: &'a str, id: &'a str) -> Hello<'a> {
    Hello { token: Some(Token::new(token)), ..hello(id, 0) }
}

#[tokio::test]
async fn an_id_is_bound_to_the_credentials_that_name_it() {
    let tokens = tokens();
    let world = World::guarded(access(tokens.path()), |_| {});
    for (token, id) in [("one", "f1"), ("eu", "eu-1"), ("eu", "eu-2"), ("any", "whatever")] {
        let frontier = world.connect(&shown(token, id)).await;
        frontier.unwrap_or_else(|error| panic!("{token} {id}: {error:?}"));
    }
    let wrong = "the credentials are for another frontier";
    let none = "the credentials are not those of a frontier";
    for (token, id, text) in [
        ("one", "f2", wrong),
        ("one", "f1x", wrong),
        ("eu", "us-1", wrong),
        ("service", "f1", none),
        ("edge", "f1", none),
        ("operator", "f1", none),
        ("nobody", "f1", none),
        ("over", "f1", "the token has expired"),
        ("guessed", "f1", "unknown token"),
    ] {
        let refused = world.connect(&shown(token, id)).await.map(|_| "welcome").unwrap_err();
        assert_eq!(refused, (Code::Unauthenticated, text.into()), "{token} as {id}");
    }
    let refused = world.connect(&hello("f1", 0)).await.map(|_| "welcome").unwrap_err();
    assert_eq!(refused.1, "credentials are missing: a token is needed here");
    let mut listed = world.frontiers().await;
    listed.sort();
    assert_eq!(listed, ["eu-1", "eu-2", "f1", "whatever"]);
}

type Encode = Box<dyn Fn(&mut Vec<u8>) -> Result<(), EncodeError> + Send>;

/// A frame of each kind that anybody might send here.
fn frames() -> Vec<(&'static str, Encode)> {
    let custom = || Custom::plain(b"");
    let snapshot = Part::Snapshot { first: true, last: true };
    let report = move |part| {
        move |out: &mut Vec<u8>| {
            let entries = vec![entry(Op::EdgeOnline, 7, 1)];
            Report { part, draining: false, entries }.encode(1, out)
        }
    };
    vec![
        ("Hello", Box::new(|out: &mut Vec<u8>| hello("f", 0).encode(out))),
        (
            "Hello as an edge",
            Box::new(|out: &mut Vec<u8>| Hello { role: Role::Edge, ..hello("f", 0) }.encode(out)),
        ),
        (
            "Hello as a service",
            Box::new(|out: &mut Vec<u8>| Hello { role: Role::Service, ..hello("f", 0) }.encode(out)),
        ),
        ("Report", Box::new(report(snapshot))),
        ("Report of changes", Box::new(report(Part::Changes))),
        ("ReportAck", Box::new(|out: &mut Vec<u8>| ReportAck::done().encode(1, out))),
        ("Lookup", Box::new(|out: &mut Vec<u8>| Lookup { edge: EdgeId(7) }.encode(1, out))),
        (
            "Ping",
            Box::new(|out: &mut Vec<u8>| {
                ping(1, out);
                Ok(())
            }),
        ),
        (
            "Pong",
            Box::new(|out: &mut Vec<u8>| {
                pong(1, out);
                Ok(())
            }),
        ),
        ("GoAway", Box::new(|out: &mut Vec<u8>| GoAway::new(Code::Ok, 0, "").encode(out))),
        (
            "Request",
            Box::new(move |out: &mut Vec<u8>| {
                Request { timeout_ms: 1, method: "m", custom: custom(), payload: b"" }.encode(1, out)
            }),
        ),
        (
            "Publish",
            Box::new(move |out: &mut Vec<u8>| {
                let publish = Publish { timeout_ms: 0, topic: "t", custom: custom(), payload: b"" };
                publish.encode_with(0, Default::default(), out)
            }),
        ),
        (
            "Register",
            Box::new(|out: &mut Vec<u8>| {
                Register { change: Registration::Add, of: Names::Methods, names: vec!["m"] }.encode(1, out)
            }),
        ),
        ("Cancel", Box::new(|out: &mut Vec<u8>| Cancel::encode(1, out))),
    ]
}

#[tokio::test]
async fn without_credentials_each_kind_of_frame_gets_a_refusal_and_nothing_else() {
    let tokens = tokens();
    let world = World::guarded(access(tokens.path()), |_| {});
    let mut rightful = world.connect(&shown("any", "f")).await.unwrap();
    rightful.snapshot(vec![entry(Op::EdgeOnline, 1, 10)]).await;
    let empty = (0..=u8::MAX).map(|kind| -> (String, Encode) {
        let frame = move |out: &mut Vec<u8>| {
            out.extend_from_slice(&[0, 0, 0, 12, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
            Ok(())
        };
        (format!("kind {kind:#x} without a body"), Box::new(frame))
    });
    let whole = frames().into_iter().map(|(kind, encode)| (kind.to_owned(), encode));
    for (kind, encode) in whole.chain(empty) {
        let mut link = dial(world.addr).await;
        link.handle().send(Priority::Reply, |out| encode(out)).expect("the link stands");
        // A second frame behind it is not looked at either.
        let _ = link.handle().send(Priority::Reply, |out| Lookup { edge: EdgeId(1) }.encode(1, out));
        let mut answers = Vec::new();
        let all = async {
            while let Some(frame) = crate::frontier::next(&mut link).await {
                answers.push((frame.kind, Reject::parse(&frame).map(|it| it.code)));
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.expect("the connection ends");
        // What is no frame of this version at all ends it without a word.
        let refused = matches!(
            answers[..],
            [] | [(Kind::Reject, Ok(Code::Unauthenticated | Code::Protocol | Code::Denied))]
        );
        assert!(refused, "{kind}: {answers:?}");
        assert!(kind.starts_with("kind") || !answers.is_empty(), "{kind} gets no answer");
    }
    assert_eq!(world.frontiers().await, ["f"]);
    assert_eq!(world.edges().await, [(1, "f".into())]);
    assert_eq!(rightful.report(Part::Changes, vec![]).await.code, Code::Ok, "it has noticed nothing");
}

/// Others draw calls to an address only by a session of their own, as the frontier that they are.
#[tokio::test]
async fn the_addresses_of_a_frontier_are_those_of_its_own_session() {
    let tokens = tokens();
    let world = World::guarded(access(tokens.path()), |_| {});
    let mut victim = world.connect(&shown("one", "f1")).await.unwrap();
    victim.snapshot(vec![entry(Op::EdgeOnline, 1, 10)]).await;
    let advertised = Advertised { servicebound: "tcp://evil:1", edgebound: "tcp://evil:2" };
    for token in ["eu", "service", "operator"] {
        let thief = Hello { advertised, ..shown(token, "f1") };
        world.connect(&thief).await.map(|_| "welcome").unwrap_err();
    }
    // One that is a frontier may report, in its own name.
    let mut other = world.connect(&Hello { advertised, ..shown("eu", "eu-1") }).await.unwrap();
    other.snapshot(vec![entry(Op::EdgeOnline, 2, 20)]).await;
    let at = async |edge: u64| -> Frontier {
        use frontlas::Directory;
        world.directory.inner.frontiers_by_edge(&[edge]).await.unwrap().remove(0).unwrap()
    };
    assert_eq!(at(1).await.advertised_sb_addr, "tcp://s:1");
    assert_eq!(at(2).await.advertised_sb_addr, "tcp://evil:1");
}

#[tokio::test]
async fn who_fails_again_and_again_has_to_wait_and_who_is_good_does_not() {
    let tokens = tokens();
    let yaml = format!(
        "frontier_plane: {{auth: {{methods: [{{token: {{file: '{}'}}}}]}}}}",
        tokens.path().display()
    );
    let config = Config::parse(&yaml, &|_| None).unwrap();
    let world = World::guarded(PlaneAccess::load(&config.access).unwrap(), |_| {});
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(world.connect(&shown("old", "f1")).await.map(|_| "welcome").unwrap_err().0);
    }
    assert_eq!((codes[0], codes[11]), (Code::Unauthenticated, Code::Overloaded));
    world.connect(&shown("one", "f1")).await.expect("its own credentials are good");
}
