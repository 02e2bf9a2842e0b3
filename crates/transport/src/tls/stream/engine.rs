//! What the TLS library is fed with and gives: a session with its bytes on their way, and no socket.

use super::records;
use crate::outgoing::Outgoing;
use crate::staging::Staging;
use crate::tls::TlsError;
use crate::tls::session::Session;
use rustls::unbuffered::{AppDataRecord, ConnectionState, UnbufferedStatus};
use tokio::io::ReadBuf;

/// The length of what stands in front of each record.
const RECORD_HEADER: usize = 5;

/// A session, and what is on its way to it and from it.
pub(in crate::tls) struct Engine<S> {
    pub(in crate::tls) session: S,
    /// Encrypted, as it came.
    pub(in crate::tls) incoming: Staging,
    /// Decrypted, what the last reader had no room for.
    pub(super) plain: Staging,
    /// Encrypted, on its way out.
    pub(in crate::tls) outgoing: Outgoing,
    pub(in crate::tls) ended: bool,
    pub(super) closed: bool,
}

impl<S: Session> Engine<S> {
    pub(in crate::tls) fn new(session: S) -> Self {
        let (incoming, plain) = Default::default();
        Self { session, incoming, plain, outgoing: Outgoing::default(), ended: false, closed: false }
    }

    /// Whether a whole record has come, with which the session may have much to do. Less is only looked at.
    pub(in crate::tls) fn has_record(&self) -> bool {
        let bytes = self.incoming.bytes();
        let Some([_, _, _, high, low]) = bytes.first_chunk::<RECORD_HEADER>() else { return false };
        bytes.len() >= RECORD_HEADER + usize::from(u16::from_be_bytes([*high, *low]))
    }

    /// Decrypts all that has come, into `into` as far as that goes.
    pub(in crate::tls) fn process(&mut self, mut into: Option<&mut ReadBuf<'_>>) -> Result<(), TlsError> {
        loop {
            let status = self.session.process(self.incoming.bytes_mut());
            let UnbufferedStatus { mut discard, state } = status;
            let mut settled = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let AppDataRecord { discard: more, payload, .. } = record.map_err(wrong::<S>)?;
                        discard += more;
                        let n = into.as_ref().map_or(0, |into| into.remaining().min(payload.len()));
                        if let Some(into) = &mut into {
                            into.put_slice(&payload[..n]);
                        }
                        if n < payload.len() {
                            self.plain.tail().extend_from_slice(&payload[n..]);
                        }
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => records::encode(data, self.outgoing.queue()),
                // It is, as far as the session goes: it stands in front of what follows.
                Ok(ConnectionState::TransmitTlsData(transmit)) => transmit.done(),
                Ok(ConnectionState::PeerClosed) => self.ended = true,
                Ok(ConnectionState::Closed) => (self.ended, settled) = (true, true),
                Ok(_) => settled = true,
                Err(error) => {
                    self.incoming.consume(discard);
                    self.fail();
                    return Err(wrong::<S>(error));
                }
            }
            self.incoming.consume(discard);
            if settled {
                return Ok(());
            }
        }
    }

    /// After an error there is only left to be sent what the peer is to be told about it. The session
    /// would look at the same bytes again, and fail again.
    fn fail(&mut self) {
        (self.ended, self.closed) = (true, true);
        while self.session.state().wants_write() {
            let UnbufferedStatus { state, .. } = self.session.process(self.incoming.bytes_mut());
            let Ok(ConnectionState::EncodeTlsData(data)) = state else { return };
            records::encode(data, self.outgoing.queue());
        }
    }

    /// Queues the alert that ends our side.
    pub(super) fn queue_close_notify(&mut self) {
        self.closed = true;
        let UnbufferedStatus { discard, state } = self.session.process(self.incoming.bytes_mut());
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = state {
            records::close(&mut traffic, self.outgoing.queue());
        }
        self.incoming.consume(discard);
    }
}

pub(super) fn wrong<S: Session>(error: rustls::Error) -> TlsError {
    TlsError::new(&error, S::PEER)
}
