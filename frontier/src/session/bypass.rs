//! A connection on neither wire: it goes on as it is to where the configuration says.

use super::context::Context;
use super::newcomer::Held;
use frontier_transport::{BoxedCarrier, dial_bytes};
use std::error::Error;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tracing::debug;

/// Carries it to its end. It counts as any connection does; nobody is asked who it is.
pub(super) async fn run(context: &Context, mut near: BoxedCarrier, addr: SocketAddr, held: Held) {
    let Some(bypass) = &context.bypass else { return };
    let Some(endpoint) = bypass.choose() else { return };
    let _permit = match context.gate.enter(addr.ip()) {
        Ok(permit) => permit,
        Err(error) => {
            context.counters.refused(error.key());
            return context.policies.log_turned_away(context.role, addr, &error.to_string());
        }
    };
    let dialled = tokio::select! {
        dialled = tokio::time::timeout(context.limits.handshake_timeout, dial_bytes(endpoint, &bypass.dial)) => dialled,
        () = context.closing.wait() => return,
    };
    let mut far = match dialled {
        Ok(Ok(far)) => far,
        failed => {
            let error = match failed {
                Ok(Err(error)) => match error.source() {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                },
                _ => "no answer within limits.handshake_timeout".to_owned(),
            };
            context.counters.failed_bypass();
            return context.policies.log_failed_bypass(addr, endpoint, &error);
        }
    };
    drop(held);
    let _counted = context.counters.bypassed();
    debug!(%addr, to = %endpoint, "a connection on neither wire goes on");
    tokio::select! {
        copied = copy_bidirectional(&mut near, &mut far) => {
            let (received_bytes, sent_bytes) = copied.as_ref().copied().unwrap_or_default();
            let error = copied.err().map(tracing::field::display);
            debug!(%addr, to = %endpoint, received_bytes, sent_bytes, error, "a connection on neither wire has ended");
        }
        () = context.closing.wait() => debug!(%addr, to = %endpoint, "a connection on neither wire is closed"),
    }
}
