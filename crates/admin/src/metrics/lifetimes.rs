//! When certificates and revocation lists end.

use frontier_metrics::Exposition;
use frontier_transport::{Lifetime, Lifetimes};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes from when to when what the files of TLS hold is good: of each file and kind that which ends first, since the file
/// has to be made anew then.
pub fn write_lifetimes(lifetimes: &Lifetimes, out: &mut Exposition) {
    let lifetimes = lifetimes.now();
    let mut first: BTreeMap<_, &Lifetime> = BTreeMap::new();
    for lifetime in lifetimes.iter() {
        let of_file = first.entry((&lifetime.file, lifetime.kind)).or_insert(lifetime);
        if lifetime.ends < of_file.ends {
            *of_file = lifetime;
        }
    }
    let help = "Until when the certificate, CA or revocation list of this file is good that ends first, in seconds since 1970.";
    let mut family = out.gauge("frontier_tls_not_after_timestamp_seconds", help);
    for lifetime in first.values() {
        sample(&mut family, lifetime, lifetime.ends);
    }
    let help = "From when on the same is good.";
    let mut family = out.gauge("frontier_tls_not_before_timestamp_seconds", help);
    for lifetime in first.values() {
        sample(&mut family, lifetime, lifetime.begins);
    }
}

fn sample(family: &mut frontier_metrics::Family<'_>, lifetime: &Lifetime, at: SystemTime) {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    family.sample(&[("file", &lifetime.file.to_string_lossy()), ("kind", lifetime.kind.as_str())], seconds);
}
