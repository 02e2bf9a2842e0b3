//! Reading the files that a configuration names.

use frontier_config::Secret;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// One file, or one part of the configuration, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file's path, or what else it is about.
    pub what: String,
    /// Why. Several lines if there are several mistakes in one file.
    pub message: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.message)
    }
}

/// Everything that cannot be used, in the order of the configuration; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadErrors {}

/// What all the files together look like: equal if nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// The first digits: enough to tell two apart in a log.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..6].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Reads files, and gathers their paths, their fingerprint and everything that is wrong.
#[derive(Default)]
pub(crate) struct Loader {
    paths: Vec<PathBuf>,
    digest: Sha256,
    errors: Vec<LoadError>,
}

impl Loader {
    /// What `parse` makes of the file; `None` after a mistake, which is noted.
    pub(crate) fn file<T, E: fmt::Display>(
        &mut self,
        path: &Path,
        parse: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Option<T> {
        if !self.paths.iter().any(|known| known == path) {
            self.paths.push(path.to_owned());
        }
        let what = path.display().to_string();
        let bytes = self.checked(&what, read(path))?;
        self.note(&bytes);
        self.checked(&what, parse(&bytes))
    }

    /// As [`Loader::file`], for text.
    pub(crate) fn text<T, E: fmt::Display>(
        &mut self,
        path: &Path,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.file(path, |bytes| match std::str::from_utf8(bytes) {
            Ok(text) => parse(text).map_err(|error| error.to_string()),
            Err(_) => Err("is not UTF-8 text".to_owned()),
        })
    }

    /// The value; `None` after a mistake, which is noted.
    pub(crate) fn checked<T>(&mut self, what: &str, result: Result<T, impl fmt::Display>) -> Option<T> {
        result
            .map_err(|error| {
                let error = LoadError { what: what.to_owned(), message: error.to_string() };
                // A file that several listeners name is wrong once.
                if !self.errors.contains(&error) {
                    self.errors.push(error);
                }
            })
            .ok()
    }

    /// Makes `settings`, such as the configuration itself, part of the fingerprint.
    pub(crate) fn note(&mut self, settings: &[u8]) {
        self.digest.update((settings.len() as u64).to_be_bytes());
        self.digest.update(settings);
    }

    /// The same for a secret, which the Debug form of a configuration does not show.
    pub(crate) fn note_secret(&mut self, secret: &Secret) {
        self.note(secret.expose().as_bytes());
    }

    /// The files that were read or should have been, and the fingerprint.
    pub(crate) fn finish(self) -> Result<(Vec<PathBuf>, Fingerprint), LoadErrors> {
        if self.errors.is_empty() {
            Ok((self.paths, Fingerprint(self.digest.finalize().into())))
        } else {
            Err(LoadErrors(self.errors))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err("is longer than 16 MiB".into());
    }
    Ok(bytes)
}
