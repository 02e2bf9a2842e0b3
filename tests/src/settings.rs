//! A configuration file, made key by key.

use serde_json::{Map, Value};
use std::io::Write;
use tempfile::NamedTempFile;

/// A configuration by its key paths.
#[derive(Clone, Debug, Default)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Sets the key at `path`, such as `limits.heartbeat`.
    ///
    /// # Panics
    /// If a part of the path is a value already.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) {
        let (sections, key) =
            path.rsplit_once('.').map_or((None, path), |(sections, key)| (Some(sections), key));
        let mut section = &mut self.0;
        for name in sections.into_iter().flat_map(|sections| sections.split('.')) {
            let inner = section.entry(name).or_insert_with(|| Value::Object(Map::new()));
            section = inner.as_object_mut().unwrap_or_else(|| panic!("{name} of {path} is no section"));
        }
        section.insert(key.to_owned(), value.into());
    }

    /// The settings as a file. JSON is YAML.
    ///
    /// # Panics
    /// If no file can be written.
    #[must_use]
    pub fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::with_suffix(".yaml").expect("a temporary file");
        serde_json::to_writer_pretty(&mut file, &self.0).expect("settings are JSON");
        file.flush().expect("room for a temporary file");
        file
    }
}
