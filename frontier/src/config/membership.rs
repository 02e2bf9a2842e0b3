//! The cluster that a gateway is part of: the section `frontlas`.

use super::{Forward, TokenSource};
use frontier_config::{Choice, Section};
use frontier_transport::{ClientTls, DialOptions, Endpoint};
use std::net::IpAddr;
use std::path::PathBuf;

/// How a gateway is part of a cluster: the section `frontlas`, and what others must know of it.
#[derive(Clone, Debug)]
pub struct Membership {
    /// `daemon.frontier_id`: its id in the cluster. `None` for the host's name and the port for edges.
    pub frontier_id: Option<String>,
    /// `frontlas.dial.addrs`: any of them will do.
    pub frontlas: Vec<Endpoint>,
    /// `frontlas.dial.tls`.
    pub dial: DialOptions,
    /// `frontlas.dial.token` or `token_file`: by what this gateway is known to frontlas; `None` to show no token.
    pub token: Option<TokenSource>,
    /// `frontlas.forward`, if it is enabled.
    pub forward: Option<Forward>,
    /// `frontlas.alternatives`: who is told of the other gateways when this one drains, unless the configuration
    /// names some.
    pub alternatives: ClusterAlternatives,
}

/// Who goes to the other gateways of the cluster when one drains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClusterAlternatives {
    /// Edges and services.
    #[default]
    All,
    /// Edges. For services that are connected to every gateway, by a client for each.
    Edges,
    /// Nobody.
    None,
}

impl Choice for ClusterAlternatives {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("all", Self::All), ("edges", Self::Edges), ("none", Self::None)];
}

impl Membership {
    /// `None` where `frontlas.enable` is false; what is written beside it must be right all the same.
    pub(super) fn read(root: &Section<'_>) -> Option<Self> {
        let root = root.fixed_as("frontlas");
        let frontlas = root.section("frontlas");
        let dial = frontlas.section("dial");
        let endpoints = endpoints(&dial);
        let is_secure = endpoints.iter().any(Endpoint::is_secured);
        let token = TokenSource::read(&dial);
        if token.is_some() && is_secure && !endpoints.iter().all(Endpoint::is_secured) {
            let text = "has addresses with and without TLS: when one with TLS fails, the token would be readable on the \
                        way to one without; name only addresses over tls, wss or quic";
            dial.reject("addrs", text);
        }
        let mut forward = Forward::read(&frontlas.section("forward"));
        if let Some(forward) = &mut forward {
            forward.is_secured |= endpoints.iter().all(Endpoint::is_secured);
        }
        let membership = Self {
            frontier_id: frontier_id(&root.section("daemon")),
            frontlas: endpoints,
            dial: DialOptions { tls: dial_tls(&dial.section("tls"), is_secure), ..DialOptions::default() },
            token,
            forward,
            alternatives: frontlas.get("alternatives", ClusterAlternatives::default()),
        };
        let is_member = frontlas.is_enabled(false);
        if membership.forward.is_some() && !is_member {
            frontlas
                .section("forward")
                .reject("enable", "needs `frontlas.enable`: nobody else tells where edges are");
        }
        let membership = is_member.then_some(membership);
        root.record(&membership);
        membership
    }
}

impl Membership {
    /// A line for each address to which the token goes so that others can read it on the way.
    pub(super) fn warnings(&self) -> Vec<String> {
        let is_open = |endpoint: &&Endpoint| !endpoint.is_secured() && !is_local(endpoint.host_port().0);
        let addrs = self.frontlas.iter().filter(is_open).filter(|_| self.token.is_some());
        let line = |addr| {
            format!(
                "frontlas.dial.addrs: the token that is shown to {addr} can be read on the way: dial a tls, wss or quic URL"
            )
        };
        addrs.map(line).collect()
    }
}

/// Whether what goes there stays on this machine.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

fn frontier_id(daemon: &Section<'_>) -> Option<String> {
    let id: String = daemon.get("frontier_id", String::new());
    if id.len() > 255 || id.chars().any(char::is_control) {
        daemon.reject("frontier_id", "must have at most 255 bytes and no control characters");
    }
    (!id.is_empty()).then_some(id)
}

/// Addresses are `host:port` in the language of `network`, or URLs.
fn endpoints(dial: &Section<'_>) -> Vec<Endpoint> {
    let mut network: String = dial.get("network", "tcp".into());
    if !["tcp", "tls", "quic", "ws", "wss"].contains(&network.as_str()) {
        dial.reject("network", "must be one of tcp, tls, quic, ws, wss");
        return Vec::new();
    }
    if network == "tcp" && is_tls_enabled(&dial.section("tls")) {
        network = "tls".into();
    }
    let addrs: Vec<String> = dial.list("addrs", vec!["127.0.0.1:40012".into()]);
    if addrs.is_empty() {
        dial.reject("addrs", "must have an address");
    }
    let mut endpoints = Vec::new();
    for addr in addrs {
        let url = if addr.contains("://") { addr } else { format!("{network}://{addr}") };
        match url.parse() {
            Ok(endpoint) => endpoints.push(endpoint),
            Err(error) => dial.reject("addrs", format!("{error}")),
        }
    }
    endpoints
}

/// Whether the section says that TLS is spoken where the address does not, as the Go original has it.
pub(super) fn is_tls_enabled(tls: &Section<'_>) -> bool {
    tls.get("enable", false)
}

/// With the name of the server, for those that are dialled by an address.
pub(super) fn dial_tls(section: &Section<'_>, is_secure: bool) -> ClientTls {
    let settings = tls(section, is_secure);
    let Some(name) = section.optional::<String>("server_name") else { return settings };
    let settings = settings.server_name(name);
    if let Err(error) = settings.name("") {
        section.reject("server_name", error.to_string());
    }
    settings
}

pub(super) fn tls(section: &Section<'_>, is_secure: bool) -> ClientTls {
    let path = |key| section.optional::<PathBuf>(key);
    let mut tls = ClientTls::new();
    let cas = section.list::<PathBuf>("ca_certs", Vec::new());
    // Where it is said that there is no TLS, the rest may lie ready.
    if !cas.is_empty() && !is_secure && section.optional::<bool>("enable") != Some(false) {
        section.reject("ca_certs", "is of no use: no address is dialled over TLS");
    }
    for ca in cas {
        tls = tls.ca_file(ca);
    }
    let pairs = section.sections("certs");
    let (cert, key) = match &pairs[..] {
        [] => (path("cert"), path("key")),
        [pair] => {
            if path("cert").is_some() || path("key").is_some() {
                section.reject("certs", "is there beside `cert` and `key`: one certificate is shown");
            }
            (Some(pair.required("cert", PathBuf::new())), Some(pair.required("key", PathBuf::new())))
        }
        [_, second, ..] => {
            for pair in &pairs {
                let _ = (pair.optional::<PathBuf>("cert"), pair.optional::<PathBuf>("key"));
            }
            second.reject("cert", "is one too many: one certificate is shown");
            (None, None)
        }
    };
    if section.get("mtls", false) && (cert.is_none() || key.is_none()) {
        section.reject("mtls", "needs `certs`: without a certificate there is none to show");
    }
    match (cert, key) {
        (Some(cert), Some(key)) => tls = tls.identity_files(cert, key),
        (None, None) => {}
        (Some(_), None) => section.reject("key", "is required with `cert`"),
        (None, Some(_)) => section.reject("cert", "is required with `key`"),
    }
    tls = tls.alpn(section.list::<String>("alpn", vec!["frontier/1".into()]));
    if let Err(error) = tls.check_alpn() {
        section.reject("alpn", error.to_string());
    }
    if section.get("insecure_skip_verify", false) {
        tls = tls.danger_accept_any_certificate();
    }
    tls
}

#[cfg(test)]
mod tests {
    use crate::{Config, testing};

    fn read(yaml: &str) -> Result<Config, String> {
        Config::parse(yaml, &|_| None).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_gateway_is_part_of_a_cluster_if_it_is_told_to() {
        assert!(read("frontlas: {dial: {addrs: [a:1]}}").unwrap().membership.is_none());
        let member = |frontlas| testing::config_of_member(frontlas).membership.unwrap();
        let urls = member("{enable: true, dial: {network: ws, addrs: [a:1, 'tcp://b:2']}}").frontlas;
        let default = member("{enable: true}");
        assert_eq!(default.alternatives, super::ClusterAlternatives::All);
        assert_eq!(urls.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ws://a:1", "tcp://b:2"]);
    }

    #[test]
    fn a_token_never_goes_from_an_address_over_tls_to_one_without() {
        for token in ["token: a", "token_file: /t"] {
            let with = |addrs: &str| read(&format!("frontlas: {{dial: {{{token}, addrs: [{addrs}]}}}}"));
            let error = with("'tls://a:1', 'tcp://b:2'").unwrap_err();
            assert!(error.contains("frontlas.dial.addrs: has addresses with and without TLS"), "{error}");
            for addrs in ["'tls://a:1', 'quic://b:2'", "'tcp://a:1', 'ws://b:2'"] {
                with(addrs).unwrap();
            }
        }
        read("frontlas: {dial: {addrs: ['tls://a:1', 'tcp://b:2']}}").unwrap();
    }

    #[test]
    fn a_token_that_can_be_read_on_the_way_is_warned_of() {
        let warnings = |dial: &str| {
            let config = testing::config_of_member(&format!("{{enable: true, dial: {{{dial}}}}}"));
            config.membership.unwrap().warnings()
        };
        let addrs = "addrs: ['10.0.0.1:3', '127.0.0.1:1', '[::1]:2', 'localhost:4']";
        assert_eq!(warnings(addrs), [] as [&str; 0]);
        let lines = warnings(&format!("token: a, {addrs}"));
        assert!(
            lines.len() == 1
                && lines[0].contains("frontlas.dial.addrs: ")
                && lines[0].contains("tcp://10.0.0.1:3")
        );
        assert_eq!(warnings("token: a, network: tls, addrs: ['10.0.0.1:3']"), [] as [&str; 0]);
    }

    #[test]
    fn each_mistake_is_found_whether_it_is_enabled_or_not() {
        for (yaml, expected) in [
            ("frontlas: {dial: {addrs: [a]}}", "frontlas.dial.addrs: "),
            ("frontlas: {dial: {addrs: []}}", "frontlas.dial.addrs: must have"),
            ("frontlas: {alternatives: some}", "frontlas.alternatives: "),
            ("frontlas: {dial: {network: udp}}", "frontlas.dial.network: must be"),
            ("frontlas: {dial: {tls: {ca_certs: [a.pem]}}}", "frontlas.dial.tls.ca_certs: is of no use"),
            ("frontlas: {dial: {network: tls, tls: {cert: a.pem}}}", "frontlas.dial.tls.key: is required"),
            ("daemon: {frontier_id: \"a\\nb\"}", "daemon.frontier_id: must have"),
            ("frontlas: {dial: {tls: {alpn: ['']}}}", "frontlas.dial.tls.alpn: at most 16"),
            ("frontlas: {forward: {tls: {alpn: ['']}}}", "frontlas.forward.tls.alpn: at most 16"),
            ("frontlas: {forward: {enable: true}}", "frontlas.forward.enable: needs `frontlas.enable`"),
            ("frontlas: {forward: {idle: 0s}}", "frontlas.forward.idle: "),
            (
                "frontlas: {forward: {token: a, token_file: b}}",
                "frontlas.forward.token_file: is there beside",
            ),
            ("frontlas: {dial: {token: a, token_file: b}}", "frontlas.dial.token_file: is there beside"),
            ("frontlas: {forward: {tls: {cert: a.pem}}}", "frontlas.forward.tls.key: is required"),
        ] {
            let error = read(yaml).unwrap_err();
            assert!(error.contains(expected), "{yaml}: {error}");
        }
    }
}
