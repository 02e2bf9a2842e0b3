//! A link whose Hello has no answer yet.

use frontier_protocol::{Code, GoAway, Hello};
use frontier_transport::handshake::offer;
use frontier_transport::{CloseReason, Granted, HandshakeError, Link};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long taking leave of a gateway that is not waited for any more may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A link whose Hello has no answer yet. Dropped without one it ends in good order, in the background: what the gateway
/// makes of the Hello is over as soon as it reads on.
pub(super) struct OfferedLink(Option<Link>);

impl OfferedLink {
    /// Introduces the client over `link`, which is given back once the gateway has taken it in.
    pub(super) async fn offer(link: Link, hello: &Hello<'_>) -> Result<(Link, Granted), HandshakeError> {
        let mut offered = Self(Some(link));
        let Some(link) = &mut offered.0 else { return Err(HandshakeError::Link(CloseReason::Local)) };
        let granted = offer(link, hello).await?;
        let link = offered.0.take().ok_or(HandshakeError::Link(CloseReason::Local))?;
        Ok((link, granted))
    }
}

impl Drop for OfferedLink {
    fn drop(&mut self) {
        // While the runtime is shut down there is nobody to take leave.
        if let (Some(link), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                let closed = link.close(|out| GoAway::new(Code::Ok, 0, "").encode(out));
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
            });
        }
    }
}
