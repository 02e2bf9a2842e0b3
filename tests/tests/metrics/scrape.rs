//! A scrape, as a test reads it.

use crate::http::get;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// What one scrape has told.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) text: String,
    /// By name and labels, as they are written.
    samples: BTreeMap<String, f64>,
}

/// A metric, its type and the labels of its samples.
pub(crate) type Families = BTreeMap<String, (String, BTreeSet<String>)>;

impl Scrape {
    /// In the format of Prometheus.
    pub(crate) async fn of(addr: SocketAddr) -> Self {
        let (status, head, text) = get(addr, "/metrics", "*/*").await;
        assert_eq!(status, 200, "{text}");
        assert!(head.contains("text/plain; version=0.0.4"), "{head}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples: Vec<_> = lines.map(|line| line.rsplit_once(' ').unwrap()).collect();
        let count = samples.len();
        let samples: BTreeMap<_, _> =
            samples.into_iter().map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect();
        assert_eq!(samples.len(), count, "no sample is told twice");
        Self { text, samples }
    }

    /// The value of a sample, which must be there.
    pub(crate) fn value(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("{sample} is not in {}", self.text))
    }

    /// The same of one that may be there.
    pub(crate) fn find(&self, sample: &str) -> Option<f64> {
        self.samples.get(sample).copied()
    }

    /// The samples of counters, by name and labels.
    pub(crate) fn counters(&self) -> BTreeSet<&str> {
        let of_counters =
            |sample: &&str| sample.split('{').next().is_some_and(|name| name.ends_with("_total"));
        self.samples.keys().map(String::as_str).filter(of_counters).collect()
    }

    /// All metrics.
    pub(crate) fn families(&self) -> Families {
        let types = self.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let mut families: Families =
            types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new()))).collect();
        for sample in self.samples.keys() {
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            let bare = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix).filter(|name| families.contains_key(*name)));
            let (_, of) =
                families.get_mut(bare.unwrap_or(name)).unwrap_or_else(|| panic!("{name} has no type"));
            let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
            of.extend(labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le"));
        }
        families
    }
}
