//! How many hosts there should be: KEDA's external scaler, and the rule over REST.

use crate::world::{DEADLINE, World};
use frontier_api::externalscaler::external_scaler_client::ExternalScalerClient;
use frontier_api::externalscaler::{GetMetricsRequest, ScaledObjectRef};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

async fn keda(world: &World) -> ExternalScalerClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", world.addr)).unwrap();
    ExternalScalerClient::new(endpoint.connect().await.unwrap())
}

fn trigger(metadata: &[(&str, &str)]) -> ScaledObjectRef {
    let metadata = [("serviceName", "calc"), ("scalerAddress", "broker:30020")].iter().chain(metadata);
    let scaler_metadata: BTreeMap<_, _> =
        metadata.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ScaledObjectRef { name: "hosts".to_owned(), namespace: "default".to_owned(), scaler_metadata }
}

/// What is outstanding, as the float and as the whole number.
async fn outstanding(keda: &mut ExternalScalerClient<Channel>, object: ScaledObjectRef) -> (f64, i64) {
    let request =
        GetMetricsRequest { scaled_object_ref: Some(object), metric_name: "outstanding".to_owned() };
    let values = keda.get_metrics(request).await.unwrap().into_inner().metric_values;
    assert_eq!((values.len(), &*values[0].metric_name), (1, "outstanding"));
    (values[0].metric_value_float, values[0].metric_value)
}

#[tokio::test]
async fn keda_is_told_what_is_outstanding_with_the_units_that_sessions_ask_for() {
    let world = World::new().await;
    let mut keda = keda(&world).await;
    assert_eq!(outstanding(&mut keda, trigger(&[])).await, (0.0, 0));
    assert!(!keda.is_active(trigger(&[])).await.unwrap().into_inner().result);
    let session = world.session_with(json!({"pool": {"zone": "a"}})).await;
    world.send(&session, &["1"; 20]).await.ok();
    let limited = world.session_with(json!({"maximumUnits": 3})).await;
    world.send(&limited, &["1"; 20]).await.ok();
    world.session_with(json!({"minimumUnits": 4})).await;
    world.until(&format!("{limited}/status"), |it| it["pendingRequests"] == 20).await;
    assert_eq!(outstanding(&mut keda, trigger(&[])).await, (27.0, 27));
    assert_eq!(outstanding(&mut keda, trigger(&[("pool", "zone=a")])).await, (20.0, 20));
    assert_eq!(outstanding(&mut keda, trigger(&[("pool", "zone=b")])).await, (0.0, 0));
    let active = async |keda: &mut ExternalScalerClient<Channel>, threshold| {
        keda.is_active(trigger(&[("activationThreshold", threshold)])).await.unwrap().into_inner().result
    };
    assert!(active(&mut keda, "26").await && !active(&mut keda, "27").await);
    let wrong = keda.is_active(trigger(&[("capacityPerHost", "-1")])).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let nothing = keda.get_metrics(GetMetricsRequest::default()).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_target_is_what_a_host_does_and_streams_follow_what_changes_until_a_good_end() {
    let world = World::new().await;
    let mut keda = keda(&world).await;
    let mut specs = keda.stream_metric_spec(trigger(&[])).await.unwrap().into_inner();
    let mut active = keda.stream_is_active(trigger(&[])).await.unwrap().into_inner();
    assert!(!active.message().await.unwrap().unwrap().result);
    let spec = specs.message().await.unwrap().unwrap().metric_specs.remove(0);
    assert_eq!((spec.target_size, spec.target_size_float), (1, 1.0), "nothing is known of any host");
    let session = world.session().await;
    world.send(&session, &["1"; 3]).await.ok();
    let changed = timeout(DEADLINE, active.message()).await.expect("it is told").unwrap().unwrap();
    assert!(changed.result, "at once, with no host there");
    let _host = world.host().capacity(6).connect().await.unwrap();
    let spec = timeout(DEADLINE, specs.message()).await.expect("it is told").unwrap().unwrap();
    assert_eq!(spec.metric_specs[0].target_size, 6);
    let fixed = keda.get_metric_spec(trigger(&[("capacityPerHost", "2.5")])).await.unwrap().into_inner();
    assert_eq!((fixed.metric_specs[0].target_size, fixed.metric_specs[0].target_size_float), (3, 2.5));
    assert_eq!(world.responses(&session, 3).await.len(), 3);
    world.stop.cancel();
    // KEDA opens one that has ended well after 2 s, and after an error later and later.
    let ended = async { while active.message().await.unwrap().is_some() {} };
    timeout(DEADLINE, ended).await.expect("it ends with OK");
}

#[tokio::test]
async fn others_are_told_how_many_hosts_and_which_may_go() {
    let world = World::new().await;
    let path = "/api/v1/services/calc/scaling";
    let empty = world.get(path).await.ok();
    assert_eq!((&empty["targetHosts"], &empty["hosts"]), (&json!(0), &json!([])));
    let session = world.session().await;
    world.send(&session, &["1"; 20]).await.ok();
    world.until(&format!("{session}/status"), |it| it["pendingRequests"] == 20).await;
    // As much again as a host does at once is kept ready there.
    assert_eq!(world.get(&format!("{path}?capacityPerHost=4")).await.ok()["targetHosts"], 3);
    assert_eq!(world.get(&format!("{path}?capacityPerHost=4&maximum=2")).await.ok()["targetHosts"], 2);
    let _one = world.host().node("one").label("pod", "calc-1").connect().await.unwrap();
    let _two = world.host().node("two").connect().await.unwrap();
    world.responses(&session, 20).await;
    let calm = world.until(&format!("{path}?minimum=1"), |it| it["stopHosts"] == 1).await;
    assert_eq!((&calm["targetHosts"], &calm["shrinkRounds"]), (&json!(1), &json!(1)));
    let hosts = calm["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 2);
    assert!(hosts.iter().all(|it| it["podDeletionCost"] == 0 && it["state"] == "ready"), "{calm}");
    assert!(hosts.iter().any(|it| it["labels"]["pod"] == "calc-1"), "{calm}");
    let both = world.get(&format!("{path}?shrinkRounds=1")).await.ok();
    assert_eq!(both["stopHosts"], 2);
    assert_eq!(world.get(&format!("{path}?keep=true")).await.ok()["stopHosts"], 0);
    assert_eq!(world.get(&format!("{path}?minimum=x")).await.status, 400);
    let crossed = world.get(&format!("{path}?minimum=5&maximum=2")).await;
    assert_eq!(crossed.fault(), (400, "InvalidRequest"));
    assert_eq!(crossed.body["message"], "minimum must be no more than maximum, 2, is 5");
    assert_eq!(world.get(&format!("{path}?minimum=2&maximum=2")).await.ok()["targetHosts"], 2);
}
