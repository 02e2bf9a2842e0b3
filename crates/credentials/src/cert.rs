//! `cert dev`: an authority, a server's certificate and a client's, for development.
//!
//! ```text
//!   ca.pem, ca-key.pem          the authority; made once, then used again
//!   server.pem, server-key.pem  for a gateway, with the names and addresses that it is reached by
//!   NAME.pem, NAME-key.pem      for an edge or a service
//! ```

mod authority;
mod files;

use anyhow::{Context as _, Result, ensure};
use authority::{Authority, Purpose};
use clap::Args;
use files::Pair;
use frontier_transport::ClientTls;
use std::path::{Path, PathBuf};

/// Names that a development server is always reached by.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What is to be made.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where the files go. An authority that is there already signs what is new.
    #[arg(long, value_name = "DIR", default_value = "certs")]
    out: PathBuf,
    /// A name or an address of the server, besides localhost. Any number. It is added to those of a server's
    /// certificate that is there already; the client's stays then.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// The client's name: its common name, a DNS name of it, and the name of its files.
    #[arg(long, value_name = "NAME", default_value = "client")]
    client: String,
    /// A URI in the client's certificate, such as urn:frontier:edge:7. Any number.
    #[arg(long, value_name = "URI")]
    uri: Vec<String>,
    /// How long the server's and the client's certificates hold. The authority's holds ten years.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Replace the server's and the client's certificate if they are there already. The authority stays.
    #[arg(long)]
    force: bool,
}

impl Options {
    /// The defaults, with the files in `out`.
    #[must_use]
    pub fn new(out: &Path) -> Self {
        let out = out.to_owned();
        Self { out, host: Vec::new(), client: "client".into(), uri: Vec::new(), days: 365, force: false }
    }
}

/// Makes what is missing, and returns the files that were written: none if nothing is.
///
/// # Errors
/// When a file can't be read or written, or is there already, or a name can't stand in a certificate.
pub fn run(options: &Options) -> Result<Vec<PathBuf>> {
    let dir = &options.out;
    let client = &options.client;
    let is_file_name = !client.is_empty() && !client.contains(['/', '\\', '\0']) && !client.starts_with('.');
    ensure!(is_file_name, "{client:?} can't be the name of a file");
    ensure!(!["ca", "server"].contains(&client.as_str()), "a client can't be called {client:?}");
    for host in &options.host {
        is_name(host)?;
    }
    is_name(client)?;
    std::fs::create_dir_all(dir).with_context(|| format!("can't make the directory {}", dir.display()))?;
    let (ca, server, client) = (Pair::new(dir, "ca"), Pair::new(dir, "server"), Pair::new(dir, client));
    let of_before = match (!options.force).then(|| server.read()).transpose()?.flatten() {
        None => None,
        Some((cert, _)) => Some(
            authority::names(&cert)
                .with_context(|| format!("{} is no certificate", server.cert.display()))?,
        ),
    };
    let added = options.host.iter().filter(|host| !of_before.iter().flatten().any(|name| name == *host));
    // Another client for the same server is the common case.
    let keep_server = of_before.is_some() && added.count() == 0;
    let only_adds = !options.force && !options.host.is_empty() && options.uri.is_empty();
    let keep_client = only_adds && of_before.is_some() && client.read()?.is_some();
    if !options.force && !keep_client {
        client.ensure_absent()?;
    }

    let mut written = Vec::new();
    let authority = match ca.read()? {
        Some((cert, key)) => Authority::load(&cert, &key)
            .with_context(|| format!("{} and {} are no authority", ca.cert.display(), ca.key.display()))?,
        None => {
            let (authority, cert, key) = Authority::make()?;
            written.extend(ca.write(&cert, &key)?);
            authority
        }
    };
    if !keep_server {
        let mut hosts = of_before.unwrap_or_default();
        for host in LOCAL.iter().map(ToString::to_string).chain(options.host.iter().cloned()) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        let (cert, key) = authority.issue("frontier", &hosts, &[], Purpose::Server, options.days)?;
        written.extend(server.write(&cert, &key)?);
    }
    if !keep_client {
        let name = &options.client;
        let (cert, key) =
            authority.issue(name, std::slice::from_ref(name), &options.uri, Purpose::Client, options.days)?;
        written.extend(client.write(&cert, &key)?);
    }
    Ok(written)
}

/// Whether a peer could ever find it right: a DNS name, of which the first label may be `*`, or an address.
fn is_name(name: &str) -> Result<()> {
    let found = ClientTls::new().name(name.strip_prefix("*.").unwrap_or(name));
    ensure!(found.is_ok(), "{name:?} is no name for a certificate: neither a DNS name nor an IP address");
    Ok(())
}

#[cfg(test)]
mod tests;
