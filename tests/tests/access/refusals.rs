//! Certificates that are wrong, of either side: each has words of its own, for both sides and over every
//! carrier with TLS, and nobody comes in.

use crate::lookout::Lookout;
use crate::world::World;
use frontier_sdk::{Builder, ClientTls, Edge};
use frontier_tests::{Authority, Identity, SERVER_NAME, Validity, connect_error};
use std::time::Duration;

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

/// Between the attempts of one client.
const BACKOFF: Duration = Duration::from_secs(1);

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
        // With a pause, so that each attempt has a line in the log.
        self.world.edge_over(scheme, listener).tls(tls).backoff(BACKOFF, BACKOFF)
    }

    /// Has a client try that will not have the server: what it says of that, and what it tells the server.
    async fn is_refused_by(&self, client: ClientTls, says: &str, tells: &str) {
        self.nobody_comes_in(client, says, ["no handshake", &format!("the client refused: {tells}")]).await;
    }

    /// Has a client try that the server will not have: what it is told, and what the server says of it.
    async fn refuses(&self, client: ClientTls, told: &str, says: &str) {
        self.nobody_comes_in(client, &format!("the server refused: {told}"), ["edge not let in", says]).await;
    }

    /// Over each carrier the client ends with this error, and a line in the log has all of these words.
    async fn nobody_comes_in(&self, client: ClientTls, told: &str, logged: [&str; 2]) {
        for carrier in CARRIERS {
            let before = self.lines(logged);
            let error = connect_error(|| self.edge(carrier, client.clone())).await;
            assert!(error.ends_with(&format!(": {told}")), "{carrier:?}: {error}");
            self.world.until("it is logged", || self.lines(logged) > before).await;
        }
        // The certificate that the gateway shows may be the wrong one.
        let good = self.good().danger_accept_any_certificate();
        self.lookout.sees_only(self.edge(CARRIERS[0], good)).await;
    }

    fn lines(&self, words: [&str; 2]) -> usize {
        self.world.log().lines().iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_ca_is_refused() {
    let door = Door::open().await;
    let tls = door.ca.client("sensor", &[], Validity::Now).shown_by(Authority::new("other").trusted());
    let told = "the server's certificate is not signed by a CA that is trusted here";
    door.is_refused_by(tls, told, "our certificate is not signed by a CA that is trusted there").await;
}

#[tokio::test]
async fn a_server_whose_certificate_has_expired_is_refused() {
    let ca = Authority::new("ca");
    let server = ca.server(&[SERVER_NAME], Validity::Past);
    let door = Door::with(ca, &server).await;
    let told = "the server's certificate has expired";
    door.is_refused_by(door.good(), told, "our certificate has expired, or is not valid yet").await;
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_valid_yet_is_refused() {
    let ca = Authority::new("ca");
    let server = ca.server(&[SERVER_NAME], Validity::Future);
    let door = Door::with(ca, &server).await;
    let told = "the server's certificate is not valid yet";
    door.is_refused_by(door.good(), told, "our certificate has expired, or is not valid yet").await;
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let door = Door::open().await;
    let told = "the server's certificate is for localhost, not for gateway.example";
    let tls = door.good().server_name("gateway.example");
    door.is_refused_by(tls, told, "our certificate is not valid there, or not for its name").await;
}

#[tokio::test]
async fn a_client_of_an_unknown_ca_is_refused() {
    let door = Door::open().await;
    let stranger = Authority::new("other").client("sensor", &[], Validity::Now);
    let told = "our certificate is not signed by a CA that is trusted there";
    let logged = "the client's certificate is not signed by a CA that is trusted here";
    door.refuses(stranger.shown_by(door.ca.trusted()), told, logged).await;
}

#[tokio::test]
async fn a_client_whose_certificate_has_expired_is_refused() {
    let door = Door::open().await;
    let old = door.ca.client("sensor", &[], Validity::Past).shown_by(door.ca.trusted());
    let told = "our certificate has expired, or is not valid yet";
    door.refuses(old, told, "the client's certificate has expired").await;
}

#[tokio::test]
async fn a_client_whose_certificate_is_not_valid_yet_is_refused() {
    let door = Door::open().await;
    let early = door.ca.client("sensor", &[], Validity::Future).shown_by(door.ca.trusted());
    let told = "our certificate has expired, or is not valid yet";
    door.refuses(early, told, "the client's certificate is not valid yet").await;
}

#[tokio::test]
async fn a_client_whose_certificate_is_revoked_is_refused() {
    let door = Door::open().await;
    let tls = door.revoked.shown_by(door.ca.trusted());
    let told = "our certificate is revoked";
    door.refuses(tls, told, "the client's certificate is revoked").await;
}

#[tokio::test]
async fn a_client_that_shows_a_servers_certificate_is_refused() {
    let door = Door::open().await;
    let tls = door.ca.server(&["sensor"], Validity::Now).shown_by(door.ca.trusted());
    let told = "our certificate is not meant for this";
    door.refuses(tls, told, "the client's certificate is not meant for a client").await;
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let door = Door::open().await;
    let told = "we have shown no certificate, and one is required";
    door.refuses(door.ca.trusted(), told, "the client has shown no certificate").await;
}
