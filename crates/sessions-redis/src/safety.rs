//! How safe what Redis keeps is, by what it says of itself.

use crate::reply::read;
use frontier_redis::{Args, Command};
use frontier_sessions::StoreError;
use redis::Value;
use std::collections::HashMap;
use std::time::Duration;

/// The oldest Redis that has scripts which say that they may run when its memory is full.
const OLDEST: u32 = 7;

/// What is asked after a write that has to be on disk.
pub(crate) fn syncs() -> Command {
    let args = Args::default().all(["GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite"]);
    Command::reading("CONFIG", args)
}

/// Whether each write is on disk before it is answered; if not, why.
pub(crate) fn is_synced(config: Value) -> Result<(), String> {
    let config: HashMap<String, String> = read(config).map_err(|error| error.to_string())?;
    let is = |key: &str, value: &str| config.get(key).is_some_and(|it| it == value);
    let why = if !is("appendonly", "yes") {
        "its appendonly is off"
    } else if !is("appendfsync", "always") {
        "its appendfsync is not always"
    } else if !is("no-appendfsync-on-rewrite", "no") {
        "its no-appendfsync-on-rewrite is on"
    } else {
        return Ok(());
    };
    Err(format!("redis does not say that what is written is on disk: {why}"))
}

/// What is asked after a write that so many replicas have to have.
pub(crate) fn replicated(replicas: u32, within: Duration) -> Command {
    let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
    Command::reading("WAIT", Args::default().arg(replicas).arg(millis))
}

/// Whether as many have it.
pub(crate) fn is_replicated(replicas: u32, answer: Value) -> Result<(), StoreError> {
    let have: u32 = read(answer)?;
    if have >= replicas {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "redis: {have} replicas have what was written, {replicas} are to have it"
    )))
}

/// What is asked before sessions are kept.
pub(crate) fn server() -> Command {
    Command::reading("INFO", Args::default().all(["server", "memory"]))
}

/// Whether it may keep sessions at all; if not, why.
pub(crate) fn may_keep(info: Value) -> Result<(), String> {
    let info: String = read(info).map_err(|error| error.to_string())?;
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let version = field("redis_version").unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        return Err(format!("redis {version} is too old to keep sessions: it takes {OLDEST}.0 or later"));
    }
    match field("maxmemory_policy") {
        Some(policy) if policy.starts_with("allkeys") => Err(format!(
            "redis would drop sessions to make room: its maxmemory-policy is {policy}; noeviction does not"
        )),
        _ => Ok(()),
    }
}
