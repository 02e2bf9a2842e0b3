//! The names that a service has registered, and what changes from one set of them to the next.

use frontier_protocol::{Names, Registration, is_reserved};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The names that a service takes by agreement with its gateway: what every new connection starts with.
///
/// A name that was refused, or that nobody has answered for yet, is not among them: a new connection
/// must not fail for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RegisteredNames {
    methods: BTreeSet<Arc<str>>,
    topics: BTreeSet<Arc<str>>,
}

/// One step from the names that a gateway knows to those that it should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) change: Registration,
    pub(crate) of: Names,
    pub(crate) names: Vec<Arc<str>>,
}

impl RegisteredNames {
    pub(crate) fn new(
        methods: impl IntoIterator<Item = Arc<str>>,
        topics: impl IntoIterator<Item = Arc<str>>,
    ) -> Self {
        Self { methods: methods.into_iter().collect(), topics: topics.into_iter().collect() }
    }

    /// Whether it was not there.
    pub(crate) fn insert(&mut self, of: Names, name: &str) -> bool {
        self.of_mut(of).insert(name.into())
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, of: Names, name: &str) -> bool {
        self.of_mut(of).remove(name)
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.topics.iter()
    }

    /// Those of the gateway's own methods first: edges come in as soon as there is a connection.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Arc<str>> {
        let of_gateway = |wanted| self.methods.iter().filter(move |method| is_reserved(method) == wanted);
        of_gateway(true).chain(of_gateway(false))
    }

    /// What to tell a gateway that knows these.
    pub(crate) fn changes_since(&self, known: &Self) -> Vec<Change> {
        let difference = |change, of, more: &BTreeSet<Arc<str>>, less: &BTreeSet<Arc<str>>| Change {
            change,
            of,
            names: more.difference(less).cloned().collect(),
        };
        let all = [
            difference(Registration::Add, Names::Methods, &self.methods, &known.methods),
            difference(Registration::Remove, Names::Methods, &known.methods, &self.methods),
            difference(Registration::Add, Names::Topics, &self.topics, &known.topics),
            difference(Registration::Remove, Names::Topics, &known.topics, &self.topics),
        ];
        all.into_iter().filter(|change| !change.names.is_empty()).collect()
    }

    fn of_mut(&mut self, of: Names) -> &mut BTreeSet<Arc<str>> {
        match of {
            Names::Methods => &mut self.methods,
            Names::Topics => &mut self.topics,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(methods: &[&str], topics: &[&str]) -> RegisteredNames {
        let owned = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>();
        RegisteredNames::new(owned(methods), owned(topics))
    }

    #[test]
    fn a_gateway_is_told_what_has_come_and_what_has_gone() {
        let known = names(&["a", "b"], &["t"]);
        let mut now = known.clone();
        assert_eq!(now.changes_since(&known), []);
        now.insert(Names::Methods, "c");
        now.remove(Names::Methods, "a");
        now.remove(Names::Topics, "t");
        let change = |change, of, name: &str| Change { change, of, names: vec![name.into()] };
        let expected = [
            change(Registration::Add, Names::Methods, "c"),
            change(Registration::Remove, Names::Methods, "a"),
            change(Registration::Remove, Names::Topics, "t"),
        ];
        assert_eq!(now.changes_since(&known), expected);
    }

    #[test]
    fn the_methods_of_the_gateway_come_first() {
        let all = names(&["a", "edge_online", "z", "get_edge_id"], &[]);
        let names: Vec<&str> = all.methods().map(|name| &**name).collect();
        assert_eq!(names, ["edge_online", "get_edge_id", "a", "z"]);
    }
}
