//! What clients show frontlas.

use crate::world::{World, knows};
use frontier_sdk::{ClusterService, Edge};
use frontier_tests::{replace, within};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A frontlas that asks for tokens.
async fn guarded(folder: &TempDir) -> World {
    let tokens = folder.path().join("tokens.yaml");
    let entry = |token: &str, rest: &str| {
        let hash = frontier_credentials::token::hash(token.as_bytes()).expect("a token has a hash");
        format!("- {{{}', {rest}}}\n", hash.replacen("hash: ", "hash: '", 1))
    };
    replace(&tokens, [entry("frt_reads", "role: read"), entry("frt_files", "service: files")].concat());
    let auth = format!("auth: {{methods: [{{token: {{file: '{}'}}}}]}}", tokens.display());
    World::with(&format!("watch_interval: 10ms, {auth}")).await
}

#[tokio::test]
async fn a_service_of_the_cluster_and_an_edge_show_frontlas_a_token_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let world = guarded(&folder).await;
    let _first = world.frontier("f1").await;
    let url = format!("http://{}", world.addr);
    let service = ClusterService::builder(&*url).token("frt_files").frontlas_token("frt_reads").connect();
    let service = within("the service connects", service).await.unwrap();
    knows(&service, &["f1"]).await;
    let discovering = Edge::builder(format!("frontlas://{}", world.addr)).frontlas_token("frt_reads");
    within("the edge connects", discovering.connect()).await.unwrap();
}

#[tokio::test]
async fn what_is_for_the_gateways_is_not_shown_to_frontlas() {
    let folder = tempfile::tempdir().unwrap();
    let world = guarded(&folder).await;
    let _first = world.frontier("f1").await;
    let builder = || {
        let builder = ClusterService::builder(format!("http://{}", world.addr)).token("frt_reads");
        builder.connect_timeout(Duration::from_secs(2))
    };
    let error = within("an error", builder().connect()).await.unwrap_err().to_string();
    assert!(error.contains("credentials are missing: a token is needed here"), "{error}");
    let error = within("an error", builder().frontlas_token("frt_files").connect()).await.unwrap_err();
    assert!(error.to_string().contains("not those of an operator"), "{error}");
    let error =
        within("an error", builder().frontlas_token("two\nlines").connect()).await.unwrap_err().to_string();
    assert!(error.contains("characters that HTTP has not") && !error.contains("lines"), "{error}");
}

#[tokio::test]
async fn a_token_for_frontlas_that_is_put_right_holds_for_the_next_request() {
    let folder = tempfile::tempdir().unwrap();
    let world = guarded(&folder).await;
    let _first = world.frontier("f1").await;
    let has_failed = Arc::new(AtomicBool::new(false));
    let source = move || {
        let good = has_failed.swap(true, Ordering::SeqCst);
        async move { if good { Ok("frt_reads".to_owned()) } else { Err("the issuer is down") } }
    };
    let service = ClusterService::builder(format!("http://{}", world.addr)).frontlas_token_source(source);
    let service = within("the service connects", service.connect()).await.unwrap();
    knows(&service, &["f1"]).await;
}
