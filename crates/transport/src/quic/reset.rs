//! Stateless resets: how a gateway that was restarted tells a client that it no longer knows the connection.

use crate::tls::KeyDigest;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use quinn::EndpointConfig;
use quinn_proto::HashedConnectionIdGenerator;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The least time between two resets: thousands of clients come after a restart. None is longer than what it answers, and
/// hardly any packet that is no client's has a connection id like ours.
const MIN_INTERVAL: Duration = Duration::from_micros(200);

/// The settings of a socket on which connections come in at `addr`. The secrets of its resets and of its connection
/// ids (RFC 9000, 10.3) are made of the private key and of where it listens, so that they are the same after a
/// restart, and nobody else's.
///
/// Gateways with one key at one address and port have the same ones. Who sees a client's packets and reaches another one
/// of those gateways can end the connection, as who sees the segments of TCP can.
pub(super) fn endpoint_config(key: &KeyDigest, addr: SocketAddr) -> EndpointConfig {
    let resets = hmac::Key::new(hmac::HMAC_SHA256, &secret(b"stateless reset", key, addr));
    let mut config = EndpointConfig::new(Arc::new(resets));
    let [a, b, c, d, e, f, g, h, ..] = secret(b"connection ids", key, addr);
    let ids = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    config.min_reset_interval(MIN_INTERVAL);
    config
}

fn secret(purpose: &[u8], key: &KeyDigest, addr: SocketAddr) -> [u8; 32] {
    let mut digest = Context::new(&SHA256);
    digest.update(b"frontier quic ");
    digest.update(purpose);
    digest.update(key.as_bytes());
    digest.update(addr.to_string().as_bytes());
    let mut secret = [0; 32];
    secret.copy_from_slice(digest.finish().as_ref());
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_those_of_one_purpose_key_and_address() {
        let addr = |port| SocketAddr::from(([0, 0, 0, 0], port));
        let (one, other) = (KeyDigest::of(b"one"), KeyDigest::of(b"other"));
        let first = secret(b"a", &one, addr(1));
        assert_eq!(secret(b"a", &one, addr(1)), first);
        for differs in
            [secret(b"b", &one, addr(1)), secret(b"a", &other, addr(1)), secret(b"a", &one, addr(2))]
        {
            assert_ne!(differs, first);
        }
    }
}
