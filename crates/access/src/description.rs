//! What rules and quotas say, in words and numbers: for those who are shown what is in force.

/// A key of a rule or a quota, and what is written there: one of the values is enough. None at all is an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The key, such as `service` or `call`.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDescription {
    /// Its name.
    pub name: String,
    /// Whom it is about: all of these.
    pub who: Vec<Condition>,
    /// What it allows.
    pub allow: Vec<Condition>,
    /// What it denies.
    pub deny: Vec<Condition>,
}

/// A quota.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaDescription {
    /// What is counted together.
    pub scope: String,
    /// Whom it is about: all of these.
    pub who: Vec<Condition>,
    /// Its limits.
    pub limits: Vec<LimitDescription>,
}

/// A limit of a quota.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitDescription {
    /// What it counts.
    pub counts: &'static str,
    /// How many each second.
    pub per_second: f64,
    /// How many at once.
    pub burst: u64,
}

impl Condition {
    pub(crate) fn of<T: ToString>(key: impl Into<String>, values: &[T]) -> Self {
        Self { key: key.into(), values: values.iter().map(ToString::to_string).collect() }
    }

    /// Those of labels, each with a key of its own.
    pub(crate) fn of_labels<T: ToString>(prefix: &str, labels: &[(String, T)]) -> impl Iterator<Item = Self> {
        labels
            .iter()
            .map(move |(name, value)| Self::of(format!("{prefix}labels.{name}"), std::slice::from_ref(value)))
    }
}
