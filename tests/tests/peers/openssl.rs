//! `openssl s_client` as the client: versions, names, application protocols and certificates.

use crate::run::{Ran, run};
use crate::traffic::Post;
use crate::tunnel::Tunnel;
use frontier_tests::{
    Authority, DEADLINE, Gateway, Identity, IdentityFiles, Network, SERVER_NAME, Validity, eventually, tool,
};
use std::path::PathBuf;

const VERSIONS: [(&str, &str); 2] = [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")];

/// The application protocol of links.
const LINK: &str = "frontier/1";

fn openssl() -> PathBuf {
    tool("openssl", "openssl")
}

/// What every client says: whom it dials, trusts and expects.
fn arguments(gateway: &Gateway, more: &[&str]) -> Vec<String> {
    let (addr, ca) = (gateway.edges().to_string(), gateway.dir().join("ca.pem"));
    let basic = ["s_client", "-connect", &addr, "-CAfile", ca.to_str().unwrap(), "-verify_return_error"];
    basic.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
}

/// A handshake and nothing after it, with all that openssl tells of it.
async fn handshake(gateway: &Gateway, more: &[&str]) -> Ran {
    run(&openssl(), arguments(gateway, more), "").await
}

/// A handshake after which openssl waits for what the gateway says to it.
async fn refusal(gateway: &Gateway, more: &[&str]) -> Ran {
    handshake(gateway, &[more, &["-ign_eof"]].concat()).await
}

/// A port from which openssl carries connections to the gateway.
async fn tunnel(gateway: &Gateway, more: &[&str]) -> Tunnel {
    let more = [&["-quiet", "-servername", SERVER_NAME, "-verify_hostname", SERVER_NAME], more].concat();
    Tunnel::through(&openssl(), arguments(gateway, &more)).await
}

/// The serial number of the certificate that a client sees.
async fn serial(gateway: &Gateway, more: &[&str]) -> String {
    let said = handshake(gateway, more).await.ended(0, &["Verify return code: 0 (ok)"]);
    let pem = &said[said.find("-----BEGIN CERTIFICATE").unwrap()..];
    let printed = run(&openssl(), ["x509", "-noout", "-serial"], pem).await.ended(0, &["serial="]);
    printed.trim().trim_start_matches("serial=").to_owned()
}

#[tokio::test]
async fn each_version_is_spoken_and_carries_an_edge() {
    let gateway = Gateway::over(Network::Tls).start().await;
    let post = Post::at(&gateway).await;
    for (option, version) in VERSIONS {
        let name = ["-servername", SERVER_NAME, "-verify_hostname", SERVER_NAME];
        let spoken = format!("New, {version}, Cipher is");
        let said = handshake(&gateway, &[&name[..], &[option]].concat()).await;
        said.ended(0, &[&spoken, "Verify return code: 0 (ok)", "No ALPN negotiated"]);
        let tunnel = tunnel(&gateway, &[option, "-alpn", LINK]).await;
        post.works_with(&tunnel.url(), &[0, 1000, 300_000]).await;
    }
}

#[tokio::test]
async fn an_old_version_is_refused() {
    let gateway = Gateway::over(Network::Tls).start().await;
    let old = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];
    handshake(&gateway, &old).await.ended(1, &["New, (NONE), Cipher is (NONE)", "alert handshake failure"]);
    let why = "no TLS parameters in common with the client: no version of TLS that is allowed here";
    eventually(DEADLINE, "the gateway says why", async || gateway.log().find(why)).await;
}

#[tokio::test]
async fn where_1_3_is_required_1_2_is_refused() {
    let gateway = Gateway::over(Network::Tls).set("edgebound.listen.tls.min_version", "1.3").start().await;
    handshake(&gateway, &["-tls1_2"]).await.ended(1, &["alert protocol version"]);
    handshake(&gateway, &["-tls1_3"]).await.ended(0, &["New, TLSv1.3, Cipher is"]);
}

#[tokio::test]
async fn application_protocols_are_agreed_on() {
    let gateway = Gateway::over(Network::Tls).start().await;
    for (version, _) in VERSIONS {
        for (offered, agreed) in [(LINK, LINK), ("http/1.1", "http/1.1"), ("h2,http/1.1", "http/1.1")] {
            let agreed = format!("ALPN protocol: {agreed}");
            handshake(&gateway, &[version, "-alpn", offered]).await.ended(0, &[&agreed]);
        }
        handshake(&gateway, &[version, "-alpn", "h2"]).await.ended(1, &["alert no application protocol"]);
    }
}

#[tokio::test]
async fn the_name_that_is_asked_for_chooses_the_certificate() {
    let builder = Gateway::over(Network::Tls);
    let ca = Authority::common();
    let names = [SERVER_NAME, "*.edges.example", "exact.edges.example"];
    let identities = names.map(|name| ca.server(&[name], Validity::Now));
    let files: Vec<_> = identities
        .iter()
        .enumerate()
        .map(|(number, identity)| identity.write(builder.dir(), &format!("server-{number}")))
        .collect();
    let gateway = builder.certificates("edgebound", &files).start().await;
    let [first, wildcard, exact] = identities.map(|identity| identity.serial());
    let cases = [
        (&["-servername", SERVER_NAME][..], &first),
        (&["-servername", "a.edges.example"], &wildcard),
        (&["-servername", "exact.edges.example"], &exact),
        (&["-servername", "elsewhere.example"], &first),
        (&["-noservername"], &first),
    ];
    for (arguments, expected) in cases {
        assert_eq!(&serial(&gateway, arguments).await, expected, "{arguments:?}");
    }
}

#[tokio::test]
async fn no_session_is_resumed() {
    let gateway = Gateway::over(Network::Tls).start().await;
    let said = handshake(&gateway, &["-tls1_2", "-reconnect"]).await.ended(0, &["New, TLSv1.2, Cipher is"]);
    assert!(!said.contains("Reused, "), "{said}");
}

#[tokio::test]
async fn a_certificate_that_is_replaced_is_seen_by_new_connections_while_others_go_on() {
    let builder = Gateway::over(Network::Tls);
    let new = Authority::common().server(&[SERVER_NAME], Validity::Now);
    let gateway = builder.set("reload.watch", false).start().await;
    let post = Post::at(&gateway).await;
    let tunnel = tunnel(&gateway, &[]).await;
    let edge = post.works_with(&tunnel.url(), &[100]).await;
    let before = serial(&gateway, &[]).await;
    new.write(gateway.dir(), "server");
    assert_eq!(serial(&gateway, &[]).await, before, "nobody has told the gateway yet");
    gateway.hang_up();
    eventually(DEADLINE, "the new one is seen", async || {
        (serial(&gateway, &[]).await == new.serial()).then_some(())
    })
    .await;
    assert_eq!(edge.call("echo", "still here").await.unwrap().data, "still here");
}

/// A gateway that asks edges for certificates of its CA, and a service that sees who comes in.
struct Door {
    ca: Authority,
    revoked: Identity,
    gateway: Gateway,
    post: Post,
}

impl Door {
    async fn new() -> Self {
        let ca = Authority::new("clients");
        let revoked = ca.client("revoked", &[], Validity::Now);
        let gateway = Gateway::over(Network::Tls).mtls(&ca, &[&revoked]).start().await;
        let post = Post::at(&gateway).await;
        Self { ca, revoked, gateway, post }
    }

    /// What a client with this certificate is told, over each version of TLS. Then one comes that may.
    async fn refuses(&self, client: Option<&Identity>, text: &str) {
        for (version, _) in VERSIONS {
            let mut arguments = vec![version.to_owned()];
            if let Some(client) = client {
                arguments.extend(self.showing(client, "refused"));
            }
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            refusal(&self.gateway, &arguments).await.ended(1, &[text]);
        }
        let good = self.comes_in("-tls1_3").await;
        self.post.has_seen_only(&[&good]).await;
    }

    async fn comes_in(&self, version: &str) -> frontier_sdk::Edge {
        let good = self.ca.client("good", &[], Validity::Now);
        let mut arguments = self.showing(&good, "good");
        arguments.push(version.to_owned());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let tunnel = tunnel(&self.gateway, &arguments).await;
        self.post.works_with(&tunnel.url(), &[100]).await
    }

    fn showing(&self, client: &Identity, name: &str) -> Vec<String> {
        let IdentityFiles { cert, key } = client.write(self.gateway.dir(), name);
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        vec!["-cert".to_owned(), path(cert), "-key".to_owned(), path(key)]
    }
}

#[tokio::test]
async fn with_a_certificate_of_the_ca_an_edge_comes_in() {
    let door = Door::new().await;
    let edges = [door.comes_in("-tls1_2").await, door.comes_in("-tls1_3").await];
    door.post.has_seen_only(&[&edges[0], &edges[1]]).await;
}

#[tokio::test]
async fn without_a_certificate_nobody_comes_in() {
    Door::new().await.refuses(None, "alert certificate required").await;
}

#[tokio::test]
async fn with_a_certificate_of_an_unknown_ca_nobody_comes_in() {
    let stranger = Authority::new("other").client("stranger", &[], Validity::Now);
    Door::new().await.refuses(Some(&stranger), "alert unknown ca").await;
}

#[tokio::test]
async fn with_an_expired_certificate_nobody_comes_in() {
    let door = Door::new().await;
    let old = door.ca.client("old", &[], Validity::Past);
    door.refuses(Some(&old), "alert certificate expired").await;
}

#[tokio::test]
async fn with_a_revoked_certificate_nobody_comes_in() {
    let door = Door::new().await;
    door.refuses(Some(&door.revoked), "alert certificate revoked").await;
}
