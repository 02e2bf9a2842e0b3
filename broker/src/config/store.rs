//! Where sessions are kept beside memory.

use super::gateway::{client_files, tls};
use crate::gate::place;
use frontier_config::{ByteSize, Section};
use frontier_redis::RedisConfig;
use frontier_sdk::ClientTls;
use frontier_sessions_disk::DiskConfig;
use frontier_sessions_redis::RedisStoreConfig;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The section `store`.
#[derive(Clone, Debug)]
pub enum StoreConfig {
    /// Durable sessions in a file: `path`, `size` (10 GiB), `cache_size` (64 MiB).
    Disk(DiskConfig),
    /// All sessions in Redis.
    Redis(Box<SharedConfig>),
}

/// The section `store.redis`.
#[derive(Clone, Debug)]
pub struct SharedConfig {
    /// How it is reached, as everywhere; `prefix` ("sessions:"), `replicas` (0).
    pub store: RedisStoreConfig,
    /// `lease`: after how long without a sign of life another broker takes the sessions up. 3 s.
    pub lease: Duration,
    /// `advertise`: where other brokers of this store pass on what clients ask them. Where it listens.
    pub advertise: Option<String>,
    /// `peers`: whom to trust there, and what to show.
    pub peers: ClientTls,
}

impl StoreConfig {
    /// Reads the section. `None`: sessions are in memory, and none is durable.
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let disk = disk(&section.fixed());
        let redis = section.section("redis");
        let shared = redis.is_present().then(|| SharedConfig::read(&redis));
        match (disk, shared) {
            (Some(_), Some(_)) => {
                section.reject("redis", "is there beside `path`; one of them is enough");
                None
            }
            (disk, shared) => {
                disk.map(Self::Disk).or_else(|| shared.map(|shared| Self::Redis(Box::new(shared))))
            }
        }
    }

    /// What is wrong with the files that it names, each by its key. Blocks while they are read.
    pub(super) fn file_mistakes(&self) -> Vec<(String, String)> {
        match self {
            Self::Disk(disk) => file_mistake(disk).into_iter().collect(),
            Self::Redis(shared) => {
                let peers = client_files("store.redis.peers", &shared.peers);
                shared.store.redis.check_files().into_iter().chain(peers).collect()
            }
        }
    }

    /// The files whose change is of interest: those of the way to Redis.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Disk(_) => Vec::new(),
            Self::Redis(shared) => shared.store.redis.files(),
        }
    }

    /// That in Redis, if it is one.
    pub(crate) fn redis(&self) -> Option<&SharedConfig> {
        match self {
            Self::Disk(_) => None,
            Self::Redis(shared) => Some(shared),
        }
    }
}

impl SharedConfig {
    fn read(redis: &Section<'_>) -> Self {
        let fixed = redis.fixed();
        let prefix: String = fixed.get("prefix", "sessions:".to_owned());
        if prefix.len() > 64 || prefix.contains(['{', '}']) || prefix.chars().any(char::is_control) {
            fixed.reject("prefix", "has at most 64 bytes, and no braces, which say what stays together");
        }
        let advertise: Option<String> = fixed.optional("advertise");
        if let Some(Err(wrong)) = advertise.as_deref().map(place) {
            fixed.reject("advertise", wrong);
        }
        Self {
            store: RedisStoreConfig {
                redis: RedisConfig::read(redis, "store.redis"),
                prefix,
                replicas: fixed.within("replicas", 0, 0..=16),
            },
            lease: fixed.within(
                "lease",
                Duration::from_secs(3),
                Duration::from_millis(500)..=Duration::from_secs(300),
            ),
            advertise,
            peers: tls(&fixed.section("peers")),
        }
    }
}

fn disk(section: &Section<'_>) -> Option<DiskConfig> {
    let path: Option<PathBuf> = section.optional("path");
    let most = ByteSize::mib(16 * 1024 * 1024);
    let size = section.within("size", ByteSize::mib(10 * 1024), ByteSize::mib(1)..=most);
    let cache_size = section.within("cache_size", ByteSize::mib(64), ByteSize::mib(1)..=most);
    for key in ["size", "cache_size"] {
        if path.is_none() && section.is_written_at(&format!("store.{key}")) {
            section.reject(key, "is nothing without `path`");
        }
    }
    Some(DiskConfig { path: path?, size: size.as_usize() as u64, cache_size: cache_size.as_usize() })
}

/// What is wrong with the file before it is opened: its folder is not there, or it is a folder itself.
fn file_mistake(config: &DiskConfig) -> Option<(String, String)> {
    let path = &config.path;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = if path.is_dir() {
        format!("{}: is a folder; a file in it would do", path.display())
    } else if !folder.is_dir() {
        format!("{}: there is no such folder", folder.display())
    } else {
        return None;
    };
    Some(("store.path".to_owned(), text))
}
