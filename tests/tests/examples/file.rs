//! The `file` example: transfers, refusals and losses.

use crate::program::Program;
use frontier_tests::web::body;
use frontier_tests::{DEADLINE, Gateway, eventually};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Longer than anyone takes to notice that a transfer is under way.
const ENDLESS_SIZE: u64 = 64 << 30;

async fn serve(gateway: &Gateway, dir: &Path) -> Program {
    let dir = dir.to_str().unwrap();
    let serve = Program::example("file", ["serve", "--dir", dir, "--gateway", &gateway.service_url()]);
    serve.prints("files serves").await;
    serve
}

fn send(gateway: &Gateway, path: &Path) -> Program {
    Program::example("file", ["send", path.to_str().unwrap(), "--gateway", &gateway.edge_url()])
}

fn receive(gateway: &Gateway, name: &str, into: &Path) -> Program {
    let into = into.to_str().unwrap();
    Program::example("file", ["receive", name, "--into", into, "--gateway", &gateway.edge_url()])
}

/// A file of which only the length exists.
fn endless(dir: &Path) -> PathBuf {
    let path = dir.join("endless");
    File::create(&path).unwrap().set_len(ENDLESS_SIZE).unwrap();
    path
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Waits until a transfer into `dir` is under way.
async fn under_way(dir: &Path) {
    let has_some = |name: &String| {
        name.ends_with(".part") && fs::metadata(dir.join(name)).is_ok_and(|part| part.len() > 1024 * 1024)
    };
    let look = async || names(dir).iter().any(has_some).then_some(());
    eventually(DEADLINE, "a transfer is under way", look).await;
}

/// Waits until `dir` is as empty as before.
async fn nothing_left(dir: &Path) {
    eventually(DEADLINE, "nothing is left", async || names(dir).is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_file_goes_there_and_back() {
    let gateway = Gateway::start().await;
    let (kept, here, back) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let _serve = serve(&gateway, kept.path()).await;
    for (name, len) in [("empty", 0), ("short", 5), ("long", 64 * 1024 * 1024)] {
        let bytes = body(len, 3);
        let path = here.path().join(name);
        fs::write(&path, &bytes).unwrap();

        let mut sending = send(&gateway, &path);
        assert_eq!(sending.exits().await, Some(0));
        sending.prints("the receiver has verified it").await;
        assert!(fs::read(kept.path().join(name)).unwrap() == bytes, "{name} there");

        let mut receiving = receive(&gateway, name, back.path());
        assert_eq!(receiving.exits().await, Some(0));
        receiving.prints("verified").await;
        assert!(fs::read(back.path().join(name)).unwrap() == bytes, "{name} back");
    }
    assert_eq!((names(kept.path()).len(), names(back.path()).len()), (3, 3));
}

#[tokio::test]
async fn what_is_not_there_and_what_leads_elsewhere_is_refused() {
    let gateway = Gateway::start().await;
    let (kept, back) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let _serve = serve(&gateway, kept.path()).await;
    for (name, why) in [("nothing", "there is no nothing"), ("../secret", "is no plain file name")] {
        let mut receiving = receive(&gateway, name, back.path());
        assert_eq!(receiving.exits().await, Some(1));
        receiving.prints(why).await;
    }
    assert!(names(back.path()).is_empty());
}

#[tokio::test]
async fn a_sender_that_is_lost_leaves_no_file() {
    let gateway = Gateway::start().await;
    let (kept, here) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let serve = serve(&gateway, kept.path()).await;
    let mut sending = send(&gateway, &endless(here.path()));
    under_way(kept.path()).await;
    sending.kill();
    serve.prints("failed: endless").await;
    nothing_left(kept.path()).await;
}

#[tokio::test]
async fn a_receiver_that_is_lost_is_an_error_to_the_sender() {
    let gateway = Gateway::start().await;
    let (kept, here) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut serve = serve(&gateway, kept.path()).await;
    let mut sending = send(&gateway, &endless(here.path()));
    under_way(kept.path()).await;
    serve.kill();
    assert_eq!(sending.exits().await, Some(1));
    sending.prints("the stream was reset or its connection lost").await;
}

#[tokio::test]
async fn a_gateway_that_is_lost_is_an_error_to_both() {
    let mut gateway = Gateway::start().await;
    let (kept, back) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    endless(kept.path());
    let serve = serve(&gateway, kept.path()).await;
    let mut receiving = receive(&gateway, "endless", back.path());
    under_way(back.path()).await;
    gateway.kill().await;
    assert_eq!(receiving.exits().await, Some(1));
    serve.prints("failed: endless").await;
    nothing_left(back.path()).await;
}
