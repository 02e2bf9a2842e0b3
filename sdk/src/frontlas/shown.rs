//! What a request shows of who asks.

use crate::credentials::{Credentials, TokenError};
use thiserror::Error;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

/// The token of a request, as HTTP has it.
#[derive(Clone)]
pub(crate) struct Shown(Option<MetadataValue<Ascii>>);

/// Why there is nothing to show.
#[derive(Debug, Error)]
pub(crate) enum ShowError {
    #[error(transparent)]
    Token(TokenError),
    #[error("it has characters that HTTP has not")]
    Characters,
}

impl Shown {
    /// What the next request shows.
    pub(crate) async fn of(credentials: &Credentials) -> Result<Self, ShowError> {
        let Some(token) = credentials.token().await.map_err(ShowError::Token)? else { return Ok(Self(None)) };
        let value = format!("Bearer {}", token.expose()).parse::<MetadataValue<Ascii>>();
        let mut value = value.map_err(|_| ShowError::Characters)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }

    /// The request that shows it.
    pub(crate) fn by<T>(self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = self.0 {
            request.metadata_mut().insert("authorization", token);
        }
        request
    }
}
