//! Files of the Go original load as they are: its keys that mean nothing here are taken, and it is said.

use crate::access::{CONTROL_PLANE, FRONTIER_PLANE};
use frontier_config::Section;
use frontier_daemon::foreign_keys;

/// Keys of `redis` about a pool of connections, as its documentation and its samples write them.
const POOL: &[&str] = &[
    "client_name",
    "clientname",
    "conn_max_idle_time",
    "conn_max_life_time",
    "conn_max_lifetime",
    "disable_identity",
    "disable_indentity",
    "identity_suffix",
    "max_active_conns",
    "max_idle",
    "max_idle_conns",
    "max_retries",
    "max_retry_backoff",
    "min_idle_conns",
    "min_retry_backoff",
    "pool_fifo",
    "pool_size",
    "pool_timeout",
    "protocol",
];

/// Keys about which of several servers is asked.
const ROUTES: &[&str] =
    &["max_redirects", "replica_only", "route_by_latency", "route_randomly", "use_disconnected_replicas"];

/// A line for each that is written.
pub(crate) fn ignored(root: &Section<'_>) -> Vec<String> {
    let redis = root.section("redis");
    let standalone = redis.section("standalone");
    if !["", "tcp"].contains(&&*standalone.fixed().get("network", String::new())) {
        standalone.reject("network", "only tcp is spoken here");
    }
    let told = "nobody is told of it";
    let planes = [CONTROL_PLANE, FRONTIER_PLANE].map(|plane| root.section(plane).section("listen"));
    let planes = planes.iter().map(|listen| listen.ignored("advertised_addr", told));
    let pool = "a few connections are kept, and made again when one is lost";
    let pool = POOL.iter().map(|key| redis.ignored(key, pool));
    let servers = [redis.section("sentinel"), redis.section("cluster")];
    let routes = "the one that writes is asked, so that nothing old is read";
    let routes = servers.iter().flat_map(|servers| ROUTES.iter().map(|key| servers.ignored(key, routes)));
    let renamed = root.ignored("frontier_manager", "the section is called `frontier_plane`");
    let lines = planes.chain(pool).chain(routes).chain([renamed]).flatten();
    foreign_keys::ignored(root).into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::Store;
    use crate::{Config, RedisMode};
    use std::time::Duration;

    /// As with the variables that a composition sets: both planes listen for all.
    fn load(yaml: &str) -> Result<Config, String> {
        let open = |name: &str| name.ends_with("_OPEN_TO_ALL").then(|| "true".to_owned());
        Config::parse(yaml, &open).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_least_that_the_original_needs_is_enough() {
        let config = load(
            "
daemon: {rlimit: {enable: false, nofile: 1024}, pprof: {enable: true, addr: 0.0.0.0:6061, cpu_profile_rate: 0}}
control_plane: {listen: {network: tcp, addr: 0.0.0.0:40011}}
frontier_plane: {listen: {network: tcp, addr: 0.0.0.0:40012}, expiration: {service_meta: 30, edge_meta: 30}}
redis: {mode: standalone, standalone: {network: tcp, addr: 127.0.0.1:6379, db: 0}}
",
        )
        .unwrap();
        assert_eq!(config.lifetimes.edge_meta, Duration::from_secs(30));
        let lines = config.warnings();
        for key in ["daemon.pprof", "daemon.rlimit"] {
            assert!(lines.iter().any(|line| line.contains(&format!("{key} is not used: "))), "{lines:?}");
        }
    }

    /// Each key of the original with the value of its sample, or one like it.
    const EVERY_KEY: &str = "
log: {level: info, format: text, output: stdout, file: {path: /l, max_size: 1, max_backups: 5, max_age: 30, compress: false}}
daemon: {rlimit: {enable: false, num_file: 1024}, pprof: {enable: true, addr: 0.0.0.0:6061, cpu_profile_rate: 0}}
control_plane:
  listen:
    {network: tcp, addr: 0.0.0.0:40011, advertised_addr: '', tls: {enable: false, mtls: false,
     insecure_skip_verify: false, certs: null, ca_certs: null}}
frontier_manager:
  expiration: {edge_meta: 0, service_meta: 0}
  listen: {network: tcp, addr: 0.0.0.0:40012, advertised_addr: '', tls: {enable: false, certs: null}}
redis:
  {mode: standalone, username: '', password: '', client_name: '', clientname: '', protocol: 0, max_retries: 0, min_retry_backoff: 0,
   max_retry_backoff: 0, dial_timeout: 0, read_timeout: 7, write_timeout: 0, pool_fifo: false, pool_size: 9,
   pool_timeout: 0, min_idle_conns: 0, max_idle: 0, max_idle_conns: 0, max_active_conns: 0, conn_max_idle_time: 0,
   conn_max_lifetime: 0, conn_max_life_time: 0, disable_identity: false, disable_indentity: false, identity_suffix: '',
   standalone: {network: '', addr: '', db: 0},
   sentinel: {addrs: null, master_name: '', db: 0, route_by_latency: false, route_randomly: false,
    replica_only: false, use_disconnected_replicas: false},
   cluster: {addrs: null, max_redirects: 0, route_by_latency: false, route_randomly: true}}
";

    #[test]
    fn every_key_of_the_original_is_taken_and_what_means_nothing_is_told() {
        let config = load(EVERY_KEY).unwrap();
        let Store::Redis(redis) = &config.store else { panic!("{:?}", config.store) };
        assert!(
            matches!(&redis.mode, RedisMode::Standalone { addr, db: 0 } if addr.to_string() == "127.0.0.1:6379")
        );
        assert!(redis.username.is_none() && redis.password.is_none());
        let seconds = [redis.dial_timeout, redis.read_timeout, redis.write_timeout].map(|it| it.as_secs());
        assert_eq!(seconds, [5, 7, 3]);
        let lines = config.warnings();
        for key in [
            "log.file",
            "daemon.pprof",
            "daemon.rlimit",
            "frontier_manager",
            "redis.pool_size",
            "redis.cluster.route_randomly",
        ] {
            assert!(
                lines.iter().any(|line| line.contains(&format!(": {key} is not used: "))),
                "{key}: {lines:?}"
            );
        }
        let unused = lines.iter().filter(|line| line.contains("is not used")).count();
        assert_eq!(unused, 6, "{lines:?}");
    }

    /// The sample of all keys that came with 1.1.0.
    #[test]
    fn the_misspelt_keys_of_a_sample_are_taken() {
        let daemon = "{p_prof: {addr: 0.0.0.0:6061, cpu_profile_rate: 0, enable: true}, r_limit: {enable: false, num_file: 1024}}";
        let lines =
            load(&EVERY_KEY.replace("\ndaemon: ", &format!("\ndaemon: {daemon} #"))).unwrap().warnings();
        for key in ["daemon.p_prof", "daemon.r_limit"] {
            let told = format!(": {key} is not used: ");
            assert!(lines.iter().any(|line| line.contains(&told)), "{key}: {lines:?}");
        }
    }

    #[test]
    fn its_real_mistakes_are_told_all_at_once() {
        let yaml = "
redis: {mode: single, dial_timeout: 1h, pool_sise: 1, standalone: {network: unix}}
frontier_plane: {expiration: {edge_meta: 10}}
";
        let error = load(yaml).err().unwrap();
        let keys = ["redis.mode", "redis.dial_timeout", "redis.pool_sise", "redis.standalone.network"];
        for key in keys.into_iter().chain(["frontier_plane.expiration.edge_meta"]) {
            assert!(error.contains(&format!("{key}: ")), "{key}: {error}");
        }
        assert!(error.starts_with("5 mistakes"), "{error}");
    }
}
