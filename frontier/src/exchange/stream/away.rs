use crate::exchange::away::lost;
use crate::exchange::route::offline;
use crate::exchange::{Exchange, Failure};
use crate::forwarding::{Found, describe};
use crate::peer::Peer;
use frontier_protocol::{Code, EdgeId, Open, push_remote_caller};
use frontier_transport::MuxStream;
use std::sync::Arc;
use std::time::Instant;

/// What was found out about an edge that is not here.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Where it is not.
    avoid: Option<Arc<Peer>>,
    /// Whether it was said to be here.
    is_here: bool,
    /// Whether a link was lost over it.
    is_lost: bool,
}

impl Exchange {
    /// Opens a stream at the gateway where the edge is. `None` if it is to be tried again.
    pub(super) async fn open_away(
        &self,
        opener: &Peer,
        id: EdgeId,
        meta: &[u8],
        elsewhere: &mut Elsewhere,
        deadline: Instant,
    ) -> Result<Option<(Arc<Peer>, MuxStream)>, Failure> {
        let forwarding = self.forwarding().ok_or_else(|| offline(id))?;
        let holder = match forwarding.find(id, elsewhere.avoid.as_ref(), self.clock()).await? {
            Found::At(holder) => holder,
            // It may have come here while it was looked for.
            Found::Here if !std::mem::replace(&mut elsewhere.is_here, true) => return Ok(None),
            Found::Here => return Err(offline(id)),
        };
        let mut told = meta.to_vec();
        push_remote_caller(&describe(opener), &mut told)
            .map_err(|error| Failure::new(Code::TooLarge, error.to_string()))?;
        let onward = Open { peer: id.0, timeout_ms: 0, name: "", meta: &told };
        match self.open_at(&holder, onward, deadline).await {
            Some(Ok(stream)) => Ok(Some((holder, stream))),
            Some(Err(failure)) if failure.code == Code::EdgeNotOnline && elsewhere.avoid.is_none() => {
                forwarding.forget(id, &holder);
                elsewhere.avoid = Some(holder);
                Ok(None)
            }
            Some(Err(failure)) => Err(failure),
            None if !std::mem::replace(&mut elsewhere.is_lost, true) => Ok(None),
            None => Err(Failure::new(Code::Disconnected, lost(&holder))),
        }
    }
}
