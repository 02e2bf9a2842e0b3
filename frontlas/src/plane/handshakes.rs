//! Bounds on connections of which it is not known yet who they are.

use frontier_access::{HalfOpen, Place};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::warn;

/// Connections on their way in at once, from all addresses: far more than a cluster has gateways that start at once.
const MAX_HANDSHAKES: usize = 1024;

/// The same from one address, or one /64 of IPv6. Behind one there may be many gateways, on one host or one network.
const MAX_HANDSHAKES_PER_ADDRESS: usize = 128;

/// Counts the connections that have not said who they are. They take no place of those that have, and keep no newcomer
/// out: the oldest gives way, of the address that has most.
pub(super) struct Handshakes(Arc<HalfOpen>);

impl Default for Handshakes {
    fn default() -> Self {
        Self(HalfOpen::new(MAX_HANDSHAKES, MAX_HANDSHAKES_PER_ADDRESS))
    }
}

impl Handshakes {
    /// A place for a connection from `addr`.
    pub(super) fn take(&self, addr: SocketAddr) -> Place {
        let (place, crowded) = self.0.enter_for_oldest(Some(addr.ip()));
        if let Some(crowded) = crowded
            && let Some(suppressed) = self.0.admit_line()
        {
            warn!(%addr, %crowded, suppressed,
                "closed the oldest connection that has not said yet which frontier it is");
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_by_address_and_in_all_and_given_back() {
        let handshakes = Handshakes::default();
        let from = |text: &str| handshakes.take(SocketAddr::new(text.parse().unwrap(), 1));
        let standing = |places: &[Place]| places.iter().filter(|it| !it.given_up().is_set()).count();
        let taken: Vec<_> = (0..=MAX_HANDSHAKES_PER_ADDRESS).map(|_| from("192.0.2.1")).collect();
        assert_eq!(standing(&taken), MAX_HANDSHAKES_PER_ADDRESS);
        let mapped = from("::ffff:192.0.2.1");
        assert_eq!(standing(&taken), MAX_HANDSHAKES_PER_ADDRESS - 1, "it is the same address");
        let of_a_64: Vec<_> =
            (0..=MAX_HANDSHAKES_PER_ADDRESS).map(|host| from(&format!("2001:db8::{host:x}"))).collect();
        assert_eq!(standing(&of_a_64), MAX_HANDSHAKES_PER_ADDRESS);
        let all: Vec<_> =
            (0..MAX_HANDSHAKES).map(|host| from(&format!("10.0.{}.{}", host / 256, host % 256))).collect();
        let mapped_stands = usize::from(!mapped.given_up().is_set());
        let count = standing(&taken) + standing(&of_a_64) + standing(&all) + mapped_stands;
        assert_eq!(count, MAX_HANDSHAKES);
        assert!(standing(&all) >= MAX_HANDSHAKES - 4, "who has most gives way first");
        drop((taken, mapped, of_a_64, all));
        let again: Vec<_> = (0..MAX_HANDSHAKES_PER_ADDRESS).map(|_| from("192.0.2.1")).collect();
        assert_eq!(standing(&again), MAX_HANDSHAKES_PER_ADDRESS);
    }
}
