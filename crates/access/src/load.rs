//! Reading the files that a configuration names.

use frontier_config::unreadable;
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

/// What may surprise about a file that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadWarning {
    /// The file's path.
    pub what: String,
    /// What it is about, in one line.
    pub message: String,
}

impl fmt::Display for LoadWarning {
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

/// Reads files, and gathers their paths and everything that is wrong.
#[derive(Default)]
pub(crate) struct Loader {
    paths: Vec<PathBuf>,
    errors: Vec<LoadError>,
    warnings: Vec<LoadWarning>,
}

/// The files that were read, none of which is wrong.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) warnings: Vec<LoadWarning>,
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

    /// Notes what is worth a look in a file that is used all the same.
    pub(crate) fn warn(&mut self, path: &Path, message: impl Into<String>) {
        let warning = LoadWarning { what: path.display().to_string(), message: message.into() };
        // A file that several listeners name is warned of once.
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The files that were read.
    pub(crate) fn finish(self) -> Result<Files, LoadErrors> {
        let Self { paths, errors, warnings } = self;
        if errors.is_empty() { Ok(Files { paths, warnings }) } else { Err(LoadErrors(errors)) }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    // A pipe would have the reader wait for ever.
    if !std::fs::metadata(path).map_err(|error| unreadable(&error))?.is_file() {
        return Err("is no regular file".into());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err("is longer than 16 MiB".into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_can_not_be_read_to_its_end_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(read(&pipe).unwrap_err(), "is no regular file");
        assert_eq!(read(folder.path()).unwrap_err(), "is no regular file");
        assert_eq!(read(&folder.path().join("none")).unwrap_err(), "there is no such file");
        std::fs::write(folder.path().join("file"), "text").unwrap();
        assert_eq!(read(&folder.path().join("file")).unwrap(), b"text");
    }
}
