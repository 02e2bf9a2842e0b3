//! TLS records that are appended to a buffer.

use crate::staging::Staging;
use rustls::unbuffered::{EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, WriteTraffic};

/// The longest record's text, and what a record may add to it, in bytes.
const RECORD: usize = 16 * 1024;
const OVERHEAD: usize = 64;

/// Appends what the session has to say.
pub(super) fn encode<D>(mut data: EncodeTlsData<'_, D>, outgoing: &mut Staging) {
    let out = outgoing.tail();
    let start = out.len();
    // It tells how long it is only to those who have no room for it.
    if let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) = data.encode(&mut [])
    {
        out.resize(start + required_size, 0);
        let written = data.encode(&mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
    }
}

/// Appends `plain`, encrypted.
pub(super) fn encrypt<D>(
    traffic: &mut WriteTraffic<'_, D>,
    plain: &[u8],
    outgoing: &mut Staging,
) -> Result<(), EncryptError> {
    if plain.is_empty() {
        return Ok(());
    }
    let out = outgoing.tail();
    let start = out.len();
    let mut room = plain.len() + (plain.len().div_ceil(RECORD) + 1) * OVERHEAD;
    loop {
        out.resize(start + room, 0);
        match traffic.encrypt(plain, &mut out[start..]) {
            Ok(written) => {
                out.truncate(start + written);
                return Ok(());
            }
            Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size }))
                if required_size > room =>
            {
                room = required_size;
            }
            Err(error) => {
                out.truncate(start);
                return Err(error);
            }
        }
    }
}

/// Appends the alert that ends our side.
pub(super) fn close<D>(traffic: &mut WriteTraffic<'_, D>, outgoing: &mut Staging) {
    let out = outgoing.tail();
    let start = out.len();
    out.resize(start + 2 * OVERHEAD, 0);
    let written = traffic.queue_close_notify(&mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}
