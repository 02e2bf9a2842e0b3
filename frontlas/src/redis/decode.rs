//! From the replies of scripts to the records of the directory.

use super::unexpected;
use crate::DirectoryError;
use crate::model::{Change, Edge, Former, Frontier, NewFrontier, Numbered, Service, Timestamp, Verdict};
use serde::Deserialize;
use std::collections::HashMap;

/// The JSON of an edge or service, as far as queries give it.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    service: String,
    frontier_id: String,
    #[serde(default)]
    addr: String,
    #[serde(default)]
    update_time: u64,
    stamp: u64,
}

pub(super) fn edge(id: u64, json: &str) -> Result<Edge, DirectoryError> {
    let it: Record = serde_json::from_str(json).map_err(|_| unexpected())?;
    let Record { frontier_id, addr, update_time, stamp, .. } = it;
    Ok(Edge { id, frontier_id, addr, update_time, stamp: Timestamp(stamp) })
}

pub(super) fn service(id: u64, json: &str) -> Result<Service, DirectoryError> {
    let it: Record = serde_json::from_str(json).map_err(|_| unexpected())?;
    let Record { service, frontier_id, addr, update_time, stamp } = it;
    Ok(Service { id, service, frontier_id, addr, update_time, stamp: Timestamp(stamp) })
}

/// A frontier: id, addresses, counts, generation, marks, and the names of its services as JSON.
pub(super) type FrontierReply = (String, String, String, u64, u64, u64, u8, u8, u8, String);

pub(super) fn frontier(
    (
        id,
        advertised_sb_addr,
        advertised_eb_addr,
        edge_count,
        service_count,
        generation,
        draining,
        away,
        forwarding,
        service_names,
    ): FrontierReply,
) -> Frontier {
    // A generation is the moment at which it began.
    let (since, draining, away) = (Timestamp(generation), draining != 0, away != 0);
    let forwarding = forwarding != 0;
    // Whatever else lies there is of somebody else: the next change of a service writes it anew.
    let service_names = serde_json::from_str(&service_names).unwrap_or_default();
    Frontier {
        id,
        advertised_sb_addr,
        advertised_eb_addr,
        edge_count,
        service_count,
        service_names,
        since,
        draining,
        away,
        forwarding,
    }
}

pub(super) fn verdict(text: &str) -> Result<Verdict, DirectoryError> {
    match text {
        "a" => Ok(Verdict::Applied),
        "u" => Ok(Verdict::Unchanged),
        "f" => Ok(Verdict::Full),
        _ => match text.split_at_checked(1) {
            Some(("s", by)) => Ok(Verdict::Superseded { by: by.to_owned() }),
            Some(("h", by)) => Ok(Verdict::Held { by: by.to_owned() }),
            _ => Err(unexpected()),
        },
    }
}

/// An entry of the stream of changes.
pub(super) type StreamEntry = (String, HashMap<String, String>);

pub(super) fn change((id, mut fields): StreamEntry) -> Result<Numbered, DirectoryError> {
    let number = id.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).ok_or_else(unexpected)?;
    let mut take = |name: &str| fields.remove(name).ok_or_else(unexpected);
    let parse = |text: String| text.parse::<u64>().map_err(|_| unexpected());
    let change = match take("change")?.as_str() {
        what @ ("frontier_online" | "frontier_draining") => {
            let frontier = NewFrontier {
                id: take("frontier")?,
                advertised_sb_addr: take("sb")?,
                advertised_eb_addr: take("eb")?,
            };
            match what {
                "frontier_online" => Change::FrontierOnline(frontier),
                _ => Change::FrontierDraining(frontier),
            }
        }
        "frontier_offline" => Change::FrontierOffline { frontier_id: take("frontier")? },
        "edges_offline" => Change::EdgeOffline {
            edge_id: parse(take("id")?)?,
            frontier_id: take("frontier")?,
            stamp: Timestamp(parse(take("stamp")?)?),
        },
        "services_offline" => Change::ServiceOffline {
            service_id: parse(take("id")?)?,
            frontier_id: take("frontier")?,
            stamp: Timestamp(parse(take("stamp")?)?),
        },
        online @ ("edges_online" | "services_online") => {
            let (id, record) = (parse(take("id")?)?, take("record")?);
            let former = match take("former") {
                Ok(frontier_id) => Some(Former { frontier_id, stamp: Timestamp(parse(take("stamp")?)?) }),
                Err(_) => None,
            };
            match online {
                "edges_online" => Change::EdgeOnline { edge: edge(id, &record)?, former },
                _ => Change::ServiceOnline { service: service(id, &record)?, former },
            }
        }
        _ => return Err(unexpected()),
    };
    Ok(Numbered { number, change })
}
