//! Requests that come and responses that go, at once.

use super::responses::{Page, Pushed, one_by_one};
use super::sending::Sending;
use crate::api::{Api, Refusal};
use frontier_admin::WatchSlot;
use frontier_api::broker::BrokerResponse;
use frontier_sessions::Start;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::task::{JoinError, JoinSet};
use tonic::Status;

/// Where such a call is.
enum Stage {
    /// The first request says whose responses are meant.
    Begins(Box<(Api, Sending, WatchSlot)>),
    Goes(Box<Going>),
    Over,
}

/// One that has begun.
struct Going {
    pushed: Pushed,
    /// What reads the requests, as long as it does. It ends with the call.
    sending: JoinSet<Result<(), Refusal>>,
}

/// The responses to what is sent, up to the last. They begin with the first that was not fetched.
pub(super) fn stream(
    api: Api,
    sending: Sending,
    slot: WatchSlot,
) -> impl Stream<Item = Result<BrokerResponse, Status>> + Send {
    one_by_one(unfold(Stage::Begins(Box::new((api, sending, slot))), async |stage| {
        let mut going = match stage {
            Stage::Over => return None,
            Stage::Goes(going) => going,
            Stage::Begins(parts) => match begin(*parts).await {
                Ok(Some(going)) => Box::new(going),
                Ok(None) => return None,
                Err(refusal) => return Some((Err(refusal.into()), Stage::Over)),
            },
        };
        match going.next().await {
            Ok(Some(page)) => Some((Ok(page), Stage::Goes(going))),
            Ok(None) => None,
            Err(status) => Some((Err(status), Stage::Over)),
        }
    }))
}

/// `None` if there is no request, and so no response.
async fn begin((api, mut sending, slot): (Api, Sending, WatchSlot)) -> Result<Option<Going>, Refusal> {
    let Some(to) = sending.recipient().await? else { return Ok(None) };
    let reader = api.reader(to.session, to.who, to.client, Start::Current).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { sending.run(true).await });
    Ok(Some(Going { pushed: Pushed::new(reader, None, slot), sending: tasks }))
}

impl Going {
    async fn next(&mut self) -> Result<Option<Page>, Status> {
        loop {
            tokio::select! {
                next = self.pushed.next() => return next,
                Some(sent) = self.sending.join_next() => sent_all(sent)?,
            }
        }
    }
}

fn sent_all(sent: Result<Result<(), Refusal>, JoinError>) -> Result<(), Status> {
    match sent {
        Ok(sent) => Ok(sent?),
        Err(error) => {
            tracing::error!(%error, "requests of a stream are no longer read by a fault of the broker");
            Err(frontier_admin::ApiError::Internal.into())
        }
    }
}
