//! `--check`, the start, and `frontier token`.

use crate::world::World;
use frontier_tests::{DEADLINE, Process, eventually};

const YAML: &str = "
edgebound: {listen: {addr: '127.0.0.1:0'}, auth: {methods: [{token: {file: DIR/tokens.yaml}}]}}
servicebound: {listen: {addr: '127.0.0.1:0'}}
access: {rules_file: DIR/rules.yaml}
";

async fn ended(mut process: Process) -> (Option<i32>, String) {
    let code = process.exit().await;
    let lines = async || Some(process.log().lines()).filter(|lines| !lines.is_empty());
    (code, eventually(DEADLINE, "it says something", lines).await.join("\n"))
}

#[tokio::test]
async fn files_that_are_wrong_are_errors_at_the_start_and_by_check() {
    let world = World::new().with("rules.yaml", "default: maybe");
    world.configure(YAML);
    for arguments in [&["--check"][..], &[]] {
        let (code, said) = ended(world.run(arguments)).await;
        assert_eq!(code, Some(64), "{said}");
        let path = world.path("tokens.yaml");
        let unreadable =
            format!("edgebound.auth.methods[0].token.file: {}: there is no such file", path.display());
        assert!(said.contains(&unreadable), "{said}");
        let path = world.path("rules.yaml");
        let wrong =
            format!("access.rules_file: {}: line 1, column 10: default: expected one of", path.display());
        assert!(said.contains(&wrong), "{said}");
    }
    world.write("rules.yaml", "default: deny");
    world.write("tokens.yaml", "[]");
    let (code, said) = ended(world.run(&["--check"])).await;
    let folder = world.path("");
    let expected = "\
warning: edgebound.auth.methods[0].token.file: DIR/tokens.yaml: lists no token, so nobody gets in with one
warning: access.rules_file: DIR/rules.yaml: allows nothing to anybody: `default` is deny, and no rule allows anything
the configuration is valid";
    let expected = expected.replace("DIR/", folder.to_str().unwrap());
    assert_eq!((code, said.as_str()), (Some(0), expected.as_str()));
}

#[tokio::test]
async fn a_listener_where_nobody_could_connect_is_a_mistake() {
    let world = World::new();
    world.configure("edgebound: {listen: {addr: '127.0.0.1:1'}, auth: {methods: [{mtls: {}}]}}");
    let (code, said) = ended(world.run(&["--check"])).await;
    assert_eq!(code, Some(64));
    let text = "edgebound.auth: the listener 127.0.0.1:1 asks clients for no certificate (`tls.mtls`)";
    assert!(said.contains(text), "{said}");
}

#[tokio::test]
async fn a_token_is_made_with_its_hash() {
    let (code, said) = ended(Process::start(&["token", "new"], None)).await;
    assert_eq!(code, Some(0));
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("token: frt_") && lines[1].starts_with("hash: sha256:"), "{said}");
    // There is nothing on standard input.
    let (code, said) = ended(Process::start(&["token", "hash"], None)).await;
    assert_eq!((code, said.as_str()), (Some(64), "frontier: there is no token on standard input"));
}
