//! Where a relay sends to, as it says itself, and which of that a message is for.

use crate::message::Target;
use serde::Deserialize;

/// An exchange of RabbitMQ, or Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Described {
    /// `amqp` or `kafka`.
    pub(crate) broker: String,
    /// Of RabbitMQ; the default one has no name.
    pub(crate) exchange: Option<String>,
    /// Patterns of routing keys or topics.
    pub(crate) names: Vec<String>,
    /// What is wrong with the broker; empty if nothing is.
    pub(crate) complaint: String,
}

impl Described {
    /// In words.
    pub(crate) fn name(&self) -> String {
        match &self.exchange {
            Some(exchange) => format!("{} {exchange:?}", self.broker),
            None => self.broker.clone(),
        }
    }

    /// What is wrong with the broker, if something is.
    pub(crate) fn complaint(&self) -> Option<String> {
        (!self.complaint.is_empty()).then(|| format!("{}: {}", self.name(), self.complaint))
    }

    fn takes(&self, name: &str) -> bool {
        self.names.iter().any(|pattern| matches(pattern, name))
    }

    fn listed(&self) -> String {
        self.names.join(", ")
    }
}

/// Its place among them.
///
/// # Errors
/// What of it the relay does not send to, and what it does.
pub(crate) fn find(described: &[Described], target: &Target) -> Result<usize, String> {
    let found = match target {
        Target::Kafka { .. } => described.iter().position(|it| it.broker == "kafka"),
        Target::Amqp { exchange, .. } => {
            described.iter().position(|it| it.broker == "amqp" && it.exchange.as_ref() == Some(exchange))
        }
    };
    let (what, name) = match target {
        Target::Kafka { topic } => ("topic", topic),
        Target::Amqp { routing_key, .. } => ("routing key", routing_key),
    };
    match (found, target) {
        (Some(index), _) if described[index].takes(name) => Ok(index),
        (Some(index), _) => {
            let taken = &described[index];
            Err(format!(
                "the relay sends to no {what} {name:?} of {}: it does to {}",
                taken.name(),
                taken.listed()
            ))
        }
        (None, Target::Kafka { .. }) => {
            Err(format!("the relay sends to no topic {name:?}: to Kafka it does not send"))
        }
        (None, Target::Amqp { exchange, .. }) => {
            let known = described.iter().filter_map(|it| it.exchange.as_ref()).map(|it| format!("{it:?}"));
            let known = match known.collect::<Vec<_>>() {
                known if known.is_empty() => "to RabbitMQ it does not send".to_owned(),
                known => format!("it does to {}", known.join(", ")),
            };
            Err(format!("the relay sends to no exchange {exchange:?}: {known}"))
        }
    }
}

/// As gateways read patterns: `*` is any characters, also none, `?` is one, `\\` takes the meaning from the one behind it.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        parts.push(match char {
            '*' => Part::Run,
            '?' => Part::One,
            '\\' => Part::Char(chars.next().unwrap_or('\\')),
            char => Part::Char(char),
        });
    }
    // Where in the pattern one may be, after each character of the name.
    let mut places = vec![false; parts.len() + 1];
    places[0] = true;
    pass_runs(&parts, &mut places);
    for char in name.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (index, part) in parts.iter().enumerate().filter(|(index, _)| places[*index]) {
            match part {
                Part::Run => next[index] = true,
                Part::One => next[index + 1] = true,
                Part::Char(expected) => next[index + 1] |= *expected == char,
            }
        }
        pass_runs(&parts, &mut next);
        places = next;
    }
    places[parts.len()]
}

/// A part of a pattern.
enum Part {
    Run,
    One,
    Char(char),
}

/// A run may stand for nothing.
fn pass_runs(parts: &[Part], places: &mut [bool]) {
    for (index, part) in parts.iter().enumerate() {
        if matches!(part, Part::Run) && places[index] {
            places[index + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Vec<Described> {
        let of = |json| serde_json::from_value(json).unwrap();
        of(serde_json::json!([
            {"broker": "amqp", "exchange": "", "names": ["jobs"], "is_connected": true, "complaint": ""},
            {"broker": "amqp", "exchange": "plant", "names": ["*.production.*", "log"], "is_connected": true, "complaint": ""},
            {"broker": "kafka", "names": ["log.?"], "is_connected": false, "complaint": "not connected for 33 s"},
        ]))
    }

    fn amqp(exchange: &str, routing_key: &str) -> Target {
        let (exchange, routing_key) = (exchange.to_owned(), routing_key.to_owned());
        Target::Amqp { server: String::new(), exchange, routing_key }
    }

    #[test]
    fn a_target_is_found_or_what_is_wrong_with_it_is_named() {
        let described = described();
        let kafka = |topic: &str| Target::Kafka { topic: topic.to_owned() };
        assert_eq!(find(&described, &amqp("", "jobs")), Ok(0));
        assert_eq!(find(&described, &amqp("plant", "gfs.production.grib2")), Ok(1));
        assert_eq!(find(&described, &kafka("log.a")), Ok(2));
        let wrong = |target| find(&described, &target).unwrap_err();
        assert_eq!(
            wrong(amqp("nope", "log")),
            r#"the relay sends to no exchange "nope": it does to "", "plant""#
        );
        assert_eq!(
            wrong(amqp("plant", "gfs")),
            r#"the relay sends to no routing key "gfs" of amqp "plant": it does to *.production.*, log"#
        );
        assert_eq!(
            wrong(kafka("log.ab")),
            r#"the relay sends to no topic "log.ab" of kafka: it does to log.?"#
        );
        let none = find(&described[2..], &amqp("plant", "log")).unwrap_err();
        assert!(none.contains("to RabbitMQ it does not send"), "{none}");
        let none = find(&described[..2], &kafka("log.a")).unwrap_err();
        assert!(none.contains("to Kafka it does not send"), "{none}");
        assert_eq!(described[2].complaint().unwrap(), "kafka: not connected for 33 s");
        assert_eq!(described[1].complaint(), None);
    }

    #[test]
    fn patterns_are_those_of_gateways() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a*b", "xaxaxb", true),
            ("*a*b", "xaxax", false),
            ("?", "ä", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("a", "A", false),
            ("a", "ab", false),
            (r"\*", "*", true),
            (r"\*", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!matches(&"*a".repeat(100), &"b".repeat(10_000)));
    }
}
