//! Responses as a stream.

use super::broker::Attempts;
use super::response::{BrokerResponse, Decode};
use super::{Session, SessionError};
use frontier_api::broker::{self as api, GetResponsesRequest, ResponsePosition};
use futures_util::Stream;
use futures_util::stream::{BoxStream, unfold};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::Streaming;

/// Where responses begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseStart {
    /// With the first one that was not fetched, by whomever.
    #[default]
    Current,
    /// With the first one that the broker keeps.
    Begin,
    /// With the one at this place.
    At(u64),
}

/// The responses of a client, up to the last one once it has ended its requests.
///
/// The broker sends no more than is read: what is not polled is held by a window of HTTP/2, and by the broker. A connection that
/// breaks is made again, and the stream goes on where it was; a response comes once. An error is the last thing of it.
#[must_use = "streams do nothing unless they are polled"]
pub struct Responses<T>(BoxStream<'static, Result<BrokerResponse<T>, SessionError>>);

impl<T: Send + 'static> Responses<T> {
    pub(super) fn new(session: Session, client_id: String, start: ResponseStart, decode: Decode<T>) -> Self {
        let attempts = session.broker.attempts();
        let reading = Reading { session, client_id, next: start, has_begun: false, stream: None, attempts };
        let stream = unfold(Some(reading), move |reading| async move {
            let mut reading: Reading = reading?;
            match reading.next().await {
                Ok(Some(response)) => Some((Ok(BrokerResponse::new(response, decode)), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Self(Box::pin(stream))
    }
}

impl<T> Stream for Responses<T> {
    type Item = Result<BrokerResponse<T>, SessionError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Responses<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responses").finish_non_exhaustive()
    }
}

struct Reading {
    session: Session,
    client_id: String,
    next: ResponseStart,
    /// One has come: `next` is the place behind it.
    has_begun: bool,
    stream: Option<Streaming<api::BrokerResponse>>,
    attempts: Attempts,
}

impl Reading {
    /// The next response; `None` if none follows.
    async fn next(&mut self) -> Result<Option<api::BrokerResponse>, SessionError> {
        loop {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => self.open().await?,
            };
            let failed = match stream.message().await {
                Ok(Some(api::BrokerResponse { end_of_responses: Some(end), .. })) => {
                    return match &*end.reason {
                        "Success" => Ok(None),
                        _ => Err(SessionError::Ended(end.reason)),
                    };
                }
                Ok(Some(response)) => {
                    // It would be a gap that nobody tells of.
                    if self.has_begun && self.next != ResponseStart::At(response.position) {
                        return Err(SessionError::Forgotten);
                    }
                    self.has_begun = true;
                    self.attempts.reset();
                    self.next = ResponseStart::At(response.position + 1);
                    self.stream = Some(stream);
                    return Ok(Some(response));
                }
                Ok(None) => SessionError::Unreachable("the stream has ended before its time".to_owned()),
                Err(status) => SessionError::of(&status),
            };
            self.attempts.pause(failed).await?;
        }
    }

    async fn open(&self) -> Result<Streaming<api::BrokerResponse>, SessionError> {
        let (position, from) = match self.next {
            ResponseStart::Current => (ResponsePosition::Current, None),
            ResponseStart::Begin => (ResponsePosition::Begin, None),
            ResponseStart::At(place) => (ResponsePosition::Current, Some(place)),
        };
        let get = GetResponsesRequest {
            session_id: self.session.id().to_owned(),
            client_id: self.client_id.clone(),
            position: position.into(),
            from,
            count: 0,
        };
        let opened = self.session.broker.ask(|mut client, shown| {
            let get = get.clone();
            async move { client.get_responses(shown.by(get)).await }
        });
        opened.await
    }
}
