//! Options of all commands, and what the environment says in their place.

use crate::cli::{Failure, block_on};
use crate::deliver::Route;
use crate::exit::Exit;
use crate::gateway::Gateway;
use crate::job;
use crate::original::TargetOptions;
use crate::post::Credentials;
use crate::spool::{Drained, Spool, default_directory};
use clap::Args;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A gateway with a relay: HOST, HOST:PORT or https://HOST:PORT; further ones are tried in turn
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "FRONTIER_RELAY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    gateway: Vec<Named>,
    /// Try the host that the job of Slurm was submitted from as well
    #[arg(long, global = true)]
    submit_host: bool,
    /// For how long this may take: 500ms, 2s, 1m
    #[arg(long, global = true, value_name = "TIME", env = "FRONTIER_RELAY_BUDGET", default_value = "2s", value_parser = duration)]
    pub(crate) budget: Duration,
    /// Fail where the message was not confirmed
    #[arg(long, global = true)]
    strict: bool,
    /// By which the message is recognized if it comes again; else each has its own
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// What the job calls itself, if not what ecFlow or Slurm do
    #[arg(long, global = true, value_name = "NAME", env = "FRONTIER_RELAY_JOB", hide_env_values = true)]
    pub(crate) job: Option<String>,
    /// Keep what can't be sent in $TMPDIR/frontier-send-UID, and send what is there
    #[arg(long, global = true)]
    spool: bool,
    /// The same in this directory
    #[arg(long, global = true, value_name = "DIR", env = "FRONTIER_RELAY_SPOOL", hide_env_values = true)]
    spool_dir: Option<PathBuf>,
    /// Show the token in this file; or set FRONTIER_RELAY_TOKEN
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FRONTIER_RELAY_TOKEN_FILE",
        hide_env_values = true
    )]
    token_file: Option<PathBuf>,
    /// Trust these authorities (PEM), and not those of the system
    #[arg(long, global = true, value_name = "FILE", env = "FRONTIER_RELAY_CA", hide_env_values = true)]
    ca: Option<PathBuf>,
    /// Show this certificate (PEM)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FRONTIER_RELAY_CERT",
        hide_env_values = true,
        requires = "tls_key"
    )]
    cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FRONTIER_RELAY_CERT_KEY",
        hide_env_values = true,
        id = "tls_key"
    )]
    cert_key: Option<PathBuf>,
    /// Say what became of the message also where all is well
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// A gateway, or nothing where a list has an empty place: a variable may be set and have nothing in it.
#[derive(Clone, Debug)]
struct Named(Option<Gateway>);

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() { Ok(Self(None)) } else { text.parse().map(|it| Self(Some(it))) }
    }
}

impl Options {
    /// The directory of the spool, if there is to be one.
    pub(crate) fn spool(&self, environment: job::Environment<'_>) -> Option<PathBuf> {
        let default = || self.spool.then(|| default_directory(environment("TMPDIR")));
        self.spool_dir.clone().or_else(default)
    }

    /// Sends what waits in the spool.
    pub(crate) fn drain(
        &self,
        environment: job::Environment<'_>,
        deadline: Instant,
    ) -> Result<String, Failure> {
        let directory = self.spool(environment).unwrap_or_else(|| default_directory(environment("TMPDIR")));
        if !directory.exists() {
            return Ok("nothing waits".to_owned());
        }
        let at = |error: std::io::Error| (Exit::Failure, format!("{}: {error}", directory.display()));
        let spool = Spool::open(&directory).map_err(at)?;
        let route = self.route(None, environment, deadline, false)?;
        let drained = block_on(async { Ok(spool.drain(&route).await) })?.map_err(at)?;
        let Drained { confirmed, left, last, lost } = drained;
        let mut said = format!("{confirmed} messages confirmed, {left} wait");
        for (path, _, text) in &lost {
            said = format!("{said}; {} refused: {text}", path.display());
        }
        match (last, lost.first()) {
            (Some((exit, text)), _) => Err((exit, format!("{said}: {text}"))),
            (None, Some((_, exit, _))) => Err((*exit, said)),
            (None, None) => Ok(said),
        }
    }

    /// How gateways are reached, for a command with options of the original or without.
    pub(crate) fn route(
        &self,
        to: Option<&TargetOptions>,
        environment: job::Environment<'_>,
        deadline: Instant,
        is_patient: bool,
    ) -> Result<Route, Failure> {
        let usage = |text: String| (Exit::Usage, text);
        let mut gateways = Vec::new();
        if let Some(address) = to.and_then(|to| to.broker_address.as_ref()) {
            gateways.push(address.parse().map_err(usage)?);
        }
        gateways.extend(self.gateway.iter().filter_map(|named| named.0.clone()));
        if let Some(host) = environment("SLURM_SUBMIT_HOST").filter(|_| self.submit_host) {
            gateways.push(host.parse().map_err(usage)?);
        }
        if gateways.is_empty() {
            return Err(usage("no gateway is named: --gateway, or FRONTIER_RELAY".to_owned()));
        }
        let token = match &self.token_file {
            Some(path) => {
                let read = std::fs::read_to_string(path);
                let read = read.map_err(|error| usage(format!("{}: {error}", path.display())))?;
                Some(read.trim().to_owned())
            }
            None => environment("FRONTIER_RELAY_TOKEN"),
        };
        let identity = self.cert.clone().zip(self.cert_key.clone());
        let credentials = Credentials { token, ca: self.ca.clone(), identity };
        Ok(Route { gateways, credentials, deadline, is_patient })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time such as 500ms, 2s or 1m".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u32 = text[..end].parse().map_err(|_| wrong())?;
    let unit = match &text[end..] {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        _ => return Err(wrong()),
    };
    let duration = unit.checked_mul(number).ok_or_else(wrong)?;
    if duration.is_zero() || duration > Duration::from_secs(3600) {
        return Err("must lie between 1ms and 60m".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("1m"), Ok(Duration::from_secs(60)));
        for wrong in ["", "2", "s", "-1s", "0s", "61m", "99999999999s", "1.5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
