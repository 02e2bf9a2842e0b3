//! Writing a file so that it is there whole or not at all.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// A file that is not whole yet: under a temporary name beside its own, and removed unless it is kept. A
/// program that is killed leaves it behind, under that name.
pub(crate) struct Partial {
    file: File,
    temporary: Option<PathBuf>,
    path: PathBuf,
}

impl Partial {
    pub(crate) async fn create(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{:016x}.part", rand::random::<u64>()));
        let file = File::create_new(&temporary).await;
        let file = file.with_context(|| format!("can't create {}", temporary.display()))?;
        Ok(Self { file, temporary: Some(temporary), path: path.into() })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.context("can't write")
    }

    /// Gives the file its own name, in place of another one of that name. Once this returns it stays there
    /// even if the machine fails.
    pub(crate) async fn keep(mut self) -> Result<()> {
        self.file.flush().await.context("can't write")?;
        self.file.sync_all().await.context("can't write")?;
        if let Some(temporary) = &self.temporary {
            tokio::fs::rename(temporary, &self.path).await.context("can't rename")?;
        }
        self.temporary = None;
        if let Some(dir) = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            File::open(dir).await?.sync_all().await.context("can't sync the directory")?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Whoever looks finds a `.part`, should this fail.
            let _ = std::fs::remove_file(temporary);
        }
    }
}
