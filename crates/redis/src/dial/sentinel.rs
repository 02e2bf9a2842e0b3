//! Finding the master by asking sentinels.

use super::{Login, server};
use crate::config::RedisConfig;
use crate::error::describe;
use frontier_config::{HostPort, format_duration};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, from_redis_value_ref};
use std::time::Duration;
use tokio::time::timeout;

/// Connects to the master that the first sentinel with a good answer names.
pub(crate) async fn master(
    config: &RedisConfig,
    sentinels: &[HostPort],
    name: &str,
    sentinel_login: Login<'_>,
    login: Login<'_>,
) -> Result<MultiplexedConnection, String> {
    // All of them are asked within one timeout.
    let share = config.dial_timeout / u32::try_from(sentinels.len()).unwrap_or(1).max(1);
    let mut failures: Vec<String> = Vec::new();
    for sentinel in sentinels {
        let connected = async {
            let addr = query_master(config, sentinel, sentinel_login, name, share).await?;
            let connection = server(config, &addr, login, config.dial_timeout).await?;
            match is_master(connection.clone(), config.read_timeout).await {
                true => Ok(connection),
                false => Err(format!(
                    "redis: not a master, though a sentinel says so ({addr}, by {})",
                    config.key()
                )),
            }
        };
        match connected.await {
            Ok(connection) => return Ok(connection),
            Err(failure) if failures.contains(&failure) => {}
            Err(failure) => failures.push(failure),
        }
    }
    Err(failures.join("; "))
}

/// Asks one sentinel for the address of the master.
async fn query_master(
    config: &RedisConfig,
    sentinel: &HostPort,
    login: Login<'_>,
    name: &str,
    within: Duration,
) -> Result<HostPort, String> {
    let mut connection = server(config, sentinel, login, within).await?;
    let mut command = cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    match timeout(within, command.query_async::<Option<(String, u16)>>(&mut connection)).await {
        Ok(Ok(Some((host, port)))) => Ok(HostPort { host, port }),
        Ok(Ok(None)) => Err(format!(
            "redis: the sentinel does not know this master_name ({sentinel}, by {})",
            config.key()
        )),
        Ok(Err(error)) => Err(format!("{} ({sentinel}, by {})", describe(&error), config.key())),
        Err(_) => Err(format!(
            "redis: the sentinel did not answer within {} ({sentinel}, by {})",
            format_duration(within),
            config.key()
        )),
    }
}

async fn is_master(mut connection: MultiplexedConnection, within: Duration) -> bool {
    let command = cmd("ROLE");
    match timeout(within, command.query_async::<Vec<Value>>(&mut connection)).await {
        Ok(Ok(role)) => {
            role.first().is_some_and(|role| from_redis_value_ref(role) == Ok("master".to_owned()))
        }
        _ => false,
    }
}
