//! Requests that come as a stream.

use super::client_of;
use crate::api::{Api, Refusal, Texts, gather_bodies, invalid, who};
use crate::session::{Flush, NotTaken, Session, Who};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator};
use frontier_api::broker::{BrokerRequest, SendSummary};
use frontier_sessions::{BatchId, ClientId, Fault, FaultCode, MessageId, Request};
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use tonic::{Status, Streaming};

/// How many requests are sent to the session at once, and with how many bytes, if they have come.
const MOST: usize = 1000;
const MOST_BYTES: usize = 1 << 20;

/// A stream of requests, and what has become of them.
pub(super) struct Sending {
    api: Api,
    operator: Operator,
    stream: Streaming<BrokerRequest>,
    to: Option<Recipient>,
    /// The session and the client that the last request has named: they are right, or nothing.
    named: (String, String),
    texts: Texts,
    /// The one that was read last, if it was not taken yet.
    ahead: Option<BrokerRequest>,
    /// How many were taken of the stream.
    place: u64,
    /// Whether the last one leaves what was sent uncommitted.
    holds: bool,
    accepted: u64,
    pending: u64,
}

/// To which session and client the requests go.
#[derive(Clone)]
pub(super) struct Recipient {
    pub(super) session: Arc<Session>,
    pub(super) who: Who,
    pub(super) client: ClientId,
    batch: BatchId,
}

impl Sending {
    pub(super) fn new(api: Api, operator: Operator, stream: Streaming<BrokerRequest>) -> Self {
        let texts = Texts::default();
        let named = Default::default();
        Self {
            api,
            operator,
            stream,
            to: None,
            named,
            texts,
            ahead: None,
            place: 0,
            holds: false,
            accepted: 0,
            pending: 0,
        }
    }

    /// To whom they go, which the first one says; `None` if there is none.
    pub(super) async fn recipient(&mut self) -> Result<Option<Recipient>, Refusal> {
        if self.to.is_some() || !self.look().await? {
            return Ok(self.to.clone());
        }
        let Some(first) = &self.ahead else { return Ok(None) };
        let session = self.api.session(&first.session_id, &self.operator, OperatorRole::Operate)?;
        let (client, batch) = (client_of(&first.client_id)?, first.batch_id);
        self.to = Some(Recipient { session, who: who(&self.operator), client, batch });
        Ok(self.to.clone())
    }

    /// Sends all of them. Commits them at the end of the stream, or ends the requests of the client if it `ends`.
    pub(super) async fn run(&mut self, ends: bool) -> Result<(), Refusal> {
        let Some(mut to) = self.recipient().await? else { return Ok(()) };
        while self.look().await? {
            self.api.sessions.check_draining()?;
            let (batch, requests) = self.some(&to)?;
            to.batch = batch;
            let count = requests.len() as u64;
            self.send(&to, requests).await?;
            self.accepted += count;
        }
        if ends || !self.holds {
            let flush = Flush { batch: Some(to.batch), sent: None, ends };
            let flushed = to.session.flush(to.who.clone(), to.client.clone(), flush).await?;
            self.pending = flushed.pending;
        }
        self.to = Some(to);
        Ok(())
    }

    pub(super) fn summary(&self) -> SendSummary {
        let named = self.to.as_ref().map(|to| (to.session.id().to_string(), to.client.to_string()));
        let (session_id, client_id) = named.unwrap_or_default();
        SendSummary { session_id, client_id, accepted: self.accepted, pending: self.pending }
    }

    /// Waits for a request. Whether there is one.
    async fn look(&mut self) -> Result<bool, Refusal> {
        if self.ahead.is_none() {
            self.ahead = self.stream.next().await.transpose().map_err(|status| broken(&status))?;
        }
        Ok(self.ahead.is_some())
    }

    /// Those of one batch id that have come, and no more than go at once.
    fn some(&mut self, to: &Recipient) -> Result<(BatchId, Vec<Request>), Refusal> {
        let batch = self.ahead.as_ref().map_or(to.batch, |first| first.batch_id);
        let most = MOST.min(self.api.sessions.config().limits.session.requests_per_send);
        let (mut requests, mut bytes) = (Vec::new(), 0);
        let mut next = self.ahead.take();
        while let Some(read) = next.take() {
            bytes += read.payload.len();
            requests.push(self.request(to, read)?);
            if requests.len() == most || bytes >= MOST_BYTES {
                break;
            }
            // What is wrong with the next one is told when it is its turn.
            match self.stream.next().now_or_never() {
                Some(Some(Ok(read))) if read.batch_id == batch => next = Some(read),
                Some(Some(Ok(read))) => self.ahead = Some(read),
                Some(Some(Err(status))) => return Err(broken(&status)),
                Some(None) | None => break,
            }
        }
        gather_bodies(&mut requests);
        Ok((batch, requests))
    }

    fn request(&mut self, to: &Recipient, read: BrokerRequest) -> Result<Request, Refusal> {
        let place = self.place;
        self.place += 1;
        let wrong = |fault: Fault| Fault::new(fault.code, format!("request {place}: {}", fault.text));
        // Mostly each says what the one before it has said.
        if read.session_id != self.named.0 {
            if !read.session_id.is_empty() && read.session_id.parse() != Ok(to.session.id()) {
                let text = format!("request {place}: the requests of one stream are of one session");
                return Err(invalid(text));
            }
            self.named.0 = read.session_id;
        }
        if read.client_id != self.named.1 {
            if !read.client_id.is_empty() && ClientId::new(&read.client_id).map_err(wrong)? != to.client {
                let text = format!("request {place}: the requests of one stream are of one client");
                return Err(invalid(text));
            }
            self.named.1 = read.client_id;
        }
        self.holds = read.hold;
        let id = match &*read.message_id {
            "" => MessageId(rand::random()),
            text => text.parse().map_err(wrong)?,
        };
        let (action, user_data) = self.texts.kept(&read.action, &read.user_data);
        Ok(Request { id, action, body: read.payload.into(), user_data })
    }

    /// Sends them as soon as the session takes them. Meanwhile nothing is read of the stream, so its client waits as well.
    async fn send(&self, to: &Recipient, mut requests: Vec<Request>) -> Result<(), Refusal> {
        loop {
            match to.session.send(to.who.clone(), to.client.clone(), to.batch, requests).await {
                Err(NotTaken { why: Fault { code: FaultCode::Throttled, .. }, requests: again }) => {
                    self.api.sessions.check_draining()?;
                    requests = again;
                    to.session.changed().await;
                }
                sent => return Ok(sent.map_err(Fault::from)?),
            }
        }
    }
}

/// The stream has broken off, or has what is no request.
fn broken(status: &Status) -> Refusal {
    match status.code() {
        tonic::Code::OutOfRange | tonic::Code::InvalidArgument | tonic::Code::ResourceExhausted => {
            Fault::new(FaultCode::MessageTooLarge, status.message()).into()
        }
        _ => Refusal::Api(ApiError::invalid(format!("the stream has broken off: {}", status.message()))),
    }
}
