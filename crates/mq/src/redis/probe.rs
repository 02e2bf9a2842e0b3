//! Whether a server lets us in, is a master, and has streams where streams should be.

use super::connect;
use super::reply::describe;
use crate::{RedisConfig, RedisTarget};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, ServerErrorKind, cmd};

/// What is wrong with the streams that topics become, and with those of these names.
pub(crate) async fn look(
    config: &RedisConfig,
    topics: &[String],
    streams: &[String],
) -> Result<Vec<String>, String> {
    let Some(addr) = config.addrs.first() else { return Err("there is no address".to_owned()) };
    let (mut connection, _lost) = connect::server(config.into(), addr).await?;
    connect::check_master(&mut connection, addr).await?;
    let mut faults = Vec::new();
    for stream in streams {
        // Who reads makes it.
        faults.extend(wrong(&mut connection, stream, true).await?);
    }
    if let RedisTarget::Stream { key, create, .. } = &config.target {
        for name in key.fixed_names(topics) {
            faults.extend(wrong(&mut connection, &name, *create).await?);
        }
    }
    Ok(faults)
}

async fn wrong(
    connection: &mut MultiplexedConnection,
    key: &str,
    is_made: bool,
) -> Result<Option<String>, String> {
    match cmd("TYPE").arg(key).query_async::<String>(connection).await.as_deref() {
        Ok("stream") => Ok(None),
        Ok("none") if is_made => Ok(None),
        Ok("none") => Ok(Some(format!("there is no stream {key:?}, and `create` is false"))),
        Ok(kind) => Ok(Some(format!("{key:?} is a {kind}, and no stream"))),
        // Another node of a cluster has it, or it may not be asked for.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::NoPerm)
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(describe(error)),
    }
}
