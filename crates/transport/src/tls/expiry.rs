//! What is going to be past its time: certificates, CAs and revocation lists, told while they can still be renewed.

use super::peer_certificate::time;
use rustls::pki_types::CertificateDer;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How long before its end a certificate is told of, and a list, which are made more often. What lives for less than
/// four times as long is told of in the last quarter of its life.
const CERTIFICATE: Duration = Duration::from_secs(14 * 24 * 3600);
const LIST: Duration = Duration::from_secs(3 * 24 * 3600);

/// Files that are told of at once. A bundle of CAs may have a hundred members.
const MAX_LINES: usize = 10;

/// What a file of TLS holds that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LifetimeKind {
    /// A certificate that is shown, or one that is shown with it.
    Certificate,
    /// A CA by whose certificate peers are judged.
    Authority,
    /// A list of certificates that are revoked.
    RevocationList,
}

impl LifetimeKind {
    /// In one word, for labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Authority => "authority",
            Self::RevocationList => "revocation_list",
        }
    }
}

/// From when to when something in a file of TLS is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The file; what it was given as where it comes from none.
    pub file: PathBuf,
    /// What it is.
    pub kind: LifetimeKind,
    /// From when on.
    pub begins: SystemTime,
    /// Until when.
    pub ends: SystemTime,
    /// What is said of its end, behind the file.
    text: String,
}

impl Lifetime {
    /// That of a certificate; `None` if it is damaged.
    pub(super) fn of_certificate(file: &Path, kind: LifetimeKind, der: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let (from, to) = (parsed.validity().not_before, parsed.validity().not_after);
        let text = format!("the certificate of `{}` expires on {to}", parsed.subject());
        let (begins, ends) = (time(from.timestamp()), time(to.timestamp()));
        Some(Self { file: file.to_owned(), kind, begins, ends, text })
    }

    pub(super) fn of_list(file: &Path, begins: SystemTime, ends: SystemTime, text: String) -> Self {
        Self { file: file.to_owned(), kind: LifetimeKind::RevocationList, begins, ends, text }
    }

    /// What is to be said of it, if it has to be renewed soon, or has not been in time. The same words each time.
    fn line(&self, now: SystemTime) -> Option<String> {
        let life = self.ends.duration_since(self.begins).unwrap_or_default();
        let ahead = if self.kind == LifetimeKind::RevocationList { LIST } else { CERTIFICATE };
        is_near(now, self.ends, life, ahead).then(|| format!("{}: {}", self.file.display(), self.text))
    }
}

/// A line for each of these that has to be renewed soon, or has not been in time: ten of them, and how many more there are.
pub(super) fn expiring(lifetimes: &[Lifetime], now: SystemTime) -> Vec<String> {
    let mut lines: Vec<_> = lifetimes.iter().filter_map(|lifetime| lifetime.line(now)).collect();
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("{more} more certificates or revocation lists expire soon, or have expired"));
    }
    lines
}

/// Whether what ends at `end` after a life of `life` is to be told of, `ahead` of its end at most.
fn is_near(now: SystemTime, end: SystemTime, life: Duration, ahead: Duration) -> bool {
    end.duration_since(now).unwrap_or_default() < ahead.min(life / 4)
}

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
