//! Labels that an edge may give itself in its meta.

use super::Verified;
use crate::labels::MAX_LABEL_LEN;
use frontier_config::Section;
use serde_json::{Map, Value};

/// Which labels an edge may give itself: those of these names in its meta, if that is a JSON object.
///
/// They are no more than its own word. So a label that its credentials give it stays as they say, and there
/// is never an error: whoever wants to say nothing need not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaLabels(Vec<String>);

impl MetaLabels {
    /// `meta_labels` of an `auth` section.
    pub(super) fn read(auth: &Section<'_>) -> Self {
        let names: Vec<String> = auth.list("meta_labels", Vec::new());
        if names.iter().any(|name| !(1..=MAX_LABEL_LEN).contains(&name.len())) {
            auth.reject("meta_labels", format!("the name of a label has 1 to {MAX_LABEL_LEN} bytes"));
        }
        Self(names)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what `meta` says to what is known of its edge.
    pub(super) fn add(&self, meta: &[u8], verified: &mut Verified) {
        if self.is_empty() {
            return;
        }
        let Ok(said) = serde_json::from_slice::<Map<String, Value>>(meta) else { return };
        for name in &self.0 {
            let value = match said.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                _ => continue,
            };
            if verified.labels.get(name).is_none() && verified.labels.set(name, &value).is_ok() {
                verified.claimed.push(name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: &[&str], meta: &str) -> Verified {
        let mut verified = Verified::default();
        verified.labels.set("tenant", "acme").unwrap();
        MetaLabels(names.iter().map(|name| (*name).to_owned()).collect()).add(meta.as_bytes(), &mut verified);
        verified
    }

    #[test]
    fn those_that_are_listed_are_taken_and_known_as_claimed() {
        let verified =
            labels(&["region", "tier", "on"], r#"{"region": "eu", "tier": 2, "on": true, "x": "y"}"#);
        assert_eq!(verified.labels.to_string(), "on=true, region=eu, tenant=acme, tier=2");
        assert_eq!(verified.attested().collect::<Vec<_>>(), [("tenant", "acme")]);
    }

    #[test]
    fn credentials_have_the_last_word() {
        let verified = labels(&["tenant"], r#"{"tenant": "other"}"#);
        assert_eq!(verified.labels.to_string(), "tenant=acme");
        assert_eq!(verified.attested().count(), 1);
    }

    #[test]
    fn what_can_be_no_label_is_none() {
        let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(256));
        let deep = "[".repeat(100_000);
        let bad = [
            "",
            "sn-42",
            "[]",
            r#"{"a": "#,
            r#"{"a": ["x"]}"#,
            r#"{"a": null}"#,
            r#"{"a": ""}"#,
            &long,
            &deep,
        ];
        for meta in bad {
            assert_eq!(labels(&["a"], meta).labels.to_string(), "tenant=acme", "{meta}");
        }
    }
}
