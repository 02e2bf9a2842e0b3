//! What somebody writes who has read a page of the documentation: it compiles, and does what it looks like.

use crate::gateway::{Gateway, soon};
use frontier_protocol::{Ack, Kind, Response as ResponseFrame};
use frontier_sdk::{
    Bytes, Code, ConnectError, Edge, EdgeEvent, EdgeId, Error, HandlerError, Message, Request, Response,
    Service, ServiceId, StreamConfig, StreamError, StreamRequest, StreamResponse,
};

/// As a program has it that uses `anyhow` for everything.
fn read_temperature(text: &[u8]) -> anyhow::Result<f64> {
    use anyhow::Context;
    let text = std::str::from_utf8(text)?;
    text.parse().with_context(|| format!("{text:?} is no temperature"))
}

async fn to_fahrenheit(request: Request) -> Result<Response, HandlerError> {
    let celsius = read_temperature(&request.data)?;
    if celsius < -273.15 {
        return Err(HandlerError::new(7, "colder than anything"));
    }
    Ok(format!("{:.1}", celsius * 1.8 + 32.0).into())
}

async fn on_stream(request: StreamRequest) -> Result<StreamResponse, HandlerError> {
    let celsius = read_temperature(&request.data)?;
    Ok(StreamResponse::from(celsius.to_string()))
}

async fn online(event: EdgeEvent) -> Result<(), HandlerError> {
    if event.meta.is_empty() {
        return Err("who are you?".into());
    }
    Ok(())
}

/// All ways in which things fail, in one function with one error.
async fn everything(url: &str) -> Result<Bytes, Error> {
    let config = StreamConfig::default().receive_queue(8).max_calls(4);
    let edge = Edge::builder(url).stream_config(config.clone()).connect().await?;
    edge.register("to_fahrenheit", to_fahrenheit).await?;
    let stream = edge.open_stream("files").config(config).await?;
    stream.register("read", on_stream);
    Ok(stream.call("list", "").await?.data)
}

#[tokio::test]
async fn handlers_can_be_tried_without_a_gateway() {
    let answer = async |data: &'static str| to_fahrenheit(Request::new("to_fahrenheit", data)).await;
    assert_eq!(answer("100").await, Ok("212.0".into()));
    let not_a_number = answer("warm").await.unwrap_err();
    assert_eq!(not_a_number.text, "\"warm\" is no temperature: invalid float literal");
    assert_eq!(answer("-300").await.unwrap_err().code, 7);
    let on_stream = on_stream(StreamRequest::new("read", "21.5")).await;
    assert_eq!(on_stream, Ok("21.5".into()));
    assert_eq!(online(EdgeEvent::new(EdgeId(7), "", "here")).await.unwrap_err().text, "who are you?");

    let (mut message, outcome) = Message::new("telemetry", "21.5");
    message.edge_id = Some(7.into());
    message.done();
    assert_eq!(outcome.await, Ok(()));
    let (message, outcome) = Message::new("telemetry", "");
    drop(message);
    assert_eq!(outcome.await.unwrap_err().code(), Code::NotDone);
}

#[tokio::test]
async fn errors_of_each_step_end_in_one() {
    let refused = soon(everything("nowhere")).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_retryable()), (Code::Denied, false));
    let as_stream: StreamError = refused.clone().into();
    assert_eq!(Error::from(as_stream), refused);
    let wrong = Service::builder("tcp://").connect().await.unwrap_err();
    assert!(matches!(wrong, ConnectError::Url(_)));
}

#[test]
fn ids_go_in_and_out_of_texts_and_numbers() {
    let edge: EdgeId = "42".parse().unwrap();
    assert_eq!((edge, edge.to_string()), (EdgeId::from(42), "42".to_owned()));
    assert_eq!((u64::from(edge), ServiceId::from(7)), (42, ServiceId(7)));
    assert!("forty-two".parse::<EdgeId>().is_err());
}

#[test]
fn whatever_is_bytes_is_an_answer() {
    let answers: [Response; 5] = [
        "text".into(),
        "text".to_owned().into(),
        b"text".to_vec().into(),
        b"text"[..].into(),
        Bytes::from("text").into(),
    ];
    assert!(answers.iter().all(|answer| *answer == Response::new("text")));
}

#[tokio::test]
async fn a_failure_has_a_number_or_a_time_to_try_again() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = gateway.connected_edge().await;
    for id in 1..=2 {
        peer.publish(id, "telemetry", b"data");
    }
    soon(edge.recv()).await.unwrap().fail(HandlerError::new(7, "disk full"));
    let later = HandlerError::retry_later("busy", std::time::Duration::from_millis(250));
    soon(edge.recv()).await.unwrap().fail(later);
    for expected in [(Code::Application, 7, "disk full"), (Code::Overloaded, 250, "busy")] {
        let frame = peer.expect(Kind::Ack).await;
        let Ack { code, detail, text } = Ack::parse(&frame).unwrap();
        assert_eq!((code, detail, text), expected);
    }
    edge.register("to_fahrenheit", to_fahrenheit).await.unwrap();
    peer.request(3, "to_fahrenheit", b"-300");
    let frame = peer.expect(Kind::Response).await;
    let answer = ResponseFrame::parse(&frame).unwrap();
    assert_eq!((answer.code, answer.detail), (Code::Application, 7));
}
