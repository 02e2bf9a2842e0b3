//! One watch: the snapshot, part by part, then what the hub tells.

use super::hub::{Hub, News};
use super::{WatchFilter, told};
use crate::control_plane::queries::Queries;
use crate::control_plane::walk::Epochs;
use frontier_admin::{ApiError, WatchSource};
use frontier_api::gateway::change::What;
use frontier_api::gateway::watch_response::Event;
use frontier_api::gateway::{Change, EdgeOffline, ServiceOffline, Snapshot, WatchResponse};
use frontier_exchange::{self as exchange, Key};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// Where the snapshot goes on.
#[derive(Clone, Copy, Debug)]
enum Next {
    First,
    Edges(u64),
    Services(Option<u64>),
    Live,
}

pub(super) struct Source {
    queries: Queries,
    hub: Arc<Hub>,
    news: broadcast::Receiver<News>,
    filter: WatchFilter,
    next: Next,
    waiting: VecDeque<WatchResponse>,
}

impl Source {
    pub(super) fn new(queries: Queries, hub: Arc<Hub>, filter: WatchFilter) -> Self {
        let news = hub.listen();
        let next = if filter.has_presence() { Next::First } else { Next::Live };
        Self { queries, hub, news, filter, next, waiting: VecDeque::new() }
    }

    /// From here on everything anew.
    fn start_again(&mut self) {
        self.news = self.hub.listen();
        self.waiting.clear();
        if self.filter.has_presence() {
            self.next = Next::First;
        }
    }

    /// The next part of the snapshot; `None` behind the last one.
    fn part(&mut self) -> Option<Snapshot> {
        let exchange = self.queries.exchange();
        let first = matches!(self.next, Next::First);
        let mut part = Snapshot { first, ..Snapshot::default() };
        if first && self.filter.changes_only {
            self.next = Next::Live;
            part.last = true;
            return Some(part);
        }
        let edges_after = match self.next {
            Next::First => Some(None),
            Next::Edges(epoch) => Some(Some(epoch)),
            Next::Services(_) | Next::Live => None,
        };
        if let (Some(after), true) = (edges_after, self.filter.edges) {
            let range = after.map_or(Epochs::ALL.bounds(), |epoch| Epochs::ALL.behind(epoch, false));
            let slice = exchange.edge_slice(range, false, usize::MAX);
            if let Some(last) = slice.last() {
                self.next = Next::Edges(last.epoch().0);
                part.edges = slice.iter().map(|edge| self.queries.edge_record(edge)).collect();
                return Some(part);
            }
        }
        let after = match self.next {
            Next::Live => return None,
            Next::Services(after) => after,
            Next::First | Next::Edges(_) => None,
        };
        let slice = if self.filter.services { exchange.service_slice(after) } else { Vec::new() };
        match slice.last() {
            Some(last) => {
                self.next = Next::Services(Some(last.number()));
                part.services = slice.iter().map(|service| self.queries.service_record(service)).collect();
            }
            None => {
                self.next = Next::Live;
                part.last = true;
            }
        }
        Some(part)
    }

    fn change(&self, change: &exchange::Change) -> Option<What> {
        let is_wanted = |key: &Key| match key {
            Key::Edge(_) => self.filter.edges,
            Key::Service(_) => self.filter.services,
        };
        match change {
            exchange::Change::Online(connection) if is_wanted(&connection.key) => match connection.key {
                // One that has left already is told of by the next change.
                Key::Edge(id) => self.queries.edge_of(id, connection.epoch).map(What::EdgeOnline),
                Key::Service(id) => self.queries.service_of(id, connection.epoch).map(What::ServiceOnline),
            },
            exchange::Change::Offline { key, epoch } if is_wanted(key) => Some(match *key {
                Key::Edge(edge_id) => What::EdgeOffline(EdgeOffline { edge_id, stamp: *epoch }),
                Key::Service(service_id) => {
                    What::ServiceOffline(ServiceOffline { service_id, stamp: *epoch })
                }
            }),
            _ => None,
        }
    }

    fn take(&mut self, news: &News) {
        match news {
            News::Changes(changes) => {
                let told_of = changes.iter().filter_map(|change| self.change(change));
                let events = told_of.map(|what| told(Event::Change(Change { what: Some(what) })));
                let events = events.collect::<Vec<_>>();
                self.waiting.extend(events);
            }
            News::Rates(rates) if self.filter.rates => self.waiting.push_back(told(Event::Rates(**rates))),
            News::Rates(_) => {}
            News::Missed => self.start_again(),
        }
    }
}

impl WatchSource for Source {
    type Item = WatchResponse;

    async fn next(&mut self, keepalive_at: Instant) -> Result<WatchResponse, ApiError> {
        loop {
            if let Some(part) = self.part() {
                // A part costs some hundreds of records.
                tokio::task::yield_now().await;
                return Ok(told(Event::Snapshot(part)));
            }
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            match timeout_at(keepalive_at, self.news.recv()).await {
                Err(_) => return Ok(WatchResponse { event: None }),
                Ok(Ok(news)) => self.take(&news),
                Ok(Err(RecvError::Lagged(_))) => self.start_again(),
                // The hub is held here.
                Ok(Err(RecvError::Closed)) => return Err(ApiError::Draining),
            }
        }
    }
}
