//! The gateway's process.

use std::fs;
use std::path::Path;

use ::frontier::{Config, Gateway};
use anyhow::{Context, Result, bail};
use frontier_credentials::cert;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::dialogue::Ready;
use crate::network::{Key, Network};
use crate::process;
use crate::role::Membership;

/// Handshakes that may be under way. All edges come from one address here, of which a gateway takes 1,024 at a time.
const MAX_HANDSHAKES: usize = 1_000_000;

/// Runs the gateway as the daemon does, but for its ports, for a drain at the end, which nobody waits for, and for what it
/// takes from one address.
pub(super) async fn run(
    network: Network,
    key: Key,
    membership: Option<Membership>,
    console: &mut Console,
) -> Result<()> {
    let dir = tempfile::tempdir().context("a directory for the gateway's certificate")?;
    let tls = match network {
        Network::Tcp | Network::Ws => String::new(),
        Network::Tls | Network::Quic => certificate(dir.path(), key)?,
    };
    let listen = format!("{{listen: {{network: {network}, addr: 127.0.0.1:0, {tls}}}}}");
    let id = membership.as_ref().map(|it| format!(", frontier_id: {}", it.id)).unwrap_or_default();
    let daemon = format!("daemon: {{spin: {}us{id}}}", process::spin().as_micros());
    let membership = membership.as_ref().map(membership_yaml).unwrap_or_default();
    let limits =
        format!("limits: {{handshakes: {MAX_HANDSHAKES}, handshakes_per_address: {MAX_HANDSHAKES}}}");
    let yaml = format!("{daemon}\n{limits}\nedgebound: {listen}\nservicebound: {listen}\n{membership}");
    let config = Config::parse(&yaml, &|_| None).context("the gateway's configuration")?;
    let gateway = Gateway::bind(&config)?;
    console.ready(Ready {
        edges: Some(gateway.edgebound()),
        services: Some(gateway.servicebound()),
        measured: None,
    })?;
    // In a task of its own, as the daemon runs it.
    let mut serving = tokio::spawn(gateway.run(CancellationToken::new()));
    tokio::select! {
        ended = &mut serving => bail!("the gateway ended: {ended:?}"),
        () = console.closed() => Ok(()),
    }
}

fn membership_yaml(Membership { frontlas, .. }: &Membership) -> String {
    let cluster = format!("{{enable: true, dial: {{addrs: ['{frontlas}']}}, forward: {{enable: true}}}}");
    format!("frontlas: {cluster}\n")
}

/// Makes a certificate, and says so as a configuration does.
fn certificate(dir: &Path, key: Key) -> Result<String> {
    let [cert, key_file] = ["server.pem", "server-key.pem"].map(|name| dir.join(name));
    match key {
        Key::Ecdsa => drop(cert::run(&cert::Options::new(dir))?),
        Key::Rsa4096 => {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096)?;
            let params = CertificateParams::new(vec!["localhost".to_owned()])?;
            fs::write(&cert, params.self_signed(&key)?.pem())?;
            fs::write(&key_file, key.serialize_pem())?;
        }
    }
    Ok(format!("tls: {{certs: [{{cert: {cert:?}, key: {key_file:?}}}]}}"))
}
