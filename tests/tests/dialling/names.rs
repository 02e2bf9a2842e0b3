//! Names whose lookup is slow, and names of which not every address answers: a network namespace of its own, with DNS
//! servers of its own.

use frontier_tests::{DEADLINE, Process, eventually, tool};
use std::path::PathBuf;
use std::process::Command;

const WORLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialling/names.sh");

/// Starts gateways and a frontlas behind names, and an edge that is given this URL, or frontctl. The first DNS server never
/// answers, the second one knows `holed.test`, of which the first address is a black hole, and `mute.test`, where that one
/// takes connections and says nothing.
fn world(url: &str, proxy: Option<PathBuf>) -> Process {
    let directory = tempfile::tempdir().unwrap().keep();
    let mut command = Command::new(tool("unshare", "util-linux"));
    // A user namespace makes this possible for everyone, where the system allows one.
    command.args(["--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", WORLD]);
    command.arg(tool("ip", "iproute2")).args(
        ["gateway", "frontlas", "frontctl", "peer"].map(|it| Process::binary(&format!("{it}-under-test"))),
    );
    command.arg(directory).arg(url).args(proxy);
    Process::spawn("world of names", command)
}

async fn connects(url: &str, proxy: Option<PathBuf>) -> Process {
    says(url, proxy, "connected ").await
}

/// Waits until the edge, or frontctl, says so.
async fn says(url: &str, proxy: Option<PathBuf>, line: &str) -> Process {
    let mut world = world(url, proxy);
    eventually(3 * DEADLINE, "it gets through", async || {
        assert!(
            world.is_running(),
            "there are no namespaces here: run this as root, or allow user namespaces. {:?}",
            world.log().lines()
        );
        world.log().find(line)
    })
    .await;
    world
}

#[tokio::test]
async fn a_dns_server_that_is_dead_does_not_use_up_the_time_of_a_dial() {
    connects("tcp://gateway.test:30012", None).await;
}

#[tokio::test]
async fn an_address_of_a_name_that_is_a_black_hole_does_not_keep_an_edge_from_the_others() {
    for scheme in ["tcp", "ws"] {
        let port = if scheme == "ws" { 30013 } else { 30012 };
        connects(&format!("{scheme}://holed.test:{port}"), None).await;
    }
}

#[tokio::test]
async fn an_address_of_a_name_that_takes_connections_and_says_nothing_does_not_keep_an_edge_from_the_others()
{
    for (scheme, port) in [("tcp", 30012), ("ws", 30013)] {
        let begin = std::time::Instant::now();
        connects(&format!("{scheme}://mute.test:{port}"), None).await;
        // A handshake may take 30 s. The world itself takes some: the first DNS server is dead.
        assert!(begin.elapsed().as_secs() < 25, "{:?}", begin.elapsed());
    }
}

/// The gateways have to get to frontlas by such names too, or it would have nobody to name.
#[tokio::test]
async fn addresses_of_frontlas_that_are_of_no_use_keep_nobody_from_the_others() {
    for host in ["holed.test", "mute.test"] {
        connects(&format!("frontlas://{host}:40011"), None).await;
        says(&format!("http://{host}:40011"), None, "tcp ").await;
    }
}

#[tokio::test]
async fn the_proxy_that_the_environment_names_is_taken() {
    let edge = connects("ws://gateway.test:30013", Some(tool("microsocks", "microsocks"))).await;
    edge.log().line("connected to gateway.test:30013").await;
}
