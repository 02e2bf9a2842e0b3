//! The section `redis`: its defaults, its modes, and its mistakes.

use super::*;
use frontier_config as config;

fn read(text: &str) -> Result<RedisConfig, String> {
    let read = |root: &Section<'_>| RedisConfig::read(&root.section("redis"), "redis");
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
    assert_eq!((config.dial_timeout, config.write_timeout), (Duration::from_secs(1), Duration::from_secs(3)));
    assert_eq!(config.tls.as_ref().unwrap().identity, Some(("c.pem".into(), "k.pem".into())));
    let config = read(&text("sentinel")).unwrap();
    let RedisMode::Sentinel { addrs, master_name, db: 4, .. } = &config.mode else { panic!("{config:?}") };
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
