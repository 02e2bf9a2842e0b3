//! What is wrong with the files of a listener's TLS.

use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Which of the configured files is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFile {
    /// The list of certificates as such.
    Certificates,
    /// The certificate of the pair of this index.
    Certificate(usize),
    /// The key of the pair of this index.
    Key(usize),
    /// The list of CAs as such.
    CaCertificates,
    /// The CA bundle of this index.
    CaCertificate(usize),
    /// The revocation list of this index.
    RevocationList(usize),
}

/// What is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsMistake {
    /// Where it is configured.
    pub file: TlsFile,
    /// The file's path, if it is about one.
    pub path: Option<PathBuf>,
    /// What is wrong.
    pub message: String,
}

/// Everything that is wrong with the files of a listener: at least one mistake.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct TlsMistakes(pub Vec<TlsMistake>);

impl TlsMistake {
    pub(super) fn of(file: TlsFile, path: &Path, message: impl Into<String>) -> Self {
        Self { file, path: Some(path.to_owned()), message: message.into() }
    }

    pub(super) fn general(file: TlsFile, message: impl Into<String>) -> Self {
        Self { file, path: None, message: message.into() }
    }
}

impl fmt::Display for TlsMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for TlsMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}
