//! The options that all examples have in common: whom to trust, and what to show the gateway.
//!
//! ```sh
//! cargo run -p frontier-sdk --example chatroom -- client --name ada \
//!     --gateway tls://gateway.example:30012 --ca certs/ca.pem --token-file ada.token
//! ```

use clap::Args;
use frontier_sdk::{Builder, ClientTls};
use std::path::{Path, PathBuf};

/// Whom to trust and what certificate to show, where the URL says tls, wss or quic.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Access")]
pub(crate) struct Tls {
    /// Trust the CAs in this PEM file, and not those of the system. May be given more than once.
    #[arg(long = "ca", value_name = "FILE")]
    cas: Vec<PathBuf>,
    /// The name that the gateway's certificate must be for, in place of the host in the URL.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Show this certificate, a PEM file with its chain.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The key of the certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl Tls {
    pub(crate) fn apply<P>(&self, builder: Builder<P>) -> Builder<P> {
        let mut tls = self.cas.iter().fold(ClientTls::new(), ClientTls::ca_file);
        if let Some(name) = &self.server_name {
            tls = tls.server_name(name);
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.identity_files(cert, key);
        }
        builder.tls(tls)
    }
}

/// All of it, for a program that is one client.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Access")]
pub(crate) struct Access {
    #[command(flatten)]
    tls: Tls,
    /// Show this token. Other users of the machine can see it here: rather set the variable, or use a file.
    #[arg(long, env = "FRONTIER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Show the token in this file, which is read again for each connection.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

impl Access {
    pub(crate) fn apply<P>(&self, builder: Builder<P>) -> Builder<P> {
        let builder = self.tls.apply(builder);
        match (&self.token, &self.token_file) {
            (Some(token), _) => builder.token(token),
            (None, Some(path)) => with_token_file(builder, path),
            (None, None) => builder,
        }
    }
}

/// Shows the token in a file, which may be renewed while the program runs.
pub(crate) fn with_token_file<P>(builder: Builder<P>, path: &Path) -> Builder<P> {
    let path = path.to_owned();
    builder.token_source(move || {
        let path = path.clone();
        async move {
            let read = tokio::fs::read_to_string(&path).await;
            let text = read.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(text.trim().to_owned())
        }
    })
}
