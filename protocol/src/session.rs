//! Which client a dialler is: so that one that comes back is told from one that is new.

use crate::Epoch;

/// Which client a dialler is, across its connections, and since when it holds its id.
///
/// Of two clients with one id that one has it which came later. A client that comes back has not come now, but when it
/// was first welcomed under that id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The client: a number that it has drawn for as long as it runs. 0 for none.
    pub client: u64,
    /// The number of the attempt to connect, greater than those before. Attempts that were made beside each other
    /// share it: whichever is let in first is the one.
    pub attempt: u32,
    /// The epoch of its first `Welcome` under the id that it wants; 0 if there was none.
    pub since: Epoch,
}

impl Session {
    const LEN: usize = 20;

    /// `None` if it has another length.
    pub(crate) fn from_wire(bytes: &[u8]) -> Option<Self> {
        let (client, rest) = bytes.split_first_chunk()?;
        let (attempt, rest) = rest.split_first_chunk()?;
        let since = rest.try_into().ok()?;
        let (client, attempt) = (u64::from_be_bytes(*client), u32::from_be_bytes(*attempt));
        Some(Self { client, attempt, since: Epoch(u64::from_be_bytes(since)) })
    }

    pub(crate) fn to_wire(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.client.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.attempt.to_be_bytes());
        bytes[12..].copy_from_slice(&self.since.0.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let session = Session { client: 0x0102_0304_0506_0708, attempt: 9, since: Epoch(u64::MAX - 1) };
        assert_eq!(Session::from_wire(&session.to_wire()), Some(session));
        for len in [0, 8, 12, 19, 21] {
            assert_eq!(Session::from_wire(&vec![1; len]), None, "{len} bytes");
        }
    }
}
