//! Who may use a session, and whether there is anything to use.

use super::{Closing, Session};
use crate::fault::{Fault, FaultCode};
use crate::settings::SessionKind;
use std::time::Instant;

impl Session {
    /// Attaches to it.
    ///
    /// # Errors
    /// By its state, who asks, and if it is not of the `kind` that is expected.
    pub fn attach(
        &mut self,
        who: Option<&str>,
        kind: Option<SessionKind>,
        now: Instant,
    ) -> Result<(), Fault> {
        self.check(who)?;
        match kind {
            Some(kind) if kind != self.settings.kind => {
                let (code, is) = match self.settings.kind {
                    SessionKind::Interactive => (FaultCode::InvalidAttachInteractiveSession, "interactive"),
                    SessionKind::Durable => (FaultCode::InvalidAttachDurableSession, "durable"),
                };
                Err(Fault::new(code, format!("the session {} is {is}", self.id)))
            }
            _ => {
                self.since = now;
                Ok(())
            }
        }
    }

    /// Whether `who` may use it, and whether there is anything to use.
    ///
    /// # Errors
    /// [`FaultCode::AccessDenied`], [`FaultCode::SessionFinished`] or [`FaultCode::SessionFailure`].
    pub fn check(&self, who: Option<&str>) -> Result<(), Fault> {
        self.check_access(who)?;
        match &self.closing {
            None => Ok(()),
            Some(Closing::Failed(why)) => Err(Fault::new(FaultCode::SessionFailure, why.clone())),
            Some(closing) => {
                let how =
                    if *closing == Closing::Closed { "was closed" } else { "was not used for too long" };
                Err(Fault::new(FaultCode::SessionFinished, format!("the session {} {how}", self.id)))
            }
        }
    }

    /// Whether `who` may look at it.
    ///
    /// # Errors
    /// [`FaultCode::AccessDenied`].
    pub fn check_access(&self, who: Option<&str>) -> Result<(), Fault> {
        match (&self.creator, who) {
            (Some(creator), Some(who)) if !self.settings.shared && **creator != *who => {
                Err(Fault::new(FaultCode::AccessDenied, format!("the session {} is not shared", self.id)))
            }
            _ => Ok(()),
        }
    }
}
