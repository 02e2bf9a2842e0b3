//! Whom a record is for, by its target's templates.

use super::Record;
use crate::{RecordTemplate, SourceConfig, Target};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a record becomes.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) to: Recipient,
    pub(crate) is_call: bool,
    pub(crate) name: Arc<str>,
    /// Of one key only one is on its way.
    pub(crate) key: Option<Box<[u8]>>,
}

/// Who gets a message.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The edge of this id.
    Edge(u64),
    /// All edges of this gateway that have these labels, but for those that had it already.
    Labels(Arc<[(Box<str>, Box<str>)]>, Arc<HadBy>),
    /// A service that takes the topic, or has the method, and gets it in the name of this edge if there is one.
    Service(Option<u64>),
}

/// The edges that had a message in earlier attempts.
#[derive(Debug, Default)]
pub struct HadBy(Mutex<BTreeSet<u64>>);

impl HadBy {
    /// This edge has it.
    pub fn note(&self, edge: u64) {
        self.0.lock().insert(edge);
    }

    /// Whether this edge has it.
    #[must_use]
    pub fn has(&self, edge: u64) -> bool {
        self.0.lock().contains(&edge)
    }

    /// Whether any edge has it.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.0.lock().is_empty()
    }
}

/// Whom a job waits for, where it is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Receiver {
    Edge(u64),
    /// The edges with the labels of the source.
    Labels,
    /// The services that take this topic, or have this method.
    Services {
        is_call: bool,
        name: Arc<str>,
    },
}

impl Job {
    pub(crate) fn receiver(&self) -> Receiver {
        match &self.to {
            Recipient::Edge(id) => Receiver::Edge(*id),
            Recipient::Labels(..) => Receiver::Labels,
            Recipient::Service(_) => Receiver::Services { is_call: self.is_call, name: self.name.clone() },
        }
    }
}

/// How records become jobs.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    target: Target,
    key: Option<RecordTemplate>,
    /// One copy, for all of them.
    labels: Arc<[(Box<str>, Box<str>)]>,
}

impl Assignment {
    pub(crate) fn new(config: &SourceConfig) -> Self {
        let labels = match &config.target {
            Target::Labels { labels, .. } => labels.as_slice().into(),
            _ => Arc::from([]),
        };
        Self { target: config.target.clone(), key: config.key.clone(), labels }
    }

    /// What becomes of a record. An error is one line: it can't be delivered, whoever is there.
    pub(crate) fn assign(&self, record: &Record) -> Result<Job, String> {
        let (Target::Edge { request, .. } | Target::Labels { request, .. } | Target::Service { request, .. }) =
            &self.target;
        let named = request.name.fill(record).and_then(|name| match name.is_empty() {
            true => Err("its topic or method is empty".to_owned()),
            false => Ok(name),
        });
        let to = match &self.target {
            Target::Edge { id, .. } => Recipient::Edge(edge_id(id, record)?),
            Target::Labels { .. } => Recipient::Labels(self.labels.clone(), Arc::default()),
            Target::Service { from, .. } => {
                Recipient::Service(from.as_ref().map(|from| edge_id(from, record)).transpose()?)
            }
        };
        let key = match (&self.key, &to) {
            (None, Recipient::Edge(id) | Recipient::Service(Some(id))) => Some(id.to_be_bytes().into()),
            (None, _) => None,
            // What has no key has no order.
            (Some(key), _) => key.fill(record).ok().map(|key| key.into_bytes().into()),
        };
        Ok(Job { to, is_call: request.is_call, name: named?.into(), key })
    }
}

fn edge_id(template: &RecordTemplate, record: &Record) -> Result<u64, String> {
    let text = template.fill(record)?;
    match text.trim().parse::<u64>() {
        Ok(0) => Err("0 is the id of no edge".to_owned()),
        Ok(id) => Ok(id),
        Err(_) => Err(format!("{:?} is no EdgeID", shortened(&text))),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RequestTemplate;
    use bytes::Bytes;

    fn record(edge: &str) -> Record {
        Record {
            origin: "commands".into(),
            place: "1-0".into(),
            key: None,
            headers: vec![("edge_id".into(), Bytes::copy_from_slice(edge.as_bytes()))],
            custom: Bytes::new(),
            payload: Bytes::new(),
            is_redelivered: false,
        }
    }

    fn assignment(target: Target, key: Option<&str>) -> Assignment {
        let labels = match &target {
            Target::Labels { labels, .. } => labels.as_slice().into(),
            _ => Arc::from([]),
        };
        Assignment { target, key: key.map(|key| RecordTemplate::parse(key).unwrap()), labels }
    }

    fn request() -> RequestTemplate {
        RequestTemplate { is_call: false, name: RecordTemplate::origin() }
    }

    #[test]
    fn an_edge_is_named_by_its_record_and_is_the_key() {
        let id = RecordTemplate::parse("{header:edge_id}").unwrap();
        let to_edge = assignment(Target::Edge { id: id.clone(), request: request() }, None);
        let job = to_edge.assign(&record("7")).unwrap();
        assert!(matches!(job.to, Recipient::Edge(7)) && &*job.name == "commands");
        assert_eq!(job.key.as_deref(), Some(&7_u64.to_be_bytes()[..]));
        for (edge, expected) in
            [("0", "0 is the id of no edge"), ("x", "\"x\" is no EdgeID"), ("-1", "\"-1\" is no EdgeID")]
        {
            assert_eq!(to_edge.assign(&record(edge)).unwrap_err(), expected);
        }
        let bare = Record { headers: Vec::new(), ..record("1") };
        assert_eq!(to_edge.assign(&bare).unwrap_err(), "it has no \"edge_id\"");
    }

    #[test]
    fn a_key_is_optional_and_a_name_is_not() {
        let keyed = assignment(Target::Service { from: None, request: request() }, Some("{header:edge_id}"));
        assert_eq!(keyed.assign(&record("a")).unwrap().key.as_deref(), Some(&b"a"[..]));
        let bare = Record { headers: Vec::new(), ..record("1") };
        assert_eq!(keyed.assign(&bare).unwrap().key, None);
        let nameless = Record { origin: "".into(), ..record("1") };
        assert_eq!(keyed.assign(&nameless).unwrap_err(), "its topic or method is empty");
        let labels = vec![("region".into(), "eu".into())];
        let job = assignment(Target::Labels { labels, request: request() }, None).assign(&bare).unwrap();
        assert!(matches!(&job.to, Recipient::Labels(labels, _) if labels.len() == 1) && job.key.is_none());
    }
}
