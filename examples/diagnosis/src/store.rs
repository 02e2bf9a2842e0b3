//! Redis, over one connection that is made anew once it is lost.

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take: more than the longest that a command here waits for entries.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause before something is tried again that has failed.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

/// Redis. Cheap to clone; commands that wait for entries take a store of their own.
#[derive(Clone)]
pub(crate) struct Store {
    client: Client,
    connection: Arc<Mutex<Option<MultiplexedConnection>>>,
}

impl Store {
    pub(crate) fn open(url: &str) -> Result<Self> {
        let client = Client::open(url).with_context(|| format!("{url:?} is no URL of Redis"))?;
        Ok(Self { client, connection: Arc::default() })
    }

    /// Another one, with a connection of its own.
    pub(crate) fn apart(&self) -> Self {
        Self { client: self.client.clone(), connection: Arc::default() }
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        let asked = command.query_async(&mut connection).await;
        self.keep(asked).await
    }

    pub(crate) async fn ask_all<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let mut connection = self.connection().await?;
        let asked = commands.query_async(&mut connection).await;
        self.keep(asked).await
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let new = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *connection = Some(new.clone());
        Ok(new)
    }

    /// Lets go of the connection where it is of no use any more.
    async fn keep<T>(&self, asked: RedisResult<T>) -> RedisResult<T> {
        if asked.as_ref().is_err_and(is_lost) {
            *self.connection.lock().await = None;
        }
        asked
    }
}

fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}
