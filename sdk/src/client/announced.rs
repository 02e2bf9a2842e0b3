use frontier_protocol::{Names, Registration, is_reserved};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The names that a service takes by agreement with its gateway: what every new connection starts with.
///
/// A name that was refused, or that nobody has answered for yet, is not among them: a new connection
/// must not fail for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    methods: BTreeSet<Arc<str>>,
    topics: BTreeSet<Arc<str>>,
}

/// A step from what one gateway knows to what it should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) change: Registration,
    pub(crate) of: Names,
    pub(crate) names: Vec<Arc<str>>,
}

impl Announced {
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

    /// What a gateway is to be told that knows of `told`.
    pub(crate) fn since(&self, told: &Self) -> Vec<Change> {
        let difference = |change, of, more: &BTreeSet<Arc<str>>, less: &BTreeSet<Arc<str>>| Change {
            change,
            of,
            names: more.difference(less).cloned().collect(),
        };
        let all = [
            difference(Registration::Add, Names::Methods, &self.methods, &told.methods),
            difference(Registration::Remove, Names::Methods, &told.methods, &self.methods),
            difference(Registration::Add, Names::Topics, &self.topics, &told.topics),
            difference(Registration::Remove, Names::Topics, &told.topics, &self.topics),
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

    fn announced(methods: &[&str], topics: &[&str]) -> Announced {
        let owned = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>();
        Announced::new(owned(methods), owned(topics))
    }

    #[test]
    fn a_gateway_is_told_what_has_come_and_what_has_gone() {
        let told = announced(&["a", "b"], &["t"]);
        let mut now = told.clone();
        assert_eq!(now.since(&told), []);
        now.insert(Names::Methods, "c");
        now.remove(Names::Methods, "a");
        now.remove(Names::Topics, "t");
        let change = |change, of, name: &str| Change { change, of, names: vec![name.into()] };
        let expected = [
            change(Registration::Add, Names::Methods, "c"),
            change(Registration::Remove, Names::Methods, "a"),
            change(Registration::Remove, Names::Topics, "t"),
        ];
        assert_eq!(now.since(&told), expected);
    }

    #[test]
    fn the_methods_of_the_gateway_come_first() {
        let all = announced(&["a", "edge_online", "z", "get_edge_id"], &[]);
        let names: Vec<&str> = all.methods().map(|name| &**name).collect();
        assert_eq!(names, ["edge_online", "get_edge_id", "a", "z"]);
    }
}
