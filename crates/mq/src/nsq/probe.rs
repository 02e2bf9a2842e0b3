//! Whether an nsqd lets us in, and whether an nsqlookupd answers. A topic is made by whoever publishes or reads first.

use super::Nsq;
use super::lookup::lookup;
use crate::backend::Backend;
use crate::{Bounds, NsqConfig, NsqSourceConfig};
use tokio::time::timeout;

/// Connects.
pub(crate) async fn look(
    config: &NsqConfig,
    name: &'static str,
    bounds: Bounds,
) -> Result<Vec<String>, String> {
    Nsq::new(config, name, bounds).connect().await.map(|_| Vec::new())
}

/// What is wrong with those that say which servers there are, by their indexes.
pub(crate) async fn look_up(source: &NsqSourceConfig, bounds: Bounds) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (index, addr) in source.lookup_addrs.iter().enumerate() {
        let patience = bounds.connect_timeout;
        let answer = timeout(patience, lookup(addr, &source.topic)).await;
        if let Err(error) = answer.unwrap_or_else(|_| Err(format!("no answer within {patience:?}"))) {
            faults.push((index, format!("nsqlookupd at {addr}: {error}")));
        }
    }
    faults
}
