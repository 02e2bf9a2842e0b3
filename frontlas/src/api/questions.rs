//! What the control plane answers. gRPC and REST both ask here.

use super::error::ApiError;
use super::page::{Asked, List, Listed, Start, check_ids};
use crate::directory::{Answer, Directory, MAX_PAGE};
use crate::model::{Kind, Page};
use frontier_api::cluster::{
    Edge, Frontier, ListEdgesRequest, ListFrontiersRequest, ListServicesRequest, Service,
};
use std::sync::Arc;

/// The directory, asked in the words of the API.
#[derive(Clone)]
pub(crate) struct Questions {
    directory: Arc<dyn Directory>,
}

impl Questions {
    pub(crate) fn new(directory: Arc<dyn Directory>) -> Self {
        Self { directory }
    }

    pub(crate) async fn frontier_by_edge(&self, edge_id: u64) -> Result<Frontier, ApiError> {
        let found = self.directory.frontiers_by_edge(&[edge_id]).await?;
        only(found).ok_or_else(|| ApiError::NotFound(format!("edge {edge_id} is not connected")))
    }

    pub(crate) async fn edge(&self, edge_id: u64) -> Result<Edge, ApiError> {
        let found = self.directory.edges_by_id(&[edge_id]).await?;
        only(found).ok_or_else(|| ApiError::NotFound(format!("edge {edge_id} is not connected")))
    }

    pub(crate) async fn service(&self, service_id: u64) -> Result<Service, ApiError> {
        let found = self.directory.services_by_id(&[service_id]).await?;
        only(found).ok_or_else(|| ApiError::NotFound(format!("service {service_id} is not connected")))
    }

    pub(crate) async fn count(&self, kind: Kind) -> Result<u64, ApiError> {
        Ok(self.directory.count(kind).await?)
    }

    pub(crate) async fn frontiers(
        &self,
        request: ListFrontiersRequest,
    ) -> Result<Listed<Frontier>, ApiError> {
        let ListFrontiersRequest { cursor, count, edge_ids, frontier_ids, page_token } = request;
        let paged = cursor.is_some() || count.is_some() || !page_token.is_empty();
        if !edge_ids.is_empty() || !frontier_ids.is_empty() {
            check_ids(edge_ids.len().max(frontier_ids.len()), paged)?;
            let found = match (edge_ids.is_empty(), frontier_ids.is_empty()) {
                (true, _) => self.directory.frontiers_by_id(&frontier_ids).await?,
                (_, true) => self.directory.frontiers_by_edge(&edge_ids).await?,
                _ => return Err(ApiError::invalid("either edge_ids or frontier_ids, not both")),
            };
            return Ok(Listed::whole(optional(found)));
        }
        let asked = Asked::new(cursor, count, page_token)?;
        let after = match &asked.start {
            Start::Over(_) => None,
            Start::Token(token) => Some(List::Frontiers.parse_after(token)?),
        };
        let all = self.directory.frontiers().await?;
        if !paged {
            return Ok(Listed::whole(all.into_iter().map(|frontier| Some(frontier.into())).collect()));
        }
        let from = match (&asked.start, after) {
            (Start::Over(over), _) => usize::try_from(*over).unwrap_or(usize::MAX).min(all.len()),
            (_, after) => all.partition_point(|frontier| Some(&frontier.id) <= after.as_ref()),
        };
        let to = from.saturating_add(asked.count).min(all.len());
        let next = (to > from && to < all.len()).then(|| List::Frontiers.token_after(&all[to - 1].id));
        let items = all.into_iter().take(to).skip(from).map(Frontier::from).collect();
        Ok(Listed::page(&asked, items, next))
    }

    pub(crate) async fn edges(&self, request: ListEdgesRequest) -> Result<Listed<Edge>, ApiError> {
        let ListEdgesRequest { cursor, count, edge_ids, page_token } = request;
        if !edge_ids.is_empty() {
            check_ids(edge_ids.len(), cursor.is_some() || count.is_some() || !page_token.is_empty())?;
            return Ok(Listed::whole(optional(self.directory.edges_by_id(&edge_ids).await?)));
        }
        let asked = Asked::new(cursor, count, page_token)?;
        page(List::Edges, asked, |from, count| self.directory.edges(from, count)).await
    }

    pub(crate) async fn services(&self, request: ListServicesRequest) -> Result<Listed<Service>, ApiError> {
        let ListServicesRequest { cursor, count, service_ids, page_token } = request;
        if !service_ids.is_empty() {
            check_ids(service_ids.len(), cursor.is_some() || count.is_some() || !page_token.is_empty())?;
            return Ok(Listed::whole(optional(self.directory.services_by_id(&service_ids).await?)));
        }
        let asked = Asked::new(cursor, count, page_token)?;
        page(List::Services, asked, |from, count| self.directory.services(from, count)).await
    }
}

fn only<T: Into<R>, R>(found: Vec<Option<T>>) -> Option<R> {
    found.into_iter().next().flatten().map(Into::into)
}

fn optional<T: Into<R>, R>(found: Vec<Option<T>>) -> Vec<Option<R>> {
    found.into_iter().map(|item| item.map(Into::into)).collect()
}

/// Fills a page: the directory may give less than it was asked for, though there is more.
async fn page<'d, T: Into<R>, R>(
    list: List,
    asked: Asked,
    read: impl Fn(u64, usize) -> Answer<'d, Page<T>>,
) -> Result<Listed<R>, ApiError> {
    let (mut next, mut over) = match &asked.start {
        Start::Over(over) => (Some(0), usize::try_from(*over).unwrap_or(usize::MAX)),
        Start::Token(token) => (Some(list.parse_from(token)?), 0),
    };
    let mut items = Vec::new();
    while let Some(from) = next
        && items.len() < asked.count
    {
        let wanted = if over > 0 { over } else { asked.count - items.len() };
        let page = read(from, wanted.min(MAX_PAGE)).await?;
        next = page.next;
        let passed = over.min(page.items.len());
        over -= passed;
        items.extend(page.items.into_iter().skip(passed).map(Into::into));
    }
    Ok(Listed::page(&asked, items, next.map(|from| list.token_from(from))))
}
