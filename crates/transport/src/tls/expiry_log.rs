//! Looks at certificates and revocation lists for their ends, for metrics, and tells the log of those that have to be
//! renewed soon: each once a day.

use super::expiry::{self, Lifetime};
use super::{ClientTls, ServerTls};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tracing::warn;

/// How often it is looked. What was renewed shows in the metrics that much later.
const INTERVAL: Duration = Duration::from_secs(60);

/// How soon the same line is said again.
const AGAIN: Duration = Duration::from_secs(24 * 3600 - 60);

type Source = Box<dyn Fn() -> Vec<Lifetime> + Send>;

/// What an [`ExpiryLog`] has found at its last look. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Lifetimes(Arc<Mutex<Arc<[Lifetime]>>>);

impl Lifetimes {
    /// All of them. What several name is there several times.
    #[must_use]
    pub fn now(&self) -> Arc<[Lifetime]> {
        self.0.lock().clone()
    }
}

/// What a program shows and goes by over TLS, and what was said of it: whatever it listens to or dials, and what is reloaded
/// there is so here.
#[derive(Default)]
pub struct ExpiryLog {
    sources: Vec<Source>,
    told: HashMap<String, Instant>,
    found: Lifetimes,
}

impl ExpiryLog {
    /// Looks at nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at what a listener shows and goes by.
    #[must_use]
    pub fn server(self, tls: ServerTls) -> Self {
        self.look(move || tls.lifetimes())
    }

    /// Looks at what a dialler shows and goes by.
    #[must_use]
    pub fn client(self, tls: ClientTls) -> Self {
        // The authorities of the system are renewed by others.
        if tls.names_certificates() { self.look(move || tls.lifetimes()) } else { self }
    }

    /// Looks at something else, which may change. It may block.
    #[must_use]
    pub fn look(mut self, lifetimes: impl Fn() -> Vec<Lifetime> + Send + 'static) -> Self {
        self.sources.push(Box::new(lifetimes));
        self
    }

    /// What it finds, now and later. Blocks while it reads files.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        self.find();
        self.found.clone()
    }

    /// By each source.
    fn find(&self) -> Vec<Vec<Lifetime>> {
        let found: Vec<Vec<Lifetime>> = self.sources.iter().map(|lifetimes| lifetimes()).collect();
        *self.found.0.lock() = found.iter().flatten().cloned().collect();
        found
    }

    /// Looks every minute, until it is dropped.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn run(mut self) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.sources.is_empty() {
            interval.tick().await;
            // It reads files.
            let looked = tokio::task::spawn_blocking(move || {
                let lines = self.due(SystemTime::now(), Instant::now());
                (self, lines)
            });
            // Fails only if the runtime ends, or a parser of others panics.
            let Ok((back, lines)) = looked.await else { return };
            self = back;
            for line in lines {
                warn!("renew it: {line}");
            }
        }
    }

    /// What is to be said now. Several may have the same files.
    fn due(&mut self, wall: SystemTime, now: Instant) -> Vec<String> {
        self.told.retain(|_, at| now.saturating_duration_since(*at) < AGAIN);
        let found = self.find();
        let mut lines: Vec<String> =
            found.iter().flat_map(|of_source| expiry::expiring(of_source, wall)).collect();
        lines.retain(|line| {
            let is_new = !self.told.contains_key(line);
            if is_new {
                self.told.insert(line.clone(), now);
            }
            is_new
        });
        lines
    }
}

impl fmt::Debug for ExpiryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiryLog").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{CertificateFiles, ServerTlsConfig};

    const HOUR: Duration = Duration::from_secs(3600);

    /// One that ends in ten days, for two listeners, a dialler that shows and trusts it, and whoever else names its file.
    fn log() -> (ExpiryLog, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("a.pem"), dir.path().join("a.key"));
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = (SystemTime::now() + 240 * HOUR).into();
        params.not_before = (SystemTime::now() - 2_000 * HOUR).into();
        let pair = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        let client = ClientTls::new().identity_files(&cert, &key).ca_file(&cert);
        assert_eq!(client.expiring(SystemTime::now()).len(), 2, "what it shows, and what it trusts");
        let elsewhere = ClientTls::new().ca_file(&cert).ca_file(dir.path().join("not there"));
        let certs = vec![CertificateFiles { cert, key }];
        let tls = ServerTls::load(ServerTlsConfig { certs, ..ServerTlsConfig::default() }).unwrap();
        let log = ExpiryLog::new().server(tls.clone()).server(tls).client(client);
        (log.look(move || elsewhere.lifetimes()), dir)
    }

    #[test]
    fn what_ends_soon_is_said_once_a_day() {
        let (mut log, _dir) = log();
        let (wall, start) = (SystemTime::now(), Instant::now());
        let found = log.lifetimes();
        assert_eq!(found.now().len(), 5, "it has looked");
        let said: Vec<usize> =
            (0..=48).map(|hour| log.due(wall + hour * HOUR, start + hour * HOUR).len()).collect();
        assert_eq!(said.iter().sum::<usize>(), 3, "{said:?}");
        assert_eq!((said[0], said[24], said[48]), (1, 1, 1));
        let kinds = Vec::from_iter(found.now().iter().map(|lifetime| lifetime.kind.as_str()));
        assert_eq!(kinds, ["certificate", "certificate", "certificate", "authority", "authority"]);
        assert!(found.now().iter().all(|lifetime| lifetime.ends > wall && lifetime.begins < wall));
    }

    #[test]
    fn what_has_been_renewed_is_said_no_more() {
        let (mut log, _dir) = log();
        let (wall, start) = (SystemTime::now(), Instant::now());
        assert_eq!(log.due(wall, start).len(), 1);
        log.sources.clear();
        assert_eq!(log.due(wall, start + 25 * HOUR), [] as [String; 0]);
        assert!(log.told.is_empty(), "nothing is kept of it");
    }
}
