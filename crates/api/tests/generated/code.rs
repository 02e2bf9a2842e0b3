//! The code, and the descriptions for reflection.

use crate::{HERE, check};
use prost::Message;
use protox::prost_reflect::prost_types::FileDescriptorSet;
use std::fs;
use std::path::Path;

/// The code for these files of one protobuf package, which is named so by the caller, and their description.
fn generate(files: &[&str], package: &str) -> (String, Vec<u8>) {
    let include = Path::new(HERE).join("proto");
    let descriptors = protox::compile(files, [&include]).expect("the protobuf files are right");
    let mut described = descriptors.clone();
    for file in &mut described.file {
        // Comments are for those who read the code.
        file.source_code_info = None;
        // Reflection knows files by their names, and that of the standard health has the name of ours.
        let names = file.name.iter_mut().chain(&mut file.dependency);
        let ours = names.filter(|name| !name.starts_with("google/"));
        ours.for_each(|name| name.insert_str(0, &format!("{package}/")));
    }
    (code(descriptors, package), described.encode_to_vec())
}

fn code(descriptors: FileDescriptorSet, package: &str) -> String {
    let out = tempfile::tempdir().expect("there is room for a directory");
    tonic_prost_build::configure()
        .out_dir(out.path())
        // The transport is the user's choice: without it there is no `connect`.
        .build_transport(false)
        .btree_map(".")
        .client_mod_attribute(".", r#"#[cfg(feature = "client")]"#)
        .server_mod_attribute(".", r#"#[cfg(feature = "server")]"#)
        .compile_fds(descriptors)
        .expect("code can be generated");
    let code = fs::read_to_string(out.path().join(format!("{package}.rs")));
    code.expect("the package has code")
}

fn check_package(name: &str, package: &str, files: &[&str]) {
    let (code, description) = generate(files, package);
    check(&format!("src/generated/{name}.rs"), code.as_bytes());
    check(&format!("src/generated/{name}.binpb"), &description);
}

/// Those of others are described as others do, by the name that their file has there.
fn check_contract(name: &str, package: &str) {
    let file = format!("{name}.proto");
    let descriptors = protox::compile([&file], [Path::new(HERE).join("proto")]).expect("the file is right");
    let mut described = descriptors.clone();
    described.file.iter_mut().for_each(|file| file.source_code_info = None);
    let code = code(descriptors, package);
    check(&format!("src/generated/{name}.rs"), code.as_bytes());
    check(&format!("src/generated/{name}.binpb"), &described.encode_to_vec());
}

#[test]
fn the_code_of_contracts_of_others_is_up_to_date() {
    check_contract("externalscaler", "externalscaler");
    check_contract("compute", "cloudsoa.servicehost");
}

#[test]
fn the_code_of_the_cluster_is_up_to_date() {
    check_package("cluster", "controlplane", &["cluster.proto", "health.proto"]);
}

#[test]
fn the_code_of_the_gateway_is_up_to_date() {
    check_package("gateway", "controlplane", &["frontier.proto"]);
}

#[test]
fn the_code_of_the_relay_is_up_to_date() {
    check_package("messagebroker", "messagebroker", &["messagebroker.proto"]);
}

#[test]
fn the_code_of_the_broker_is_up_to_date() {
    check_package("broker", "cloudsoa", &["broker.proto"]);
}
