//! The broker of a session: what is asked of it, until it has answered.

use super::SessionError;
use super::start_info::SessionStartInfo;
use crate::credentials::Credentials;
use crate::frontlas::{Address, Lookups, Shown, open_with};
use frontier_api::broker::broker_service_client::BrokerServiceClient;
use frontier_transport::{Backoff, masked_url};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Response, Status};

/// The port of a broker, unless another one is named.
const PORT: u16 = 30020;

/// The longest message that is taken: more than any broker lets its hosts answer.
const MAX_MESSAGE: usize = 128 << 20;

/// What may be on its way for one stream of responses, and for all: those that are not polled leave room for 255 others and for
/// what is asked beside them.
const STREAM_WINDOW: u32 = 256 << 10;
const WINDOW: u32 = 64 << 20;

/// How long an attempt may take that nothing holds up.
const ATTEMPT: Duration = Duration::from_secs(20);

/// The first and the longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

pub(super) type Client = BrokerServiceClient<Channel>;

/// How a broker is asked.
pub(super) struct Broker {
    client: Client,
    credentials: Credentials,
    patience: Duration,
}

/// Attempts at one thing, one after the other.
pub(super) struct Attempts {
    patience: Duration,
    backoff: Backoff,
    /// Since when all have failed.
    failing: Option<Instant>,
}

impl Broker {
    /// Connects to nobody yet. Must be called inside a Tokio runtime.
    pub(super) fn new(info: &SessionStartInfo) -> Result<Self, SessionError> {
        let address = Address::of_broker(&info.url, PORT);
        let address = address.ok_or_else(|| SessionError::Url(masked_url(&info.url)))?;
        let proxy = info.proxy.choice().map_err(|error| SessionError::Proxy(error.to_string()))?;
        let channel = open_with(&address, &info.tls, &proxy, &Lookups::default(), |endpoint| {
            endpoint.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(WINDOW)
        });
        let client = Client::new(channel)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        Ok(Self { client, credentials: info.credentials.clone(), patience: info.patience })
    }

    /// Over a channel that leads to a broker.
    #[cfg(test)]
    pub(super) fn over(channel: Channel, patience: Duration) -> Self {
        Self { client: Client::new(channel), credentials: Credentials::default(), patience }
    }

    /// Asks until there is an answer, or none may follow.
    pub(super) async fn ask<T, F>(&self, call: impl Fn(Client, Shown) -> F) -> Result<T, SessionError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.ask_unless(|_| false, call).await
    }

    /// The same, where this error is an answer as well, though the same may go well a little later.
    pub(super) async fn ask_unless<T, F>(
        &self,
        is_answer: impl Fn(&SessionError) -> bool,
        call: impl Fn(Client, Shown) -> F,
    ) -> Result<T, SessionError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let late = || Err(Status::deadline_exceeded("no answer within the timeout"));
        let call = |client, shown| {
            let called = timeout(ATTEMPT, call(client, shown));
            async move { called.await.unwrap_or_else(|_| late()) }
        };
        self.repeat(is_answer, call).await
    }

    /// The same, where an attempt may take as long as it takes.
    pub(super) async fn ask_patiently<T, F>(
        &self,
        call: impl Fn(Client, Shown) -> F,
    ) -> Result<T, SessionError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.repeat(|_| false, call).await
    }

    async fn repeat<T, F>(
        &self,
        is_answer: impl Fn(&SessionError) -> bool,
        call: impl Fn(Client, Shown) -> F,
    ) -> Result<T, SessionError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut attempts = self.attempts();
        loop {
            let failed = match self.shown().await {
                Ok(shown) => match call(self.client.clone(), shown).await {
                    Ok(answer) => return Ok(answer.into_inner()),
                    Err(status) => SessionError::of(&status),
                },
                Err(error) => error,
            };
            if is_answer(&failed) {
                return Err(failed);
            }
            attempts.pause(failed).await?;
        }
    }

    /// How long nobody may answer.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn attempts(&self) -> Attempts {
        let backoff = Backoff::full_jitter(PAUSE.0, PAUSE.1);
        Attempts { patience: self.patience, backoff, failing: None }
    }

    async fn shown(&self) -> Result<Shown, SessionError> {
        Shown::of(&self.credentials).await.map_err(|error| SessionError::Token(error.to_string()))
    }
}

impl Attempts {
    /// One has gone well.
    pub(super) fn reset(&mut self) {
        self.backoff.reset();
        self.failing = None;
    }

    /// One has failed: waits before the next one.
    ///
    /// # Errors
    /// Why it failed, if none may go better, or they have failed for too long.
    pub(super) async fn pause(&mut self, error: SessionError) -> Result<(), SessionError> {
        let since = *self.failing.get_or_insert_with(Instant::now);
        if !error.may_pass() || since.elapsed() >= self.patience {
            return Err(error);
        }
        let left = self.patience.saturating_sub(since.elapsed());
        sleep(self.backoff.next_pause().min(left)).await;
        Ok(())
    }
}
