use super::{Login, server};
use crate::redis::HostPort;
use crate::redis::config::RedisConfig;
use crate::redis::error::line;
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, from_redis_value_ref};
use std::time::Duration;
use tokio::time::timeout;

/// Connects to the master that the first sentinel with a good answer names.
pub(super) async fn master(
    config: &RedisConfig,
    sentinels: &[HostPort],
    name: &str,
    asking: Login<'_>,
    login: Login<'_>,
) -> Result<MultiplexedConnection, String> {
    // All of them get their turn within one timeout.
    let share = config.dial_timeout / u32::try_from(sentinels.len()).unwrap_or(1).max(1);
    let mut mistakes: Vec<String> = Vec::new();
    for sentinel in sentinels {
        let connected = async {
            let addr = ask(config, sentinel, asking, name, share).await?;
            let connection = server(config, &addr, login, config.dial_timeout).await?;
            match is_master(connection.clone(), config.read_timeout).await {
                true => Ok(connection),
                false => Err(format!("redis: not a master, though a sentinel says so ({addr})")),
            }
        };
        match connected.await {
            Ok(connection) => return Ok(connection),
            Err(mistake) if mistakes.contains(&mistake) => {}
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Err(mistakes.join("; "))
}

/// Asks one sentinel for the address of the master.
async fn ask(
    config: &RedisConfig,
    sentinel: &HostPort,
    login: Login<'_>,
    name: &str,
    within: Duration,
) -> Result<HostPort, String> {
    let mut connection = server(config, sentinel, login, within).await?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    match timeout(within, question.query_async::<Option<(String, u16)>>(&mut connection)).await {
        Ok(Ok(Some((host, port)))) => Ok(HostPort { host, port }),
        Ok(Ok(None)) => Err(format!("redis: the sentinel does not know this master_name ({sentinel})")),
        Ok(Err(error)) => Err(format!("{} ({sentinel})", line(&error))),
        Err(_) => Err(format!("redis: the sentinel did not answer in time ({sentinel})")),
    }
}

async fn is_master(mut connection: MultiplexedConnection, within: Duration) -> bool {
    let question = cmd("ROLE");
    match timeout(within, question.query_async::<Vec<Value>>(&mut connection)).await {
        Ok(Ok(role)) => {
            role.first().is_some_and(|role| from_redis_value_ref(role) == Ok("master".to_owned()))
        }
        _ => false,
    }
}
