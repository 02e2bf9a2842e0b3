//! Certificates that are wrong, of either side: each has words of its own, for both sides and over every
//! carrier with TLS, and nobody comes in.

use crate::lookout::Lookout;
use crate::world::World;
use frontier_sdk::{Builder, ClientTls, Edge};
use frontier_tests::{Authority, Identity, SERVER_NAME, Validity, why_not};

const YAML: &str = "
edgebound:
  listeners:
    - addr: HERE
      network: tls
      tls: {mtls: true, ca_certs: [DIR/ca.pem], crls: [DIR/revoked.crl], certs: [{cert: DIR/server.pem, key: DIR/server.key}]}
    - addr: HERE
      network: quic
      tls: {mtls: true, ca_certs: [DIR/ca.pem], crls: [DIR/revoked.crl], certs: [{cert: DIR/server.pem, key: DIR/server.key}]}
servicebound: {listen: {addr: HERE}}
";

/// The carriers, each with the number of its listener.
const CARRIERS: [(&str, usize); 3] = [("tls", 0), ("wss", 0), ("quic", 1)];

/// A gateway whose edges need a certificate of its CA.
struct Door {
    ca: Authority,
    revoked: Identity,
    world: World,
    lookout: Lookout,
}

impl Door {
    /// A gateway with a good certificate.
    async fn open() -> Self {
        let ca = Authority::new("ca");
        let server = ca.server(&[SERVER_NAME], Validity::Now);
        Self::with(ca, &server).await
    }

    async fn with(ca: Authority, server: &Identity) -> Self {
        let revoked = ca.client("revoked", &[], Validity::Now);
        let world = World::new().with("ca.pem", ca.pem()).with("revoked.crl", ca.revoke(&[&revoked]));
        let world = world.with("server.pem", server.cert()).with("server.key", server.key());
        let world = world.start(YAML).await;
        let lookout = Lookout::of(world.service("lookout")).await;
        Self { ca, revoked, world, lookout }
    }

    /// A client that may come in.
    fn good(&self) -> ClientTls {
        self.ca.client("good", &[], Validity::Now).shown_by(self.ca.trusted())
    }

    fn edge(&self, (scheme, listener): (&str, usize), tls: ClientTls) -> Builder<Edge> {
        self.world.edge_over(scheme, listener).tls(tls)
    }

    /// Has a client try over each carrier. What it is `told`, and what the gateway has `logged` of it.
    async fn refuses(&self, tls: ClientTls, told: &str, logged: &str) {
        for carrier in CARRIERS {
            let before = self.lines(logged);
            let error = why_not(|| self.edge(carrier, tls.clone())).await;
            assert!(error.ends_with(&format!(": {told}")), "{carrier:?}: {error}");
            self.world.until("it is logged", || self.lines(logged) > before).await;
        }
        // The certificate that the gateway shows may be the wrong one.
        let good = self.good().danger_accept_any_certificate();
        self.lookout.sees_only(self.edge(CARRIERS[0], good)).await;
    }

    fn lines(&self, text: &str) -> usize {
        self.world.log().lines().iter().filter(|line| line.contains(text)).count()
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_ca_is_refused() {
    let door = Door::open().await;
    let tls = door.ca.client("sensor", &[], Validity::Now).shown_by(Authority::new("other").trusted());
    let told = "the server's certificate is not signed by a CA that is trusted here";
    door.refuses(tls, told, "our certificate is not signed by a CA that is trusted there").await;
}

#[tokio::test]
async fn a_server_whose_certificate_has_expired_is_refused() {
    let ca = Authority::new("ca");
    let server = ca.server(&[SERVER_NAME], Validity::Past);
    let door = Door::with(ca, &server).await;
    let told = "the server's certificate has expired";
    door.refuses(door.good(), told, "our certificate has expired, or is not valid yet").await;
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_valid_yet_is_refused() {
    let ca = Authority::new("ca");
    let server = ca.server(&[SERVER_NAME], Validity::Future);
    let door = Door::with(ca, &server).await;
    let told = "the server's certificate is not valid yet";
    door.refuses(door.good(), told, "our certificate has expired, or is not valid yet").await;
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let door = Door::open().await;
    let told = "the server's certificate is for localhost, not for gateway.example";
    let tls = door.good().server_name("gateway.example");
    door.refuses(tls, told, "our certificate is not valid there, or not for its name").await;
}

#[tokio::test]
async fn a_client_of_an_unknown_ca_is_refused() {
    let door = Door::open().await;
    let stranger = Authority::new("other").client("sensor", &[], Validity::Now);
    let told = "the server refused: our certificate is not signed by a CA that is trusted there";
    let logged = "the client's certificate is not signed by a CA that is trusted here";
    door.refuses(stranger.shown_by(door.ca.trusted()), told, logged).await;
}

#[tokio::test]
async fn a_client_whose_certificate_has_expired_is_refused() {
    let door = Door::open().await;
    let old = door.ca.client("sensor", &[], Validity::Past).shown_by(door.ca.trusted());
    let told = "the server refused: our certificate has expired, or is not valid yet";
    door.refuses(old, told, "the client's certificate has expired").await;
}

#[tokio::test]
async fn a_client_whose_certificate_is_not_valid_yet_is_refused() {
    let door = Door::open().await;
    let early = door.ca.client("sensor", &[], Validity::Future).shown_by(door.ca.trusted());
    let told = "the server refused: our certificate has expired, or is not valid yet";
    door.refuses(early, told, "the client's certificate is not valid yet").await;
}

#[tokio::test]
async fn a_client_whose_certificate_is_revoked_is_refused() {
    let door = Door::open().await;
    let tls = door.revoked.shown_by(door.ca.trusted());
    let told = "the server refused: our certificate is revoked";
    door.refuses(tls, told, "the client's certificate is revoked").await;
}

#[tokio::test]
async fn a_client_that_shows_a_servers_certificate_is_refused() {
    let door = Door::open().await;
    let tls = door.ca.server(&["sensor"], Validity::Now).shown_by(door.ca.trusted());
    let told = "the server refused: our certificate is not meant for this";
    door.refuses(tls, told, "the client's certificate is not meant for a client").await;
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let door = Door::open().await;
    let told = "the server refused: we have shown no certificate, and one is required";
    door.refuses(door.ca.trusted(), told, "the client has shown no certificate").await;
}
