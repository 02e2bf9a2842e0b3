//! The checked-in code is what the protobuf files say.

use std::fs;
use std::path::{Path, PathBuf};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The code for these files of one protobuf package, which is named so by the caller.
fn generate(files: &[&str], package: &str) -> String {
    let include = Path::new(HERE).join("proto");
    let descriptors = protox::compile(files, [&include]).expect("the protobuf files are right");
    let out = tempfile::tempdir().expect("there is room for a directory");
    tonic_prost_build::configure()
        .out_dir(out.path())
        // The transport is the user's choice: without it there is no `connect`.
        .build_transport(false)
        .client_mod_attribute(".", r#"#[cfg(feature = "client")]"#)
        .server_mod_attribute(".", r#"#[cfg(feature = "server")]"#)
        .compile_fds(descriptors)
        .expect("code can be generated");
    fs::read_to_string(out.path().join(format!("{package}.rs"))).expect("the package has code")
}

fn check(file: &str, generated: &str) {
    let path: PathBuf = [HERE, "src/generated", file].iter().collect();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, generated).expect("the source is writable");
    }
    assert!(
        fs::read_to_string(&path).expect("the file exists") == generated,
        "{file} is stale: run `UPDATE_GENERATED=1 cargo test -p frontier-api`"
    );
}

#[test]
fn the_code_of_the_cluster_is_up_to_date() {
    check("cluster.rs", &generate(&["cluster.proto", "health.proto"], "controlplane"));
}
