//! Typed payloads, as JSON.

use crate::{Message, Request, Response, StreamMessage, StreamRequest, StreamResponse};
use bytes::Bytes;
use serde::Serialize;
use serde::de::Deserialize;
use serde_json::Error;

/// A value as the payload of a call or a message.
///
/// ```no_run
/// use frontier_sdk::{Edge, HandlerError, Request, Response, to_json};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Reading {
///     celsius: f64,
/// }
///
/// async fn double(request: Request) -> Result<Response, HandlerError> {
///     let reading: Reading = request.json()?;
///     Ok(Response::from_json(&Reading { celsius: 2.0 * reading.celsius })?)
/// }
///
/// # async fn example(edge: Edge) -> Result<(), Box<dyn std::error::Error>> {
/// edge.register("double", double).await?;
/// let reply = edge.call("average", to_json(&Reading { celsius: 21.5 })?).await?;
/// let average: Reading = reply.json()?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// If the value has no form in JSON, such as a map whose keys are no texts.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Error> {
    serde_json::to_vec(value).map(Bytes::from)
}

macro_rules! read {
    ($($received:ty),*) => {$(
        impl $received {
            /// The payload as a value. It may borrow texts from it.
            ///
            /// # Errors
            /// If it is no JSON, or not that of such a value.
            pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
                serde_json::from_slice(&self.data)
            }
        }
    )*};
}

macro_rules! write {
    ($($response:ty),*) => {$(
        impl $response {
            /// An answer with a value as its payload, and no header.
            ///
            /// # Errors
            /// As [`to_json`].
            pub fn from_json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
                to_json(value).map(Self::new)
            }
        }
    )*};
}

read!(Message, Request, Response, StreamMessage, StreamRequest, StreamResponse);
write!(Response, StreamResponse);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EdgeId, HandlerError};

    #[test]
    fn a_value_comes_back_as_it_went() {
        let readings = vec![(EdgeId(7), "warm".to_owned())];
        let response = Response::from_json(&readings).unwrap();
        assert_eq!(response.data, r#"[[7,"warm"]]"#);
        assert_eq!(response.json::<Vec<(EdgeId, String)>>().unwrap(), readings);
        let request = Request::new("m", to_json(&readings).unwrap());
        assert_eq!(request.json::<Vec<(EdgeId, &str)>>().unwrap(), [(EdgeId(7), "warm")]);
    }

    #[test]
    fn a_handler_that_is_sent_something_else_says_what_is_wrong() {
        let refused = Request::new("m", "{").json::<u32>().map_err(HandlerError::from).unwrap_err();
        assert!(refused.text.contains("line 1"), "{refused}");
    }
}
