//! By which names a port is reached that asks nobody who they are.
//!
//! A page that a browser of this machine has open may have its own name lead to this machine (DNS rebinding), and then it
//! is of the same origin as what listens here, reads all answers and sends what it likes. What it can't choose is the host
//! that the browser names in each request: its own name. So where a port is for this machine alone, and credentials keep
//! nobody out, only requests for this machine by name are answered. Over TLS there is nothing to do: the browser has seen a
//! certificate for the name.
//!
//! A request that names no host is answered: no browser sends one.

use crate::error::ApiError;
use crate::guard::{HEALTH_PATH, refusal};
use crate::operators::is_local;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use frontier_config::{FromValue, Invalid, Section, Value};
use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use std::net::{IpAddr, SocketAddr};

/// The names by which a port may be reached beside `localhost` and loopback addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    /// In lower case, without a port.
    names: Vec<String>,
    /// Where they are set, for those who are refused.
    key: String,
}

/// Which hosts requests may be for.
#[derive(Clone, Debug)]
pub(crate) struct HostRule {
    allowed: AllowedHosts,
    is_enforced: bool,
}

/// A name or an address, as it stands in the configuration.
#[derive(Debug)]
struct HostName(String);

impl FromValue for HostName {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "a name or an address without a port, such as gateway.example";
        let text = value.text(what)?;
        let is_v6 = text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6());
        let is_host = text.parse::<Authority>().is_ok_and(|authority| authority.host() == text);
        if !is_v6 && !is_host {
            return Err(Invalid::expected(what, text));
        }
        Ok(Self(text.trim_matches(['[', ']']).to_ascii_lowercase()))
    }
}

impl AllowedHosts {
    /// Reads `allowed_hosts` of the section.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let names: Vec<HostName> = section.list("allowed_hosts", Vec::new());
        let names = names.into_iter().map(|HostName(name)| name).collect();
        Self { names, key: format!("{}.allowed_hosts", section.path()) }
    }

    fn has(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        host.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback())
            || self.names.iter().any(|name| {
                name.eq_ignore_ascii_case(host) || (address.is_some() && name.parse().ok() == address)
            })
    }
}

impl HostRule {
    /// For a port at `addr`, over TLS or not. What is written down holds wherever the port is.
    pub(crate) fn new(addr: SocketAddr, has_tls: bool, allowed: AllowedHosts) -> Self {
        let is_enforced = !has_tls && (is_local(addr) || !allowed.names.is_empty());
        Self { allowed, is_enforced }
    }

    /// # Errors
    /// That this is a request for another host, by its URI or its header.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let of_header = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or("?"));
        let mut hosts = uri.authority().map(Authority::as_str).into_iter().chain(of_header);
        if !self.is_enforced || hosts.all(|host| self.allows(host)) {
            return Ok(());
        }
        let key = &self.allowed.key;
        Err(ApiError::Denied(format!(
            "the request is for a host by another name than this machine's: no credentials are asked for here, so ask \
             localhost or a loopback address, or name the host in `{key}`"
        )))
    }

    fn allows(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return authority.is_empty() };
        self.allowed.has(authority.host())
    }
}

/// Lets requests for this machine pass, and for [`HEALTH_PATH`] all.
pub(crate) async fn enforce(State(rule): State<HostRule>, request: Request, next: Next) -> Response {
    if request.uri().path() == HEALTH_PATH {
        return next.run(request).await;
    }
    match rule.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => *refusal(error, request.headers()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(hosts: &str) -> Result<AllowedHosts, String> {
        let read = |root: &Section<'_>| AllowedHosts::read(&root.section("listen").fixed());
        let yaml = format!("listen: {{allowed_hosts: [{hosts}]}}");
        frontier_config::load(&yaml, &|_| None, &[], read).map_err(|errors| errors.to_string())
    }

    fn rule(addr: &str, has_tls: bool, hosts: &str) -> HostRule {
        HostRule::new(addr.parse().unwrap(), has_tls, read(hosts).unwrap())
    }

    fn answers(rule: &HostRule, uri: &str, hosts: &[&str]) -> bool {
        let headers = hosts.iter().map(|host| (header::HOST, host.parse().unwrap()));
        rule.check(&uri.parse().unwrap(), &headers.collect()).is_ok()
    }

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        let rule = rule("127.0.0.1:1", false, "Gateway.example, '192.0.2.1', '[2001:db8::1]'");
        for (host, is_own) in [
            ("127.0.0.1:30010", true),
            ("127.9.9.9", true),
            ("[::1]:30010", true),
            ("[::ffff:127.0.0.1]", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("gateway.EXAMPLE:30010", true),
            ("192.0.2.1", true),
            ("[2001:db8:0::1]:1", true),
            ("", true),
            ("192.0.2.2", false),
            ("0.0.0.0", false),
            ("evil.example:30010", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("evilgateway.example", false),
            ("gateway.example.", false),
            ("localhost@evil.example", false),
            ("a b", false),
        ] {
            assert_eq!(answers(&rule, "/", &[host]), is_own, "{host}");
        }
        assert!(answers(&rule, "/", &[]), "no browser leaves it out");
    }

    #[test]
    fn each_way_to_name_a_host_counts() {
        let rule = rule("[::1]:1", false, "");
        assert!(answers(&rule, "http://localhost:1/", &["127.0.0.1"]));
        assert!(!answers(&rule, "http://evil.example/", &["localhost"]));
        assert!(!answers(&rule, "http://localhost/", &["evil.example"]));
        assert!(!answers(&rule, "/", &["localhost", "evil.example"]));
    }

    #[test]
    fn it_is_for_ports_of_this_machine_without_tls_and_where_hosts_are_named() {
        for (addr, has_tls, hosts, is_enforced) in [
            ("127.0.0.1:1", false, "", true),
            ("[::ffff:127.0.0.1]:1", false, "", true),
            ("127.0.0.1:1", true, "", false),
            ("0.0.0.0:1", false, "", false),
            ("0.0.0.0:1", false, "a", true),
            ("0.0.0.0:1", true, "a", false),
        ] {
            let rule = rule(addr, has_tls, hosts);
            assert_eq!(answers(&rule, "/", &["evil.example"]), !is_enforced, "{addr} {has_tls} {hosts}");
        }
        let refused = rule("127.0.0.1:1", false, "").check(&"http://a/".parse().unwrap(), &HeaderMap::new());
        assert!(refused.unwrap_err().to_string().contains("`listen.allowed_hosts`"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for wrong in ["a:1", "'a b'", "''", "'http://a'", "a/b", "user@a", "'*:'"] {
            assert!(read(wrong).unwrap_err().contains("listen.allowed_hosts[0]: "), "{wrong}");
        }
    }
}
