//! Where peers may go, each with its own choice.

use parking_lot::Mutex;
use rand::seq::SliceRandom;
use std::sync::Arc;

/// How many other gateways one peer is told of.
const MAX_ALTERNATIVES: usize = 8;

/// Other gateways, as URLs, from which each peer gets its own choice.
#[derive(Debug)]
pub(crate) enum Alternatives {
    /// Those of the configuration. Each peer tries them in another order, so that they share the load.
    Configured(Vec<Arc<str>>),
    /// Those of the cluster, each with its number of edges or the like. The one with the fewest comes first and
    /// counts one more from then on: so they are filled up evenly.
    Cluster(Mutex<Vec<(u64, Arc<str>)>>),
}

impl Alternatives {
    /// What is configured counts, and without that what the cluster knows.
    pub(crate) fn new(configured: &[String], cluster: impl Iterator<Item = (u64, String)>) -> Self {
        if !configured.is_empty() {
            return Self::Configured(configured.iter().map(|url| url.as_str().into()).collect());
        }
        let known = cluster.filter(|(_, url)| !url.is_empty());
        Self::Cluster(Mutex::new(known.map(|(load, url)| (load, url.into())).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Configured(all) => all.is_empty(),
            Self::Cluster(known) => known.lock().is_empty(),
        }
    }

    /// For the next peer, the best first.
    pub(super) fn next(&self) -> Vec<Arc<str>> {
        match self {
            Self::Configured(all) => {
                let mut all: Vec<_> = all.iter().collect();
                let (some, _) = all.partial_shuffle(&mut rand::rng(), MAX_ALTERNATIVES);
                some.iter().map(|url| Arc::clone(url)).collect()
            }
            Self::Cluster(known) => {
                let mut known = known.lock();
                known.sort_by_key(|(load, _)| *load);
                let some = known.iter().take(MAX_ALTERNATIVES).map(|(_, url)| url.clone()).collect();
                if let Some((load, _)) = known.first_mut() {
                    *load += 1;
                }
                some
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn cluster(loads: &[(u64, &str)]) -> impl Iterator<Item = (u64, String)> {
        loads.iter().map(|(load, url)| (*load, (*url).to_owned()))
    }

    #[test]
    fn those_of_the_cluster_are_filled_up_evenly() {
        let known = Alternatives::new(&[], cluster(&[(50, "a"), (10, "b"), (0, ""), (200, "c"), (40, "d")]));
        let mut firsts = BTreeMap::new();
        for _ in 0..80 {
            let urls = known.next();
            assert_eq!((urls.len(), &*urls[3]), (4, "c"), "the others are there as well");
            *firsts.entry(urls[0].to_string()).or_insert(0) += 1;
        }
        // Up to 60 each.
        assert_eq!(firsts, BTreeMap::from([("a".into(), 10), ("b".into(), 50), ("d".into(), 20)]));
    }

    #[test]
    fn what_is_configured_wins_and_nothing_is_nothing() {
        let configured = ["x".to_owned(), "y".to_owned()];
        let mut urls = Alternatives::new(&configured, cluster(&[(0, "a")])).next();
        urls.sort();
        assert_eq!(urls.iter().map(|url| &**url).collect::<Vec<_>>(), ["x", "y"]);
        assert!(Alternatives::new(&[], cluster(&[])).next().is_empty());
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert_eq!(Alternatives::new(&many, cluster(&[])).next().len(), MAX_ALTERNATIVES);
        let many: Vec<(u64, String)> = many.into_iter().map(|url| (1, url)).collect();
        assert_eq!(Alternatives::new(&[], many.into_iter()).next().len(), MAX_ALTERNATIVES);
    }
}
