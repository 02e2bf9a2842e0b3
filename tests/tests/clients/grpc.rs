//! gRPC by Python's client, which shares no code with ours.

use crate::program::{file, python, run};
use crate::world::{TOKEN, World};
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_lists_gets_calls_watches_and_kicks() {
    let world = World::new().await;
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/api/proto");
    let script = file("generated.py");
    let target = world.control.to_string();
    let arguments = [script.to_str().unwrap(), protos.to_str().unwrap(), &target, TOKEN];
    run(&python("python3"), arguments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_originals_messages_is_told_where_to_dial() {
    let world = World::new().await;
    let script = file("original.py");
    let target = world.frontlas.control().to_string();
    let protos = script.parent().unwrap();
    let arguments = [script.to_str().unwrap(), protos.to_str().unwrap(), &target, TOKEN];
    run(&python("python3"), arguments).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_finds_out_by_reflection_what_there_is() {
    let world = World::new().await;
    let script = file("reflected.py");
    for (target, service) in [
        (world.control, "controlplane.ControlPlane"),
        (world.frontlas.control(), "controlplane.ClusterService"),
    ] {
        let target = target.to_string();
        run(&python("python3"), [script.to_str().unwrap(), &target, TOKEN, service]).await;
    }
}
