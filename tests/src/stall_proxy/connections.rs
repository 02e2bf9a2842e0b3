//! Which QUIC connection a datagram belongs to, for a network that ends them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// How long an id is, in bytes. Packets after the handshake do not say so.
const ID_LENGTH: usize = 8;

/// The QUIC connections that have been seen, by the ids that their packets carry in clear. Ids that take
/// the place of those, as after a change of the path, are not known before they are used.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    seen: HashSet<Vec<u8>>,
    ended: HashSet<Vec<u8>>,
}

impl Connections {
    /// From here on nothing passes of the connections seen so far.
    pub(super) fn end_all(&self) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = std::mem::take(&mut ids.seen);
        ids.ended.extend(seen);
    }

    /// Whether this datagram is of a connection that has not been ended.
    pub(super) fn may_pass(&self, datagram: &[u8]) -> bool {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in self::ids(datagram) {
            if ids.ended.contains(id) {
                return false;
            }
            if !ids.seen.contains(id) {
                ids.seen.insert(id.to_owned());
            }
        }
        true
    }
}

/// The ids in the first packet of a datagram; the others in it are of the same connection. RFC 8999.
fn ids(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (to, from) = match datagram.split_first() {
        Some((first, rest)) if first & 0x80 == 0 => (rest.get(..ID_LENGTH), None),
        Some((_, rest)) => {
            let mut rest = rest.get(4..).unwrap_or_default();
            (id(&mut rest), id(&mut rest))
        }
        None => (None, None),
    };
    // A peer that does not need to be told apart has none.
    to.into_iter().chain(from).filter(|id| !id.is_empty())
}

/// An id behind its length.
fn id<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, behind) = rest.split_first()?;
    let (id, behind) = behind.split_at_checked((*len).into())?;
    *rest = behind;
    Some(id)
}
