//! The TLS of a listener: the section `tls`; and what is wrong with the files of a dialler, told in its own.

use super::{
    CertificateFiles, ClientAuth, ClientFile, ClientTls, ServerTls, ServerTlsConfig, TlsFile, TlsMistakes,
    TlsVersion,
};
use frontier_config::{Choice, Section};
use std::path::PathBuf;

#[derive(Clone, Copy, Debug)]
struct Mtls(ClientAuth);

impl Choice for Mtls {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("false", Self(ClientAuth::Off)),
        ("optional", Self(ClientAuth::Optional)),
        ("true", Self(ClientAuth::Required)),
        ("off", Self(ClientAuth::Off)),
        ("required", Self(ClientAuth::Required)),
    ];
}

#[derive(Clone, Copy, Debug)]
struct Version(TlsVersion);

impl Choice for Version {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("1.2", Self(TlsVersion::Tls12)), ("1.3", Self(TlsVersion::Tls13))];
}

/// Reads the section, and the files that it names if TLS is enabled: what is wrong with those is a
/// mistake of the configuration like others. `None` after one, and where TLS is not enabled.
#[must_use]
pub fn read_server_tls(section: &Section<'_>, enable: bool) -> Option<ServerTls> {
    let pairs = section.sections("certs");
    let certs = pairs.iter().map(|pair| CertificateFiles {
        cert: pair.required("cert", PathBuf::new()),
        key: pair.required("key", PathBuf::new()),
    });
    let config = ServerTlsConfig {
        certs: certs.collect(),
        client_auth: section.get("mtls", Mtls(ClientAuth::Off)).0,
        ca_certs: section.list("ca_certs", Vec::new()),
        crls: section.list("crls", Vec::new()),
        min_version: section.get("min_version", Version(TlsVersion::Tls12)).0,
    };
    if section.get("insecure_skip_verify", false) {
        // Older files have it, where it says something only of those who dial.
        section
            .reject("insecure_skip_verify", "means nothing for a listener; clients are verified by `mtls`");
    }
    // Whoever asks for certificates believes that they are looked at, though TLS be off.
    if !enable && config.client_auth != ClientAuth::Off && config.ca_certs.is_empty() {
        section.reject("ca_certs", "is required with `mtls: true`");
    }
    // What is missing has been reported already.
    let whole =
        |pair: &CertificateFiles| [&pair.cert, &pair.key].iter().all(|path| !path.as_os_str().is_empty());
    if !enable || !config.certs.iter().all(whole) {
        return None;
    }
    ServerTls::load(config).map_err(|mistakes| reject(section, &pairs, mistakes)).ok()
}

/// Reads the files of a dialler's TLS, and refuses what is wrong with them, each where the section at `path` names it: under
/// `cert` and `key`, or in the pair of `certs`, and the members of `ca_certs`. Blocks while it does.
pub fn reject_client_files(root: &Section<'_>, path: &str, tls: &ClientTls) {
    for (file, error) in tls.check() {
        let pair = if root.is_written_at(&format!("{path}.certs")) { "certs[0]." } else { "" };
        let key = match file {
            ClientFile::Certificate => format!("{pair}cert"),
            ClientFile::Key => format!("{pair}key"),
            ClientFile::CaCertificate(index) => format!("ca_certs[{index}]"),
        };
        root.reject_at(&format!("{path}.{key}"), error.to_string());
    }
}

fn reject(section: &Section<'_>, pairs: &[Section<'_>], mistakes: TlsMistakes) {
    for mistake in mistakes.0 {
        let text = mistake.to_string();
        match mistake.file {
            TlsFile::Certificates => section.reject("certs", text),
            TlsFile::Certificate(index) => pairs[index].reject("cert", text),
            TlsFile::Key(index) => pairs[index].reject("key", text),
            TlsFile::CaCertificates | TlsFile::CaCertificate(_) => section.reject("ca_certs", text),
            TlsFile::RevocationList(_) => section.reject("crls", text),
        }
    }
}
