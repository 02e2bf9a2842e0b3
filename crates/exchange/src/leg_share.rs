//! A place among the streams of a target, for as long as the leg is there that was opened for an asker.

use crate::limits::key;
use crate::shares::{Asker, has_share};
use crate::{Exchange, Failure, Peer};
use frontier_protocol::Code;
use std::sync::Arc;

/// A leg that counts for its asker until this is dropped.
#[derive(Debug)]
pub(crate) struct LegShare {
    target: Arc<Peer>,
    asker: Asker,
}

impl Exchange {
    /// A place for one more leg to `target`.
    ///
    /// # Errors
    /// `Overloaded`, if the asker has its share of them.
    pub(crate) fn leg_share(&self, target: &Arc<Peer>, asker: Asker) -> Result<LegShare, Failure> {
        let most = self.limits().streams as usize;
        // Those that the target has opened itself take from the same room.
        let open = target.outlet().streams() as usize;
        let mut pending = target.pending.lock();
        let legs = pending.legs();
        let open = open.max(legs.total());
        let free = most.saturating_sub(open);
        // Where nothing is free the outlet says so.
        if free > 0 && !has_share(legs.of(asker), free) {
            drop(pending);
            self.counters().refuse(key::STREAMS);
            let text = format!(
                "{} has {open} of {most} streams open, and this sender its share of them ({})",
                target.as_receiver(),
                key::STREAMS
            );
            return Err(Failure::new(Code::Overloaded, text));
        }
        legs.add(asker, 1);
        Ok(LegShare { target: target.clone(), asker })
    }
}

impl Drop for LegShare {
    fn drop(&mut self) {
        self.target.pending.lock().return_leg(self.asker);
    }
}
