use crate::config::{Config, Daemon, Edgebound, Limits, Listen, Servicebound};
use frontier_daemon::telemetry::LogConfig;
use std::fmt::Debug;

/// What is set once, at the start: each key with its value.
#[derive(Debug)]
pub(super) struct Fixed(Vec<(&'static str, String)>);

impl Fixed {
    /// Everything is named here, so that a key which is added is either listed or left out on purpose.
    pub(super) fn new(config: &Config) -> Self {
        let Config {
            log, daemon, edgebound, servicebound, balance, call_timeout, limits, membership, ..
        } = config;
        let LogConfig { level: _, format, output } = log;
        let Daemon { threads, grace, drain_spread } = daemon;
        let Edgebound { listeners, allocate_ids, requested_ids, callback_timeout, alternatives } = edgebound;
        let Servicebound { listeners: service_listeners, alternatives: for_services } = servicebound;
        let balance: &frontier_exchange::Balance = balance;
        let mut fixed = Self(Vec::new());
        fixed.add("log.format", format);
        fixed.add("log.output", output);
        fixed.add("daemon.threads", threads);
        fixed.add("daemon.grace", grace);
        fixed.add("daemon.drain_spread", drain_spread);
        fixed.add("edgebound.alternatives", alternatives);
        fixed.add("servicebound.alternatives", for_services);
        fixed.add("frontlas", membership);
        fixed.add("edgebound listeners", &places(listeners));
        fixed.add("edgebound.edgeid_alloc_when_no_idservice_on", allocate_ids);
        fixed.add("edgebound.allow_requested_id", requested_ids);
        fixed.add("edgebound.callback_timeout", callback_timeout);
        fixed.add("servicebound listeners", &places(service_listeners));
        fixed.add("exchange.hashby", balance);
        fixed.add("exchange.call_timeout", call_timeout);
        fixed.add_limits(limits);
        fixed
    }

    fn add_limits(&mut self, limits: &Limits) {
        let Limits {
            frame,
            payload,
            connections,
            connections_per_address,
            streams,
            calls,
            outbox,
            window_growth,
            bulk_rate,
            handshake_timeout,
            heartbeat,
            slow_peer_timeout,
            meta,
            name_len,
            custom_len,
            names,
            max_timeout,
        } = limits;
        self.add("limits.frame_size", frame);
        self.add("limits.payload_size", payload);
        self.add("limits.connections", connections);
        self.add("limits.connections_per_address", connections_per_address);
        self.add("limits.streams_per_connection", streams);
        self.add("limits.calls_per_connection", calls);
        self.add("limits.outbox_size", outbox);
        self.add("limits.window_growth_size", window_growth);
        self.add("limits.bulk_rate", bulk_rate);
        self.add("limits.handshake_timeout", handshake_timeout);
        self.add("limits.heartbeat", heartbeat);
        self.add("limits.slow_peer_timeout", slow_peer_timeout);
        self.add("limits.meta_size", meta);
        self.add("limits.name_size", name_len);
        self.add("limits.custom_size", custom_len);
        self.add("limits.names_per_service", names);
        self.add("limits.max_timeout", max_timeout);
    }

    fn add(&mut self, key: &'static str, value: &impl Debug) {
        self.0.push((key, format!("{value:?}")));
    }

    /// The keys that have another value in `other`.
    pub(super) fn changed<'f>(&'f self, other: &'f Self) -> impl Iterator<Item = &'static str> + 'f {
        let differs = |((key, ours), (_, theirs)): (&(&'static str, String), &(&str, String))| {
            (ours != theirs).then_some(*key)
        };
        self.0.iter().zip(&other.0).filter_map(differs)
    }
}

/// What is bound and said of it; certificates are not, nor who may connect.
fn places(listeners: &[Listen]) -> Vec<String> {
    let place = |listen: &Listen| {
        let Listen { network, addr, advertised_addr, tls, auth: _ } = listen;
        format!("{network:?} {addr} {advertised_addr:?} {}", tls.is_some())
    };
    listeners.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(yaml: &str) -> Fixed {
        Fixed::new(&Config::parse(yaml, &|_| None).unwrap())
    }

    #[test]
    fn what_takes_a_restart_is_named() {
        let before = fixed("");
        let after = "
log: {level: debug, format: json}
edgebound: {listen: {addr: 127.0.0.1:1}, auth: {methods: [{token: {file: /t}}]}}
limits: {meta_size: 1KiB}
reload: {enforce: true}
";
        let changed: Vec<_> = before.changed(&fixed(after)).collect();
        assert_eq!(changed, ["log.format", "edgebound listeners", "limits.meta_size"]);
        assert_eq!(before.changed(&fixed("log: {level: trace}")).count(), 0);
    }
}
