use frontier_daemon::config::{Choice, FromValue, Invalid, Secret, Section, Value};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How Redis is reached: the section `redis`.
#[derive(Clone, Debug)]
pub struct RedisConfig {
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
    /// PEM of the certificate and key to show; `None` for none.
    pub identity: Option<(PathBuf, PathBuf)>,
}

#[derive(Clone, Copy)]
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
            mode,
            username: None,
            password: None,
            dial_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(3),
            tls: None,
        }
    }

    /// Reads the section `redis`.
    #[must_use]
    pub fn read(redis: &Section<'_>) -> Self {
        let default = Self::standalone(HostPort::new("127.0.0.1", 6379));
        let time =
            |key, default| redis.within(key, default, Duration::from_millis(10)..=Duration::from_secs(300));
        let config = Self {
            mode: RedisMode::read(redis),
            username: redis.optional("username"),
            password: redis.optional("password"),
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

impl RedisMode {
    /// Asks for the keys of all modes: a file may have sections of those that it does not use.
    fn read(redis: &Section<'_>) -> Self {
        let kind = redis.get("mode", Kind::Standalone);
        let (standalone, sentinel) = (redis.section("standalone"), redis.section("sentinel"));
        let cluster = redis.section("cluster");
        let db = |section: &Section<'_>| section.get("db", 0);
        let of_standalone = Self::Standalone {
            addr: standalone.get("addr", HostPort::new("127.0.0.1", 6379)),
            db: db(&standalone),
        };
        let sentinels: Vec<HostPort> = sentinel.list("addrs", Vec::new());
        let master_name: Option<String> = sentinel.optional("master_name");
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
            username: sentinel.optional("username"),
            password: sentinel.optional("password"),
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
        let enable = tls.get("enable", false);
        let cert: Option<PathBuf> = tls.optional("cert");
        let key: Option<PathBuf> = tls.optional("key");
        if cert.is_some() != key.is_some() {
            tls.reject(if cert.is_some() { "key" } else { "cert" }, "`cert` and `key` belong together");
        }
        let this = Self { ca_certs: tls.list("ca_certs", Vec::new()), identity: cert.zip(key) };
        enable.then_some(this)
    }
}

/// A host, by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl HostPort {
    /// This host and port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl std::str::FromStr for HostPort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or(())?,
            None if host.contains(':') => return Err(()),
            None => host,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(plain) {
            return Err(());
        }
        Ok(Self { host: host.to_owned(), port: port.parse().map_err(|_| ())? })
    }
}

impl FromValue for HostPort {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        value.parse("a host and port such as redis.example:6379")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_daemon::config;

    fn read(text: &str) -> Result<RedisConfig, String> {
        let read = |root: &Section<'_>| RedisConfig::read(&root.section("redis"));
        config::load(text, &|name| (name == "PW").then(|| "hunter2".into()), &[], read)
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn nothing_written_is_a_server_on_this_host() {
        let config = read("").unwrap();
        assert!(
            matches!(&config.mode, RedisMode::Standalone { addr, db: 0 } if addr.to_string() == "127.0.0.1:6379")
        );
        assert!(config.tls.is_none() && config.password.is_none());
    }

    #[test]
    fn every_mode_is_read_and_the_sections_of_others_may_stay() {
        let text = |mode: &str| {
            format!(
                "
redis:
  mode: {mode}
  username: atlas
  password: {{env: PW}}
  dial_timeout: 1s
  read_timeout: 2s
  write_timeout: 3s
  standalone: {{addr: redis.example:6380, db: 3}}
  sentinel: {{addrs: ['[::1]:26379', s2:26379], master_name: atlas, db: 4, username: u, password: hunter2}}
  cluster: {{addrs: [n1:7000]}}
  tls: {{enable: true, ca_certs: [ca.pem], cert: c.pem, key: k.pem}}
"
            )
        };
        let config = read(&text("standalone")).unwrap();
        assert!(
            matches!(&config.mode, RedisMode::Standalone { addr, db: 3 } if *addr == HostPort::new("redis.example", 6380))
        );
        assert_eq!(config.password.as_ref().map(Secret::expose), Some("hunter2"));
        assert_eq!(
            (config.dial_timeout, config.write_timeout),
            (Duration::from_secs(1), Duration::from_secs(3))
        );
        assert_eq!(config.tls.as_ref().unwrap().identity, Some(("c.pem".into(), "k.pem".into())));
        let config = read(&text("sentinel")).unwrap();
        let RedisMode::Sentinel { addrs, master_name, db: 4, .. } = &config.mode else {
            panic!("{config:?}")
        };
        assert_eq!((addrs[0].to_string().as_str(), addrs[0].host.as_str()), ("[::1]:26379", "::1"));
        assert_eq!((addrs.len(), master_name.as_str()), (2, "atlas"));
        assert!(!format!("{config:?}").contains("hunter2"));
        let config = read(&text("cluster")).unwrap();
        assert!(matches!(&config.mode, RedisMode::Cluster { addrs } if addrs.len() == 1));
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let errors = read(
            "
redis:
  mode: sentinel
  username: atlas
  dial_timeout: 0s
  standalone: {addr: 'redis://h:1', db: x}
  sentinel: {adrs: []}
  cluster: {addrs: ['::1:7000', 'a b:1', ':1', h]}
  tls: {enable: true, cert: c.pem}
",
        )
        .unwrap_err();
        for mistake in [
            "redis.password: is required with `username`",
            "redis.dial_timeout: must lie between",
            "redis.standalone.addr: expected a host and port such as redis.example:6379, found `redis://h:1`",
            "redis.standalone.db: expected a whole number",
            "redis.sentinel.addrs: is required in this mode",
            "redis.sentinel.master_name: is required in this mode",
            "redis.sentinel.adrs: unknown key, did you mean `addrs`?",
            "redis.cluster.addrs[0]: expected a host and port",
            "redis.cluster.addrs[1]: expected a host and port",
            "redis.cluster.addrs[2]: expected a host and port",
            "redis.cluster.addrs[3]: expected a host and port",
            "redis.tls.key: `cert` and `key` belong together",
        ] {
            assert!(errors.contains(mistake), "{mistake}\nnot in\n{errors}");
        }
        assert!(read("redis: {mode: cluster}").unwrap_err().contains("redis.cluster.addrs: is required"));
    }
}
