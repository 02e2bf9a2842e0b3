//! schemathesis, a fuzzer that goes by the OpenAPI document: what it sends that is right must be answered as documented,
//! what is wrong refused, and nothing may fail or hang.

use crate::program::{file, python, run};
use crate::world::{TOKEN, World};

/// Fuzzes the plane with this document, and gives how many requests it has made up.
async fn fuzz(document: &str, examples: u32) -> u32 {
    let config = file("schemathesis.toml");
    let arguments = [
        "--config-file",
        config.to_str().unwrap(),
        "run",
        document,
        "--checks",
        "all",
        // A kick closes a connection, and whoever was kicked may come again: here all of them do.
        "--exclude-checks",
        "use_after_free,ensure_resource_availability",
        "--phases",
        "examples,coverage,fuzzing,stateful",
        "--max-examples",
        &examples.to_string(),
        "--header",
        &format!("Authorization: Bearer {TOKEN}"),
    ]
    .map(str::to_owned);
    let said = run(&python("schemathesis"), arguments).await;
    eprintln!("{said}");
    let count = said.split(" generated").next().and_then(|text| text.split_whitespace().last());
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzer_finds_nothing_at_a_gateway() {
    let mut world = World::new().await;
    let count = fuzz(&world.gateway_url("/openapi.json"), 50).await;
    assert!(count > 1500, "{count}");
    assert!(world.gateway.process().is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzer_finds_nothing_at_a_broker() {
    let world = World::new().await;
    let broker = world.broker().await;
    let count = fuzz(&broker.url("/openapi.json"), 40).await;
    assert!(count > 1000, "{count}");
    assert_eq!(broker.log().find("panicked"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzer_finds_nothing_at_frontlas() {
    let world = World::new().await;
    let count = fuzz(&world.frontlas_url("/openapi.json"), 80).await;
    assert!(count > 1000, "{count}");
}
