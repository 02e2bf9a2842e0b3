//! Calls and messages that a gateway sends itself, for who has a role at its control plane and no credentials of an edge.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::plane::{Call, Plane, PlaneKind};
use crate::settings::Settings;
use clap::{Args, ValueEnum};
use data_encoding::BASE64;
use hyper::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// So much longer than the peer may take, an answer may be on its way.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// As many services of one name are looked at.
const PAGE: usize = 1000;

/// Which way it goes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Route {
    /// Connect for it as an edge or a service, or have the gateway send it by its control plane, which takes a role there
    /// (operate) and no other credentials
    #[arg(long, value_enum, value_name = "WAY", default_value_t = Way::Data)]
    via: Way,
    /// With --via plane: to this service of the gateway, by its id or its name
    #[arg(long, value_name = "SERVICE", conflicts_with = "edge")]
    service: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    Data,
    Plane,
}

/// Who gets it from the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    Edge(u64),
    /// By its id or its name.
    Service(String),
}

/// What was answered.
pub(crate) struct Answered {
    pub(crate) data: Vec<u8>,
    pub(crate) elapsed: Duration,
}

impl Route {
    /// Whom the gateway asks by itself; `None` where this connects for it.
    pub(crate) fn receiver(
        &self,
        edge: Option<u64>,
        identity: &Identity,
        custom: &str,
    ) -> Outcome<Option<Receiver>> {
        if self.via == Way::Data {
            return match self.service {
                None => Ok(None),
                Some(_) => Err(Failure::usage("--service is for --via plane").advise(
                    "an edge does not choose its service: whichever takes the method or topic gets it",
                )),
            };
        }
        if !custom.is_empty() || !identity.is_default() {
            return Err(Failure::usage("with --via plane it is the gateway that asks")
                .advise("leave --custom, --id, --meta and --name out, or --via plane"));
        }
        match (edge, &self.service) {
            (Some(edge), _) => Ok(Some(Receiver::Edge(edge))),
            (None, Some(service)) => Ok(Some(Receiver::Service(service.clone()))),
            (None, None) => {
                Err(Failure::usage("--via plane takes --edge or --service: whom the gateway asks"))
            }
        }
    }
}

/// Has the gateway call a method of it.
pub(crate) async fn call(
    settings: &Settings,
    to: &Receiver,
    method: &str,
    payload: &[u8],
) -> Outcome<Answered> {
    let (answer, elapsed) = send(settings, to, "call", json!({"method": method}), payload).await?;
    let wrong = |_| Failure::new(Exit::Failure, "the answer of the gateway holds no base64");
    let data = BASE64.decode(answer["payload"].as_str().unwrap_or_default().as_bytes()).map_err(wrong)?;
    Ok(Answered { data, elapsed })
}

/// Has the gateway send it a message, and waits for the ack.
pub(crate) async fn publish(
    settings: &Settings,
    to: &Receiver,
    topic: &str,
    payload: &[u8],
) -> Outcome<Duration> {
    let (_, elapsed) = send(settings, to, "publish", json!({"topic": topic}), payload).await?;
    Ok(elapsed)
}

async fn send(
    settings: &Settings,
    to: &Receiver,
    what: &str,
    mut body: Value,
    payload: &[u8],
) -> Outcome<(Value, Duration)> {
    body["payload"] = BASE64.encode(payload).into();
    body["timeout_ms"] = u32::try_from(settings.timeout.as_millis()).unwrap_or(u32::MAX).max(1).into();
    let path = match to {
        Receiver::Edge(id) => format!("/v1/edges/{id}/{what}"),
        Receiver::Service(name) => format!("/v1/services/{}/{what}", service(settings, name).await?),
    };
    // On a connection of its own: on one that has stood for long it might be sent twice.
    let mut plane = settings.plane(PlaneKind::Gateway)?.patient(ANSWER_TIME);
    let call = Call { method: Method::POST, path: &path, query: &[], body: Some(body) };
    let begin = Instant::now();
    let answer = plane.call(&call).await?;
    Ok((answer, begin.elapsed()))
}

/// The id of a service that is named by it or by its name.
async fn service(settings: &Settings, name: &str) -> Outcome<u64> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let plane: &mut Plane = &mut settings.plane(PlaneKind::Gateway)?;
    let query = [("service", name.to_owned()), ("page_size", PAGE.to_string())];
    let page: Value = plane.get("/v1/services", &query).await?;
    let named = page["services"].as_array().into_iter().flatten().filter(|it| it["service"] == name);
    let mut ids: Vec<u64> = named.filter_map(|it| it["service_id"].as_str()?.parse().ok()).collect();
    ids.sort_unstable();
    match ids.as_slice() {
        [id] => Ok(*id),
        [] => Err(Failure::new(Exit::Failure, format!("no service of the gateway is called {name:?}"))
            .advise("`frontctl services ls --from gateway` lists them")),
        several => {
            Err(Failure::usage(format!("{} services are called {name:?}", several.len())).advise(format!(
                "--service takes an id: {}",
                several.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_asks_whom_it_is_told_to_and_as_nobody_else() {
        let me = |id| Identity { id, meta: "frontctl".to_owned(), name: "frontctl".to_owned() };
        let route = |via, service: Option<&str>| Route { via, service: service.map(str::to_owned) };
        let plane = route(Way::Plane, None);
        assert_eq!(plane.receiver(Some(7), &me(None), "").unwrap(), Some(Receiver::Edge(7)));
        let named = route(Way::Plane, Some("files")).receiver(None, &me(None), "").unwrap();
        assert_eq!(named, Some(Receiver::Service("files".to_owned())));
        assert_eq!(route(Way::Data, None).receiver(Some(7), &me(Some(1)), "x").unwrap(), None);
        for (wrong, edge, id, custom) in [
            (&plane, None, None, ""),
            (&plane, Some(7), Some(1), ""),
            (&plane, Some(7), None, "x"),
            (&route(Way::Data, Some("files")), None, None, ""),
        ] {
            assert_eq!(wrong.receiver(edge, &me(id), custom).unwrap_err().exit, Exit::Usage);
        }
    }
}
