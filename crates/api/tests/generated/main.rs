//! What is checked in is what would be generated: the code, the descriptions for reflection, the OpenAPI documents.

mod code;
mod openapi;

use std::fs;
use std::path::PathBuf;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Compares a file of this crate with what it has to be.
fn check(file: &str, generated: &[u8]) {
    let path: PathBuf = [HERE, file].iter().collect();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, generated).expect("the source is writable");
    }
    assert!(
        fs::read(&path).expect("the file exists") == generated,
        "{file} is stale: run `UPDATE_GENERATED=1 cargo test -p frontier-api`"
    );
}
