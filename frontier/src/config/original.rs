//! Files of the Go original load as they are: its keys that mean nothing here are taken, and it is said.

use super::{CONTROLPLANE, EDGEBOUND};
use frontier_config::Section;
use frontier_daemon::foreign_keys;

/// A line for each that is written.
pub(super) fn ignored(root: &Section<'_>) -> Vec<String> {
    let (frontlas, bypass) = (root.section("frontlas"), root.section(EDGEBOUND).section("bypass"));
    let plane = root.section(CONTROLPLANE).section("listen");
    let dialled = "it is dialled, and nobody is told of it";
    let lines = [
        root.ignored("dao", "who is connected is kept in memory, without a database"),
        bypass.ignored("advertised_addr", dialled),
        plane.ignored("advertised_addr", "nobody is told of it"),
        frontlas.ignored("metrics", "frontlas hears of every change as it comes"),
        frontlas.section("dial").ignored("advertised_addr", dialled),
    ];
    foreign_keys::ignored(root).into_iter().chain(lines.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use crate::Config;
    use crate::config::Wires;
    use frontier_exchange::Balance;

    fn load(yaml: &str) -> Result<(Config, Vec<String>), String> {
        let config = Config::parse(yaml, &|_| None).map_err(|errors| errors.to_string())?;
        let warnings = config.warnings().map_err(|error| error.to_string())?;
        Ok((config, warnings))
    }

    #[test]
    fn the_least_that_the_original_needs_is_enough() {
        let (config, warnings) = load(
            "
edgebound:
  listen: {network: tcp, addr: 0.0.0.0:30012}
  edgeid_alloc_when_no_idservice_on: true
servicebound:
  listen: {network: tcp, addr: 0.0.0.0:30011}
",
        )
        .unwrap();
        assert_eq!(config.edgebound.listeners[0].wires, Wires::Both);
        assert_eq!(warnings, [] as [&str; 0]);
    }

    /// Each key of the original with the value of its sample, or one like it.
    const EVERY_KEY: &str = "
log:
  {level: info, format: text, output: stdout,
   file: {path: /var/log/frontier.log, max_size: 100, max_backups: 5, max_age: 30, compress: false}}
daemon:
  frontier_id: ''
  pprof: {enable: true, addr: 0.0.0.0:6060, cpu_profile_rate: 0}
  rlimit: {enable: true, nofile: 102400}
dao: {backend: buntdb, debug: false}
exchange: {hashby: ''}
edgebound:
  edgeid_alloc_when_no_idservice_on: true
  listen:
    {network: tcp, addr: 0.0.0.0:30012, advertised_addr: '', tls: {enable: false, mtls: false,
     insecure_skip_verify: false, certs: [{cert: edge.cert, key: edge.key}], ca_certs: [ca1.cert, ca2.cert]}}
  bypass_enable: false
  bypass:
    {network: tcp, addrs: ['192.168.1.10:8443'], advertised_addr: '', tls: {enable: true, mtls: true,
     insecure_skip_verify: false, certs: [{cert: gateway.cert, key: gateway.key}], ca_certs: [ca1.cert]}}
servicebound:
  listen:
    {network: tcp, addr: 0.0.0.0:30011, advertised_addr: '', tls: {enable: false, mtls: false,
     insecure_skip_verify: false, certs: [{cert: service.cert, key: service.key}], ca_certs: [ca1.cert]}}
controlplane:
  enable: false
  listen:
    {network: tcp, addr: 127.0.0.1:30010, advertised_addr: '', tls: {enable: false, mtls: false,
     insecure_skip_verify: false, certs: null, ca_certs: null}}
frontlas:
  enable: false
  dial:
    {network: tcp, addrs: ['127.0.0.1:40012'], advertised_addr: '', tls: {enable: false, mtls: false,
     insecure_skip_verify: false, certs: null, ca_certs: [ca1.cert]}}
  metrics: {enable: false, interval: 0}
";

    #[test]
    fn every_key_of_the_original_is_taken_and_what_means_nothing_is_told() {
        let (config, warnings) = load(EVERY_KEY).unwrap();
        assert_eq!((config.balance, config.control_plane.is_none()), (Balance::EdgeId, true));
        assert!(config.edgebound.bypass.is_none() && config.membership.is_none());
        let told = ["log.file", "daemon.pprof", "daemon.rlimit", "dao", "frontlas.metrics"];
        assert_eq!(warnings.len(), told.len(), "{warnings:?}");
        for (key, line) in told.iter().zip(warnings) {
            assert!(line.contains(&format!(": {key} is not used: ")), "{line}");
        }
    }

    #[test]
    fn its_real_mistakes_are_told_all_at_once() {
        let yaml = "
edgebound: {listen: {network: udp, addr: 0.0.0.0:30012}, bypass_enable: true, bypass: {addrs: null}}
log: {output: file, fle: {}}
dao: {backend: anything}
exchange: {hashby: meta}
";
        let error = load(yaml).err().unwrap();
        for key in
            ["edgebound.listen.network", "edgebound.bypass.addrs", "log.output", "log.fle", "exchange.hashby"]
        {
            assert!(error.contains(&format!("{key}: ")), "{key}: {error}");
        }
        assert!(error.starts_with("5 mistakes"), "{error}");
    }
}
