//! Retries while clients move from a gateway that drains to the next. Each moves when it can, so the receiver may
//! not have come yet, or may have gone on already. Nothing was delivered then: it is safe to send again.

use super::{Client, Operation};
use crate::Error;
use crate::connection::NotSent;
use crate::status::Status;
use frontier_protocol::Code;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How much later than others a client may come to the next gateway.
const MAX_MOVE_LAG: Duration = Duration::from_secs(10);

/// The first and the longest pause between two attempts to reach a service that may be on its way.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Sends to the current gateway, and to others where the receiver may be.
pub(crate) async fn send<A: Operation>(
    client: &Client,
    operation: &A,
    deadline: Instant,
) -> Result<A::Output, Error> {
    let start = Instant::now();
    match send_to_current(client, operation, deadline).await {
        Err(error) if may_retry(client, operation, &error) => {
            retry(client, operation, start, deadline, error).await
        }
        answer => answer,
    }
}

/// Whether [`retry`] may succeed.
pub(crate) fn may_retry<A: Operation>(client: &Client, operation: &A, error: &Error) -> bool {
    operation.is_at_other_gateway(error) || may_arrive_soon(client, operation, error)
}

/// The request was sent at `start` or later, and its gateway does not have the edge or no such service, which is the
/// `error`.
pub(crate) async fn retry<A: Operation>(
    client: &Client,
    operation: &A,
    start: Instant,
    deadline: Instant,
    error: Error,
) -> Result<A::Output, Error> {
    if !operation.is_at_other_gateway(&error) {
        return retry_until_online(client, operation, deadline, error).await;
    }
    match send_to_draining(client, operation, start, deadline).await {
        None => Err(error),
        Some(Err(error)) if operation.is_at_other_gateway(&error) => {
            match wait_for_next_gateway(client, deadline).await {
                true => send_to_current(client, operation, deadline).await,
                false => Err(error),
            }
        }
        Some(answer) => answer,
    }
}

/// Sends to the gateways that the client has left, or is about to leave, for an edge that may still be
/// there. `None` if there has been no such gateway since `start`.
///
/// If none of them has it, it may have come to the current one meanwhile.
pub(crate) async fn send_to_draining<A: Operation>(
    client: &Client,
    operation: &A,
    start: Instant,
    deadline: Instant,
) -> Option<Result<A::Output, Error>> {
    for connection in client.relocations.draining_since(start)? {
        match operation.perform(&connection, deadline).await {
            Ok(done) => return Some(Ok(done)),
            Err(NotSent::Refused(error)) if !operation.is_at_other_gateway(&error) => {
                return Some(Err(error));
            }
            Err(_) => {}
        }
    }
    Some(Err(Error::new(Code::EdgeNotOnline, "no gateway that drains has the edge")))
}

/// Waits until the client is at a gateway that does not drain, or no such one takes it: edges that have left may be at
/// the next. Whether it is at one at all.
async fn wait_for_next_gateway(client: &Client, deadline: Instant) -> bool {
    let mut status = client.status.subscribe();
    let arrived = async {
        while !matches!(*status.borrow_and_update(), Status::Closed(_))
            && client.current().is_none_or(|current| client.relocations.is_leaving(&current))
        {
            // The sender is the client's.
            let _ = status.changed().await;
        }
    };
    tokio::select! {
        biased;
        () = arrived => {}
        () = client.relocations.request_round() => {}
        () = sleep_until(deadline.min(Instant::now() + MAX_MOVE_LAG)) => {}
    }
    client.current().is_some()
}

/// Sends again until the service has come to the gateway, or should have.
async fn retry_until_online<A: Operation>(
    client: &Client,
    operation: &A,
    deadline: Instant,
    mut error: Error,
) -> Result<A::Output, Error> {
    let mut pause = RETRY_PAUSE.0;
    while may_arrive_soon(client, operation, &error) && Instant::now() + pause < deadline {
        sleep(pause).await;
        pause = (2 * pause).min(RETRY_PAUSE.1);
        match send_to_current(client, operation, deadline).await {
            Ok(done) => return Ok(done),
            Err(again) => error = again,
        }
    }
    Err(error)
}

/// Whether the service that an edge needs, which is not at its gateway, may be on its way there as the edge was itself
/// a moment ago.
fn may_arrive_soon<A: Operation>(client: &Client, operation: &A, error: &Error) -> bool {
    let is_missing =
        matches!(error.code(), Code::MethodNotFound | Code::TopicNotOnline | Code::ServiceNotOnline);
    is_missing
        && operation.edge().is_none()
        && client.relocations.arrived_at().is_some_and(|arrived| arrived.elapsed() < MAX_MOVE_LAG)
}

/// Waits for a connection and for room, as often as it takes, and sends.
async fn send_to_current<A: Operation>(
    client: &Client,
    operation: &A,
    deadline: Instant,
) -> Result<A::Output, Error> {
    loop {
        let connection = client.connection(deadline).await?;
        match operation.perform(&connection, deadline).await {
            Ok(done) => return Ok(done),
            Err(NotSent::Refused(error)) => return Err(error),
            Err(NotSent::Gone) => client.retire(&connection),
            // If the connection is lost meanwhile the next round finds out.
            Err(NotSent::Full) => connection.wait_for_room(deadline).await?,
        }
    }
}
