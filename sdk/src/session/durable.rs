//! Sessions that outlive their broker, and the programs that use them.

use super::{BrokerClient, Session, SessionError, SessionStartInfo, SessionStatus};
use frontier_api::broker::SessionType;

/// A session whose requests and responses are on disk: what is flushed is computed and answered once, though the broker or the
/// program that has sent it is lost. Cheap to clone.
///
/// Requests are computed once they are flushed. A program that was gone attaches again by the id of the session, takes a client of
/// the same name, and goes on:
///
/// ```no_run
/// use frontier_sdk::{DurableSession, ResponseStart, SessionStartInfo};
/// use futures_util::StreamExt;
///
/// # async fn example(inputs: &[f64]) -> Result<(), Box<dyn std::error::Error>> {
/// let info = || SessionStartInfo::new("http://127.0.0.1:30020", "pricing");
/// let session = match std::fs::read_to_string("session.id") {
///     Ok(id) => DurableSession::attach(info(), &id).await?,
///     Err(_) => {
///         let session = DurableSession::create(info()).await?;
///         std::fs::write("session.id", session.id())?;
///         session
///     }
/// };
/// let client = session.client("main")?;
/// // What was flushed before is there; what was not is sent again.
/// let there = usize::try_from(client.flush().await?)?;
/// for part in inputs[there..].chunks(1000) {
///     for input in part {
///         client.send_request("price", input, "").await?;
///     }
///     client.flush().await?;
/// }
/// client.end_requests().await?;
/// let mut responses = client.get_responses_from::<f64>(ResponseStart::Begin);
/// while let Some(response) = responses.next().await {
///     println!("{:?}", response?.result);
/// }
/// session.close().await?;
/// # Ok(()) }
/// ```
///
/// What the broker has taken and not committed is lost with it. The client knows it still, up to 64 MiB, and sends it again with
/// its next flush; beyond that the flush is `Broker_FlushIncomplete`. Once something goes wrong, all that was not flushed is void, and
/// is to be sent again: that is how each flush commits once. But after a flush that no broker has answered, flush again first: the
/// number says whether it is there. The next [`flush`](BrokerClient::flush) tells how much is there.
#[derive(Clone, Debug)]
pub struct DurableSession(Session);

impl DurableSession {
    /// Makes a session. An attempt whose answer is lost is made again, and may leave a session that nobody uses: it is there until
    /// it is closed.
    ///
    /// # Errors
    /// As [`Session::create`]; a fault `Broker_UnsupportedOperation` with the reason where the broker keeps nothing on disk.
    ///
    /// # Cancel safety
    /// Not cancel safe: a session may be left that nobody uses.
    pub async fn create(info: SessionStartInfo) -> Result<Self, SessionError> {
        Session::create_as(info, SessionType::Durable).await.map(Self)
    }

    /// Attaches to the session of this id, which is taken up again if it was suspended. Of `info` counts what says how the broker
    /// is reached.
    ///
    /// # Errors
    /// As [`Session::attach`]; a fault `InvalidAttachInteractiveSession` if it is not durable.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn attach(info: SessionStartInfo, id: &str) -> Result<Self, SessionError> {
        Session::attach_as(info, id, SessionType::Durable).await.map(Self)
    }

    /// Its id, by which others attach to it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// The service that its hosts offer.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.service()
    }

    /// As [`Session::client`]. One that has taken up the name of an earlier one has what that has flushed, and its responses; what
    /// that has not flushed is gone with the first request or flush of this one.
    ///
    /// # Errors
    /// [`SessionError::ClientId`].
    pub fn client(&self, id: &str) -> Result<BrokerClient, SessionError> {
        self.0.client(id)
    }

    /// As [`Session::status`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn status(&self) -> Result<SessionStatus, SessionError> {
        self.0.status().await
    }

    /// As [`Session::close`]: it is gone for good. Dropping it leaves it as it is.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn close(&self) -> Result<(), SessionError> {
        self.0.close().await
    }
}
