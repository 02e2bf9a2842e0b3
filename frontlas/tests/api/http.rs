//! HTTP/1.1 without a library that knows better.

use crate::world::{World, within};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use tokio::net::TcpStream;

impl World {
    /// The answer, whose body is still to come.
    pub(crate) async fn send<B>(&self, request: Request<B>) -> Response<Incoming>
    where
        B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        within("an answer", async {
            let stream = TcpStream::connect(self.addr).await.expect("it listens");
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("it is HTTP");
            tokio::spawn(connection);
            sender.send_request(request).await.expect("there is an answer")
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Incoming> {
        let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new());
        self.send(request.expect("it is a path")).await
    }

    /// Status and JSON; `null` for an empty body.
    pub(crate) async fn json(&self, path: &str) -> (StatusCode, Value) {
        read(self.get(path).await).await
    }

    /// The JSON of an answer that must be good.
    pub(crate) async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.json(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// The code of an answer that must have this status.
    pub(crate) async fn error(&self, path: &str, status: u16) -> (String, String) {
        let (found, body) = self.json(path).await;
        assert_eq!(found.as_u16(), status, "{path}: {body}");
        let text = |key: &str| body[key].as_str().unwrap_or_else(|| panic!("{path}: {body}")).to_owned();
        assert_eq!(body.as_object().map(|it| it.len()), Some(2), "{body}");
        (text("code"), text("message"))
    }
}

pub(crate) async fn read(response: Response<Incoming>) -> (StatusCode, Value) {
    let status = response.status();
    let body = within("a body", response.into_body().collect()).await.expect("a whole body").to_bytes();
    if body.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {body:?}")))
}
