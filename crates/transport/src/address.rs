//! The addresses of a host, and the order in which they are tried.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How long looking up a name may take. The system asks a server that does not answer for 5 s (resolv.conf(5)), once or
/// twice for each domain that it searches, before it asks the next.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(30);

/// Addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Looks up the addresses of `host`, in the order in which they are to be tried: as the system sorts them
/// (RFC 6724), but of both families in turn.
///
/// # Errors
/// When there is none, or no answer within 30 seconds.
///
/// # Cancel safety
/// Cancel safe, though the system goes on with it in the background.
pub async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let looked_up = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let found = looked_up.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {LOOKUP_TIMEOUT:?}")))
    })?;
    let found = interleaved(found);
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(found)
}

/// Of both families in turn, beginning with that of the first (RFC 8305, 4).
fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let first_is_v6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (mut ours, mut others): (VecDeque<_>, VecDeque<_>) =
        addresses.partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = Vec::new();
    while order.len() < MAX_ADDRESSES {
        let Some(next) = ours.pop_front() else { break };
        order.push(next);
        // When the others are used up, these go on.
        if !others.is_empty() {
            std::mem::swap(&mut ours, &mut others);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_are_tried_in_turn() {
        let order = |addresses: &[&str]| -> Vec<String> {
            let addresses = addresses.iter().map(|address| address.parse().unwrap());
            interleaved(addresses).iter().map(ToString::to_string).collect()
        };
        let (a, b, c, d) = ("[::1]:1", "[::2]:1", "1.1.1.1:1", "1.1.1.2:1");
        assert_eq!(order(&[a, b, c, d]), [a, c, b, d]);
        assert_eq!(order(&[c, d, a]), [c, a, d]);
        assert_eq!(order(&[c, a, b]), [c, a, b]);
        assert_eq!(order(&[a, b]), [a, b]);
        assert!(order(&[]).is_empty());
        assert_eq!(order(&[c; 40]).len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn an_address_is_its_own() {
        assert_eq!(lookup("::1", 7).await.unwrap(), ["[::1]:7".parse().unwrap()]);
    }
}
