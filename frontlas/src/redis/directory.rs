//! The trait, by the operations that the other files have.

use super::RedisDirectory;
use super::decode::{edge, service};
use crate::directory::{Answer, Directory};
use crate::model::{
    Changes, Edge, Event, Frontier, Incarnation, Kind, Lease, Mark, NewFrontier, Page, Position, Presence,
    Service, Timestamp, Verdict,
};
use std::time::Duration;

impl Directory for RedisDirectory {
    fn ttl(&self) -> Duration {
        self.lifetimes.alive
    }

    fn time(&self) -> Answer<'_, Timestamp> {
        Box::pin(self.time_now())
    }

    fn join<'a>(&'a self, frontier: &'a NewFrontier, incarnation: Option<Incarnation>) -> Answer<'a, Lease> {
        Box::pin(self.join_now(frontier, incarnation))
    }

    fn last_incarnation<'a>(&'a self, frontier: &'a str) -> Answer<'a, Option<Incarnation>> {
        Box::pin(self.last_incarnation_now(frontier))
    }

    fn apply<'a>(&'a self, lease: &'a Lease, events: &'a [Event]) -> Answer<'a, Vec<Verdict>> {
        Box::pin(self.apply_now(lease, events))
    }

    fn refresh<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        Box::pin(self.refresh_now(lease))
    }

    fn resync_begin<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        Box::pin(self.resync_begin_now(lease))
    }

    fn resync_chunk<'a>(&'a self, lease: &'a Lease, present: &'a [Presence]) -> Answer<'a, Vec<Verdict>> {
        Box::pin(self.resync_chunk_now(lease, present))
    }

    fn resync_end<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        Box::pin(self.resync_end_now(lease))
    }

    fn mark<'a>(&'a self, lease: &'a Lease, mark: Mark) -> Answer<'a, ()> {
        Box::pin(self.mark_now(lease, mark))
    }

    fn leave<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        Box::pin(self.leave_now(lease))
    }

    fn frontiers(&self) -> Answer<'_, Vec<Frontier>> {
        Box::pin(self.frontiers_now())
    }

    fn frontiers_by_id<'a>(&'a self, ids: &'a [String]) -> Answer<'a, Vec<Option<Frontier>>> {
        Box::pin(self.frontiers_for(&self.scripts.frontiers_by_id, ids))
    }

    fn frontiers_by_edge<'a>(&'a self, edge_ids: &'a [u64]) -> Answer<'a, Vec<Option<Frontier>>> {
        Box::pin(self.frontiers_for(&self.scripts.frontiers_by_edge, edge_ids))
    }

    fn edges(&self, from: u64, count: usize) -> Answer<'_, Page<Edge>> {
        Box::pin(self.page(Kind::Edge, from, count, edge))
    }

    fn edges_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Edge>>> {
        Box::pin(self.records(Kind::Edge, ids, edge))
    }

    fn services(&self, from: u64, count: usize) -> Answer<'_, Page<Service>> {
        Box::pin(self.page(Kind::Service, from, count, service))
    }

    fn services_by_id<'a>(&'a self, ids: &'a [u64]) -> Answer<'a, Vec<Option<Service>>> {
        Box::pin(self.records(Kind::Service, ids, service))
    }

    fn count(&self, kind: Kind) -> Answer<'_, u64> {
        Box::pin(async move {
            let of = |frontier: &Frontier| match kind {
                Kind::Edge => frontier.edge_count,
                Kind::Service => frontier.service_count,
            };
            Ok(self.frontiers_now().await?.iter().map(of).sum())
        })
    }

    fn position(&self) -> Answer<'_, Position> {
        Box::pin(self.position_now())
    }

    fn changes(&self, since: Position, limit: usize) -> Answer<'_, Changes> {
        Box::pin(self.changes_now(since, limit))
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.check_now())
    }

    fn sweep(&self) -> Answer<'_, usize> {
        Box::pin(self.sweep_now())
    }
}
