//! The settings of QUIC: windows, streams, acknowledgements, ALPN.

use super::congestion::ShortQueueConfig;
use crate::LinkConfig;
use crate::mux::quic::{FIRST_STREAMS, KEEP_ALIVE};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{AckFrequencyConfig, TransportConfig, VarInt};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The application protocol that both sides name in the handshake.
const ALPN: &[u8] = b"frontier/1";

/// What a stream may receive beyond what its reader has taken, to begin with, in bytes: as much as
/// over yamux.
const WINDOW: u64 = 256 * 1024;

/// What all streams of a connection may have written that the peer has not confirmed, in bytes. Bounds
/// what a peer with endless windows can make us hold.
const SEND_WINDOW: u64 = 8 * 1024 * 1024;

/// Streams beyond the limit of a link that may be open at once, to be answered with an error.
const EXCESS: u32 = 128;

/// Packets that a peer may take in before it must confirm them. Below the 10 that a connection may
/// send at its start, so that no round waits for the delay.
const ACK_EVERY: u32 = 8;

/// How long a peer may wait with a confirmation when fewer packets have come.
const ACK_DELAY: Duration = Duration::from_millis(5);

/// Connections that wait to be accepted. More are refused, and packets behind their first are kept up
/// to some bytes each, which suffices for a long hello.
const WAITING: usize = 4096;
const WAITING_BYTES: u64 = 16 * 1024;

/// Streams that a peer may have open, the lane included.
pub(super) fn max_streams(config: &LinkConfig) -> u32 {
    config.max_streams.saturating_add(1 + EXCESS)
}

fn transport(config: &LinkConfig) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let (stream, total) = windows(config);
    transport
        .max_concurrent_bidi_streams(FIRST_STREAMS.into())
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(stream)
        .receive_window(total)
        .send_window(SEND_WINDOW)
        .congestion_controller_factory(Arc::<ShortQueueConfig>::default())
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0)
        // Silence is judged by the links and their owners: this one would hold for both sides.
        .max_idle_timeout(None)
        .allow_spin(false);
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(ACK_EVERY)).max_ack_delay(Some(ACK_DELAY));
    transport.ack_frequency_config(Some(acks));
    transport
}

/// The receive windows of one stream and of all together. However many streams are not read, a quarter
/// of the whole is left for the lane: QUIC gives room back only by the eighth.
fn windows(config: &LinkConfig) -> (VarInt, VarInt) {
    let growth = config.window_growth as u64;
    let streams = u64::from(config.max_streams) + 1;
    let total = (2 * streams * WINDOW).saturating_add(growth);
    let stream = WINDOW.saturating_add(growth).min(total / 4 * 3 / streams);
    let bounded = |bytes| VarInt::from_u64(bytes).unwrap_or(VarInt::MAX);
    (bounded(stream), bounded(total))
}

/// What holds before the limits of a link are known.
pub(super) fn server(tls: &rustls::ServerConfig) -> io::Result<quinn::ServerConfig> {
    let mut server = quinn::ServerConfig::with_crypto(server_tls(tls)?);
    server
        .max_incoming(WAITING)
        .incoming_buffer_size(WAITING_BYTES)
        .incoming_buffer_size_total(WAITING as u64 * WAITING_BYTES);
    Ok(server)
}

/// `server` with this TLS and these limits.
pub(super) fn for_link(
    server: &quinn::ServerConfig,
    tls: &rustls::ServerConfig,
    config: &LinkConfig,
) -> io::Result<quinn::ServerConfig> {
    let mut server = server.clone();
    server.crypto = server_tls(tls)?;
    server.transport_config(Arc::new(transport(config)));
    Ok(server)
}

fn server_tls(tls: &rustls::ServerConfig) -> io::Result<Arc<QuicServerConfig>> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // What comes early could be played again by others.
    tls.max_early_data_size = 0;
    Ok(Arc::new(QuicServerConfig::try_from(tls).map_err(unfit)?))
}

pub(super) fn client(tls: &rustls::ClientConfig, config: &LinkConfig) -> io::Result<quinn::ClientConfig> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_early_data = false;
    let tls = QuicClientConfig::try_from(tls).map_err(unfit)?;
    let mut client = quinn::ClientConfig::new(Arc::new(tls));
    let mut transport = transport(config);
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    client.transport_config(Arc::new(transport));
    Ok(client)
}

fn unfit(_: quinn::crypto::rustls::NoInitialCipherSuite) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "QUIC needs TLS_AES_128_GCM_SHA256 among the TLS cipher suites",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_are_not_read_leave_the_lane_a_quarter() {
        for max_streams in [1, 8, 64, 1024, 100_000, u32::MAX] {
            for window_growth in [0, 128 << 10, 16 << 20, 1 << 40] {
                let config = LinkConfig {
                    max_frame: 1,
                    outbox_soft: 1,
                    outbox_hard: 1,
                    max_streams,
                    window_growth,
                    bulk_rate: 0,
                };
                let (stream, total) = windows(&config);
                let (stream, total) = (stream.into_inner(), total.into_inner());
                assert!(stream >= WINDOW, "{stream} for {config:?}");
                assert!(total - u64::from(max_streams) * stream >= total / 4, "{config:?}");
            }
        }
    }
}
