//! A client of a session.

use super::outgoing::Outgoing;
use super::response::BrokerResponse;
use super::responses::{ResponseStart, Responses};
use super::{Session, SessionError};
use bytes::Bytes;
use frontier_api::broker::{BrokerRequest, PurgeClientRequest};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

/// A client of a session: it sends requests, and fetches their responses. Clones are the same client: what goes wrong with requests
/// is told to one of them.
///
/// There should be one of each name at a time: a later one takes the name over, and what an earlier one sends after that is
/// refused (`Broker_StaleBatch`).
#[derive(Clone)]
pub struct BrokerClient(Arc<Inner>);

struct Inner {
    session: Session,
    id: String,
    outgoing: Outgoing,
}

impl BrokerClient {
    pub(super) fn new(session: Session, id: &str) -> Result<Self, SessionError> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-{} ".contains(&byte);
        if id.is_empty() || id.len() > 128 || !id.bytes().all(is_fine) {
            return Err(SessionError::ClientId);
        }
        // Greater than that of whoever had the name before.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let batch_id = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let id = id.to_owned();
        let outgoing = Outgoing::start(session.clone(), id.clone(), batch_id);
        Ok(Self(Arc::new(Inner { session, id, outgoing })))
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Its session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// Sends a request, with a value as its body, in JSON. `user_data`, up to 1024 characters, comes back with the response.
    /// Gives the id of the request, which the response has as well.
    ///
    /// It returns when the request is in the queue of those that are sent, and waits while that is full: until the broker has
    /// taken some. An interactive session computes it as soon as it is there, a durable one once it is flushed. What goes wrong
    /// later is told by the next call, of this or of [`flush`](Self::flush). Of an interactive session nobody knows then which of the
    /// requests were taken that were on their way; of a durable one none is that was sent since the last flush.
    ///
    /// # Errors
    /// [`SessionError`] if the body has no form in JSON, or requests before it were refused.
    ///
    /// # Cancel safety
    /// Cancel safe: then it was not sent.
    pub async fn send_request<T>(
        &self,
        action: &str,
        body: &T,
        user_data: &str,
    ) -> Result<String, SessionError>
    where
        T: Serialize + ?Sized,
    {
        let body = serde_json::to_vec(body).map_err(|error| SessionError::Body(Arc::new(error)))?;
        self.send(action, body, user_data).await
    }

    /// As [`send_request`](Self::send_request), with bytes as the body.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn send_bytes(
        &self,
        action: &str,
        body: impl Into<Bytes>,
        user_data: &str,
    ) -> Result<String, SessionError> {
        self.send(action, body.into().into(), user_data).await
    }

    async fn send(&self, action: &str, payload: Vec<u8>, user_data: &str) -> Result<String, SessionError> {
        let message_id = message_id(rand::random());
        let request = BrokerRequest {
            message_id: message_id.clone(),
            action: action.to_owned(),
            payload,
            user_data: user_data.to_owned(),
            ..Default::default()
        };
        self.0.outgoing.send(request).await?;
        Ok(message_id)
    }

    /// Waits until the broker has taken all requests that were sent before, and has it commit them. Gives how many requests of the
    /// client are committed, in all: of whoever had its name before as well.
    ///
    /// # Errors
    /// [`SessionError`] if some were refused, or can't be committed. If none of the brokers has answered, they may be committed or
    /// not; the next flush tells.
    ///
    /// # Cancel safety
    /// Cancel safe: they may be committed or not, and it can be called again.
    pub async fn flush(&self) -> Result<u64, SessionError> {
        self.0.outgoing.flush(false).await
    }

    /// As [`flush`](Self::flush), and says that no more follow: the responses end with the last of them.
    ///
    /// # Errors
    /// As there; a fault `InvalidOperation_NoRequests` if none was sent, `Broker_EOMReject_EndRequests` if it was said before.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn end_requests(&self) -> Result<(), SessionError> {
        self.0.outgoing.flush(true).await.map(drop)
    }

    /// The responses, with values from JSON as their bodies: from the first one that was not fetched, up to the last one.
    pub fn get_responses<T: DeserializeOwned + Send + 'static>(&self) -> Responses<T> {
        self.get_responses_from(ResponseStart::Current)
    }

    /// As [`get_responses`](Self::get_responses), from another place on.
    pub fn get_responses_from<T: DeserializeOwned + Send + 'static>(
        &self,
        start: ResponseStart,
    ) -> Responses<T> {
        let Inner { session, id, .. } = &*self.0;
        Responses::new(session.clone(), id.clone(), start, |body| serde_json::from_slice(&body))
    }

    /// As [`get_responses_from`](Self::get_responses_from), with bytes as bodies.
    pub fn get_bytes_from(&self, start: ResponseStart) -> Responses<Bytes> {
        let Inner { session, id, .. } = &*self.0;
        Responses::new(session.clone(), id.clone(), start, |body| Ok(body.into()))
    }

    /// Has `handler` called for each response, one after the other, from a task: until there are no more, something goes wrong, or
    /// what is returned is dropped. Must be called inside a Tokio runtime.
    pub fn set_response_handler<T, F, Fut>(&self, handler: F) -> ResponseTask
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(BrokerResponse<T>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut responses = self.get_responses::<T>();
        ResponseTask(tokio::spawn(async move {
            while let Some(response) = responses.next().await {
                handler(response?).await;
            }
            Ok(())
        }))
    }

    /// Leaves. What the broker has of this client stays, for whoever takes up its name; or it is dropped, if it is to be purged:
    /// requests that wait, and responses. Requests that were not flushed may not be sent any more.
    ///
    /// # Errors
    /// [`SessionError`] if the broker refuses to purge, or none answers.
    ///
    /// # Cancel safety
    /// Cancel safe: it may have been purged.
    pub async fn close(self, purge: bool) -> Result<(), SessionError> {
        if !purge {
            return Ok(());
        }
        let Inner { session, id, .. } = &*self.0;
        let purged = session.broker.ask(|mut client, shown| {
            let (session_id, client_id) = (session.id().to_owned(), id.clone());
            async move { client.purge_client(shown.by(PurgeClientRequest { session_id, client_id })).await }
        });
        purged.await
    }
}

impl fmt::Debug for BrokerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { session, id, .. } = &*self.0;
        f.debug_struct("BrokerClient").field("session", &session.id()).field("id", id).finish_non_exhaustive()
    }
}

/// An id of a request, as 32 hexadecimal digits.
fn message_id(number: u128) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    number.to_be_bytes().into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What calls a handler of responses, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends it"]
pub struct ResponseTask(JoinHandle<Result<(), SessionError>>);

impl ResponseTask {
    /// Waits until there are no more responses.
    ///
    /// # Errors
    /// Why there are no more, if it is not that all were given to the handler; [`SessionError::Stopped`] if that has panicked.
    ///
    /// # Cancel safety
    /// Not cancel safe: it ends the task.
    pub async fn finished(mut self) -> Result<(), SessionError> {
        (&mut self.0).await.unwrap_or(Err(SessionError::Stopped))
    }
}

impl Drop for ResponseTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_has_32_digits() {
        let number = 0x0123_4567_89ab_cdef_u128;
        assert_eq!(super::message_id(number), format!("{number:032x}"));
    }
}
