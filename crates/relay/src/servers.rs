//! By which names callers mean a broker. What they send is compared and never connected to, nor are their credentials
//! used.

use frontier_config::{FromValue, HostPort, Invalid, Value};

/// A name by which callers may mean a broker: a host, with a port or without, or `*` for whatever they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerName {
    Any,
    /// In lower case; the port is the broker's usual one where there is none.
    Host(String, Option<u16>),
}

impl FromValue for ServerName {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "a host such as rabbit.example, with a port or without, or `*`";
        let text = value.text(what)?;
        if text == "*" {
            return Ok(Self::Any);
        }
        parse(text).map(|(host, port)| Self::Host(host, port)).ok_or_else(|| Invalid::expected(what, text))
    }
}

fn parse(text: &str) -> Option<(String, Option<u16>)> {
    let bare = |text: &str| (!text.is_empty()).then(|| text.trim_matches(['[', ']']).to_ascii_lowercase());
    match text.parse::<HostPort>() {
        Ok(HostPort { host, port }) => Some((host.to_ascii_lowercase(), Some(port))),
        // With any port it would be right, so it lacks one.
        Err(()) => format!("{text}:1").parse::<HostPort>().ok().and_then(|_| Some((bare(text)?, None))),
    }
}

/// The names of a broker.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    names: Vec<ServerName>,
    usual_port: u16,
}

impl Servers {
    /// Its own addresses, and those beside.
    pub(crate) fn new(addrs: &[HostPort], mut names: Vec<ServerName>, usual_port: u16) -> Self {
        names.extend(addrs.iter().map(|it| ServerName::Host(it.host.to_ascii_lowercase(), Some(it.port))));
        Self { names, usual_port }
    }

    /// Whether a caller means this broker by `amqp://user:password@host:port/vhost`, `host:port` or nothing. With a virtual
    /// host it means that one, where the broker has such.
    pub(crate) fn know(&self, text: &str, vhost: Option<&str>) -> bool {
        if text.is_empty() || self.names.contains(&ServerName::Any) {
            return true;
        }
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_vhost = match (path, vhost) {
            ("", _) => true,
            ("%2f" | "%2F", Some("/")) => true,
            (path, Some(vhost)) => path == vhost,
            (_, None) => false,
        };
        let Some((host, port)) = parse(host) else { return false };
        let port = port.unwrap_or(self.usual_port);
        is_vhost
            && self.names.iter().any(|name| match name {
                ServerName::Any => true,
                ServerName::Host(name, of_name) => {
                    *name == host && of_name.unwrap_or(self.usual_port) == port
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_meant_by_its_names_alone() {
        let names = vec![ServerName::Host("rabbit".into(), None), ServerName::Host("::1".into(), Some(7))];
        let servers = Servers::new(&[HostPort::new("Rabbit-A.example", 5673)], names, 5672);
        for (text, is_meant) in [
            ("", true),
            ("rabbit", true),
            ("RABBIT:5672", true),
            ("amqp://guest:p@ss@rabbit:5672", true),
            ("amqp://guest:guest@rabbit-a.example:5673/", true),
            ("amqp://rabbit/%2F", true),
            ("amqp://rabbit//", true),
            ("[::1]:7", true),
            ("amqp://rabbit/other", false),
            ("rabbit:1", false),
            ("rabbit-a.example", false),
            ("rabbit:5672@evil.example", false),
            ("evil.example:5672", false),
            ("amqp://", false),
            ("a b", false),
        ] {
            assert_eq!(servers.know(text, Some("/")), is_meant, "{text}");
        }
        assert!(!servers.know("rabbit/topic", None));
        let any = Servers::new(&[], vec![ServerName::Any], 1);
        assert!(any.know("amqp://whatever:1/it/is", None));
    }
}
