//! `GET /api/v1/services/{service}/scaling`: for whoever starts and stops hosts without KEDA.

use super::{Demand, Scaling, load};
use crate::api::{Refusal, invalid};
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use frontier_access::authn::OperatorRole;
use frontier_admin::{Operator, Query, json};
use frontier_api::session_json::{Host, Scaling as Info};
use frontier_sessions::ScalingRule;
use http::{StatusCode, Uri};

/// One that is stopping goes first, then those that can't be reached, then idle ones, then by what they have.
fn deletion_cost(state: &str, in_flight: u32) -> i32 {
    let calls = i32::try_from(in_flight).unwrap_or(i32::MAX);
    match state {
        "draining" if in_flight == 0 => -2,
        "blocked" if in_flight == 0 => -1,
        _ => calls,
    }
}

pub(crate) async fn scaling_of(
    State(scaling): State<Scaling>,
    Extension(operator): Extension<Operator>,
    Path(service): Path<String>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let mut query = Query::parse(&uri)?;
    let minimum = query.number("minimum")?.unwrap_or(0);
    let maximum = query.number("maximum")?.unwrap_or(u64::MAX);
    let capacity_per_host = query.number("capacity_per_host")?.unwrap_or(0);
    let rounds = query.number("shrink_rounds")?.unwrap_or(0);
    let (keeps, on_hold) = (query.flag("keep")?, query.flag("hold")?);
    query.end()?;
    if minimum > maximum {
        return Err(invalid(format!("minimum must be no more than maximum, {maximum}, is {minimum}")));
    }
    operator.confirm(OperatorRole::Read)?;
    let rule =
        ScalingRule { capacity_per_host, prefetch: scaling.prefetch, minimum, maximum, shrinks: !keeps };
    let demand = Demand::of(&scaling.sessions, &service, None);
    let mut hosts = scaling.sessions.hosts(&service).await;
    let advice = rule.advise(&load(&demand, &hosts, on_hold), rounds);
    hosts.sort_by_key(|host| (deletion_cost(host.state, host.in_flight), host.edge));
    let hosts = hosts.into_iter().map(|host| Host {
        edge_id: host.edge.to_string(),
        pod_deletion_cost: deletion_cost(host.state, host.in_flight),
        node: host.node,
        labels: host.labels,
        state: host.state.into(),
        capacity: host.capacity,
        running: host.in_flight,
    });
    let info = Info {
        service_name: service,
        queued_requests: demand.queued,
        running_requests: demand.running,
        wanted_units: demand.wanted,
        target_hosts: advice.target,
        stop_hosts: advice.stop,
        shrink_rounds: advice.rounds,
        hosts: hosts.collect(),
    };
    Ok(json(StatusCode::OK, &info))
}
