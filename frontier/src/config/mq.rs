//! Topics that go to message brokers, and what comes from there: the section `mq`, which older files call `mqm`.
//!
//! A topic is a name, as it is for services; which subject, channel or stream it becomes is said by a template.

mod amqp;
mod consumer;
mod groups;
mod kafka;
mod mqtt;
mod nats;
mod nsq;
mod redis;
mod spool;
mod tls;
mod userinfo;

use consumer::{Consumer, secrets_of};
use frontier_config::{ByteSize, HostPort, Secret, Section};
use frontier_mq::{
    BackendConfig, Bounds, Credentials, DeadLetter, SinkConfig, SourceBackendConfig, SourceConfig,
    SpoolConfig, Template,
};
use frontier_protocol::CATCH_ALL;
use frontier_relay::{Brokers, RelayConfig};
use frontier_transport::ClientTls;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Duration;

/// Topics of one sink, at most: as many names as a service may have by default.
const MAX_TOPICS: usize = 10_000;

/// The sinks and the sources, and what they were read from.
#[derive(Clone, Debug, Default)]
pub struct Mq {
    /// The sinks that are enabled.
    pub sinks: Vec<SinkConfig>,
    /// The sources that are enabled.
    pub sources: Vec<SourceConfig>,
    /// What sinks keep on disk, by their names.
    pub spools: BTreeMap<&'static str, SpoolConfig>,
    /// What the section is called.
    pub(crate) section: &'static str,
    /// The files that they name.
    pub(crate) files: Vec<PathBuf>,
    /// What is shown and trusted over TLS: to look at, not to connect with.
    pub(crate) tls: Vec<ClientTls>,
    /// The brokers that a relay may send to.
    pub(crate) brokers: Brokers,
    /// Brokers that no topic goes to, by where topics would be.
    idle: Vec<(Idle, String)>,
    /// Where sources are read from, by their names: their sections.
    pub(crate) paths: HashMap<String, String>,
}

/// A broker that no topic goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Idle {
    Amqp,
    Kafka,
}

/// The keys of one sink, as they are read: which lists have topics, by their paths.
#[derive(Debug, Default)]
struct Sinks {
    sinks: Vec<SinkConfig>,
    sources: Vec<SourceConfig>,
    spools: BTreeMap<&'static str, SpoolConfig>,
    /// Where each topic was given first.
    topics: HashMap<String, String>,
    files: Vec<PathBuf>,
    tls: Vec<ClientTls>,
    brokers: Brokers,
    idle: Vec<(Idle, String)>,
    /// The sections of sources, by their names.
    paths: HashMap<String, String>,
    /// Of all secrets: differs where one of them does.
    secrets: u64,
}

impl Mq {
    pub(super) fn read(root: &Section<'_>, name_size: usize) -> Self {
        let root = &root.fixed_as("mq");
        let (current, original) = (root.section("mq"), root.section("mqm"));
        if current.is_present() && original.is_present() {
            root.reject("mqm", "is there beside `mq`, which is the same section: keep one of them");
        }
        // An absent one is read as well, for its keys to be known.
        let mut read = Sinks::read(&current, name_size);
        let other = Sinks::read(&original, name_size);
        let mut section = "mq";
        if original.is_present() {
            (section, read) = ("mqm", other);
        }
        let Sinks { sinks, sources, spools, files, tls, brokers, idle, secrets, paths, .. } = read;
        // Sources take a reload. Secrets show nothing of themselves, and a change of one is a change all the same; where
        // there is neither a sink nor a broker for a relay it is one of sources alone.
        let is_fixed = !sinks.is_empty() || brokers.amqp.is_some() || brokers.kafka.is_some();
        root.record(&(&sinks, &spools, &brokers, &idle, if is_fixed { secrets } else { 0 }));
        Self { sinks, sources, spools, section, files, tls, brokers, idle, paths }
    }
}

impl Mq {
    /// The bounds of all sinks.
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        self.brokers.bounds
    }

    /// Refuses brokers that neither topics nor jobs go to.
    pub(super) fn reject_idle(&self, root: &Section<'_>, relay: Option<&RelayConfig>) {
        for (idle, path) in &self.idle {
            let is_used = relay.is_some_and(|relay| match idle {
                Idle::Amqp => relay.amqp.is_some(),
                Idle::Kafka => relay.kafka.is_some(),
            });
            if !is_used {
                root.reject_at(path, "has no topic: nothing goes there");
            }
        }
    }
}

impl Sinks {
    fn read(section: &Section<'_>, name_size: usize) -> Self {
        let bounds = bounds(section);
        let mut sinks = Self::default();
        sinks.brokers.bounds = Some(bounds);
        amqp::read(&section.section("amqp"), bounds, name_size, &mut sinks);
        kafka::read(&section.section("kafka"), bounds, name_size, &mut sinks);
        mqtt::read(&section.section("mqtt"), bounds, name_size, &mut sinks);
        nats::read(&section.section("nats"), bounds, name_size, &mut sinks);
        nsq::read(&section.section("nsq"), bounds, name_size, &mut sinks);
        redis::read(&section.section("redis"), bounds, name_size, &mut sinks);
        sinks.spools = spool::read(&section.section("spool"), &sinks.sinks);
        sinks
    }

    /// Whoever changes one of them changes the section.
    fn note_secrets(&mut self, credentials: &Credentials) {
        for secret in [&credentials.password, &credentials.token].into_iter().flatten() {
            let mut hasher = DefaultHasher::new();
            (self.secrets, secret.expose()).hash(&mut hasher);
            self.secrets = hasher.finish();
            self.files.extend(secret.file().map(PathBuf::from));
        }
    }

    /// A broker without a topic: it may be there for a relay.
    fn is_idle(&mut self, section: &Section<'_>, idle: Idle, key: &'static str, backend: &BackendConfig) {
        if !backend.is_built() {
            section.reject("enable", "can't be true: this binary was built without this broker");
        }
        self.idle.push((idle, format!("{}.{key}", section.path())));
    }

    /// Adds a source.
    fn add_source(
        &mut self,
        section: &Section<'_>,
        consumer: Consumer,
        credentials: &Credentials,
        backend: SourceBackendConfig,
    ) {
        if !backend.is_built() {
            section.reject("name", "can't be used: this binary was built without this broker");
        }
        let Consumer { name, target, key, bounds, retry, dead_letter } = consumer;
        if self.sources.iter().any(|source| *source.name == *name) {
            section.reject("name", format!("is {name:?}, as that of another consumer"));
        }
        let is_same = |source: &SourceConfig| {
            matches!((&source.dead_letter, &dead_letter),
                (DeadLetter::File(one, _), DeadLetter::File(other, _)) if one == other)
        };
        if self.sources.iter().any(is_same) {
            section.reject("dead_letter", "has the file of another consumer: each has its own");
        }
        let (name, secrets) = (name.into(), secrets_of(credentials));
        let source = SourceConfig { name, target, key, bounds, retry, dead_letter, backend, secrets };
        if let Some((key, text)) = self.sources.iter().find_map(|other| groups::conflict(other, &source)) {
            section.reject(key, text);
        }
        self.paths.insert(source.name.to_string(), section.path().to_owned());
        self.sources.push(source);
    }

    /// Adds a sink, unless it has no topics.
    fn add(&mut self, section: &Section<'_>, key: &'static str, sink: SinkConfig) {
        if !sink.backend.is_built() {
            section.reject(key, "can't be used: this binary was built without this broker");
        }
        let path = format!("{}.{key}", section.path());
        for topic in &sink.topics {
            if let Some(first) = self.topics.insert(topic.clone(), path.clone()) {
                let text =
                    format!("has {topic:?}, which {first} has: each message would go to one of the two");
                section.reject(key, text);
            }
        }
        self.sinks.push(sink);
    }
}

fn bounds(section: &Section<'_>) -> Bounds {
    let (ms, minute) = (Duration::from_millis, Duration::from_secs(60));
    let bytes =
        section.within("max_inflight_size", ByteSize::mib(64), ByteSize::kib(64)..=ByteSize::mib(16 << 10));
    Bounds {
        messages: section.within("max_inflight", 16_384, 1..=1_000_000),
        bytes: bytes.as_usize(),
        timeout: section.within("timeout", ms(10_000), ms(100)..=10 * minute),
        connect_timeout: section.within("connect_timeout", ms(5000), ms(100)..=minute),
        max_backoff: section.within("max_backoff", ms(5000), ms(100)..=10 * minute),
    }
}

/// The topics of a list.
struct Topics {
    /// Whether there are any, right or wrong.
    is_given: bool,
    kept: Vec<String>,
}

/// The topics under `key`, each of which can be one; and `is_target` says what is wrong with what it becomes.
fn topics(
    section: &Section<'_>,
    key: &'static str,
    name_size: usize,
    is_target: impl Fn(&str) -> Result<(), String>,
) -> Topics {
    let topics: Vec<String> = section.list(key, Vec::new());
    if topics.len() > MAX_TOPICS {
        section.reject(key, format!("has {} topics, and may have {MAX_TOPICS}", topics.len()));
    }
    let (is_given, mut kept) = (!topics.is_empty() || section.is_unread(key), Vec::new());
    for topic in topics {
        let wrong = match &*topic {
            "" => Some("has an empty topic".to_owned()),
            _ if topic.len() > name_size => {
                Some(format!("has a topic of {} bytes, and limits.name_size is {name_size}", topic.len()))
            }
            _ if topic.chars().any(char::is_control) => {
                Some(format!("has {topic:?}, with a control character in it"))
            }
            _ if kept.contains(&topic) => Some(format!("has {topic:?} twice")),
            // What no service and no other sink takes: what each becomes is looked at when it comes.
            CATCH_ALL => is_target("topic").err().map(|why| format!("has `*`, where \"topic\" {why}")),
            _ => is_target(&topic).err().map(|why| format!("has {topic:?}, which {why}")),
        };
        match wrong {
            Some(text) => section.reject(key, text),
            None => kept.push(topic),
        }
    }
    Topics { is_given, kept }
}

/// What a topic becomes: the topic itself, unless it is said.
fn template(section: &Section<'_>, key: &'static str) -> Template {
    let text: String = section.get(key, "{topic}".to_owned());
    Template::parse(&text).unwrap_or_else(|error| {
        section.reject(key, error.to_string());
        Template::topic()
    })
}

/// Addresses, with the default's port where there is none, and perhaps with a scheme in front.
fn addrs(section: &Section<'_>, is_enabled: bool, schemes: &[&str], port: u16) -> Vec<HostPort> {
    let texts: Vec<String> = section.list("addrs", vec![format!("127.0.0.1:{port}")]);
    addrs_of(section, is_enabled, &texts, schemes, port)
}

/// The same, of texts that were read from there.
fn addrs_of(
    section: &Section<'_>,
    is_enabled: bool,
    texts: &[String],
    schemes: &[&str],
    port: u16,
) -> Vec<HostPort> {
    if texts.is_empty() && is_enabled {
        section.reject("addrs", "must have an address");
    }
    let parse = |text: &String| {
        let bare = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
        let parsed = bare.parse().or_else(|()| format!("{bare}:{port}").parse::<HostPort>());
        parsed
            .inspect_err(|()| {
                // Not repeated: there may be a password in it.
                section.reject(
                    "addrs",
                    "expected a host and a port such as broker.example:4222, with the user beside",
                );
            })
            .ok()
    };
    texts.iter().filter_map(parse).collect()
}

/// User and password, and a token where the broker knows such.
fn credentials(section: &Section<'_>, takes_tokens: bool, sinks: &mut Sinks) -> Credentials {
    let secret = |key| section.optional::<Secret>(key).filter(|secret| !secret.is_empty());
    let username: Option<String> = section.optional("username");
    let credentials = Credentials {
        username: username.filter(|name| !name.is_empty()),
        password: secret("password"),
        token: if takes_tokens { secret("token") } else { None },
    };
    if credentials.username.is_some() && credentials.password.is_none() {
        section.reject("password", "is required with `username`");
    }
    if credentials.token.is_some() && credentials.password.is_some() {
        section.reject("token", "is there beside `password`; one of them is enough");
    }
    sinks.note_secrets(&credentials);
    credentials
}

#[cfg(test)]
mod tests;
