//! A control plane over REST: one request after the other on one connection, and server-sent events.

mod address;
pub(crate) mod dial;
mod events;

pub(crate) use address::Address;
pub(crate) use events::Events;

use crate::context::Token;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use bytes::Bytes;
use dial::{Sender, Way};
use frontier_sdk::ClientTls;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};

/// A page of the largest lists is far below it.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Which program's control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaneKind {
    /// The one of frontlas.
    Frontlas,
    /// The one of a gateway.
    Gateway,
}

impl PlaneKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Frontlas => "frontlas",
            Self::Gateway => "gateway",
        }
    }

    pub(crate) fn default_url(self) -> &'static str {
        match self {
            Self::Frontlas => "http://127.0.0.1:40011",
            Self::Gateway => "http://127.0.0.1:30010",
        }
    }

    /// The port of a URL that names none.
    fn port(self) -> u16 {
        match self {
            Self::Frontlas => 40011,
            Self::Gateway => 30010,
        }
    }
}

/// A control plane, and the connection to it once there is one.
pub(crate) struct Plane {
    kind: PlaneKind,
    address: Address,
    tls: ClientTls,
    token: Option<Token>,
    timeout: Duration,
    connection: Option<Sender>,
    /// The way to the next one, once its name has been looked up.
    way: Option<Way>,
}

/// How a control plane does that asks for no credentials.
pub(crate) struct Health {
    /// What its clock says, as HTTP writes it.
    pub(crate) date: Option<String>,
    /// How long it took to ask, without connecting.
    pub(crate) round_trip: Duration,
}

/// What is asked for.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'a str, String)],
    pub(crate) body: Option<serde_json::Value>,
}

impl Plane {
    pub(crate) fn new(
        kind: PlaneKind,
        url: &str,
        tls: ClientTls,
        token: Option<Token>,
        timeout: Duration,
    ) -> Outcome<Self> {
        let address = Address::parse(url, kind.port()).map_err(|error| {
            Failure::usage(error).advise(format!("--{} or the context sets it", kind.name()))
        })?;
        Ok(Self { kind, address, tls, token, timeout, connection: None, way: None })
    }

    /// One that waits for so much longer: where a peer has the time that is set for an answer.
    pub(crate) fn patient(self, longer: Duration) -> Self {
        Self { timeout: self.timeout.saturating_add(longer), ..self }
    }

    /// What is at `path`.
    pub(crate) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, String)],
    ) -> Outcome<T> {
        self.call(&Call { method: Method::GET, path, query, body: None }).await
    }

    /// Asks, and reads the answer.
    pub(crate) async fn call<T: DeserializeOwned>(&mut self, call: &Call<'_>) -> Outcome<T> {
        let body = self.within(async |plane: &mut Self| plane.answer(call).await).await?;
        let wrong = |error| {
            self.failure(Exit::Failure, format!("the answer is not what this version knows: {error}"))
        };
        serde_json::from_slice(&body).map_err(wrong)
    }

    /// Connects, and asks how it does.
    pub(crate) async fn health(&mut self) -> Outcome<Health> {
        let call = Call { method: Method::GET, path: "/healthz", query: &[], body: None };
        self.within(async |plane: &mut Self| {
            plane.answer(&call).await?;
            let begin = Instant::now();
            let response = plane.respond(&call, "*/*").await?;
            let round_trip = begin.elapsed();
            let date = response.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
            plane.read(response).await?;
            Ok(Health { date, round_trip })
        })
        .await
    }

    /// Where its watch is.
    pub(crate) fn watch_path(&self) -> &'static str {
        match self.kind {
            PlaneKind::Frontlas => "/cluster/v1/watch",
            PlaneKind::Gateway => "/v1/watch",
        }
    }

    pub(crate) fn is_gateway(&self) -> bool {
        self.kind == PlaneKind::Gateway
    }

    /// Which kinds of records it tells of.
    pub(crate) fn kinds(&self) -> &'static str {
        match self.kind {
            PlaneKind::Frontlas => "frontiers,edges,services",
            PlaneKind::Gateway => "edges,services",
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// The events at `path`, which go on without a deadline.
    pub(crate) async fn events(&mut self, path: &str, query: &[(&str, String)]) -> Outcome<Events> {
        let call = Call { method: Method::GET, path, query, body: None };
        let response =
            self.within(async |plane: &mut Self| plane.respond(&call, "text/event-stream").await).await?;
        // It is busy with them for good.
        self.connection = None;
        Ok(Events::new(response.into_body(), self.to_string()))
    }

    async fn within<T>(&mut self, ask: impl AsyncFnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let timeout = self.timeout;
        // A DNS server that is slow has a time of its own.
        if self.connection.as_ref().is_none_or(Sender::is_closed) {
            self.way = Some(Way::to(&self.address).await.map_err(|error| self.unreachable(error))?);
        }
        let asked = tokio::time::timeout(timeout, ask(self)).await;
        asked.unwrap_or_else(|_| {
            self.connection = None;
            let late = self.failure(Exit::Unreachable, format!("no answer within {timeout:?}"));
            Err(late.advise("--timeout gives it more time; `frontctl doctor` looks at each part"))
        })
    }

    async fn answer(&mut self, call: &Call<'_>) -> Outcome<Bytes> {
        let response = self.respond(call, "application/json").await?;
        self.read(response).await
    }

    async fn read(&mut self, response: Response<Incoming>) -> Outcome<Bytes> {
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        body.map(http_body_util::Collected::to_bytes)
            .map_err(|error| self.failure(Exit::Unreachable, format!("the answer broke off: {error}")))
    }

    /// The head of a good response; a bad one is read and becomes a failure.
    async fn respond(&mut self, call: &Call<'_>, accept: &str) -> Outcome<Response<Incoming>> {
        if let Some(connection) = self.connection.take().filter(|connection| !connection.is_closed())
            && let Ok(response) = self.send(connection, call, accept).await
        {
            return self.judged(response).await;
        }
        // There is none, or its server has closed it meanwhile. What is sent on one that has stood may be sent twice: it
        // says what is to be so. Calls of peers are sent on a new one.
        let connected = match self.way.take() {
            Some(way) => dial::connect(way, &self.address, &self.tls).await,
            None => match Way::to(&self.address).await {
                Ok(way) => dial::connect(way, &self.address, &self.tls).await,
                Err(error) => Err(error),
            },
        };
        let connection = connected.map_err(|error| self.unreachable(error))?;
        let response = self.send(connection, call, accept).await?;
        self.judged(response).await
    }

    async fn judged(&mut self, response: Response<Incoming>) -> Outcome<Response<Incoming>> {
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    async fn send(
        &mut self,
        mut connection: Sender,
        call: &Call<'_>,
        accept: &str,
    ) -> Outcome<Response<Incoming>> {
        let request = self.request(call, accept).await?;
        let lost = |error: hyper::Error| {
            self.failure(Exit::Unreachable, format!("the connection was lost: {error}"))
        };
        connection.ready().await.map_err(lost)?;
        let response = connection.send_request(request).await.map_err(lost)?;
        self.connection = Some(connection);
        Ok(response)
    }

    async fn request(&self, call: &Call<'_>, accept: &str) -> Outcome<Request<Full<Bytes>>> {
        let mut target = call.path.to_owned();
        if !call.query.is_empty() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(call.query);
            target = format!("{target}?{}", query.finish());
        }
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(target)
            .header(HOST, self.address.authority())
            .header(USER_AGENT, concat!("frontctl/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, accept);
        if let Some(token) = &self.token {
            let token = token.read().await.map_err(Failure::usage)?;
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match &call.body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        // A token may hold what no header can.
        request
            .body(Full::new(body))
            .map_err(|error| Failure::usage(format!("the token or the request: {error}")))
    }

    async fn refused(&mut self, response: Response<Incoming>) -> Failure {
        let status = response.status();
        let after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = self.read(response).await.unwrap_or_default();
        let told: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        let told = told.as_ref().and_then(|body| body["message"].as_str());
        let text = told.map_or_else(|| format!("it answered {status}"), str::to_owned);
        let (exit, advice) = match status {
            StatusCode::UNAUTHORIZED => (
                Exit::Denied,
                Some(
                    "show a token (FRONTCTL_TOKEN, --token-file) or a certificate (--cert, --key)".to_owned(),
                ),
            ),
            StatusCode::FORBIDDEN => {
                (Exit::Denied, Some("it takes credentials with another role: docs/access.md".to_owned()))
            }
            StatusCode::BAD_REQUEST => (Exit::Usage, None),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                (
                    Exit::TryAgain,
                    Some(after.map_or("try again".into(), |after| format!("try again in {after} s"))),
                )
            }
            _ => (Exit::Failure, None),
        };
        let failure = self.failure(exit, text).answered(status.as_u16());
        match advice {
            Some(advice) => failure.advise(advice),
            None => failure,
        }
    }

    fn unreachable(&self, error: std::io::Error) -> Failure {
        self.failure(Exit::Unreachable, error).advise(format!(
            "is it running? `frontctl doctor` looks at each part; --{} or a context sets the address",
            self.kind.name()
        ))
    }

    fn failure(&self, exit: Exit, text: impl std::fmt::Display) -> Failure {
        Failure::new(exit, text).about(self)
    }
}

impl std::fmt::Display for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.kind {
            PlaneKind::Frontlas => "frontlas",
            PlaneKind::Gateway => "the gateway's control plane",
        };
        write!(f, "{name} at {}", self.address)
    }
}
