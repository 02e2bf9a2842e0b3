//! How Redis is reached: the section, its defaults and its bounds.

use frontier_config::HostPort;
use frontier_config::{Choice, Secret, Section};
use frontier_transport::{ClientFile, ClientTls};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How Redis is reached: the section `redis`, wherever that is.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// The path of the section, for what is said about it. `redis`.
    pub section: &'static str,
    /// Where it is.
    pub mode: RedisMode,
    /// The ACL user; `None` for the default user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// How long connecting may take. 5 s.
    pub dial_timeout: Duration,
    /// How long an answer may take. 3 s.
    pub read_timeout: Duration,
    /// How long sending may take. 3 s.
    pub write_timeout: Duration,
    /// TLS, for Redis and for sentinels.
    pub tls: Option<RedisTls>,
}

/// Where Redis is.
#[derive(Clone, Debug)]
pub enum RedisMode {
    /// One server, `redis.standalone`.
    Standalone {
        /// Its address. 127.0.0.1:6379.
        addr: HostPort,
        /// The number of the database. 0.
        db: u16,
    },
    /// The server that the sentinels name, `redis.sentinel`.
    Sentinel {
        /// The addresses of sentinels, of which one that answers is enough.
        addrs: Vec<HostPort>,
        /// What the sentinels call the master.
        master_name: String,
        /// The number of the database. 0.
        db: u16,
        /// The ACL user at the sentinels.
        username: Option<String>,
        /// Its password.
        password: Option<Secret>,
    },
    /// A Redis Cluster, `redis.cluster`. All keys are in one slot.
    Cluster {
        /// The addresses of some nodes.
        addrs: Vec<HostPort>,
    },
}

/// TLS to Redis, `redis.tls`. The files are read at each connect.
#[derive(Clone, Debug, Default)]
pub struct RedisTls {
    /// PEM of the authorities to trust; empty for those of the system.
    pub ca_certs: Vec<PathBuf>,
    /// PEM of the certificate and key to present; `None` for none.
    pub identity: Option<(PathBuf, PathBuf)>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Standalone,
    Sentinel,
    Cluster,
}

impl Choice for Kind {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("standalone", Self::Standalone), ("sentinel", Self::Sentinel), ("cluster", Self::Cluster)];
}

impl RedisConfig {
    /// A server without TLS and password, at this address.
    #[must_use]
    pub fn standalone(addr: HostPort) -> Self {
        Self::new(RedisMode::Standalone { addr, db: 0 })
    }

    /// The defaults, in this mode.
    #[must_use]
    pub fn new(mode: RedisMode) -> Self {
        Self {
            section: "redis",
            mode,
            username: None,
            password: None,
            dial_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(3),
            tls: None,
        }
    }

    /// Reads the section, whose path `section` is.
    #[must_use]
    pub fn read(redis: &Section<'_>, section: &'static str) -> Self {
        let default = Self::standalone(HostPort::new("127.0.0.1", 6379));
        let (redis, login) = (&redis.fixed(), redis.reloadable());
        let range = Duration::from_millis(10)..=Duration::from_secs(300);
        let time = |key, default| redis.seconds_within(key, default, range.clone());
        let config = Self {
            section,
            mode: RedisMode::read(redis),
            username: login.optional_filled("username"),
            password: login.optional_filled("password"),
            dial_timeout: time("dial_timeout", default.dial_timeout),
            read_timeout: time("read_timeout", default.read_timeout),
            write_timeout: time("write_timeout", default.write_timeout),
            tls: RedisTls::read(&redis.section("tls")),
        };
        if config.username.is_some() && config.password.is_none() {
            redis.reject("password", "is required with `username`");
        }
        config
    }
}

impl RedisConfig {
    /// The files that it names. Those of TLS are read at each connect, those of passwords with the configuration.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let sentinel = match &self.mode {
            RedisMode::Sentinel { password, .. } => password.as_ref(),
            RedisMode::Standalone { .. } | RedisMode::Cluster { .. } => None,
        };
        let secrets = self.password.iter().chain(sentinel).filter_map(Secret::file).map(Path::to_path_buf);
        let tls = self.tls.iter().flat_map(|tls| {
            tls.ca_certs.iter().chain(tls.identity.iter().flat_map(|(cert, key)| [cert, key])).cloned()
        });
        secrets.chain(tls).collect()
    }

    /// Reads the files of TLS. Gives the key and a line for each that is of no use. Blocks while it does.
    #[must_use]
    pub fn check_files(&self) -> Vec<(String, String)> {
        let Some(tls) = &self.tls else { return Vec::new() };
        let wrong = tls.client().check().into_iter().map(|(file, error)| {
            let key = match file {
                ClientFile::CaCertificate(index) => format!("ca_certs[{index}]"),
                ClientFile::Certificate => "cert".to_owned(),
                ClientFile::Key => "key".to_owned(),
            };
            (format!("{}.tls.{key}", self.section), error.to_string())
        });
        wrong.collect()
    }

    /// What it shows and trusts over TLS: to look at, not to connect with.
    #[must_use]
    pub fn client_tls(&self) -> Option<ClientTls> {
        self.tls.as_ref().map(RedisTls::client)
    }
}

impl RedisConfig {
    /// The key that says where to connect.
    pub(crate) fn key(&self) -> String {
        let key = match self.mode {
            RedisMode::Standalone { .. } => "standalone.addr",
            RedisMode::Sentinel { .. } => "sentinel.addrs",
            RedisMode::Cluster { .. } => "cluster.addrs",
        };
        format!("{}.{key}", self.section)
    }
}

impl RedisMode {
    /// Asks for the keys of all modes: a file may have sections of those that it does not use.
    fn read(redis: &Section<'_>) -> Self {
        let kind = redis.filled("mode", Kind::Standalone);
        let (standalone, sentinel) = (redis.section("standalone"), redis.section("sentinel"));
        let cluster = redis.section("cluster");
        let db = |section: &Section<'_>| section.get("db", 0);
        let of_standalone = Self::Standalone {
            addr: standalone.filled("addr", HostPort::new("127.0.0.1", 6379)),
            db: db(&standalone),
        };
        let sentinels: Vec<HostPort> = sentinel.list("addrs", Vec::new());
        let master_name: Option<String> = sentinel.optional_filled("master_name");
        let nodes: Vec<HostPort> = cluster.list("addrs", Vec::new());
        match kind {
            Kind::Sentinel if sentinels.is_empty() => sentinel.reject("addrs", "is required in this mode"),
            Kind::Cluster if nodes.is_empty() => cluster.reject("addrs", "is required in this mode"),
            _ => {}
        }
        if matches!(kind, Kind::Sentinel) && master_name.is_none() {
            sentinel.reject("master_name", "is required in this mode");
        }
        let of_sentinel = Self::Sentinel {
            addrs: sentinels,
            master_name: master_name.unwrap_or_default(),
            db: db(&sentinel),
            username: sentinel.reloadable().optional("username"),
            password: sentinel.reloadable().optional("password"),
        };
        match kind {
            Kind::Standalone => of_standalone,
            Kind::Sentinel => of_sentinel,
            Kind::Cluster => Self::Cluster { addrs: nodes },
        }
    }
}

impl RedisTls {
    fn read(tls: &Section<'_>) -> Option<Self> {
        let enable = tls.fixed().is_enabled(false);
        let tls = &tls.reloadable();
        let cert: Option<PathBuf> = tls.optional("cert");
        let key: Option<PathBuf> = tls.optional("key");
        if cert.is_some() != key.is_some() {
            tls.reject(if cert.is_some() { "key" } else { "cert" }, "`cert` and `key` belong together");
        }
        let this = Self { ca_certs: tls.list("ca_certs", Vec::new()), identity: cert.zip(key) };
        enable.then_some(this)
    }

    fn client(&self) -> ClientTls {
        let tls = self.ca_certs.iter().fold(ClientTls::new(), ClientTls::ca_file);
        match &self.identity {
            Some((cert, key)) => tls.identity_files(cert, key),
            None => tls,
        }
    }
}

#[cfg(test)]
mod tests;
