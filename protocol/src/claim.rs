//! With what a connection claims its id, as a frontier reports it.

use crate::Epoch;

/// What the credentials of a connection say of its id, from the least to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Proof {
    /// There are none: wire number 0.
    #[default]
    None = 0,
    /// Whose they are, and neither name nor id: wire number 1.
    Subject = 1,
    /// The name of the service: wire number 2.
    Name = 2,
    /// The id: wire number 3.
    Id = 3,
}

/// With what a connection claims its id.
///
/// ```text
///  since (u64) | comes back (u8): 0 or 1 | proof (u8) | subject (u64)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The epoch of its client's first connection under the id, wherever that was; its own, if it says nothing.
    pub since: Epoch,
    /// Whether it says that it comes back: then that was an earlier connection.
    pub comes_back: bool,
    /// What its credentials say of the id.
    pub proof: Proof,
    /// A digest of the name of the credentials; 0 if there is none.
    pub subject: u64,
}

impl Proof {
    /// The proof with this wire number.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        [Self::None, Self::Subject, Self::Name, Self::Id].into_iter().find(|proof| *proof as u8 == number)
    }
}

impl Claim {
    pub(crate) const LEN: usize = 18;

    /// `None` if it has another length, or a value that can't be.
    pub(crate) fn from_wire(bytes: &[u8]) -> Option<Self> {
        let (since, rest) = bytes.split_first_chunk()?;
        let (&[comes_back, proof], subject) = rest.split_first_chunk()?;
        Some(Self {
            since: Epoch(u64::from_be_bytes(*since)),
            comes_back: (comes_back < 2).then_some(comes_back == 1)?,
            proof: Proof::from_wire(proof)?,
            subject: u64::from_be_bytes(subject.try_into().ok()?),
        })
    }

    pub(crate) fn to_wire(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.since.0.to_be_bytes());
        bytes[8] = self.comes_back.into();
        bytes[9] = self.proof as u8;
        bytes[10..].copy_from_slice(&self.subject.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for (comes_back, proof) in
            [(true, Proof::None), (false, Proof::Subject), (true, Proof::Name), (false, Proof::Id)]
        {
            let claim = Claim { since: Epoch(u64::MAX - 1), comes_back, proof, subject: 0x0102 };
            assert_eq!(Claim::from_wire(&claim.to_wire()), Some(claim));
        }
        let wire = Claim::default().to_wire();
        for len in [0, 8, 17] {
            assert_eq!(Claim::from_wire(&wire[..len]), None, "{len} bytes");
        }
        for (at, value) in [(8, 2), (9, 4)] {
            let mut unknown = wire;
            unknown[at] = value;
            assert_eq!(Claim::from_wire(&unknown), None);
        }
        assert_eq!(Claim::from_wire(&[0; 19]), None);
    }
}
