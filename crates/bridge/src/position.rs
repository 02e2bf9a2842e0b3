//! A place in a channel: up to which message somebody has read, and of which life of the channel that is a message.

use std::fmt;
use std::str::FromStr;

/// The life of a channel, from one start of the gateway to its end: numbers begin anew with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(String);

/// The message of this number was read, in that epoch. As text `EPOCH-NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    epoch: Epoch,
    number: u64,
}

impl Epoch {
    /// One that there was never before.
    pub(crate) fn random() -> Self {
        Self(format!("{:016x}", rand::random::<u64>()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Position {
    /// The number, if it is one of this epoch.
    pub(crate) fn within(&self, epoch: &Epoch) -> Option<u64> {
        (self.epoch == *epoch).then_some(self.number)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.rsplit_once('-').ok_or(())?;
        let is_epoch = epoch.len() == 16 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = number.parse().ok().filter(|_| is_epoch && !number.starts_with('+')).ok_or(())?;
        Ok(Self { epoch: Epoch(epoch.to_owned()), number })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch.0, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written_and_nothing_else_is() {
        let epoch = Epoch::random();
        let position: Position = format!("{}-17", epoch.as_str()).parse().unwrap();
        assert_eq!((position.within(&epoch), position.within(&Epoch::random())), (Some(17), None));
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in [
            "",
            "17",
            "x-1",
            "0123456789abcdef-",
            "0123456789abcdef-x",
            "0123456789abcdef-+1",
            "0123456789abcde\u{e9}-1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(()), "{text}");
        }
    }
}
