//! `frontier demo --cluster`, as users run it.

use frontier_tests::{DEADLINE, Process, eventually};

#[tokio::test]
async fn a_cluster_is_shown_and_survives_the_loss_of_a_gateway() {
    let mut demo = Process::start(&["demo", "--cluster", "--once", "--edges", "2"], None);
    let told = |demo: &Process, what: &str| demo.log().lines().iter().filter(|it| it.contains(what)).count();
    // The table of the second round is the last that it prints.
    eventually(DEADLINE, "two tables", async || (told(&demo, "streams, 16 KiB and back") == 2).then_some(()))
        .await;
    let lines = demo.log().lines();
    assert_eq!((told(&demo, "is killed"), told(&demo, "all edges are back")), (1, 1), "{lines:#?}");
    assert_eq!(demo.exit().await, Some(0), "{lines:#?}");
}
