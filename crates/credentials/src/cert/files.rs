//! Certificates and keys as files: what is there already, and writing so that keys are never readable by others.

use anyhow::{Context as _, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A certificate and its key, as files.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

impl Pair {
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self { cert: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}-key.pem")) }
    }

    pub(super) fn ensure_absent(&self) -> Result<()> {
        for path in [&self.cert, &self.key] {
            if path.exists() {
                bail!("{} is there already; --force replaces it", path.display());
            }
        }
        Ok(())
    }

    /// Both texts, or `None` if neither is there.
    pub(super) fn read(&self) -> Result<Option<(String, String)>> {
        match (read(&self.cert)?, read(&self.key)?) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            (Some(_), None) => bail!("{} is there without {}", self.cert.display(), self.key.display()),
            (None, Some(_)) => bail!("{} is there without {}", self.key.display(), self.cert.display()),
        }
    }

    /// Writes both; the key can be read by its owner alone.
    pub(super) fn write(&self, cert: &str, key: &str) -> Result<[PathBuf; 2]> {
        write(&self.key, key, 0o600)?;
        write(&self.cert, cert, 0o644)?;
        Ok([self.cert.clone(), self.key.clone()])
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

/// The mode holds from the first byte on: an older file is not written into but replaced.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let written = || -> std::io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&new, path)
    };
    written().with_context(|| format!("can't write {}", path.display()))
}
