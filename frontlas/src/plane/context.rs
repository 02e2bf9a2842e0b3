//! What every session of the plane needs, and the times that all of them keep.

use super::clock::DirectoryClock;
use super::connections::Connections;
use super::handshakes::Handshakes;
use super::log::PlaneLog;
use crate::{Directory, DirectoryError, PlaneAccess};
use frontier_access::authn::{ClientCertificate, PresentedCredentials};
use frontier_protocol::{Code, Terms};
use frontier_transport::{LinkConfig, ServerTls, TlsError};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
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
    /// What certificates are held against, as it is now.
    pub(super) tls: Option<ServerTls>,
    /// One for each frontier that there may be.
    pub(super) permits: Arc<Semaphore>,
    /// Those that have not said yet who they are.
    pub(super) handshakes: Handshakes,
    pub(super) log: PlaneLog,
}

impl Context {
    /// Whether the certificate that was presented, or that none was, would do in a handshake now: since the one that there
    /// was, CAs and revocation lists may have been read again.
    pub(super) fn check_certificate(&self, presented: &PresentedCredentials) -> Result<(), TlsError> {
        let Some(tls) = &self.tls else { return Ok(()) };
        let chain = presented.certificate.as_deref().map(ClientCertificate::chain).unwrap_or_default();
        tls.check_client(&chain, SystemTime::now())
    }
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
