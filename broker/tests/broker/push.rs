//! Responses over WebSocket.

use crate::world::{DEADLINE, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use frontier_sdk::ServiceHost;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// A client of the responses of a session.
pub(crate) struct Reader(WebSocketStream<TcpStream>);

impl World {
    async fn websocket(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Reader, Error> {
        let mut request = format!("ws://{}{path}", self.addr).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.addr).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Reader(socket))
    }

    pub(crate) async fn reader(&self, session: &str, query: &str) -> Reader {
        self.websocket(&path(session, query), &[]).await.unwrap()
    }
}

fn path(session: &str, query: &str) -> String {
    format!("{}/responses?{query}", session.replace("/api/", "/ws/"))
}

impl Reader {
    /// The next text; `None` once it is closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match timeout(DEADLINE, self.0.next()).await.expect("something comes")?.unwrap() {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Value> {
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.push(self.next().await.expect("there are more"));
        }
        taken
    }

    async fn say(&mut self, said: Value) {
        self.0.send(Message::text(said.to_string())).await.unwrap();
    }

    /// Nothing but signs of life until the answer to this ping.
    async fn is_quiet(&mut self) {
        self.0.send(Message::Ping(b"quiet"[..].into())).await.unwrap();
        loop {
            match timeout(DEADLINE, self.0.next()).await.expect("it is answered").unwrap().unwrap() {
                Message::Pong(answer) if answer[..] == *b"quiet" => return,
                Message::Text(text) => panic!("{text}"),
                _ => {}
            }
        }
    }

    /// The fault that ends it, and the status of its close.
    async fn fault(&mut self) -> (String, u16) {
        let mut fault = String::new();
        loop {
            match timeout(DEADLINE, self.0.next()).await.expect("it ends").unwrap().unwrap() {
                Message::Text(text) => {
                    let told: Value = serde_json::from_str(&text).unwrap();
                    told["fault"].as_str().unwrap_or_default().clone_into(&mut fault);
                }
                Message::Close(Some(frame)) => {
                    assert_eq!(&*frame.reason, fault);
                    return (fault, frame.code.into());
                }
                _ => {}
            }
        }
    }
}

fn positions(responses: &[Value]) -> Vec<u64> {
    responses.iter().map(|one| one["position"].as_u64().unwrap()).collect()
}

async fn with_requests(world: &World, count: usize) -> (ServiceHost, String) {
    let host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let bodies: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    assert_eq!(world.send(&session, &bodies).await.status, 202);
    world.until(&format!("{session}/status"), |status| status["processedRequests"] == count).await;
    (host, session)
}

#[tokio::test]
async fn responses_come_as_far_as_there_is_credit_up_to_the_end() {
    // Nothing is seen by looking again after a time.
    let world = World::with("sessions: {keepalive: 1h}").await;
    let (_host, session) = with_requests(&world, 10).await;
    let mut reader = world.reader(&session, "credit=3").await;
    assert_eq!(positions(&reader.take(3).await), [0, 1, 2]);
    reader.is_quiet().await;
    reader.say(json!({"credit": 4})).await;
    let more = reader.take(4).await;
    assert_eq!(positions(&more), [3, 4, 5, 6]);
    assert!(more.iter().all(|one| one["isFault"] == false && one["userData"].is_string()), "{more:?}");
    reader.is_quiet().await;
    reader.say(json!({"credit": 100})).await;
    assert_eq!(positions(&reader.take(3).await), [7, 8, 9]);
    // Later ones are pushed as they are computed.
    world.send(&session, &["10"]).await.ok();
    assert_eq!(positions(&reader.take(1).await), [10]);
    world.post(&format!("{session}/requests/flush"), "").await.ok();
    reader.is_quiet().await;
    world.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    assert_eq!(reader.next().await.unwrap()["endOfResponses"], json!({"count": 11, "reason": "Success"}));
    assert_eq!(reader.next().await, None);
    world.until(&format!("{session}/status"), |status| status["unfetchedResponses"] == 0).await;
}

#[tokio::test]
async fn a_reader_that_is_lost_goes_on_where_it_was() {
    let world = World::new().await;
    let (_host, session) = with_requests(&world, 10).await;
    let unfetched = |count: u64| move |status: &Value| status["unfetchedResponses"] == count;
    let status = format!("{session}/status");
    let mut reader = world.reader(&session, "credit=5&acknowledge=client").await;
    assert_eq!(reader.take(5).await.len(), 5);
    reader.say(json!({"acknowledge": 2})).await;
    world.until(&status, unfetched(8)).await;
    drop(reader);
    // What it has not acknowledged comes again.
    let mut reader = world.reader(&session, "acknowledge=client").await;
    assert_eq!(positions(&reader.take(8).await), [2, 3, 4, 5, 6, 7, 8, 9]);
    reader.say(json!({"acknowledge": 10})).await;
    world.until(&status, unfetched(0)).await;
    // Where the client says nothing, what was written is fetched; and everything is there from the beginning.
    let mut reader = world.reader(&session, "position=begin&credit=2").await;
    assert_eq!(positions(&reader.take(2).await), [0, 1]);
    let mut reader = world.reader(&session, "position=7").await;
    assert_eq!(positions(&reader.take(3).await), [7, 8, 9]);
    drop(reader);
    // What is acknowledged when the last one has come counts, though the broker has closed by then.
    world.send(&session, &["10"]).await.ok();
    world.post(&format!("{session}/requests/flush?end=true"), "").await.ok();
    let mut reader = world.reader(&session, "position=10&acknowledge=client").await;
    assert_eq!(positions(&reader.take(1).await), [10]);
    assert_eq!(reader.next().await.unwrap()["endOfResponses"]["count"], 11);
    reader.say(json!({"acknowledge": 11})).await;
    assert_eq!(reader.next().await, None);
    world.until(&status, unfetched(0)).await;
}

#[tokio::test]
async fn one_that_reads_nothing_is_cut_and_has_held_up_nobody() {
    const COUNT: usize = 24;
    let world = World::with("sessions: {slow_peer_timeout: 500ms, watchers: 1}").await;
    let _host = world.host().connect().await.unwrap();
    let session = world.session().await;
    let mut stalled = world.reader(&session, "credit=1000000").await;
    // Together more than what systems keep for a peer that does not read.
    let body =
        json!({"requests": [{"action": "echo", "payload": STANDARD.encode(vec![0; 1 << 20])}]}).to_string();
    for _ in 0..COUNT {
        assert_eq!(world.post(&format!("{session}/requests"), body.clone()).await.status, 202);
    }
    let status = format!("{session}/status");
    world.until(&status, |status| status["processedRequests"] == COUNT).await;
    // Its place is another one's, which gets all of them.
    let another = async {
        loop {
            match world.websocket(&path(&session, "position=begin"), &[]).await {
                Ok(reader) => return reader,
                Err(Error::Http(response)) => assert_eq!(response.status(), 429),
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut another = timeout(DEADLINE, another).await.expect("the first one is cut");
    assert_eq!(another.take(COUNT).await.len(), COUNT);
    let read = async {
        let mut texts = 0;
        while let Some(Ok(message)) = stalled.0.next().await {
            texts += usize::from(message.is_text());
        }
        texts
    };
    let texts = timeout(DEADLINE, read).await.expect("it has an end");
    assert!(texts < COUNT, "what was in the pipe, and no more: {texts}");
}

#[tokio::test]
async fn what_a_client_must_not_say_ends_it_with_the_name_of_the_fault() {
    let world = World::new().await;
    let (_host, session) = with_requests(&world, 1).await;
    for wrong in [
        Message::text("no JSON"),
        Message::text(r#"{"credit": -1}"#),
        Message::text(r#"{"credits": 1}"#),
        Message::text(r#"{"credit": 1000001}"#),
        Message::text(r#"{"acknowledge": 2}"#),
        Message::text("x".repeat(5000)),
        Message::Binary(b"{}"[..].into()),
    ] {
        let mut reader = world.reader(&session, "credit=0").await;
        reader.0.send(wrong.clone()).await.unwrap();
        assert_eq!(reader.fault().await, ("InvalidRequest".to_owned(), 1008), "{wrong:?}");
    }
    let mut reader = world.reader(&session, "credit=0").await;
    world.delete(&session).await;
    // Nothing is asked for, so it is seen with the next sign of life, or once something is.
    reader.say(json!({"credit": 1})).await;
    assert_eq!(reader.fault().await, ("Session_ValidateJobFailed_AlreadyFinished".to_owned(), 1008));
}

#[tokio::test]
async fn who_may_not_read_is_refused_before_it_becomes_a_websocket() {
    let world = World::with("sessions: {allowed_origins: ['https://app.example'], watchers: 1}").await;
    let session = world.session().await;
    let status = async |query: &str, headers: &[(&'static str, &str)]| match world
        .websocket(&path(&session, query), headers)
        .await
    {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => 101,
    };
    assert_eq!(status("", &[("origin", "https://evil.example")]).await, 403);
    for wrong in ["credit=1000001", "acknowledge=never", "position=x", "clientId=a/b", "colour=red"] {
        assert_eq!(status(wrong, &[]).await, 400, "{wrong}");
    }
    assert_eq!(world.get(&path(&session, "")).await.status, 400, "no WebSocket is asked for");
    let unknown = path("/api/v1/sessions/00000000000000000000000000000000", "");
    assert!(matches!(world.websocket(&unknown, &[]).await, Err(Error::Http(it)) if it.status() == 404));
    let headers = [("origin", "https://app.example"), ("sec-websocket-protocol", "frontier.sessions.v1")];
    let reader = world.websocket(&path(&session, ""), &headers).await.unwrap();
    assert_eq!(status("", &[]).await, 429, "there is one watcher");
    drop(reader);
    let again = async {
        while status("", &[]).await != 101 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, again).await.expect("its place is free again");
}
