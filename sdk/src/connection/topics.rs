//! Shared names of topics.

use ahash::AHashSet;
use std::sync::Arc;

/// How many topics are remembered.
const MAX_TOPICS: usize = 256;

/// The names of topics that came lately, so that a message costs no allocation for its topic.
#[derive(Default)]
pub(super) struct Topics(AHashSet<Arc<str>>);

impl Topics {
    pub(super) fn name(&mut self, topic: &str) -> Arc<str> {
        if let Some(name) = self.0.get(topic) {
            return name.clone();
        }
        if self.0.len() >= MAX_TOPICS {
            self.0.clear();
        }
        let name = Arc::<str>::from(topic);
        self.0.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shared_and_few_are_remembered() {
        let mut topics = Topics::default();
        assert!(Arc::ptr_eq(&topics.name("a"), &topics.name("a")));
        for n in 0..10 * MAX_TOPICS {
            topics.name(&n.to_string());
        }
        assert!(topics.0.len() <= MAX_TOPICS);
    }
}
