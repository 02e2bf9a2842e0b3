//! The `tracing` section: where spans are sent, and which.
//!
//! ```yaml
//! tracing:
//!   endpoint: https://collector.example:4317
//!   sample_ratio: 0.01
//! ```

use frontier_config::{Secret, Section};
use frontier_transport::{ClientFile, ClientTls};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig, Identity};
use std::path::PathBuf;
use std::time::Duration;

/// Headers that may be configured.
const MAX_HEADERS: usize = 32;

/// Where spans are sent, and which.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// The collector, by OTLP over gRPC: `http://` or `https://`, with a port.
    pub endpoint: String,
    /// Of the requests that come without a trace context, how many are recorded: 0 to 1.
    pub sample_ratio: f64,
    /// More spans are not recorded in a second.
    pub spans_per_second: u32,
    /// The name of the service that traces show.
    pub service_name: String,
    /// How long the collector may take.
    pub timeout: Duration,
    /// Headers that the collector asks for.
    headers: Vec<(String, Secret)>,
    tls: Option<Tls>,
}

/// PEM, as it was read at the start.
#[derive(Clone, Debug)]
struct Tls {
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Secret)>,
}

impl Tracing {
    /// `None` without an endpoint: nothing is recorded, and contexts pass through.
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let endpoint = section.get("endpoint", String::new());
        let tracing = Self {
            sample_ratio: section.within("sample_ratio", 0.0, 0.0..=1.0),
            spans_per_second: section.within("spans_per_second", 1000, 1..=1_000_000),
            service_name: section.get("service_name", "frontier".to_owned()),
            timeout: section.within(
                "timeout",
                Duration::from_secs(10),
                Duration::from_millis(100)..=Duration::from_secs(60),
            ),
            headers: section.map("headers"),
            tls: Tls::read(&section.section("tls"), endpoint.starts_with("https://")),
            endpoint,
        };
        if tracing.headers.len() > MAX_HEADERS {
            section.reject("headers", format!("has more than {MAX_HEADERS}"));
        }
        for (name, value) in &tracing.headers {
            if header(name, value).is_none() {
                section.reject(
                    "headers",
                    format!("`{name}` is no header of HTTP, or its value is not printable ASCII"),
                );
            }
        }
        if tracing.endpoint.is_empty() {
            return None;
        }
        let rest = ["http://", "https://"].iter().find_map(|scheme| tracing.endpoint.strip_prefix(scheme));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['@', ' '])) {
            section.reject(
                "endpoint",
                "must be http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:4317",
            );
            return None;
        }
        Some(tracing)
    }

    /// The headers, as gRPC sends them.
    pub(crate) fn metadata(&self) -> MetadataMap {
        let headers: HeaderMap =
            self.headers.iter().filter_map(|(name, value)| header(name, value)).collect();
        MetadataMap::from_headers(headers)
    }

    /// What is trusted and shown, where the collector is reached over TLS.
    pub(crate) fn tls(&self) -> Option<ClientTlsConfig> {
        let Tls { ca, identity } = self.tls.as_ref()?;
        let tls = match ca {
            Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        Some(match identity {
            Some((cert, key)) => tls.identity(Identity::from_pem(cert, key.expose())),
            None => tls,
        })
    }
}

impl Tls {
    fn read(section: &Section<'_>, is_used: bool) -> Option<Self> {
        let paths = ["ca", "cert", "key"].map(|key| (key, section.optional::<PathBuf>(key)));
        if !is_used {
            for (key, _) in paths.iter().filter(|(_, path)| path.is_some()) {
                section.reject(key, "is of no use: `endpoint` is not https://");
            }
            return None;
        }
        let [ca, cert, key] = paths.map(|(_, path)| path);
        let tls = ca.iter().fold(ClientTls::new(), ClientTls::ca_file);
        let tls = match (&cert, &key) {
            (Some(cert), Some(key)) => tls.identity_files(cert, key),
            (None, None) => tls,
            _ => {
                section.reject("cert", "and `key` go together");
                tls
            }
        };
        for (file, error) in tls.check() {
            let key = match file {
                ClientFile::CaCertificate(_) => "ca",
                ClientFile::Certificate => "cert",
                ClientFile::Key => "key",
            };
            section.reject(key, error.to_string());
        }
        // What can't be read has been refused.
        let [ca, cert, key] = [ca, cert, key].map(|path| std::fs::read(path?).ok());
        let identity = cert.zip(key).map(|(cert, key)| (cert, Secret::new(String::from_utf8_lossy(&key))));
        Some(Self { ca, identity })
    }
}

fn header(name: &str, value: &Secret) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, HeaderValue::from_str(value.expose()).ok()?))
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn mistakes(tracing: &str) -> Vec<String> {
        let yaml = format!("tracing: {{{tracing}}}");
        let errors = Config::parse(&yaml, &|_| None).expect_err(tracing);
        errors.mistakes().iter().map(|mistake| format!("{} {mistake}", mistake.path())).collect()
    }

    #[test]
    fn without_an_endpoint_there_is_none_and_headers_are_secret() {
        assert!(Config::parse("", &|_| None).unwrap().tracing.is_none());
        let yaml = "tracing: {endpoint: 'http://[::1]:4317', headers: {x-key: hidden}}";
        let tracing = Config::parse(yaml, &|_| None).unwrap().tracing.unwrap();
        assert!(!format!("{tracing:?}").contains("hidden"));
        assert_eq!(tracing.metadata().get("x-key").unwrap(), "hidden");
        assert!(tracing.tls().is_none());
        let yaml = "tracing: {endpoint: 'https://collector:4317'}";
        assert!(Config::parse(yaml, &|_| None).unwrap().tracing.unwrap().tls().is_some());
    }

    #[test]
    fn each_mistake_names_its_key() {
        for (tracing, key) in [
            ("endpoint: collector", "tracing.endpoint"),
            ("endpoint: 'http://'", "tracing.endpoint"),
            ("endpoint: 'http://user:password@host:1'", "tracing.endpoint"),
            ("sample_ratio: 1.5", "tracing.sample_ratio"),
            ("sample_ratio: -0.1", "tracing.sample_ratio"),
            ("spans_per_second: 0", "tracing.spans_per_second"),
            ("timeout: 1h", "tracing.timeout"),
            ("headers: {'a b': c}", "tracing.headers"),
            ("endpoint: 'http://host:1', tls: {ca: ca.pem}", "tracing.tls.ca"),
            ("endpoint: 'https://host:1', tls: {ca: /no/ca}", "tracing.tls.ca"),
            ("endpoint: 'https://host:1', tls: {ca: /dev/null}", "tracing.tls.ca"),
            ("endpoint: 'https://host:1', tls: {cert: /dev/null}", "tracing.tls.cert"),
        ] {
            let found = mistakes(tracing);
            assert!(found.len() == 1 && found[0].starts_with(key), "{tracing}: {found:?}");
        }
        let found = mistakes("endpoint: 'https://host:1', tls: {cert: /dev/null, key: /dev/null}");
        let keys: Vec<_> = found.iter().map(|it| it.split(' ').next().unwrap()).collect();
        assert_eq!(keys, ["tracing.tls.cert", "tracing.tls.key"], "{found:?}");
    }
}
