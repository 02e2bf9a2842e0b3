//! Texts that stand in one request after the other are kept once.

use std::sync::Arc;

/// The last ones.
#[derive(Default)]
pub(crate) struct Texts {
    action: Option<Arc<str>>,
    user_data: Option<Arc<str>>,
}

impl Texts {
    /// The action and the user data of a request.
    pub(crate) fn kept(&mut self, action: &str, user_data: &str) -> (Arc<str>, Arc<str>) {
        (kept_once(action, &mut self.action), kept_once(user_data, &mut self.user_data))
    }
}

fn kept_once(text: &str, last: &mut Option<Arc<str>>) -> Arc<str> {
    match last {
        Some(last) if **last == *text => last.clone(),
        _ => last.insert(text.into()).clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_kept_once() {
        let mut texts = Texts::default();
        let (first, one) = texts.kept("echo", "1");
        let (again, two) = texts.kept("echo", "2");
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!((&*one, &*two), ("1", "2"));
    }
}
