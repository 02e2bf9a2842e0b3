//! What of the configuration says who may connect to a plane.

use frontier_access::Access;
use frontier_access::authn::{AuthConfig, MethodConfig, Side};
use frontier_config::Section;
use std::net::SocketAddr;

/// A plane, as far as it is said who may connect to it: `auth` and `open_to_all` of its section.
#[derive(Clone, Debug)]
pub struct PlaneAuth {
    /// The key of the section, which is also its name in [`AccessConfig::auth`](frontier_access::AccessConfig::auth).
    pub plane: &'static str,
    /// What it listens on.
    pub addr: SocketAddr,
    /// Whether its clients can show a certificate.
    pub takes_certificates: bool,
    /// Who connects: operators, frontiers, subscribers or jobs.
    pub side: Side,
}

impl PlaneAuth {
    /// Reads `auth`. Refuses methods by which nobody is ever let in, since none of what they find out is what the plane
    /// asks for; a plane that answers everybody though nobody has said that it should; and one that answers nobody.
    #[must_use]
    pub fn read(&self, root: &Section<'_>) -> AuthConfig {
        let Self { plane, addr, takes_certificates, .. } = *self;
        let section = root.section(plane).reloadable();
        let auth = AuthConfig::read(&section.section("auth"));
        self.refuse_useless(root, &auth);
        if !auth.meta_labels.is_empty() {
            section.section("auth").reject("meta_labels", "is for edges, which do not connect here");
        }
        let is_open = section.get("open_to_all", false);
        if is_open && !auth.is_none() {
            section.reject("open_to_all", "contradicts `auth.methods`, which asks for credentials");
        }
        if auth.is_none() && !is_open && !is_local(addr) {
            let text = format!(
                "is required, with `methods`, where other machines reach {addr}; `{plane}.open_to_all: true` \
                 lets in whoever does"
            );
            section.reject("auth", text);
        }
        if auth.needs_certificate() && !takes_certificates {
            let text = "nobody could connect: `listen.tls` asks clients for no certificate (`mtls`)";
            section.reject("auth", text);
        }
        auth
    }

    fn refuse_useless(&self, root: &Section<'_>, auth: &AuthConfig) {
        if matches!(self.side, Side::Subscriber | Side::Job) {
            // They go by no name of their own.
            return;
        }
        let for_operators = self.side == Side::Operator;
        for (index, method) in auth.methods.iter().enumerate() {
            let (name, needed, has) = match method {
                MethodConfig::Jwt(jwt) if for_operators => ("jwt", "role_claim", jwt.role_claim.is_some()),
                MethodConfig::Jwt(jwt) => ("jwt", "frontier_claim", jwt.frontier_claim.is_some()),
                MethodConfig::Mtls(mtls) if for_operators => ("mtls", "role", mtls.role.is_some()),
                MethodConfig::Mtls(mtls) => ("mtls", "frontier", mtls.frontier.is_some()),
                MethodConfig::Token { .. } => continue,
            };
            if !has {
                let text = format!("lets nobody in without `{needed}`, which is what this plane goes by");
                root.reject_at(&format!("{}.auth.methods[{index}].{name}", self.plane), text);
            }
        }
    }
}

/// What may surprise about a plane though it was asked for: that it answers whoever reaches it from another machine, who
/// then has this `power`; or that credentials can be read on the way.
#[must_use]
pub fn exposure(plane: &str, addr: SocketAddr, asks: bool, is_secured: bool, power: &str) -> Option<String> {
    match (is_local(addr), asks, is_secured) {
        (true, ..) | (false, true, true) => None,
        (false, false, _) => Some(format!(
            "whoever reaches {addr} {power}: {plane}.open_to_all is set; {plane}.auth asks for credentials"
        )),
        (false, true, false) => Some(format!(
            "the credentials that are shown to {addr} can be read on the way: set {plane}.listen.tls"
        )),
    }
}

/// What may surprise about a plane that lets in nobody, by the files that it names.
#[must_use]
pub fn no_way_in(access: &Access, plane: &str, side: Side) -> Option<String> {
    let key = if side == Side::Frontier { "frontier" } else { "role" };
    let is_shut = access.authenticator(plane).is_some_and(|authenticator| !authenticator.has_way_in(side));
    is_shut.then(|| format!("{plane}.auth: nobody gets in: none of the tokens that it names has a `{key}`"))
}

/// Whether only this machine reaches it.
#[must_use]
pub fn is_local(addr: SocketAddr) -> bool {
    addr.ip().to_canonical().is_loopback()
}
