//! The `quickstart` example.

use crate::program::Program;
use frontier_tests::Gateway;

#[tokio::test]
async fn it_shows_everything_and_ends_well() {
    let gateway = Gateway::start().await;
    let (services, edges) = (gateway.service_url(), gateway.edge_url());
    let mut quickstart = Program::example("quickstart", ["--services", &services, "--edges", &edges]);
    assert_eq!(quickstart.exits().await, Some(0));
    for line in [
        "edge: greet says hello, edge",
        "is 21.5",
        "service: telemetry says 21.5 degrees",
        "edge: the message has been received",
        "edge: the stream answers \"ONE, TWO, THREE\"",
    ] {
        quickstart.prints(line).await;
    }
}
