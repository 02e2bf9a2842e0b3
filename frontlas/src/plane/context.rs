//! What every session of the plane needs, and the times that all of them keep.

use super::clock::DirectoryClock;
use super::connections::Connections;
use super::handshakes::Handshakes;
use super::log::PlaneLog;
use crate::{Directory, DirectoryError, PlaneAccess};
use frontier_protocol::{Code, Terms};
use frontier_transport::LinkConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// From the accept of a connection to its Hello: a peer that sends none holds a permit no longer.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// For the last words to a peer: one that does not read them must not hold up the end.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// For one operation of the directory; a later answer counts as none. Well below the 15 s after which a frontier
/// takes its connection for dead.
pub(super) const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Context {
    pub(super) directory: Arc<dyn Directory>,
    pub(super) connections: Connections,
    pub(super) clock: DirectoryClock,
    pub(super) terms: Terms,
    pub(super) link: Arc<LinkConfig>,
    /// Who may connect.
    pub(super) access: PlaneAccess,
    /// One for each frontier that there may be.
    pub(super) permits: Arc<Semaphore>,
    /// Those that have not said yet who they are.
    pub(super) handshakes: Handshakes,
    pub(super) log: PlaneLog,
}

/// Gives an operation of the directory its time.
pub(super) async fn with_timeout<T>(
    timeout: Duration,
    operation: impl Future<Output = Result<T, DirectoryError>>,
) -> Result<T, DirectoryError> {
    tokio::time::timeout(timeout, operation).await.unwrap_or_else(|_| {
        Err(DirectoryError::Unavailable(format!("the directory did not answer within {timeout:?}")))
    })
}

/// The code for a frontier whose operation failed.
pub(super) fn code(error: &DirectoryError) -> Code {
    match error {
        DirectoryError::Replaced => Code::Superseded,
        DirectoryError::Invalid(_) => Code::Denied,
        DirectoryError::Lost | DirectoryError::Unavailable(_) => Code::Internal,
    }
}
