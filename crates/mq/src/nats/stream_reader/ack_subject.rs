//! The subject to which a message of JetStream is acked, and what it says of the message:
//!
//! ```text
//!   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>
//!   $JS.ACK.<domain>.<account>.<stream>.<consumer>. …the same… .<token>
//! ```

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AckSubject {
    pub(super) subject: String,
    pub(super) deliveries: u64,
    pub(super) stream_sequence: u64,
    /// Messages behind it that the consumer has not given out yet.
    pub(super) pending: u64,
}

impl AckSubject {
    /// `None` of what is no such subject.
    pub(super) fn parse(subject: &str) -> Option<Self> {
        let tokens: Vec<&str> = subject.split('.').collect();
        let first = match tokens.len() {
            9 => 4,
            11.. => 6,
            _ => return None,
        };
        if tokens.first() != Some(&"$JS") || tokens.get(1) != Some(&"ACK") {
            return None;
        }
        let number = |offset: usize| tokens.get(first + offset)?.parse().ok();
        Some(Self {
            subject: subject.to_owned(),
            deliveries: number(0)?,
            stream_sequence: number(1)?,
            pending: number(4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for subject in ["$JS.ACK.s.c.2.7.5.1700000000.9", "$JS.ACK.hub.acc.s.c.2.7.5.1700000000.9.tok"] {
            let ack = AckSubject::parse(subject).unwrap();
            assert_eq!((ack.deliveries, ack.stream_sequence, ack.pending), (2, 7, 9), "{subject}");
        }
        for subject in [
            "",
            "_INBOX.a.1",
            "$JS.ACK.s.c.2.7.5.1700000000",
            "$JS.NAK.s.c.2.7.5.1.9",
            "$JS.ACK.s.c.x.7.5.1.9",
        ] {
            assert_eq!(AckSubject::parse(subject), None, "{subject}");
        }
    }
}
