//! What a target at a broker is called, by the topic and the edge: `plant.{topic}.{edge_id}`.

use thiserror::Error;

/// A name with places for the topic and the EdgeID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Topic,
    EdgeId,
}

/// Text that is no template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("has a brace without its partner")]
    Unbalanced,
    /// A place that is none of ours.
    #[error("knows {{topic}} and {{edge_id}}, and no {{{0}}}")]
    Unknown(String),
    /// No topic, where each has its own name.
    #[error("is empty")]
    Empty,
}

impl Template {
    /// The topic as it is.
    #[must_use]
    pub fn topic() -> Self {
        Self(vec![Part::Topic])
    }

    /// What these topics become, without those that are made with the EdgeID, and what stands for topics that nobody knows.
    #[cfg(any(feature = "amqp", feature = "kafka", feature = "nats", feature = "redis"))]
    pub(crate) fn fixed_names(&self, topics: &[String]) -> Vec<String> {
        if self.0.contains(&Part::EdgeId) {
            return Vec::new();
        }
        topics.iter().filter(|topic| *topic != "*").map(|topic| self.name(topic, "")).collect()
    }

    /// Reads `plant.{topic}.{edge_id}`.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            let (name, after) =
                from.strip_prefix('{').and_then(|it| it.split_once('}')).ok_or(TemplateError::Unbalanced)?;
            parts.push(match name {
                "topic" => Part::Topic,
                "edge_id" => Part::EdgeId,
                other if other.contains('{') => return Err(TemplateError::Unbalanced),
                other => return Err(TemplateError::Unknown(other.to_owned())),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        if parts.is_empty() { Err(TemplateError::Empty) } else { Ok(Self(parts)) }
    }

    /// The name for this topic and this edge, given as text: for what all edges have in common it may be a wildcard.
    #[must_use]
    pub fn name(&self, topic: &str, edge_id: &str) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Topic => topic,
                Part::EdgeId => edge_id,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled() {
        for (template, name) in [
            ("{topic}", "temp"),
            ("plant.{topic}.{edge_id}", "plant.temp.7"),
            ("all", "all"),
            ("{edge_id}x", "7x"),
        ] {
            assert_eq!(Template::parse(template).unwrap().name("temp", "7"), name);
        }
        assert_eq!(Template::topic(), Template::parse("{topic}").unwrap());
    }

    #[test]
    fn mistakes_are_told() {
        for text in ["{topic", "topic}", "{{topic}", "a}b{"] {
            assert_eq!(Template::parse(text), Err(TemplateError::Unbalanced), "{text}");
        }
        assert_eq!(
            Template::parse("{edge}").unwrap_err().to_string(),
            "knows {topic} and {edge_id}, and no {edge}"
        );
        assert_eq!(Template::parse(""), Err(TemplateError::Empty));
    }
}
