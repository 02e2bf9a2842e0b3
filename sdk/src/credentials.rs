//! What a client shows the gateway, and where it comes from.

use crate::executor::run_on;
use frontier_protocol::Token;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a source may take to give a token.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

type Given = Result<String, Box<dyn std::error::Error + Send + Sync>>;

/// Why there is no token to show.
#[derive(Debug, Error)]
pub(crate) enum TokenError {
    #[error("no token: {0}")]
    Failed(String),
    #[error("no token: its source panicked")]
    Panicked,
    #[error("the source of the token took longer than {TOKEN_TIMEOUT:?}")]
    Timeout,
}

/// What a client shows the gateway.
#[derive(Clone, Default)]
pub(crate) enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// Always the same.
    Token(Token<'static>),
    /// What this gives before each attempt.
    Source(Source),
}

/// The user's code that gives tokens.
#[derive(Clone)]
pub(crate) struct Source {
    ask: Arc<dyn Fn() -> BoxFuture<'static, Given> + Send + Sync>,
    /// Where it runs, if not where it is asked.
    runtime: Option<Handle>,
}

impl Credentials {
    /// Has the user's code run on `runtime`, wherever it is asked.
    pub(crate) fn run_on(&mut self, runtime: &Handle) {
        if let Self::Source(source) = self {
            source.runtime = Some(runtime.clone());
        }
    }

    /// What `source` gives before each attempt.
    pub(crate) fn source<F, Fut, E>(source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let source = Arc::new(source);
        let ask = Arc::new(move || {
            let source = source.clone();
            async move { source().await.map_err(Into::into) }.boxed()
        });
        Self::Source(Source { ask, runtime: None })
    }

    /// What to show in the next attempt.
    pub(crate) async fn token(&self) -> Result<Option<Token<'static>>, TokenError> {
        let source = match self {
            Self::None => return Ok(None),
            Self::Token(token) => return Ok(Some(token.clone())),
            Self::Source(source) => source.clone(),
        };
        // A panic would end the task that keeps the client connected.
        let Source { ask, runtime } = source;
        let given = AssertUnwindSafe(async move { ask().await }).catch_unwind();
        let given = async {
            match &runtime {
                None => given.await,
                Some(runtime) => {
                    let given = run_on(runtime, given).await;
                    given.unwrap_or_else(|| Ok(Err("the program's runtime has ended".into())))
                }
            }
        };
        match timeout(TOKEN_TIMEOUT, given).await {
            Ok(Ok(Ok(token))) => Ok(Some(Token::new(token))),
            Ok(Ok(Err(error))) => Err(TokenError::Failed(error.to_string())),
            Ok(Err(_)) => Err(TokenError::Panicked),
            Err(_) => Err(TokenError::Timeout),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Token(token) => token.fmt(f),
            Self::Source(_) => f.write_str("Source"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn given(credentials: &Credentials) -> Result<String, String> {
        let token = credentials.token().await.map_err(|error| error.to_string())?;
        Ok(token.map_or_else(|| "none".into(), |token| token.expose().to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_asked_each_time_and_may_fail_in_every_way() {
        let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let credentials = Credentials::source(move || {
            let turn = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert_ne!(turn, 3, "on purpose");
            async move {
                match turn {
                    2 => Err("the issuer is down"),
                    4 => std::future::pending().await,
                    turn => Ok(format!("token {turn}")),
                }
            }
        });
        assert_eq!(given(&credentials).await, Ok("token 0".into()));
        assert_eq!(given(&credentials).await, Ok("token 1".into()));
        assert_eq!(given(&credentials).await, Err("no token: the issuer is down".into()));
        assert_eq!(given(&credentials).await, Err("no token: its source panicked".into()));
        assert_eq!(given(&credentials).await, Err("the source of the token took longer than 10s".into()));
        assert_eq!(given(&Credentials::None).await, Ok("none".into()));
    }

    #[test]
    fn debug_shows_no_token() {
        assert!(!format!("{:?}", Credentials::Token(Token::new("s3cret"))).contains("s3cret"));
    }
}
