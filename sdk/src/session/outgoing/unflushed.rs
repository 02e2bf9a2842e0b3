//! Requests that a broker has taken, and may lose: they were not flushed.

use frontier_api::broker::BrokerRequest;

/// How many bytes of them are kept. Beyond it none are, until the next flush.
const MOST: usize = 64 << 20;

/// What a request takes beside its body and its texts.
const OVERHEAD: usize = size_of::<BrokerRequest>();

/// The requests of a client since its last flush.
#[derive(Default)]
pub(super) struct Unflushed {
    requests: Vec<BrokerRequest>,
    size: usize,
}

impl Unflushed {
    /// These were taken as well.
    pub(super) fn keep(&mut self, requests: Vec<BrokerRequest>) {
        self.size += requests.iter().map(size).sum::<usize>();
        if self.size <= MOST {
            self.requests.extend(requests);
        } else {
            self.requests = Vec::new();
        }
    }

    /// All of them, to be sent again; `None` if they were too many to be kept.
    pub(super) fn take(&mut self) -> Option<Vec<BrokerRequest>> {
        (self.size <= MOST).then(|| std::mem::take(&mut self.requests))
    }

    /// They are flushed, or void.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn size(request: &BrokerRequest) -> usize {
    OVERHEAD
        + request.payload.len()
        + request.action.len()
        + request.user_data.len()
        + request.message_id.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_kept_or_none() {
        let of = |size| BrokerRequest { payload: vec![0; size], ..Default::default() };
        let mut unflushed = Unflushed::default();
        unflushed.keep(vec![of(1), of(2)]);
        assert_eq!(unflushed.take().unwrap().len(), 2);
        unflushed.keep(vec![of(3)]);
        unflushed.keep(vec![of(MOST)]);
        unflushed.keep(vec![of(4)]);
        assert!(unflushed.take().is_none() && unflushed.requests.is_empty());
        unflushed.clear();
        unflushed.keep(vec![of(5)]);
        assert_eq!(unflushed.take().unwrap().len(), 1);
    }
}
