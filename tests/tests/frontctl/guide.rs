//! Every command of `docs/frontctl.md` is run as it is written there, one block after the other.

use crate::world::World;
use frontier_sdk::{Edge, EdgeId, Request, Response, Service};
use frontier_tests::{DEADLINE, Frontlas, Gateway, Process, eventually};
use serde_json::json;
use std::process::Command;

/// The first line of a block that goes on.
const GOES_ON: &str = "# in a terminal of its own\n";

/// The one that would build what is under test.
const BUILD: &str = "cargo build --profile dist -p frontctl\n";

fn blocks() -> Vec<String> {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/frontctl.md")).unwrap();
    let blocks = guide.split("```sh\n").skip(1).filter_map(|block| block.split_once("```"));
    blocks.map(|(block, _)| block.to_owned()).collect()
}

/// A shell that finds `frontctl`, and what surrounds it.
fn shell(world: &World, script: &str) -> Command {
    let frontctl = world.command(&[]);
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", script]).current_dir(world.home.path());
    for (name, value) in frontctl.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let path = std::env::var("PATH").unwrap();
    shell.env("PATH", format!("{}:{path}", world.path("bin")));
    shell
}

#[tokio::test]
async fn every_command_of_the_guide_works() {
    let frontlas = Frontlas::builder().start().await;
    let gateway = Gateway::builder()
        .set("frontlas.enable", true)
        .set("frontlas.dial.addrs", vec![frontlas.plane().to_string()])
        .set("daemon.frontier_id", "f1")
        .start()
        .await;
    let echo = |request: Request| async move { Ok(Response::new(request.data)) };
    let service = Service::builder(gateway.service_url()).name("echoes").register("echo", echo);
    let _service = service.connect().await.unwrap();
    let edge =
        Edge::builder(gateway.edge_url()).id(EdgeId(7)).register("reboot", echo).connect().await.unwrap();
    tokio::spawn(async move {
        while let Some(message) = edge.recv().await {
            message.done();
        }
    });
    let world = World::at(&gateway).and(&frontlas);
    std::fs::create_dir(world.path("bin")).unwrap();
    std::os::unix::fs::symlink(Process::binary("frontctl-under-test"), world.path("bin/frontctl")).unwrap();
    std::fs::write(world.path("prod.token"), "frt_of_the_guide\n").unwrap();
    world.run(&["cert", "dev", "--out", "certs"]).await.text();
    let listed = async || {
        let found = [&["edges", "ls", "-o", "json"][..], &["services", "ls", "-o", "json"]];
        let mut lists = Vec::new();
        for arguments in found {
            lists.push(world.run(arguments).await.json());
        }
        lists.iter().all(|list| *list != json!([])).then_some(())
    };
    eventually(DEADLINE, "all are listed", listed).await;

    let mut going_on = Vec::new();
    for block in blocks() {
        if block == BUILD {
            continue;
        }
        // Ports of the user's choice: here the system chooses.
        let script = ["127.0.0.1:2222", "127.0.0.1:5432", "127.0.0.1:5353"]
            .iter()
            .fold(block.clone(), |script, addr| {
                script.replace(&format!("--listen {addr}"), "--listen 127.0.0.1:0")
            })
            .replace("--listen udp://127.0.0.1:5353", "--listen udp://127.0.0.1:0");
        let mut process = Process::spawn("guide", shell(&world, &script));
        if script.starts_with(GOES_ON) {
            // Nothing happens by itself of which `events` could tell.
            let says =
                async || (script.contains("events") || !process.log().lines().is_empty()).then_some(());
            eventually(DEADLINE, &script, says).await;
            assert!(process.is_running(), "{script}");
            going_on.push((script, process));
        } else {
            assert_eq!(process.exit().await, Some(0), "{script}{:#?}", process.log().lines());
        }
    }
    // The stream that was accepted has ended by now, all others go on.
    for (script, process) in &mut going_on {
        if script.contains("--accept") {
            assert_eq!(process.exit().await, Some(0), "{script}{:#?}", process.log().lines());
        } else {
            assert!(process.is_running(), "{script}{:#?}", process.log().lines());
        }
    }
    assert_eq!(std::fs::read_to_string(world.path("copy")).unwrap(), "frt_of_the_guide\n");
}
