//! What can be set of the bridge: the section `bridge`.

use crate::key::{KeyRule, KeyWord};
use crate::visitor::PLANE;
use frontier_access::AccessConfig;
use frontier_access::authn::Side;
use frontier_admin::{PlaneAuth, ServerConfig, exposure};
use frontier_config::{ByteSize, Section};
use frontier_transport::OriginPattern;
use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Where it listens by default.
const DEFAULT_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 30013);

/// Connections beside those of subscribers: what lists topics or fetches a ticket.
const MORE_CONNECTIONS: usize = 1024;

/// What the system keeps for a subscriber that does not read, in bytes: a page or so. More would be of no use to it, since
/// it is old when it is read.
const SEND_BUFFER: u32 = 128 * 1024;

/// The paths that are the bridge's own.
const OWN_PATHS: [&str; 5] = ["/bridge", "/healthz", "/livez", "/readyz", "/grpc.health.v1.Health"];

/// The section `bridge`, where it is enabled.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// The port and its limits.
    pub server: ServerConfig,
    /// `allowed_origins`: pages from which browsers may connect. Programs name none, and always may.
    pub allowed_origins: Vec<OriginPattern>,
    /// `topics`.
    pub topics: Vec<TopicConfig>,
    /// `flat`.
    pub flat: Vec<FlatConfig>,
    /// `subscribers`: how many there may be. 10,000.
    pub subscribers: usize,
    /// `subscribers_per_address`: the same from one address, or one /64 of IPv6. 10,000.
    pub subscribers_per_address: usize,
    /// `message_size`: the longest payload. 256 KiB.
    pub message_size: usize,
    /// What is kept of each channel.
    pub channel: ChannelLimits,
    /// `pace`: how often subscribers are woken at most. 40 ms.
    pub pace: Duration,
    /// `compression`: whether those are sent compressed messages who take them. true.
    pub compression: bool,
}

/// A topic whose messages subscribers get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// `name`.
    pub name: String,
    /// `key` or `fields`: which of its messages are values of the same thing.
    pub key: KeyRule,
}

/// A path for front ends that subscribe to nothing and get payloads alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatConfig {
    /// `path`.
    pub path: String,
    /// `topics`, of which all messages go there.
    pub topics: Vec<String>,
    /// `key` or `fields`.
    pub key: KeyRule,
}

/// What is kept of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// `history`: the last messages, for those who come back. 1,024.
    pub history: usize,
    /// `history_size`: their bytes. 4 MiB.
    pub history_size: usize,
    /// `last_values`: keys of which the newest message is kept. 10,000.
    pub last_values: usize,
    /// `last_values_size`: their bytes. 16 MiB.
    pub last_values_size: usize,
    /// `lag`: by how many messages a subscriber may be behind before it gets the newest of each key alone. 1,024.
    pub lag: u64,
    /// `page_size`: what a subscriber is given at once, in bytes: the most that is held for one that does not read.
    /// 256 KiB.
    pub page_size: usize,
}

/// What all sessions go by.
pub(crate) struct SessionSettings {
    pub(crate) heartbeat: Duration,
    pub(crate) handshake_timeout: Duration,
    pub(crate) compression: bool,
    /// Whether who may subscribe is looked at again after the beginning.
    pub(crate) enforce: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for SessionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSettings").field("heartbeat", &self.heartbeat).finish_non_exhaustive()
    }
}

impl BridgeConfig {
    /// Reads the section, and what it asks of who connects. `None` if it is not enabled, which is the default.
    #[must_use]
    pub fn read(root: &Section<'_>, access: &mut AccessConfig) -> Option<Self> {
        let section = root.section(PLANE).fixed();
        let enable = section.is_enabled(false);
        let subscribers = section.within("subscribers", 10_000, 1..=1_000_000);
        let server = read_server(&section, subscribers);
        let plane = PlaneAuth {
            plane: PLANE,
            side: Side::Subscriber,
            addr: server.addr,
            takes_certificates: server.takes_certificates,
        };
        access.auth.insert(PLANE.to_owned(), plane.read(root));
        let topics = read_topics(&section);
        let flat = read_flat(&section);
        if enable && topics.is_empty() && flat.is_empty() {
            section.reject("topics", "names no topic, so there is nothing to subscribe to");
        }
        let (kib, mib) = (ByteSize::kib, ByteSize::mib);
        let message_size = section.within("message_size", kib(256), kib(1)..=mib(16));
        let config = Self {
            server,
            allowed_origins: section.list("allowed_origins", Vec::new()),
            topics,
            flat,
            subscribers,
            subscribers_per_address: section.within("subscribers_per_address", 10_000, 1..=1_000_000),
            message_size: message_size.as_usize(),
            channel: ChannelLimits {
                history: section.within("history", 1024, 1..=1_000_000),
                history_size: section.within("history_size", mib(4), kib(64)..=mib(4096)).as_usize(),
                last_values: section.within("last_values", 10_000, 1..=10_000_000),
                last_values_size: section
                    .within("last_values_size", mib(16), kib(64)..=mib(16_384))
                    .as_usize(),
                lag: section.within("lag", 1024, 1..=1_000_000),
                page_size: section.within("page_size", kib(256), kib(4)..=mib(64)).as_usize(),
            },
            pace: section.within("pace", Duration::from_millis(40), Duration::ZERO..=Duration::from_secs(10)),
            compression: section.get("compression", true),
        };
        enable.then_some(config)
    }

    /// What may surprise about it though it was asked for.
    #[must_use]
    pub fn exposure(&self, access: &AccessConfig) -> Option<String> {
        let asks = access.auth.get(PLANE).is_some_and(|auth| !auth.is_none());
        let power = "may see the messages of all topics that are bridged";
        exposure(PLANE, self.server.addr, asks, self.server.tls.is_some(), power)
    }

    /// Every topic that it takes, each once.
    #[must_use]
    pub fn topic_names(&self) -> Vec<&str> {
        let of_flat = self.flat.iter().flat_map(|flat| &flat.topics);
        let all = self.topics.iter().map(|topic| &topic.name).chain(of_flat);
        let mut seen = HashSet::new();
        all.map(String::as_str).filter(|name| seen.insert(*name)).collect()
    }
}

fn read_server(section: &Section<'_>, subscribers: usize) -> ServerConfig {
    let (millis, seconds) = (Duration::from_millis, Duration::from_secs);
    let time = |key, default, least, most| section.within(key, default, least..=most);
    ServerConfig {
        connections: subscribers + MORE_CONNECTIONS,
        streams: 128,
        send_buffer: Some(SEND_BUFFER),
        handshakes: section.within("handshakes", 1024, 1..=1_000_000),
        handshakes_per_address: section.within("handshakes_per_address", 128, 1..=1_000_000),
        handshake_timeout: time("handshake_timeout", seconds(10), millis(10), seconds(300)),
        slow_peer_timeout: time("slow_peer_timeout", seconds(30), millis(100), seconds(3600)),
        keepalive: time("heartbeat", seconds(15), millis(100), seconds(3600)),
        ..ServerConfig::listen(&section.section("listen"), DEFAULT_ADDR)
    }
}

fn read_topics(section: &Section<'_>) -> Vec<TopicConfig> {
    let mut names = HashSet::new();
    let sections = section.sections("topics");
    let topics = sections.iter().map(|topic| {
        let name = topic_name(topic, "name", topic.required("name", String::new()));
        if !names.insert(name.clone()) {
            topic.reject("name", format!("`{name}` is there before"));
        }
        TopicConfig { key: read_key(topic), name }
    });
    topics.collect()
}

fn read_flat(section: &Section<'_>) -> Vec<FlatConfig> {
    let mut paths = HashSet::new();
    let sections = section.sections("flat");
    let flat = sections.iter().map(|flat| {
        let path: String = flat.required("path", String::new());
        let is_plain =
            path.starts_with('/') && path.len() > 1 && path.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || path.contains(['{', '}', '?', '#', '%']) {
            flat.reject("path", "must be a plain path such as /ws/frontend");
        } else if OWN_PATHS
            .iter()
            .any(|own| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        {
            flat.reject("path", "is one of the bridge's own");
        } else if !paths.insert(path.clone()) {
            flat.reject("path", "is there before");
        }
        let topics: Vec<String> = flat.one_or_more("topics").unwrap_or_default();
        if topics.is_empty() {
            flat.reject("topics", "is required: the topics whose messages go there");
        }
        let topics = topics.into_iter().map(|name| topic_name(flat, "topics", name)).collect();
        FlatConfig { path, topics, key: read_key(flat) }
    });
    flat.collect()
}

fn topic_name(section: &Section<'_>, key: &'static str, name: String) -> String {
    if name == "*" {
        section.reject(key, "must be a name: what no service takes has no end of names");
    } else if name.is_empty() {
        section.reject(key, "must not be empty");
    }
    name
}

fn read_key(section: &Section<'_>) -> KeyRule {
    let word = section.optional("key");
    let fields: Option<Vec<String>> = section.one_or_more("fields");
    match (word, fields) {
        (Some(_), Some(_)) => {
            section.reject("fields", "is another key than `key`: one of them is enough");
            KeyRule::Edge
        }
        (_, Some(fields)) if fields.is_empty() || fields.iter().any(String::is_empty) => {
            section.reject("fields", "must name fields of the payload");
            KeyRule::Edge
        }
        (_, Some(fields)) => KeyRule::Fields(fields),
        (Some(KeyWord::Custom), None) => KeyRule::Custom,
        (Some(KeyWord::Edge) | None, None) => KeyRule::Edge,
    }
}

#[cfg(test)]
mod tests;
