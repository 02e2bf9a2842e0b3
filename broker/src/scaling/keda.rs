//! KEDA's external scaler.
//!
//! KEDA asks `GetMetrics` and `IsActive` in turn, of any replica, and treats its trigger as failed if they don't go together: both are
//! answered at once, from the same numbers. It takes the float of a number where that is over 0 and the whole number else, so both are set.

use super::{Demand, Scaling};
use frontier_access::authn::OperatorRole;
use frontier_admin::{ApiError, Operator, WatchSource};
use frontier_api::externalscaler::external_scaler_server::{ExternalScaler, ExternalScalerServer};
use frontier_api::externalscaler::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec, MetricValue,
    ScaledObjectRef,
};
use frontier_sessions::Labels;
use futures_util::{Stream, StreamExt};
use std::collections::BTreeMap;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tonic::{Request, Response, Status};

pub(super) const ROUTE: &str = "/externalscaler.ExternalScaler/{call}";

/// The name of the one metric.
const METRIC: &str = "outstanding";

/// How soon a stream tells that something has changed.
const LOOK: Duration = Duration::from_millis(200);

/// The service of the calls.
pub(super) struct Keda(Arc<Scaling>);

pub(super) fn service(scaling: Scaling) -> ExternalScalerServer<Keda> {
    ExternalScalerServer::new(Keda(Arc::new(scaling)))
}

/// What of the metadata of a trigger is for us.
#[derive(Clone, Debug, PartialEq)]
struct Trigger {
    /// `serviceName`: whose hosts are scaled.
    service: String,
    /// `pool`: labels such as `zone=a,gpu=1`. Then sessions count that were made with exactly these.
    pool: Option<Labels>,
    /// `capacityPerHost`: how much of what is outstanding is for one host; else what hosts do at once on average.
    capacity: Option<f64>,
    /// `activationThreshold`: it is active with more than so much outstanding. 0.
    threshold: u64,
}

impl Trigger {
    fn read(metadata: &BTreeMap<String, String>) -> Result<Self, String> {
        let service = metadata.get("serviceName").filter(|name| !name.is_empty());
        let service = service.ok_or("the trigger's metadata has no serviceName")?.clone();
        let capacity = match metadata.get("capacityPerHost") {
            None => None,
            Some(text) => {
                let number = text.parse().ok().filter(|it: &f64| it.is_finite() && *it > 0.0);
                Some(number.ok_or_else(|| format!("capacityPerHost must be over 0, is {:?}", short(text)))?)
            }
        };
        let threshold = metadata.get("activationThreshold").map_or(Ok(0), |text| {
            text.parse()
                .map_err(|_| format!("activationThreshold must be a whole number, is {:?}", short(text)))
        })?;
        let pool = metadata.get("pool").map(|text| labels(text)).transpose()?;
        Ok(Self { service, pool, capacity, threshold })
    }
}

/// What a caller has sent, for a text that goes into a header of the answer.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(64)]
}

fn labels(text: &str) -> Result<Labels, String> {
    let label = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let labels = parts.map(label).collect::<Option<_>>();
    labels.ok_or_else(|| format!("pool must be labels such as zone=a,gpu=1, is {:?}", short(text)))
}

impl Scaling {
    fn outstanding(&self, trigger: &Trigger) -> u64 {
        Demand::of(&self.sessions, &trigger.service, trigger.pool.as_ref()).wanted
    }

    fn is_active(&self, trigger: &Trigger) -> bool {
        self.outstanding(trigger) > trigger.threshold
    }

    fn spec(&self, trigger: &Trigger) -> GetMetricSpecResponse {
        let target = trigger.capacity.unwrap_or_else(|| self.average_capacity(&trigger.service));
        // A whole target of 0 is none.
        let whole = whole(target).max(1);
        let name = METRIC.to_owned();
        let spec = MetricSpec { metric_name: name, target_size: whole, target_size_float: target };
        GetMetricSpecResponse { metric_specs: vec![spec] }
    }

    /// What a host does at once, rounded so that a single host more or less does not turn every target; 1 while there is none.
    fn average_capacity(&self, service: &str) -> f64 {
        let standing = self.sessions.standing();
        let figures = standing.get(service).copied().unwrap_or_default();
        let hosts = figures.hosts.saturating_sub(figures.blocked + figures.draining) as u64;
        let average = (figures.capacity + hosts / 2).checked_div(hosts).unwrap_or(1).max(1);
        number(average)
    }
}

/// Exact up to 2^53, and nobody has as much to do.
fn number(whole: u64) -> f64 {
    let capped = u32::try_from(whole).unwrap_or(u32::MAX);
    f64::from(capped)
}

fn whole(number: f64) -> i64 {
    let capped = number.clamp(0.0, f64::from(u32::MAX)).round();
    // It lies within.
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
    let whole = capped as i64;
    whole
}

/// What is asked, by whom.
fn asked<T>(
    request: Request<T>,
    metadata: impl FnOnce(&T) -> Option<&ScaledObjectRef>,
) -> Result<(Trigger, T), Status> {
    // Every request that is let pass has one.
    let operator = request.extensions().get::<Operator>().ok_or(ApiError::Internal)?;
    operator.confirm(OperatorRole::Read)?;
    let request = request.into_inner();
    let object = metadata(&request).ok_or_else(|| Status::invalid_argument("there is no scaledObjectRef"))?;
    let trigger = Trigger::read(&object.scaler_metadata).map_err(Status::invalid_argument)?;
    Ok((trigger, request))
}

type Answer<T> = Result<Response<T>, Status>;
type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ExternalScaler for Keda {
    async fn is_active(&self, request: Request<ScaledObjectRef>) -> Answer<IsActiveResponse> {
        let (trigger, _) = asked(request, |it| Some(it))?;
        Ok(Response::new(IsActiveResponse { result: self.0.is_active(&trigger) }))
    }

    type StreamIsActiveStream = Items<IsActiveResponse>;

    async fn stream_is_active(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Answer<Self::StreamIsActiveStream> {
        let (trigger, _) = asked(request, |it| Some(it))?;
        let scaling = self.0.clone();
        self.0.stream(move || IsActiveResponse { result: scaling.is_active(&trigger) })
    }

    async fn get_metric_spec(&self, request: Request<ScaledObjectRef>) -> Answer<GetMetricSpecResponse> {
        let (trigger, _) = asked(request, |it| Some(it))?;
        Ok(Response::new(self.0.spec(&trigger)))
    }

    async fn get_metrics(&self, request: Request<GetMetricsRequest>) -> Answer<GetMetricsResponse> {
        let (trigger, request) = asked(request, |it| it.scaled_object_ref.as_ref())?;
        let outstanding = self.0.outstanding(&trigger);
        let value = MetricValue {
            metric_name: request.metric_name,
            metric_value: i64::try_from(outstanding).unwrap_or(i64::MAX),
            metric_value_float: number(outstanding),
        };
        Ok(Response::new(GetMetricsResponse { metric_values: vec![value] }))
    }

    type StreamMetricSpecStream = Items<GetMetricSpecResponse>;

    async fn stream_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Answer<Self::StreamMetricSpecStream> {
        let (trigger, _) = asked(request, |it| Some(it))?;
        let scaling = self.0.clone();
        self.0.stream(move || scaling.spec(&trigger))
    }
}

impl Scaling {
    /// What `look` gives: at once, when it changes, and again as a sign of life.
    fn stream<T: Clone + PartialEq + Send + 'static>(
        &self,
        look: impl Fn() -> T + Send + Sync + 'static,
    ) -> Answer<Items<T>> {
        let slot = self.watches.reserve()?;
        let items = slot.start(Looking { look, last: None });
        // KEDA opens a stream anew after 2 s if it has ended well, and after an error later and later.
        let is_end =
            |item: &Result<T, ApiError>| matches!(item, Err(ApiError::Draining | ApiError::AccessChanged));
        let items = items.take_while(move |item| ready(!is_end(item)));
        Ok(Response::new(Box::pin(items.map(|item| Ok(item?)))))
    }
}

struct Looking<T, F> {
    look: F,
    last: Option<T>,
}

impl<T, F> WatchSource for Looking<T, F>
where
    T: Clone + PartialEq + Send + 'static,
    F: Fn() -> T + Send + Sync + 'static,
{
    type Item = T;

    async fn next(&mut self, keepalive_at: Instant) -> Result<T, ApiError> {
        loop {
            let now = (self.look)();
            if self.last.as_ref() != Some(&now) || Instant::now() >= keepalive_at {
                return Ok(self.last.insert(now).clone());
            }
            sleep_until((Instant::now() + LOOK).min(keepalive_at)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Trigger, String> {
        Trigger::read(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn metadata_of_a_trigger_is_read_and_what_is_wrong_is_named() {
        let least = Trigger { service: "calc".to_owned(), pool: None, capacity: None, threshold: 0 };
        assert_eq!(read(&[("serviceName", "calc"), ("scalerAddress", "x:1")]), Ok(least));
        let all = read(&[
            ("serviceName", "calc"),
            ("pool", "zone=a, gpu=1"),
            ("capacityPerHost", "2.5"),
            ("activationThreshold", "3"),
        ]);
        let all = all.unwrap();
        assert_eq!((all.capacity, all.threshold), (Some(2.5), 3));
        assert_eq!(
            all.pool,
            Some(Labels::from([("zone", "a"), ("gpu", "1")].map(|(a, b)| (a.into(), b.into()))))
        );
        assert_eq!(read(&[("serviceName", "calc"), ("pool", "")]).unwrap().pool, Some(Labels::new()));
        let long = "x".repeat(100_000);
        for (pairs, part) in [
            (&[][..], "serviceName"),
            (&[("serviceName", "")], "serviceName"),
            (&[("serviceName", "a"), ("capacityPerHost", "0")], "capacityPerHost"),
            (&[("serviceName", "a"), ("capacityPerHost", "NaN")], "capacityPerHost"),
            (&[("serviceName", "a"), ("activationThreshold", "-1")], "activationThreshold"),
            (&[("serviceName", "a"), ("pool", &long)], "pool"),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.contains(part) && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn a_fraction_is_rounded_where_a_whole_number_is_asked_for() {
        assert_eq!([0.4, 2.5, 1e300, -1.0].map(whole), [0, 3, i64::from(u32::MAX), 0]);
        assert_eq!(number(7), 7.0);
    }
}
