//! A token, or where it is.

use frontier_config::unreadable;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A token, or the file that it is read from each time.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Token {
    Text(String),
    File(#[serde(serialize_with = "as_section")] PathBuf),
}

impl Token {
    /// Reads it.
    pub(crate) async fn read(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                let read = tokio::fs::read_to_string(path).await;
                let text = read
                    .map_err(|error| format!("the token file {}: {}", path.display(), unreadable(&error)))?;
                Ok(text.trim().to_owned())
            }
        }
    }
}

/// `{file: PATH}`, as configurations of the daemons have it.
fn as_section<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map([("file", path)])
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("****"),
            Self::File(path) => path.fmt(f),
        }
    }
}
