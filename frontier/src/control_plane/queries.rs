//! The queries of the control plane, for gRPC and REST alike.

use super::listing::{self, Wanted};
use super::names;
use super::order::{self, Field, Order};
use super::page::{Listing, Page, Start};
use super::record::{self, Listeners};
use super::walk::{Epochs, Walks, Who};
use frontier_admin::ApiError;
use frontier_api::gateway::{
    Edge, ListEdgeRpCsRequest, ListEdgesRequest, ListServiceRpCsRequest, ListServiceTopicsRequest,
    ListServicesRequest, Service,
};
use frontier_exchange::{Exchange, Identity, Peer};
use frontier_protocol::{EdgeId, Names, ServiceId};
use std::io::Write as _;
use std::sync::Arc;

/// Answers from the exchange, in the messages of the API.
#[derive(Clone, Debug)]
pub(super) struct Queries {
    exchange: Arc<Exchange>,
    listeners: Listeners,
    walks: Arc<Walks>,
}

/// A list of the names that services take.
struct NamesRequest {
    service: Option<String>,
    service_id: Option<u64>,
    page: i32,
    page_size: i32,
    start_time: Option<i64>,
    end_time: Option<i64>,
    order: Option<String>,
    page_token: String,
}

impl Queries {
    pub(super) fn new(exchange: Arc<Exchange>, listeners: Listeners) -> Self {
        Self { exchange, listeners, walks: Arc::default() }
    }

    #[cfg(test)]
    pub(super) fn walks(&self) -> &Walks {
        &self.walks
    }

    pub(super) fn edge(&self, id: u64) -> Result<Edge, ApiError> {
        let edge = find_edge(&self.exchange, id)?;
        let limits = Some(record::limits(&self.exchange, &self.listeners, &edge));
        Ok(Edge { limits, ..self.edge_record(&edge) })
    }

    pub(super) fn service(&self, id: u64) -> Result<Service, ApiError> {
        let found = find_service(&self.exchange, id)?;
        let limits = Some(record::limits(&self.exchange, &self.listeners, &found));
        Ok(Service { limits, ..self.service_record(&found) })
    }

    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(super) fn edge_record(&self, edge: &Arc<Peer>) -> Edge {
        record::edge(&self.exchange, &self.listeners, edge)
    }

    pub(super) fn service_record(&self, service: &Arc<Peer>) -> Service {
        record::service(&self.exchange, &self.listeners, service)
    }

    /// That connection of the edge, while it is here.
    pub(super) fn edge_of(&self, id: u64, epoch: u64) -> Option<Edge> {
        let edge = self.exchange.listed_edge(EdgeId(id)).filter(|edge| edge.epoch().0 == epoch)?;
        Some(self.edge_record(&edge))
    }

    /// That connection of the service, while it is here.
    pub(super) fn service_of(&self, id: u64, epoch: u64) -> Option<Service> {
        let found = self.exchange.listed_service(ServiceId(id)).filter(|it| it.epoch().0 == epoch)?;
        Some(self.service_record(&found))
    }

    pub(super) async fn edges(&self, request: ListEdgesRequest) -> Result<Listing<Edge>, ApiError> {
        let ListEdgesRequest {
            meta,
            addr,
            rpc,
            edge_id,
            page,
            page_size,
            start_time,
            end_time,
            order,
            page_token,
        } = request;
        let order = Order::parse(order.as_deref(), order::EDGES, true)?;
        let page = Page::new(page, page_size, &page_token, order)?;
        let epochs = epochs(start_time, end_time);
        let matches = |edge: &Arc<Peer>| {
            has_meta(edge, meta.as_deref())
                && has_addr(edge, addr.as_deref())
                && rpc.as_ref().is_none_or(|rpc| self.exchange.takes(edge, Names::Methods, rpc))
        };
        let found = if let Some(id) = edge_id {
            let edge = self.exchange.listed_edge(EdgeId(id));
            one(edge.filter(|edge| epochs.contains(edge.epoch().0) && matches(edge)), &page)
        } else {
            let is_filtered = meta.is_some() || addr.is_some() || rpc.is_some();
            let matches = is_filtered.then_some(matches);
            let newest_first = order.field != Field::CreateTime || order.greatest_first;
            let who = Who::Edges { newest_first };
            listing::list(&self.exchange, &self.walks, Wanted { who, epochs, order, page, matches }).await?
        };
        Ok(found.map(|edge| self.edge_record(&edge)))
    }

    pub(super) async fn edge_rpcs(&self, request: ListEdgeRpCsRequest) -> Result<Listing<String>, ApiError> {
        let ListEdgeRpCsRequest { meta, edge_id, page, page_size, start_time, end_time, order, page_token } =
            request;
        let order = Order::parse(order.as_deref(), order::EDGE_NAMES, false)?;
        let page = Page::new(page, page_size, &page_token, order)?;
        let epochs = epochs(start_time, end_time);
        let matches = |edge: &Arc<Peer>| has_meta(edge, meta.as_deref());
        let wanted = names::Wanted { of: Names::Methods, epochs, order, page: &page };
        match edge_id {
            Some(id) => {
                let edge = self.exchange.listed_edge(EdgeId(id));
                let edge = edge.filter(|edge| epochs.contains(edge.epoch().0) && matches(edge));
                Ok(names::of_one(&self.exchange, wanted, edge).await)
            }
            None => {
                let who = Who::Edges { newest_first: order.greatest_first };
                names::list(&self.exchange, &self.walks, who, wanted, matches).await
            }
        }
    }

    pub(super) async fn services(&self, request: ListServicesRequest) -> Result<Listing<Service>, ApiError> {
        let ListServicesRequest {
            service,
            addr,
            rpc,
            topic,
            page,
            page_size,
            start_time,
            end_time,
            order,
            page_token,
        } = request;
        let order = Order::parse(order.as_deref(), order::SERVICES, false)?;
        let page = Page::new(page, page_size, &page_token, order)?;
        let takes = |it: &Arc<Peer>, of, name: Option<&String>| {
            name.is_none_or(|name| self.exchange.takes(it, of, name))
        };
        let matches = |it: &Arc<Peer>| {
            service.as_ref().is_none_or(|start| it.name().starts_with(start))
                && has_addr(it, addr.as_deref())
                && takes(it, Names::Methods, rpc.as_ref())
                && takes(it, Names::Topics, topic.as_ref())
        };
        let epochs = epochs(start_time, end_time);
        let wanted = Wanted { who: Who::Services, epochs, order, page, matches: Some(matches) };
        let found = listing::list(&self.exchange, &self.walks, wanted).await?;
        Ok(found.map(|it| self.service_record(&it)))
    }

    pub(super) async fn service_rpcs(
        &self,
        request: ListServiceRpCsRequest,
    ) -> Result<Listing<String>, ApiError> {
        let ListServiceRpCsRequest {
            service,
            service_id,
            page,
            page_size,
            start_time,
            end_time,
            order,
            page_token,
        } = request;
        let request =
            NamesRequest { service, service_id, page, page_size, start_time, end_time, order, page_token };
        self.names(Names::Methods, request).await
    }

    pub(super) async fn service_topics(
        &self,
        request: ListServiceTopicsRequest,
    ) -> Result<Listing<String>, ApiError> {
        let ListServiceTopicsRequest {
            service,
            service_id,
            page,
            page_size,
            start_time,
            end_time,
            order,
            page_token,
        } = request;
        let request =
            NamesRequest { service, service_id, page, page_size, start_time, end_time, order, page_token };
        self.names(Names::Topics, request).await
    }

    async fn names(&self, of: Names, request: NamesRequest) -> Result<Listing<String>, ApiError> {
        let order = Order::parse(request.order.as_deref(), order::NAMES, false)?;
        let page = Page::new(request.page, request.page_size, &request.page_token, order)?;
        let epochs = epochs(request.start_time, request.end_time);
        let matches = |it: &Arc<Peer>| {
            request.service.as_ref().is_none_or(|start| it.name().starts_with(start))
                && request.service_id.is_none_or(|id| it.number() == id)
        };
        let wanted = names::Wanted { of, epochs, order, page: &page };
        names::list(&self.exchange, &self.walks, Who::Services, wanted, matches).await
    }
}

/// The edge of this id.
pub(super) fn find_edge(exchange: &Exchange, id: u64) -> Result<Arc<Peer>, ApiError> {
    let found = exchange.listed_edge(EdgeId(id));
    found.ok_or_else(|| ApiError::NotFound(format!("edge {id} is not connected here")))
}

/// The service of this id.
pub(super) fn find_service(exchange: &Exchange, id: u64) -> Result<Arc<Peer>, ApiError> {
    let found = exchange.listed_service(ServiceId(id));
    found.ok_or_else(|| ApiError::NotFound(format!("service {id} is not connected here")))
}

/// The list that has one at most.
fn one(found: Option<Arc<Peer>>, page: &Page) -> Listing<Arc<Peer>> {
    let count = usize::from(found.is_some());
    let is_here = page.start == Start::Offset(0);
    Listing { items: found.into_iter().filter(|_| is_here).collect(), count, next: String::new() }
}

/// Those who came between two seconds, the first of them included.
fn epochs(start: Option<i64>, end: Option<i64>) -> Epochs {
    let micros = |seconds: i64| u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
    let first = start.map_or(0, micros);
    match end.map(micros) {
        None => Epochs(first, u64::MAX),
        // Nobody has come before 1970.
        Some(0) => Epochs(1, 0),
        Some(end) => Epochs(first, end - 1),
    }
}

/// Whether the meta of an edge begins so.
fn has_meta(edge: &Peer, start: Option<&str>) -> bool {
    match (edge.identity(), start) {
        (_, None) => true,
        (Identity::Edge { meta, .. }, Some(start)) => meta.starts_with(start.as_bytes()),
        _ => false,
    }
}

/// Whether its address, as text, begins so.
fn has_addr(peer: &Peer, start: Option<&str>) -> bool {
    let Some(start) = start else { return true };
    let Some(addr) = peer.addr() else { return start.is_empty() };
    // The longest address of IPv6, with a scope and a port.
    let mut text = [0; 64];
    let mut free = &mut text[..];
    let written = write!(free, "{addr}").is_ok();
    let len = 64 - free.len();
    written && text[..len].starts_with(start.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_overflows() {
        assert_eq!(epochs(None, None), Epochs::ALL);
        assert_eq!(epochs(Some(2), Some(3)), Epochs(2_000_000, 2_999_999));
        assert_eq!(epochs(Some(i64::MIN), Some(i64::MAX)), Epochs(0, u64::MAX - 1));
        for end in [i64::MIN, -1, 0] {
            assert!(!epochs(None, Some(end)).contains(0));
        }
        let turned = epochs(Some(9), Some(3));
        assert!(![0, 3_000_000, 9_000_000].map(|epoch| turned.contains(epoch)).contains(&true));
    }
}
