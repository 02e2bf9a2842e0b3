//! How hosts are reached.

use frontier_config::{Secret, Section, unreadable};
use frontier_sdk::ClientTls;
use frontier_transport::{ClientFile, Endpoint};
use std::io;
use std::path::PathBuf;

/// The section `gateway`.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// `urls`: the gateways to dial, tried in turn. tcp://127.0.0.1:30011; empty only where there is `frontlas`.
    pub urls: Vec<String>,
    /// `frontlas`: URLs of frontlas. With one, hosts are reached by all gateways that it knows, and `urls` are not used.
    pub frontlas: Vec<String>,
    /// `name`: of the broker as a service. broker.
    pub name: String,
    /// `tls`: whom to trust, and what to show.
    pub tls: ClientTls,
    /// `token`, `token_file`: what to show gateways.
    pub token: Option<TokenSource>,
    /// `frontlas_token`, `frontlas_token_file`: what to show frontlas.
    pub frontlas_token: Option<TokenSource>,
}

/// Where a token is.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// In the configuration or its environment.
    Inline(Secret),
    /// In a file, which is read at each connect.
    File(PathBuf),
}

impl GatewayConfig {
    /// Reads the section.
    #[must_use]
    pub fn read(section: &Section<'_>) -> Self {
        let urls: Vec<String> = section.list("urls", vec!["tcp://127.0.0.1:30011".to_owned()]);
        for url in &urls {
            if let Err(error) = url.parse::<Endpoint>() {
                section.reject("urls", error.to_string());
            }
        }
        let frontlas: Vec<String> = section.list("frontlas", Vec::new());
        for url in &frontlas {
            let known = ["http://", "https://", "frontlas://", "frontlas+https://"];
            if !known.iter().any(|scheme| url.starts_with(scheme)) {
                section.reject(
                    "frontlas",
                    "must begin with http://, https://, frontlas:// or frontlas+https://",
                );
            }
        }
        if urls.is_empty() && frontlas.is_empty() {
            section.reject("urls", "needs one at least, where `frontlas` has none");
        }
        Self {
            urls,
            frontlas,
            name: section.get("name", "broker".to_owned()),
            tls: tls(&section.section("tls")),
            token: TokenSource::read(section, "token", "token_file"),
            frontlas_token: TokenSource::read(section, "frontlas_token", "frontlas_token_file"),
        }
    }

    /// What is wrong with the files that it names. Blocks while they are read.
    pub(crate) fn file_mistakes(&self) -> Vec<(String, String)> {
        let sources = [("token_file", &self.token), ("frontlas_token_file", &self.frontlas_token)];
        let failed = |(key, source): (&str, &Option<TokenSource>)| match source {
            Some(TokenSource::File(path)) => {
                let read = std::fs::read_to_string(path).map_err(|error| unreadable(&error));
                let error = read.and_then(|text| token(&text).map_err(|error| error.to_string())).err()?;
                Some((format!("gateway.{key}"), format!("{}: {error}", path.display())))
            }
            _ => None,
        };
        let tls = client_files("gateway.tls", &self.tls);
        sources.into_iter().filter_map(failed).chain(tls).collect()
    }
}

/// What is wrong with the files of a section of TLS, each by its key. Blocks while they are read.
pub(super) fn client_files(section: &str, tls: &ClientTls) -> Vec<(String, String)> {
    let wrong = tls.check().into_iter().map(|(file, error)| {
        let key = match file {
            ClientFile::CaCertificate(index) => format!("ca_certs[{index}]"),
            ClientFile::Certificate => "cert".to_owned(),
            ClientFile::Key => "key".to_owned(),
        };
        (format!("{section}.{key}"), error.to_string())
    });
    wrong.collect()
}

/// `ca_certs`, `cert` and `key`.
pub(super) fn tls(section: &Section<'_>) -> ClientTls {
    let cas: Vec<PathBuf> = section.list("ca_certs", Vec::new());
    let mut tls = cas.into_iter().fold(ClientTls::new(), |tls, ca| tls.ca_file(ca));
    match (section.optional::<PathBuf>("cert"), section.optional::<PathBuf>("key")) {
        (Some(cert), Some(key)) => tls = tls.identity_files(cert, key),
        (None, None) => {}
        (Some(_), None) => section.reject("key", "is required with `cert`"),
        (None, Some(_)) => section.reject("cert", "is required with `key`"),
    }
    tls
}

impl TokenSource {
    fn read(section: &Section<'_>, inline: &'static str, file: &'static str) -> Option<Self> {
        let text = section.get(inline, Secret::new(""));
        match section.optional::<PathBuf>(file) {
            Some(_) if !text.is_empty() => {
                section.reject(file, format!("is there beside `{inline}`; one of them is enough"));
                None
            }
            Some(path) => Some(Self::File(path)),
            None => (!text.is_empty()).then_some(Self::Inline(text)),
        }
    }

    /// The token itself.
    ///
    /// # Errors
    /// If its file can't be read, or has none.
    pub(crate) async fn load(&self) -> io::Result<String> {
        match self {
            Self::Inline(secret) => token(secret.expose()),
            Self::File(path) => token(&tokio::fs::read_to_string(path).await?),
        }
    }
}

fn token(text: &str) -> io::Result<String> {
    match text.trim() {
        "" => Err(io::Error::other("there is no token in it")),
        token => Ok(token.to_owned()),
    }
}
