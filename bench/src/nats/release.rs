//! Which `nats-server` is measured: the one on the PATH, or one of the current release line, built as a Go module.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::process::Command;

/// The module of the server.
const MODULE: &str = "github.com/nats-io/nats-server/v2";
/// The release of it that is built.
const CURRENT: &str = "2.15.3";

/// A build of `nats-server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The one on the PATH.
    Installed,
    /// [`CURRENT`], built with the Go on the PATH unless that was done before.
    Current,
}

impl Release {
    /// The program to start.
    ///
    /// # Errors
    /// When it can't be built.
    pub(super) async fn program(self) -> Result<PathBuf> {
        match self {
            Self::Installed => Ok("nats-server".into()),
            Self::Current => {
                let folder = cache(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))?
                    .join(format!("frontier-bench/nats-server-{CURRENT}"));
                let program = folder.join("nats-server");
                if !program.is_file() {
                    build(folder).await?;
                }
                Ok(program)
            }
        }
    }
}

/// Where programs keep what they can make again.
fn cache(cache: Option<OsString>, home: Option<OsString>) -> Result<PathBuf> {
    let set = |folder: Option<OsString>| folder.map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = set(cache).or_else(|| Some(set(home)?.join(".cache")));
    folder
        .context("there is no folder to build nats-server in: set XDG_CACHE_HOME or HOME to an absolute path")
}

/// Go puts the program there whole, or not at all.
async fn build(folder: PathBuf) -> Result<()> {
    let mut go = Command::new("go");
    go.arg("install").arg(format!("{MODULE}@v{CURRENT}")).env("GOBIN", &folder);
    go.stdin(Stdio::null()).kill_on_drop(true);
    let output = go.output().await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            anyhow!("there is no go on the PATH to build nats-server {CURRENT} with: install golang-go, or leave nats-current out")
        }
        _ => anyhow!(error).context("starting go"),
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "go can't build nats-server {CURRENT} ({}): {}",
        output.status,
        said.trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_kept_where_caches_are() {
        let path = |text: &str| Some(OsString::from(text));
        assert_eq!(cache(path("/cache"), path("/home")).unwrap(), PathBuf::from("/cache"));
        assert_eq!(cache(None, path("/home")).unwrap(), PathBuf::from("/home/.cache"));
        // A path that is not absolute is not to be used.
        assert_eq!(cache(path("cache"), path("/home")).unwrap(), PathBuf::from("/home/.cache"));
        assert!(cache(path(""), None).unwrap_err().to_string().contains("set XDG_CACHE_HOME or HOME"));
    }
}
