//! A consumer: what is read from a broker, and who gets it. The keys that all brokers have in common.

use frontier_config::{ByteSize, Choice, Section};
use frontier_mq::{
    Bounds, Credentials, DeadLetter, RecordTemplate, RequestTemplate, Retry, SourceBounds, Target,
};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

/// Consumers of one broker, at most.
pub(super) const MAX_CONSUMERS: usize = 100;

/// Names of sinks, which are in the same lists.
const TAKEN: [&str; 8] = ["amqp", "kafka", "mqtt", "nats", "jetstream", "nsq", "redis", "redis_streams"];

/// Characters of a name.
const MAX_NAME: usize = 64;

/// How long an edge is waited for, unless it is said.
const EDGE_WAIT: Duration = Duration::from_secs(300);

/// What all consumers have.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) key: Option<RecordTemplate>,
    pub(super) bounds: SourceBounds,
    pub(super) retry: Retry,
    pub(super) dead_letter: DeadLetter,
}

/// What differs among brokers.
#[derive(Clone, Debug, Default)]
pub(super) struct Kind {
    /// By what there is order, unless it is said.
    pub(super) key: Option<RecordTemplate>,
    /// Whether the broker keeps what is refused, if it is set up to.
    pub(super) can_reject: bool,
}

/// Where a group or a consumer begins that is made, as it stands in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Start {
    #[default]
    Beginning,
    End,
}

impl Choice for Start {
    const CHOICES: &'static [(&'static str, Self)] = &[("beginning", Self::Beginning), ("end", Self::End)];
}

/// The sections of a list of consumers.
pub(super) fn sections<'d>(section: &Section<'d>) -> Vec<Section<'d>> {
    let sections = section.sections("consumers");
    if sections.len() > MAX_CONSUMERS {
        section.reject("consumers", format!("has {}, and may have {MAX_CONSUMERS}", sections.len()));
    }
    sections
}

/// Whether there are any, right or wrong, in the section that these are of.
pub(super) fn are_given(section: &Section<'_>, sections: &[Section<'_>]) -> bool {
    !sections.is_empty() || section.is_unread("consumers")
}

/// `None` where there is a mistake without which nothing can be made of it.
pub(super) fn read(section: &Section<'_>, bounds: Bounds, kind: &Kind) -> Option<Consumer> {
    let name = name(section);
    let target = target(&section.section("to"));
    let key = template(section, "key").or_else(|| match &target {
        // Then by the EdgeID.
        Some(Target::Edge { .. } | Target::Service { from: Some(_), .. }) => None,
        _ => kind.key.clone(),
    });
    let is_for_edges = !matches!(target, Some(Target::Service { .. }));
    let retry = retry(section, is_for_edges);
    let bounds = SourceBounds {
        messages: section.within("max_inflight", 1024, 1..=100_000),
        bytes: section
            .within("max_inflight_size", ByteSize::mib(16), ByteSize::kib(64)..=ByteSize::mib(16 << 10))
            .as_usize(),
        waiting: section.within("max_waiting", 4096, 0..=100_000),
        waiting_bytes: section
            .within("max_waiting_size", ByteSize::mib(16), ByteSize::bytes(0)..=ByteSize::mib(16 << 10))
            .as_usize(),
        timeout: section.within(
            "timeout",
            Duration::from_secs(10),
            Duration::from_millis(100)..=Duration::from_secs(3600),
        ),
        silence: bounds.timeout,
        connect_timeout: bounds.connect_timeout,
        max_backoff: bounds.max_backoff,
    };
    let dead_letter = dead_letter(section, kind.can_reject);
    Some(Consumer { name: name?, target: target?, key, bounds, retry, dead_letter: dead_letter? })
}

fn name(section: &Section<'_>) -> Option<String> {
    let name: String = section.get("name", String::new());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let wrong = match &*name {
        "" => Some("is required".to_owned()),
        _ if name.len() > MAX_NAME || !name.chars().all(is_plain) => {
            Some(format!("must have at most {MAX_NAME} letters, digits, dots, `_` and `-`"))
        }
        _ if TAKEN.contains(&&*name) => Some(format!("can't be {name:?}, which is the name of a sink")),
        _ => None,
    };
    match wrong {
        Some(text) => {
            section.reject("name", text);
            None
        }
        None => Some(name),
    }
}

fn target(to: &Section<'_>) -> Option<Target> {
    let (edge, from) = (edge_id(to, "edge"), edge_id(to, "from"));
    let labels: Vec<(String, String)> = to.map("labels");
    let is_labels = to.shape("labels").is_some();
    let (topic, method) = (template(to, "topic"), template(to, "method"));
    let has = |key| to.shape(key).is_some();
    if has("edge") && is_labels {
        to.reject("labels", "is there beside `edge`: keep one of them");
    }
    if from.is_some() && (has("edge") || is_labels) {
        to.reject(
            "from",
            "is of use where services get the messages, which are those without `edge` and `labels`",
        );
    }
    if is_labels && labels.is_empty() {
        to.reject("labels", "has none: an edge must have all of those that are here");
    }
    if has("topic") && has("method") {
        to.reject("method", "is there beside `topic`: keep one of them");
    } else if !has("topic") && !has("method") {
        to.reject("topic", "is required, or `method`");
    }
    let is_call = method.is_some();
    let request = RequestTemplate { is_call, name: topic.or(method)? };
    Some(match edge {
        Some(id) => Target::Edge { id, request },
        None if has("edge") => return None,
        None if is_labels => {
            let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into()));
            Target::Labels { labels: labels.collect(), request }
        }
        None => Target::Service { from, request },
    })
}

fn retry(section: &Section<'_>, is_for_edges: bool) -> Retry {
    let ms = Duration::from_millis;
    let (first, max) = (
        section.within("backoff", ms(1000), ms(10)..=ms(3_600_000)),
        section.within("max_retry_backoff", ms(30_000), ms(10)..=ms(3_600_000)),
    );
    if first > max {
        section.reject("max_retry_backoff", format!("must be `backoff` at least, which is {first:?}"));
    }
    let default = if is_for_edges { EDGE_WAIT } else { Duration::ZERO };
    let wait = section.within("wait", default, Duration::ZERO..=Duration::from_secs(30 * 24 * 3600));
    Retry {
        attempts: section.within("attempts", 10, 1..=1_000_000),
        first,
        max,
        // Without end.
        wait: (!wait.is_zero()).then_some(wait),
    }
}

fn dead_letter(section: &Section<'_>, can_reject: bool) -> Option<DeadLetter> {
    let own = section.section("dead_letter");
    let file: Option<PathBuf> = own.optional("file");
    let size = own.within("max_size", ByteSize::mib(64), ByteSize::kib(64)..=ByteSize::mib(1 << 20));
    let drops = own.get("drop", false);
    let rejects = can_reject && own.get("reject", false);
    let ways = usize::from(file.is_some()) + usize::from(drops) + usize::from(rejects);
    if ways != 1 {
        let others = if can_reject { "`reject: true` or `drop: true`" } else { "`drop: true`" };
        let text = match ways {
            0 => format!("is required: where messages go that can't be delivered; or {others}"),
            _ => format!("is there beside another way: one of `file`, {others} is enough"),
        };
        own.reject("file", text);
        return None;
    }
    let Some(file) = file else {
        return Some(if drops { DeadLetter::Drop } else { DeadLetter::Reject });
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if file.is_dir() {
        own.reject("file", format!("{} is a folder", file.display()));
    } else if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        own.reject("file", format!("the folder {} is not there", folder.display()));
    }
    Some(DeadLetter::File(file, size.as_u64()))
}

/// A template, if it is written and right.
fn template(section: &Section<'_>, key: &'static str) -> Option<RecordTemplate> {
    let text: String = section.optional(key)?;
    RecordTemplate::parse(&text).map_err(|error| section.reject(key, error.to_string())).ok()
}

/// The template of an EdgeID.
fn edge_id(section: &Section<'_>, key: &'static str) -> Option<RecordTemplate> {
    let template = template(section, key)?;
    if !template.may_be_edge_id() {
        section.reject(key, "is no EdgeID, which is a number from 1 on, whatever a message has");
    }
    Some(template)
}

/// Differs where a secret does, which shows nothing of itself.
pub(super) fn secrets_of(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    for secret in [&credentials.password, &credentials.token] {
        secret.as_ref().map(frontier_config::Secret::expose).hash(&mut hasher);
    }
    hasher.finish()
}
