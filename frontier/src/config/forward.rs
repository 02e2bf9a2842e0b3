//! How calls go on to other gateways: the section `frontlas.forward`.

use super::TokenSource;
use super::membership::tls;
use frontier_config::Section;
use frontier_transport::{ClientTls, DialOptions, DowngradeRule};
use std::borrow::Cow;
use std::time::Duration;

/// How requests go from gateway to gateway: the section `frontlas.forward`.
#[derive(Clone, Debug)]
pub struct Forward {
    /// `tls`: how other gateways are dialled.
    pub dial: DialOptions,
    /// `tls.server_name`: what the certificate of another gateway must be for, with `{frontier_id}` for its id. `None` for
    /// the host that frontlas names.
    pub server_name: Option<String>,
    /// Whether TLS is spoken in this cluster, so that no gateway is reached without: there is something in `tls`, or
    /// frontlas or services here are reached over TLS.
    pub is_secured: bool,
    /// `allow_downgrade`: whether other gateways are reached without TLS all the same.
    pub allows_downgrade: bool,
    /// By what this gateway is known to others; `None` to show no token.
    pub token: Option<TokenSource>,
    /// `idle`: a connection to a gateway that frontlas does not list is closed if it was of no use for so long.
    pub idle: Duration,
}

impl Forward {
    /// `None` where `enable` is false; what is written beside it must be right all the same.
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let tls_section = section.section("tls");
        let server_name = tls_section.optional::<String>("server_name");
        if let Some(Err(error)) = server_name.as_deref().map(|name| ClientTls::new().name(&named(name, "x")))
        {
            tls_section.reject("server_name", error.to_string());
        }
        let has_tls = ["ca_certs", "cert", "server_name"].iter().any(|key| tls_section.shape(key).is_some());
        let forward = Self {
            dial: DialOptions { tls: tls(&tls_section, true), ..DialOptions::default() },
            server_name,
            is_secured: has_tls,
            allows_downgrade: section.get("allow_downgrade", false),
            token: TokenSource::read(section),
            idle: section.within(
                "idle",
                Duration::from_secs(300),
                Duration::from_secs(1)..=Duration::from_secs(24 * 3600),
            ),
        };
        section.is_enabled(false).then_some(forward)
    }

    /// How the gateway `id` is dialled: whoever answers must have a certificate for what is asked of that id.
    pub(crate) fn dial_to(&self, id: &str) -> Cow<'_, DialOptions> {
        let Some(name) = &self.server_name else { return Cow::Borrowed(&self.dial) };
        let tls = self.dial.tls.clone().server_name(named(name, id));
        Cow::Owned(DialOptions { tls, ..self.dial.clone() })
    }

    /// Which addresses of other gateways are dialled. They are frontlas' to name: that must not lead the token and the
    /// payloads from TLS to where everybody can read them.
    pub(crate) fn rule(&self) -> DowngradeRule {
        DowngradeRule::new(self.is_secured).allow_any(self.allows_downgrade)
    }
}

/// The name for the gateway `id`.
fn named(server_name: &str, id: &str) -> String {
    server_name.replace("{frontier_id}", id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn read(forward: &str) -> Option<Forward> {
        let frontlas = format!("{{enable: true, forward: {forward}}}");
        testing::config_of_member(&frontlas).membership.unwrap().forward
    }

    #[test]
    fn it_is_off_unless_it_is_enabled() {
        assert!(read("{}").is_none() && read("{token: hunter2}").is_none());
        let forward = read("{enable: true, token: hunter2}").unwrap();
        assert_eq!(forward.idle, Duration::from_secs(300));
        assert!(!format!("{forward:?}").contains("hunter2"));
    }

    #[test]
    fn where_tls_is_spoken_no_gateway_is_dialled_without() {
        let takes_tcp = |yaml: &str| {
            let forward = testing::config_of_member(yaml).membership.unwrap().forward.unwrap();
            forward.rule().judge(&"tcp://h:1".parse().unwrap()).is_ok()
        };
        assert!(takes_tcp("{enable: true, forward: {enable: true, token: a}}"), "there is no TLS anywhere");
        for secured in [
            "{enable: true, forward: {enable: true, tls: {ca_certs: [a]}}}",
            "{enable: true, forward: {enable: true, tls: {server_name: '{frontier_id}.gw.example'}}}",
            "{enable: true, dial: {network: tls}, forward: {enable: true}}",
        ] {
            assert!(!takes_tcp(secured), "{secured}");
            assert!(takes_tcp(&secured.replace("forward: {", "forward: {allow_downgrade: true, ")));
        }
    }

    #[test]
    fn a_certificate_may_have_to_name_the_id_of_the_gateway() {
        let forward = read("{enable: true, tls: {server_name: '{frontier_id}.gw.example'}}").unwrap();
        let name =
            |id: &str| forward.dial_to(id).tls.name("evil.example").map(|name| name.to_str().into_owned());
        assert_eq!(name("gw-1").unwrap(), "gw-1.gw.example");
        assert!(name("a b").is_err(), "no certificate can be for that");
        let host = read("{enable: true}").unwrap();
        assert_eq!(host.dial_to("gw-1").tls.name("h.example").unwrap().to_str(), "h.example");
    }
}
