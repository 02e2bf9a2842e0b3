//! What is going to be past its time: certificates, CAs and revocation lists, told while they can still be renewed.

use super::peer_certificate::time;
use super::pem;
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How long before its end a certificate is told of, and a list, which are made more often. What lives for less than
/// four times as long is told of in the last quarter of its life.
pub(super) const CERTIFICATE: Duration = Duration::from_secs(14 * 24 * 3600);
pub(super) const LIST: Duration = Duration::from_secs(3 * 24 * 3600);

/// Files that are told of at once. A bundle of CAs may have a hundred members.
const MAX_LINES: usize = 10;

/// A line for each of these certificates that has to be renewed soon, or has not been in time.
pub(super) fn expiring<'a>(
    dated: impl IntoIterator<Item = (&'a Path, &'a CertificateDer<'static>)>,
    now: SystemTime,
) -> Vec<String> {
    let line = |(path, der): (&Path, &CertificateDer<'static>)| {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let (from, to) = (parsed.validity().not_before, parsed.validity().not_after);
        let (subject, end) = (parsed.subject(), time(to.timestamp()));
        let life = end.duration_since(time(from.timestamp())).unwrap_or_default();
        is_near(now, end, life, CERTIFICATE)
            .then(|| format!("{}: the certificate of `{subject}` expires on {to}", path.display()))
    };
    dated.into_iter().filter_map(line).collect()
}

/// The same for all certificates in these PEM files. Blocks while it reads them; one that can't be read is passed over, as
/// that is told elsewhere.
#[must_use]
pub fn expiring_files(paths: &[PathBuf], now: SystemTime) -> Vec<String> {
    let lines = paths.iter().flat_map(|path| {
        let found = std::fs::read(path).ok().and_then(|text| pem::certificates(&text).ok());
        found
            .unwrap_or_default()
            .iter()
            .flat_map(|der| expiring([(path.as_path(), der)], now))
            .collect::<Vec<_>>()
    });
    clipped(lines.collect())
}

/// Ten of these lines, and how many more there are.
pub(super) fn clipped(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("{more} more certificates or revocation lists expire soon, or have expired"));
    }
    lines
}

/// Whether what ends at `end` after a life of `life` is to be told of, `ahead` of its end at most.
pub(super) fn is_near(now: SystemTime, end: SystemTime, life: Duration, ahead: Duration) -> bool {
    end.duration_since(now).unwrap_or_default() < ahead.min(life / 4)
}

/// Certificates with the files that they are from.
pub(super) type Dated = Vec<(PathBuf, CertificateDer<'static>)>;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn what_ends_soon_is_told_in_time_and_what_is_made_anew_every_day_is_not() {
        let now = SystemTime::now();
        let near = |left: Duration, life, ahead| is_near(now, now + left, life, ahead);
        assert!(!near(15 * DAY, 90 * DAY, CERTIFICATE));
        assert!(near(13 * DAY, 90 * DAY, CERTIFICATE));
        assert!(!near(2 * DAY, 7 * DAY, CERTIFICATE), "one of a week is renewed every few days");
        assert!(near(DAY, 7 * DAY, CERTIFICATE));
        assert!(!near(DAY / 2, DAY, LIST), "a list of a day is renewed twice a day");
        assert!(near(DAY / 6, DAY, LIST));
        assert!(near(2 * DAY, 30 * DAY, LIST) && !near(4 * DAY, 30 * DAY, LIST));
        assert!(is_near(now, now - DAY, 90 * DAY, CERTIFICATE), "it was not renewed in time");
    }
}
