//! The queries of the control plane, for gRPC and REST alike.

use super::scans::Scans;
use super::write_state::WriteState;
use crate::directory::Directory;
use crate::model::{Kind, Page};
use frontier_admin::ApiError;
use frontier_admin::page::{Listing, PageRequest, PageStart, PageTokens, check_ids, collect};
use frontier_api::cluster::{
    Edge, Frontier, ListEdgesRequest, ListFrontiersRequest, ListServicesRequest, Service,
};
use std::sync::Arc;

const FRONTIERS: PageTokens = PageTokens::new('f');
const EDGES: PageTokens = PageTokens::new('e');
const SERVICES: PageTokens = PageTokens::new('s');

/// Answers from the directory, in the messages of the API.
#[derive(Clone)]
pub(super) struct Queries {
    directory: Arc<dyn Directory>,
    scans: Scans,
    writes: WriteState,
}

impl Queries {
    pub(super) fn new(directory: Arc<dyn Directory>, scans: Scans, writes: WriteState) -> Self {
        Self { directory, scans, writes }
    }

    pub(super) async fn frontier_by_edge(&self, edge_id: u64) -> Result<Frontier, ApiError> {
        let found = self.directory.frontiers_by_edge(&[edge_id]).await?;
        self.writes.check_absent(is_short(&found))?;
        only(found).ok_or_else(|| ApiError::NotFound(format!("edge {edge_id} is not connected")))
    }

    pub(super) async fn edge(&self, edge_id: u64) -> Result<Edge, ApiError> {
        let found = self.directory.edges_by_id(&[edge_id]).await?;
        self.writes.check_absent(is_short(&found))?;
        only(found).ok_or_else(|| ApiError::NotFound(format!("edge {edge_id} is not connected")))
    }

    pub(super) async fn service(&self, service_id: u64) -> Result<Service, ApiError> {
        let found = self.directory.services_by_id(&[service_id]).await?;
        self.writes.check_absent(is_short(&found))?;
        only(found).ok_or_else(|| ApiError::NotFound(format!("service {service_id} is not connected")))
    }

    pub(super) async fn count(&self, kind: Kind) -> Result<u64, ApiError> {
        let count = self.directory.count(kind).await?;
        self.writes.check_absent(count == 0)?;
        Ok(count)
    }

    pub(super) async fn frontiers(
        &self,
        request: ListFrontiersRequest,
    ) -> Result<Listing<Frontier>, ApiError> {
        let ListFrontiersRequest { cursor, count, edge_ids, frontier_ids, page_token } = request;
        let paged = cursor.is_some() || count.is_some() || !page_token.is_empty();
        if !edge_ids.is_empty() || !frontier_ids.is_empty() {
            check_ids(edge_ids.len().max(frontier_ids.len()), paged)?;
            let found = match (edge_ids.is_empty(), frontier_ids.is_empty()) {
                (true, _) => self.directory.frontiers_by_id(&frontier_ids).await?,
                (_, true) => self.directory.frontiers_by_edge(&edge_ids).await?,
                _ => return Err(ApiError::invalid("either edge_ids or frontier_ids, not both")),
            };
            self.writes.check_absent(is_short(&found))?;
            return Ok(Listing::whole(optional(found)));
        }
        let page = PageRequest::new(cursor, count, page_token)?;
        let after = match &page.start {
            PageStart::Offset(_) => None,
            PageStart::Token(token) => Some(FRONTIERS.parse_after(token)?),
        };
        let all = self.directory.frontiers().await?;
        self.writes.check_absent(all.is_empty())?;
        if !paged {
            return Ok(Listing::whole(all.into_iter().map(|frontier| Some(frontier.into())).collect()));
        }
        let from = match (&page.start, after) {
            (PageStart::Offset(offset), _) => usize::try_from(*offset).unwrap_or(usize::MAX).min(all.len()),
            (_, after) => all.partition_point(|frontier| Some(&frontier.id) <= after.as_ref()),
        };
        let to = from.saturating_add(page.count).min(all.len());
        let next = (to > from && to < all.len()).then(|| FRONTIERS.token_after(&all[to - 1].id));
        let items = all.into_iter().take(to).skip(from).map(Frontier::from).collect();
        Ok(Listing::page(&page, items, next))
    }

    pub(super) async fn edges(&self, request: ListEdgesRequest) -> Result<Listing<Edge>, ApiError> {
        let ListEdgesRequest { cursor, count, edge_ids, page_token } = request;
        if !edge_ids.is_empty() {
            check_ids(edge_ids.len(), cursor.is_some() || count.is_some() || !page_token.is_empty())?;
            let found = self.directory.edges_by_id(&edge_ids).await?;
            self.writes.check_absent(is_short(&found))?;
            return Ok(Listing::whole(optional(found)));
        }
        let page = PageRequest::new(cursor, count, page_token)?;
        let _place = self.scans.list()?;
        let list = collect(&page, EDGES, |from, count| part(self.scans.edges(from, count))).await?;
        self.writes.check_absent(list.items.is_empty())?;
        Ok(list)
    }

    pub(super) async fn services(&self, request: ListServicesRequest) -> Result<Listing<Service>, ApiError> {
        let ListServicesRequest { cursor, count, service_ids, page_token } = request;
        if !service_ids.is_empty() {
            check_ids(service_ids.len(), cursor.is_some() || count.is_some() || !page_token.is_empty())?;
            let found = self.directory.services_by_id(&service_ids).await?;
            self.writes.check_absent(is_short(&found))?;
            return Ok(Listing::whole(optional(found)));
        }
        let page = PageRequest::new(cursor, count, page_token)?;
        let _place = self.scans.list()?;
        let list = collect(&page, SERVICES, |from, count| part(self.scans.services(from, count))).await?;
        self.writes.check_absent(list.items.is_empty())?;
        Ok(list)
    }
}

/// Whether somebody who was asked for is not there.
fn is_short<T>(found: &[Option<T>]) -> bool {
    found.iter().any(Option::is_none)
}

fn only<T: Into<R>, R>(found: Vec<Option<T>>) -> Option<R> {
    found.into_iter().next().flatten().map(Into::into)
}

fn optional<T: Into<R>, R>(found: Vec<Option<T>>) -> Vec<Option<R>> {
    found.into_iter().map(|item| item.map(Into::into)).collect()
}

async fn part<T: Into<R>, R>(
    page: impl Future<Output = Result<Page<T>, ApiError>>,
) -> Result<(Vec<R>, Option<u64>), ApiError> {
    let Page { items, next } = page.await?;
    Ok((items.into_iter().map(Into::into).collect(), next))
}
