//! A second wire needs no change to the exchange: here is one of a page, against the public API alone, and what
//! its peers say to each other.

mod leg;
mod wire;

use frontier_exchange::{
    Balance, CloseReason, CorrelationId, Exchange, Identity, Inbound, Limits, Outcome, Outgoing, Outlet,
    Peer, QueueError, Queued, Reply, RequestKind, Settings,
};
use frontier_protocol::{Code, EdgeId, Names, ServiceId};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use wire::LineWire;

fn exchange() -> Arc<Exchange> {
    let limits = Limits {
        payload: 1 << 20,
        meta: 1024,
        name_len: 255,
        custom_len: 1024,
        custom_to_edge_len: 1024,
        names: 4,
        edge_names: 2,
        edge_names_len: 1024,
        all_edge_names_len: 1 << 20,
        calls: 100,
        streams: 8,
        call_timeout: Duration::from_secs(30),
        max_timeout: Duration::from_secs(60),
        slow_peer_timeout: Duration::from_secs(30),
    };
    Exchange::new(Settings { limits, balance: Balance::EdgeId, gateway_id: None, remote: None, tracer: None })
}

/// A peer on the line wire.
struct Line {
    wire: LineWire,
    heard: UnboundedReceiver<String>,
}

impl Line {
    fn hello(exchange: &Arc<Exchange>, line: &str) -> Self {
        let (wire, heard) = LineWire::hello(exchange, line).expect("it is let in");
        Self { wire, heard }
    }

    fn say(&self, lines: &str) {
        self.wire.read(lines).expect("it breaks no rule");
    }

    /// All that it was told, line by line.
    fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }

    /// The next line that it is told.
    async fn hears(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(10), self.heard.recv()).await;
        line.expect("it comes").expect("the connection stands")
    }
}

/// The word at a place of a line.
fn word(line: &str, place: usize) -> &str {
    line.split(' ').nth(place).expect("the line has so many words")
}

#[test]
fn calls_go_both_ways() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files echo");
    edge.say("CALL 1 echo hello there");
    let call = service.heard().remove(0);
    assert_eq!(call, format!("CALL {} @7 echo hello there", word(&call, 1)));
    service.say(&format!("REPLY {} ok hello back", word(&call, 1)));
    assert_eq!(edge.heard(), ["REPLY 1 - Ok hello back"]);

    service.say("CALL 5 @7 reboot now");
    let call = edge.heard().remove(0);
    assert_eq!(call, format!("CALL {} - reboot now", word(&call, 1)));
    edge.say(&format!("REPLY {} failed not today", word(&call, 1)));
    assert_eq!(service.heard(), ["REPLY 5 @7 Application not today"]);
}

#[test]
fn messages_are_acked_where_that_is_wanted() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files - orders");
    edge.say("PUB - orders one\nPUB 2 orders two");
    let heard = service.heard();
    assert_eq!(heard[0], "PUB - @7 orders one");
    assert_eq!(heard[1], format!("PUB {} @7 orders two", word(&heard[1], 1)));
    assert_eq!(edge.heard(), [] as [String; 0]);
    service.say(&format!("ACK {} ok", word(&heard[1], 1)));
    assert_eq!(edge.heard(), ["ACK 2 - Ok "]);
    service.say("PUB 3 @7 news extra");
    let message = edge.heard().remove(0);
    edge.say(&format!("ACK {} ok", word(&message, 1)));
    assert_eq!(service.heard(), ["ACK 3 @7 Ok "]);
}

#[test]
fn a_call_can_be_cancelled() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files echo");
    edge.say("CALL 1 echo hello\nCANCEL 1");
    let heard = service.heard();
    assert_eq!(heard[1], format!("CANCEL {}", word(&heard[0], 1)));
    service.say(&format!("REPLY {} ok too late", word(&heard[0], 1)));
    assert_eq!(edge.heard(), [] as [String; 0]);
}

#[test]
fn names_come_and_go() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files");
    edge.say("CALL 1 late hello");
    assert_eq!(edge.heard(), ["REPLY 1 - MethodNotFound no service has registered the method \"late\""]);
    service.say("ADD 9 methods late,later");
    edge.say("CALL 2 late hello");
    let heard = service.heard();
    assert_eq!((&*heard[0], word(&heard[1], 3)), ("DONE 9 ok", "late"));
    service.say("REMOVE 10 methods late\nADD 11 topics a,b,c,d");
    let refused =
        "DONE 11 a service may register 4 methods and topics, and no more (limits.names_per_service)";
    assert_eq!(service.heard(), ["DONE 10 ok", refused]);
    edge.say("CALL 3 late hello");
    assert!(edge.heard()[0].starts_with("REPLY 3 - MethodNotFound"));
}

#[test]
fn an_edge_tells_what_it_answers_in_the_same_words() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    edge.say("ADD 1 methods reboot,get\nADD 2 methods set\nREMOVE 3 methods get\nADD 4 topics news");
    let heard = edge.heard();
    let refused = "DONE 2 an edge may tell of 2 methods, and no more (limits.names_per_edge)";
    assert_eq!((&*heard[0], &*heard[1], &*heard[2]), ("DONE 1 ok", refused, "DONE 3 ok"));
    assert!(heard[3].starts_with("DONE 4 an edge registers methods alone"), "{}", heard[3]);
    let peer = exchange.listed_edge(EdgeId(7)).expect("it is here");
    assert_eq!(exchange.names_of(&peer, Names::Methods), ["reboot".into()]);
}

#[test]
fn a_connection_that_is_lost_ends_what_is_in_flight() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let service = Line::hello(&exchange, "HELLO service 1 files echo orders");
    edge.say("CALL 1 echo hello\nPUB 2 orders one");
    service.say("CALL 1 @7 reboot");
    drop(service.wire);
    let mut heard = edge.heard();
    assert!(heard.remove(0).ends_with(" - reboot "));
    heard.sort();
    let lost = "Disconnected the connection to the service \"files\" was lost";
    assert_eq!(heard[0], format!("ACK 2 - {lost}"));
    assert!(heard[1].starts_with("CANCEL ") && heard[2] == format!("REPLY 1 - {lost}"));
    edge.say("CALL 3 echo hello");
    assert!(edge.heard()[0].starts_with("REPLY 3 - MethodNotFound"));
    let edge = exchange.edge(EdgeId(7)).expect("it is online");
    assert_eq!((edge.sent(), edge.in_flight()), (0, 0));
}

#[test]
fn a_newer_connection_takes_over() {
    let exchange = exchange();
    let mut service = Line::hello(&exchange, "HELLO service 1 files echo");
    let mut old = Line::hello(&exchange, "HELLO edge 7");
    let mut new = Line::hello(&exchange, "HELLO edge 7");
    assert_eq!(old.heard(), ["BYE a newer connection took over"]);
    drop(old);
    service.say("CALL 1 @7 reboot");
    assert_eq!((new.heard().len(), service.heard().len()), (1, 0));
    new.say("LEAVE");
    assert_eq!(new.heard(), ["LEFT"]);
    service.say("CALL 2 @7 reboot");
    assert_eq!(service.heard(), ["REPLY 2 - EdgeNotOnline edge 7 is not online"]);
}

#[test]
fn who_breaks_the_rules_or_says_what_a_line_can_not_carry_is_told() {
    let exchange = exchange();
    let edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files echo");
    edge.say("CALL 1 echo hello");
    assert!(edge.wire.read("CALL 1 echo again").is_err());
    assert!(edge.wire.read("CALL one echo hello").is_err() && edge.wire.read("HOWDY").is_err());
    assert!(LineWire::hello(&exchange, "CALL 1 echo").is_err());
    assert!(LineWire::hello(&exchange, "HELLO service 2 more a,b,c,d,e").is_err());
    assert!(!exchange.is_service_taken(ServiceId(2)));
    assert_eq!(service.heard().len(), 1);
}

/// Opens a stream from an edge to a service, which the service has taken.
async fn stream(edge: &mut Line, service: &mut Line) -> String {
    edge.say("OPEN s1 files read me");
    let open = service.hears().await;
    let id = word(&open, 1).to_owned();
    assert_eq!(open, format!("OPEN {id} @7 read me"));
    service.say(&format!("ACCEPT {id}"));
    assert_eq!(edge.hears().await, "ACCEPT s1");
    id
}

#[tokio::test]
async fn a_stream_carries_lines_both_ways_and_each_way_ends_by_itself() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files");
    let id = stream(&mut edge, &mut service).await;
    edge.say("DATA s1 some bytes\nEND s1");
    assert_eq!(service.hears().await, format!("DATA {id} some bytes"));
    assert_eq!(service.hears().await, format!("END {id}"));
    service.say(&format!("DATA {id} and back"));
    assert_eq!(edge.hears().await, "DATA s1 and back");
    service.say(&format!("END {id}"));
    assert_eq!(edge.hears().await, "END s1");
}

#[tokio::test]
async fn a_stream_is_refused_or_reset() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let mut service = Line::hello(&exchange, "HELLO service 1 files");
    edge.say("OPEN s0 nope");
    assert!(edge.hears().await.starts_with("REFUSE s0 ServiceNotOnline"));
    service.say("OPEN a @7 tail");
    let open = edge.hears().await;
    assert_eq!(open, format!("OPEN {} files tail", word(&open, 1)));
    edge.say(&format!("REFUSE {} busy", word(&open, 1)));
    assert_eq!(service.hears().await, "REFUSE a StreamRefused busy");
    let id = stream(&mut edge, &mut service).await;
    edge.say("RESET s1");
    assert_eq!(service.hears().await, format!("RESET {id}"));
    assert_eq!(edge.hears().await, "RESET s1");
    stream(&mut edge, &mut service).await;
    drop(service.wire);
    assert_eq!(edge.hears().await, "RESET s1");
}

/// An outlet that is no wire at all: it keeps what it is asked.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<(CorrelationId, String)>>>);

impl Outlet for Kept {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        if let Some(correlation) = request.correlation {
            let text = String::from_utf8_lossy(request.payload).into_owned();
            self.0.lock().expect("nobody panics with it").push((correlation, text));
        }
        Ok(Queued::SENT)
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}

#[test]
fn an_edge_on_the_line_wire_calls_a_service_behind_another_outlet() {
    let exchange = exchange();
    let mut edge = Line::hello(&exchange, "HELLO edge 7");
    let kept = Kept::default();
    let identity = Identity::Service { id: ServiceId(1), name: "kept".into() };
    let outlet = Box::new(kept.clone());
    let service = Arc::new(Peer::new(identity, exchange.next_epoch(), None, outlet, Duration::from_secs(60)));
    let (seat, _) = exchange.join_service(&service, &["echo"], &[]).expect("it may");
    edge.say("CALL 1 echo one\nCALL 2 echo two");
    let mut batch = exchange.batch();
    for (correlation, text) in kept.0.lock().expect("nobody panics with it").drain(..).rev() {
        let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"", payload: text.as_bytes() };
        let reply = Reply { correlation, kind: RequestKind::Call, outcome, edge: None };
        exchange.on(&service, Inbound::Reply(reply), &mut batch).expect("it is a reply");
    }
    drop(batch);
    assert_eq!(edge.heard(), ["REPLY 2 - Ok two", "REPLY 1 - Ok one"]);
    // What a line can't carry is a failure, and not silence.
    edge.say("CALL 3 echo three");
    let (correlation, _) = kept.0.lock().expect("nobody panics with it").remove(0);
    let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"", payload: b"two\nlines" };
    let reply = Reply { correlation, kind: RequestKind::Call, outcome, edge: None };
    exchange.on(&service, Inbound::Reply(reply), &mut exchange.batch()).expect("it is a reply");
    assert_eq!(edge.heard(), ["REPLY 3 - TooLarge a line carries no line break"]);
    drop(seat);
    edge.say("CALL 4 echo four");
    assert!(edge.heard()[0].starts_with("REPLY 4 - MethodNotFound"));
}
