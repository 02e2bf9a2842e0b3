//! Where each side listens, and where its peers may go when the gateway stops.

mod proxies;

pub use proxies::{Proxies, ProxyProtocol};

use super::EDGEBOUND;
use crate::geminio;
use frontier_access::authn::AuthConfig;
use frontier_config::{Choice, FromValue, Invalid, Section, Value};
use frontier_transport::{Endpoint, Network, ServerTls, UpgradeRules, read_server_tls};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The longest URL, in bytes: a few of them go into one frame for each peer.
const MAX_URL: usize = 2048;

/// What listeners ask, by name.
pub(super) type Auth = BTreeMap<String, AuthConfig>;

/// One place where one side listens.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The key path of its section, such as `edgebound.listen`; empty if it comes from no file.
    pub key: String,
    /// What is spoken there.
    pub network: Network,
    /// Address and port; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// Whether `[::]` leaves callers over IPv4 to a listener on 0.0.0.0 with the same port.
    pub only_v6: bool,
    /// Under which name and port, address and port, or URL others reach it, if that is another.
    pub advertised_addr: Option<String>,
    /// With which certificates, where TLS is spoken.
    pub tls: Option<ServerTls>,
    /// The name under which [`AccessConfig::auth`](frontier_access::AccessConfig::auth) has what is asked here,
    /// if it is not what is asked of the whole side.
    pub auth: Option<String>,
    /// The proxies in front of it.
    pub proxies: Proxies,
    /// By what a request for a WebSocket is judged.
    pub upgrade: Arc<UpgradeRules>,
    /// Whose clients are let in.
    pub wires: Wires,
}

/// Which wires are spoken at a listener: our own, and that of the Go original. Their first byte tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wires {
    /// Our own.
    Native,
    /// The original's.
    Geminio,
    /// Both.
    Both,
}

impl Wires {
    /// What a client of the original begins with, if it is let in; else empty.
    pub(crate) fn prefix(self) -> &'static [u8] {
        match self {
            Self::Native => &[],
            Self::Geminio | Self::Both => &frontier_geminio::PREFIX,
        }
    }

    /// Whether a client whose first byte this is, is taken for one of the original.
    pub(crate) fn takes(self, first: u8) -> bool {
        match self {
            Self::Native => false,
            Self::Geminio => true,
            Self::Both => first == frontier_geminio::PREFIX[0],
        }
    }
}

/// The word for a network, whether with TLS or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Tcp,
    Tls,
    Quic,
    Ws,
    Geminio,
    GeminioTls,
}

impl Choice for Word {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("tcp", Self::Tcp),
        ("tls", Self::Tls),
        ("quic", Self::Quic),
        ("ws", Self::Ws),
        ("geminio", Self::Geminio),
        ("geminio+tls", Self::GeminioTls),
    ];
}

/// `host:port` or a URL; empty for none.
#[derive(Debug)]
struct Advertised(Option<String>);

impl FromValue for Advertised {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let what = "a name or address and a port such as gateway.example:30012";
        let text = value.text(what)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        if text.contains("://") {
            return match text.parse::<Endpoint>() {
                Ok(_) => Ok(Self(Some(text.to_owned()))),
                Err(_) => Err(Invalid::expected("a URL such as tcp://gateway.example:30012", text)),
            };
        }
        let (host, port) = text.rsplit_once(':').unwrap_or_default();
        let valid = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0);
        if valid { Ok(Self(Some(text.to_owned()))) } else { Err(Invalid::expected(what, text)) }
    }
}

impl Listen {
    /// The scheme of its URL.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match (self.network, self.tls.is_some()) {
            (Network::Ws, true) => "wss",
            (_, has_tls) if self.wires == Wires::Geminio => geminio::wire(has_tls),
            (network, _) => network.as_str(),
        }
    }

    /// Of the listeners of one side the one that others are told of: the first for clients of our own wire, or else the first.
    #[must_use]
    pub fn told(listeners: &[Self]) -> Option<(usize, &Self)> {
        let mut all = listeners.iter().enumerate();
        all.clone().find(|(_, listen)| listen.wires != Wires::Geminio).or_else(|| all.next())
    }

    /// Plain TCP.
    #[must_use]
    pub fn tcp(addr: SocketAddr) -> Self {
        Self {
            key: String::new(),
            network: Network::Tcp,
            addr,
            only_v6: false,
            advertised_addr: None,
            tls: None,
            auth: None,
            proxies: Proxies::default(),
            upgrade: Arc::default(),
            wires: Wires::Both,
        }
    }

    /// The listeners of one side: the one under `listen`, or those under `listeners`.
    ///
    /// What they ask themselves is added to `auth`, each under its key path.
    pub(super) fn read_side(side: &Section<'_>, port: u16, auth: &mut Auth) -> Vec<Self> {
        let name = if side.path() == EDGEBOUND { "edgebound listeners" } else { "servicebound listeners" };
        let side = side.fixed_as(name);
        let mut listeners = Self::read_all(&side, port, auth);
        let bound: Vec<_> = listeners.iter().map(|it| (it.addr, it.network == Network::Quic)).collect();
        for listen in &mut listeners {
            let anywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, listen.addr.port()));
            listen.only_v6 = listen.addr.ip() == Ipv6Addr::UNSPECIFIED
                && listen.addr.port() != 0
                && bound.contains(&(anywhere, listen.network == Network::Quic));
        }
        side.record(&listeners.iter().map(Self::bound).collect::<Vec<_>>());
        listeners
    }

    fn read_all(side: &Section<'_>, port: u16, auth: &mut Auth) -> Vec<Self> {
        let (one, several) = (side.section("listen"), side.sections("listeners"));
        if several.is_empty() {
            let addr = one.get("addr", (Ipv4Addr::UNSPECIFIED, port).into());
            return vec![Self::read(&one, addr, auth)];
        }
        if one.is_present() {
            let (listen, listeners) = (one.path(), "is there as well; put all of them under `listeners`");
            side.reject("listeners", format!("{listen} {listeners}"));
            // What is written there is known here all the same.
            let addr = one.get("addr", (Ipv4Addr::UNSPECIFIED, port).into());
            Self::read(&one, addr, auth);
        }
        several
            .iter()
            .map(|section| {
                let addr = section.required("addr", (Ipv4Addr::UNSPECIFIED, port).into());
                Self::read(section, addr, auth)
            })
            .collect()
    }

    fn read(section: &Section<'_>, addr: SocketAddr, auth: &mut Auth) -> Self {
        let word = section.get("network", Word::Tcp);
        let advertised = section.get("advertised_addr", Advertised(None)).0;
        let tls = section.section("tls");
        let must = matches!(word, Word::Tls | Word::Quic | Word::GeminioTls);
        let enable = tls.is_enabled(must);
        if must && !enable {
            let text = match word {
                Word::GeminioTls => "must be true for `network: geminio+tls`",
                _ => "must be true for `network: tls` and `network: quic`",
            };
            tls.reject("enable", text);
        }
        let network = match (word, enable) {
            (Word::Tcp | Word::Geminio, false) => Network::Tcp,
            (Word::Tcp | Word::Tls | Word::Geminio | Word::GeminioTls, _) => Network::Tls,
            (Word::Quic, _) => Network::Quic,
            (Word::Ws, _) => Network::Ws,
        };
        let wires = Wires::read(section, word);
        let proxies = Proxies::read(section, network);
        let upgrade = proxies.read_upgrade(section, network);
        // Certificates, and who is asked for one, can be changed: only whether TLS is spoken cannot.
        let tls = read_server_tls(&tls.reloadable(), enable);
        let own = section.section("auth");
        let asked = AuthConfig::read(&own);
        let name = own.is_present().then(|| section.path().to_owned());
        if let Some(name) = &name {
            auth.insert(name.clone(), asked);
        }
        Self {
            key: section.path().to_owned(),
            network,
            addr,
            only_v6: false,
            advertised_addr: advertised,
            tls,
            auth: name,
            proxies,
            upgrade,
            wires,
        }
    }

    /// What may surprise about its certificates and its proxies, though they are used, in lines.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.tls_warnings();
        warnings.extend(self.proxies.trusted.warning(&self.key));
        warnings
    }

    fn tls_warnings(&self) -> Vec<String> {
        let Some(tls) = &self.tls else { return Vec::new() };
        let mut warnings = tls.warnings();
        if let Some(host) = self.advertised_addr.as_deref().and_then(host)
            && !tls.is_for(&host)
        {
            warnings.push(format!(
                "no certificate is for `{host}` of `advertised_addr`: who is sent there refuses it"
            ));
        }
        warnings
    }

    /// What is bound and said of it: what takes a restart.
    fn bound(&self) -> impl Debug {
        let proxies = (self.proxies.clone(), self.upgrade.clone());
        (self.network, self.addr, self.advertised_addr.clone(), self.tls.is_some(), proxies, self.wires)
    }
}

impl Wires {
    fn read(section: &Section<'_>, word: Word) -> Self {
        let both = section.get("geminio", true);
        match word {
            Word::Geminio | Word::GeminioTls => {
                if !both {
                    section.reject(
                        "geminio",
                        "must not be false for `network: geminio` and `network: geminio+tls`",
                    );
                }
                Self::Geminio
            }
            Word::Tcp | Word::Tls if both => Self::Both,
            _ => Self::Native,
        }
    }
}

/// The host of what is advertised.
fn host(advertised: &str) -> Option<String> {
    let url = if advertised.contains("://") { advertised.to_owned() } else { format!("tls://{advertised}") };
    url.parse::<Endpoint>().ok().map(|endpoint| endpoint.host_port().0.to_owned())
}

/// Where peers of one side find other gateways.
pub(super) fn alternatives(side: &Section<'_>) -> Vec<String> {
    side.list("alternatives", Vec::new()).into_iter().map(|Url(url)| url).collect()
}

#[derive(Debug)]
struct Url(String);

impl FromValue for Url {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let url = value.text("the URL of a gateway such as tls://gateway-b.example:30012")?;
        if url.len() > MAX_URL {
            return Err(Invalid::new(format!("is {} bytes long, over the limit of {MAX_URL}", url.len())));
        }
        match url.parse::<Endpoint>() {
            Ok(_) => Ok(Self(url.to_owned())),
            Err(error) => Err(Invalid::new(error.to_string())),
        }
    }
}
