//! Asking again while clients go from a gateway that drains to the next. Each goes when it can, so that who is
//! asked for may not have come yet, or may have gone on already. Nobody was asked then: it is safe to ask again.

use super::{Attempt, Client};
use crate::Error;
use crate::connection::NotAsked;
use crate::status::Status;
use frontier_protocol::Code;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How much later than others a client may come to the next gateway.
const ON_THE_WAY: Duration = Duration::from_secs(10);

/// The pauses in which it is looked whether services have come.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Asks the current gateway, and wherever else who is meant may be.
pub(crate) async fn ask<A: Attempt>(
    client: &Client,
    attempt: &A,
    deadline: Instant,
) -> Result<A::Done, Error> {
    let asked = Instant::now();
    match ask_current(client, attempt, deadline).await {
        Err(error) if may_help(client, attempt, &error) => {
            ask_again(client, attempt, asked, deadline, error).await
        }
        answer => answer,
    }
}

/// Whether [`ask_again`] is worth the while.
pub(super) fn may_help<A: Attempt>(client: &Client, attempt: &A, error: &Error) -> bool {
    attempt.is_elsewhere(error) || has_come_first(client, attempt, error)
}

/// The gateway that was asked at `asked` or later does not have the edge or no such service, which is the `error`.
pub(super) async fn ask_again<A: Attempt>(
    client: &Client,
    attempt: &A,
    asked: Instant,
    deadline: Instant,
    error: Error,
) -> Result<A::Done, Error> {
    if !attempt.is_elsewhere(&error) {
        return ask_later(client, attempt, deadline, error).await;
    }
    match ask_left(client, attempt, asked, deadline).await {
        None => Err(error),
        Some(Err(error)) if attempt.is_elsewhere(&error) => match arrive(client, deadline).await {
            true => ask_current(client, attempt, deadline).await,
            false => Err(error),
        },
        Some(answer) => answer,
    }
}

/// Asks for the edge at the gateways that the client has left, or is about to. `None` if there has been none since
/// `asked`.
///
/// If none of them has it, it may have come to the current one meanwhile.
pub(crate) async fn ask_left<A: Attempt>(
    client: &Client,
    attempt: &A,
    asked: Instant,
    deadline: Instant,
) -> Option<Result<A::Done, Error>> {
    for connection in client.moves.left_since(asked)? {
        match attempt.attempt(&connection, deadline).await {
            Ok(done) => return Some(Ok(done)),
            Err(NotAsked::Refused(error)) if !attempt.is_elsewhere(&error) => return Some(Err(error)),
            Err(_) => {}
        }
    }
    Some(Err(Error::new(Code::EdgeNotOnline, "no gateway that drains has the edge")))
}

/// Waits until the client is at a gateway that does not drain, or no such one takes it: edges that have left may be at
/// the next. Whether it is at one at all.
async fn arrive(client: &Client, deadline: Instant) -> bool {
    let mut status = client.status.subscribe();
    let arrived = async {
        while !matches!(*status.borrow_and_update(), Status::Closed(_))
            && client.current().is_none_or(|current| client.moves.leaves(&current))
        {
            // The sender is the client's.
            let _ = status.changed().await;
        }
    };
    tokio::select! {
        biased;
        () = arrived => {}
        () = client.moves.fail() => {}
        () = sleep_until(deadline.min(Instant::now() + ON_THE_WAY)) => {}
    }
    client.current().is_some()
}

/// Asks for a service until it has come to the gateway, or should have.
async fn ask_later<A: Attempt>(
    client: &Client,
    attempt: &A,
    deadline: Instant,
    mut error: Error,
) -> Result<A::Done, Error> {
    let mut pause = LOOK.0;
    while has_come_first(client, attempt, &error) && Instant::now() + pause < deadline {
        sleep(pause).await;
        pause = (2 * pause).min(LOOK.1);
        match ask_current(client, attempt, deadline).await {
            Ok(done) => return Ok(done),
            Err(again) => error = again,
        }
    }
    Err(error)
}

/// Whether services that an edge asks for, which are not at its gateway, may be on their way there as it was itself
/// a moment ago.
fn has_come_first<A: Attempt>(client: &Client, attempt: &A, error: &Error) -> bool {
    let is_missing =
        matches!(error.code(), Code::MethodNotFound | Code::TopicNotOnline | Code::ServiceNotOnline);
    is_missing
        && attempt.edge().is_none()
        && client.moves.came().is_some_and(|came| came.elapsed() < ON_THE_WAY)
}

/// Waits for a connection and for room, as often as it takes, and asks.
async fn ask_current<A: Attempt>(client: &Client, attempt: &A, deadline: Instant) -> Result<A::Done, Error> {
    loop {
        let connection = client.connection(deadline).await?;
        match attempt.attempt(&connection, deadline).await {
            Ok(done) => return Ok(done),
            Err(NotAsked::Refused(error)) => return Err(error),
            Err(NotAsked::Gone) => client.retire(&connection),
            // If the connection is lost meanwhile the next round finds out.
            Err(NotAsked::Full) => connection.room(deadline).await?,
        }
    }
}
