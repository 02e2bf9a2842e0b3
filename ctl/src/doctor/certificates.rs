//! Certificates: those that this shows and trusts, and those of servers. Whom they are for, and until when.

use super::report::Report;
use crate::failure::Failure;
use crate::settings::Settings;
use frontier_config::unreadable;
use frontier_sdk::ClientTls;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Whoever renews them does it earlier than that.
const SOON: i64 = 14 * DAY;
const DAY: i64 = 86_400;

/// Looks at the files.
pub(super) fn look(settings: &Settings, report: &mut Report) {
    let context = &settings.context;
    for ca in &context.ca {
        file(&format!("CA {}", ca.display()), ca, &ClientTls::new().ca_file(ca), report);
    }
    if let (Some(cert), Some(key)) = (&context.cert, &context.key) {
        let tls = ClientTls::new().identity_files(cert, key);
        file(&format!("certificate {}", cert.display()), cert, &tls, report);
    }
}

fn file(check: &str, path: &Path, tls: &ClientTls, report: &mut Report) {
    if let Some((_, error)) = tls.check().into_iter().next() {
        return report.failure(check, &Failure::usage(error));
    }
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) => return report.failure(check, &Failure::usage(unreadable(&error))),
    };
    for pem in Pem::iter_from_buffer(&text).flatten().filter(|pem| pem.label == "CERTIFICATE") {
        dates(check, &pem.contents, report);
    }
}

/// Looks at what a server has shown, of which the first is its own.
pub(super) fn server(check: &str, chain: Option<&[CertificateDer<'_>]>, report: &mut Report) {
    if let Some(first) = chain.and_then(|chain| chain.first()) {
        dates(check, first, report);
    }
}

fn dates(check: &str, der: &[u8], report: &mut Report) {
    let certificate = match X509Certificate::from_der(der) {
        Ok((_, certificate)) => certificate,
        Err(error) => return report.failure(check, &Failure::usage(format!("no certificate: {error}"))),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
    let validity = certificate.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let subject = certificate.subject();
    if now < from {
        let text = format!("{subject}: not valid before {}", validity.not_before);
        return report.failure(check, &Failure::usage(text).advise("is the clock of this machine right?"));
    }
    let left = until - now;
    if left < 0 {
        let text = format!("{subject}: it has expired, {}", validity.not_after);
        return report.failure(check, &Failure::usage(text).advise("it has to be renewed"));
    }
    let text = format!("{subject}, until {}, {} days", validity.not_after, left / DAY);
    if left < SOON {
        report.warning(check, text, "it has to be renewed soon")
    } else {
        report.good(check, text)
    }
}
