//! Tells the log of certificates and revocation lists that have to be renewed soon: each once a day.

use crate::Config;
use frontier_transport::ServerTls;
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};
use tracing::warn;

/// How often it is looked. Lists may live for no more than a day.
const INTERVAL: Duration = Duration::from_secs(3600);

/// How soon the same line is said again: a day, less what an hourly look may be early.
const AGAIN: Duration = Duration::from_secs(24 * 3600 - 60);

/// What the listeners show and go by, and what was said of it.
#[derive(Debug)]
pub(super) struct ExpiryLog {
    /// Those of the listeners: what is reloaded there is so here.
    tls: Vec<ServerTls>,
    told: HashMap<String, Instant>,
}

impl ExpiryLog {
    pub(super) fn new(config: &Config) -> Self {
        let listeners = config.edgebound.listeners.iter().chain(&config.servicebound.listeners);
        Self { tls: listeners.filter_map(|listen| listen.tls.clone()).collect(), told: HashMap::new() }
    }

    /// Looks every hour, until it is dropped.
    pub(super) async fn run(mut self) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.tls.is_empty() {
            interval.tick().await;
            for line in self.due(SystemTime::now(), Instant::now()) {
                warn!("renew it: {line}");
            }
        }
    }

    /// What is to be said now. Listeners may have the same files.
    fn due(&mut self, wall: SystemTime, now: Instant) -> Vec<String> {
        self.told.retain(|_, at| now.saturating_duration_since(*at) < AGAIN);
        let mut lines: Vec<String> = self.tls.iter().flat_map(|tls| tls.expiring(wall)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_transport::{CertificateFiles, ServerTlsConfig};

    const HOUR: Duration = Duration::from_secs(3600);

    /// One that ends in ten days, for two listeners.
    fn log() -> (ExpiryLog, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("a.pem"), dir.path().join("a.key"));
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = (SystemTime::now() + 240 * HOUR).into();
        params.not_before = (SystemTime::now() - 2_000 * HOUR).into();
        let pair = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        let certs = vec![CertificateFiles { cert, key }];
        let tls = ServerTls::load(ServerTlsConfig { certs, ..ServerTlsConfig::default() }).unwrap();
        (ExpiryLog { tls: vec![tls.clone(), tls], told: HashMap::new() }, dir)
    }

    #[test]
    fn what_ends_soon_is_said_once_a_day() {
        let (mut log, _dir) = log();
        let (wall, start) = (SystemTime::now(), Instant::now());
        let said: Vec<usize> =
            (0..=48).map(|hour| log.due(wall + hour * HOUR, start + hour * HOUR).len()).collect();
        assert_eq!(said.iter().sum::<usize>(), 3, "{said:?}");
        assert_eq!((said[0], said[24], said[48]), (1, 1, 1));
    }

    #[test]
    fn what_has_been_renewed_is_said_no_more() {
        let (mut log, _dir) = log();
        let (wall, start) = (SystemTime::now(), Instant::now());
        assert_eq!(log.due(wall, start).len(), 1);
        log.tls.clear();
        assert_eq!(log.due(wall, start + 25 * HOUR), [] as [String; 0]);
        assert!(log.told.is_empty(), "nothing is kept of it");
    }
}
