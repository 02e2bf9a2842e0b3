//! Where durable sessions are kept.

use frontier_config::{ByteSize, Section};
use frontier_sessions_disk::DiskConfig;
use std::path::{Path, PathBuf};

/// Reads the section `store`: `path`, `size` (10 GiB), `cache_size` (64 MiB). Without a path there are no durable sessions.
pub(super) fn read(section: &Section<'_>) -> Option<DiskConfig> {
    let path: Option<PathBuf> = section.optional("path");
    let most = ByteSize::mib(16 * 1024 * 1024);
    let size = section.within("size", ByteSize::mib(10 * 1024), ByteSize::mib(1)..=most);
    let cache_size = section.within("cache_size", ByteSize::mib(64), ByteSize::mib(1)..=most);
    for key in ["size", "cache_size"] {
        if path.is_none() && section.is_written_at(&format!("store.{key}")) {
            section.reject(key, "is nothing without `path`");
        }
    }
    Some(DiskConfig { path: path?, size: size.as_usize() as u64, cache_size: cache_size.as_usize() })
}

/// What is wrong with the file before it is opened: its folder is not there, or it is a folder itself.
pub(super) fn file_mistake(config: &DiskConfig) -> Option<(String, String)> {
    let path = &config.path;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = if path.is_dir() {
        format!("{}: is a folder; a file in it would do", path.display())
    } else if !folder.is_dir() {
        format!("{}: there is no such folder", folder.display())
    } else {
        return None;
    };
    Some(("store.path".to_owned(), text))
}
