//! `/metrics`, in both formats.

use crate::world::World;

#[tokio::test]
async fn a_scrape_gets_the_format_that_it_asks_for() {
    let world = World::new().await;
    let (status, head, body) = world.send("GET /metrics HTTP/1.1").await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(body.contains("\nbackend_state 0\n") && !body.contains("# EOF"), "{body}");
    let asked = "GET /metrics HTTP/1.1\r\naccept: application/openmetrics-text; version=1.0.0";
    let (status, head, body) = world.send(asked).await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("\nbackend_state 0\n# EOF\n"), "{body}");
    assert_eq!(world.send("POST /metrics HTTP/1.1").await.0, 405);
}
