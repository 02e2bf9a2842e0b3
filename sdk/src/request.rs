//! A call as its handler gets it, and its answer.

use crate::TraceContext;
use bytes::Bytes;
use frontier_protocol::EdgeId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A call from the other side, as a handler gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The method that was called.
    pub method: Arc<str>,
    /// The argument. A slice of what was read off the connection: holding it holds that buffer.
    pub data: Bytes,
    /// The caller's header.
    pub custom: Bytes,
    /// The edge that calls, if an edge does.
    pub edge_id: Option<EdgeId>,
    /// The trace that the call belongs to, if its caller has said so.
    pub trace: Option<TraceContext>,
    /// When the caller stops waiting. The handler is dropped then.
    pub deadline: Instant,
}

impl Request {
    /// A call as a handler would get it, to try the handler without a gateway. Its caller waits for 30 seconds.
    ///
    /// ```
    /// use frontier_sdk::{EdgeId, HandlerError, Request, Response};
    ///
    /// async fn greet(request: Request) -> Result<Response, HandlerError> {
    ///     let edge = request.edge_id.ok_or("only edges are greeted")?;
    ///     Ok(format!("hello {edge}").into())
    /// }
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let mut request = Request::new("greet", "");
    /// assert_eq!(greet(request.clone()).await.unwrap_err().text, "only edges are greeted");
    /// request.edge_id = Some(EdgeId(42));
    /// assert_eq!(greet(request).await.unwrap().data, "hello 42");
    /// # });
    /// ```
    #[must_use]
    pub fn new(method: &str, data: impl Into<Bytes>) -> Self {
        let (method, data, custom) = (method.into(), data.into(), Bytes::new());
        Self {
            method,
            data,
            custom,
            edge_id: None,
            trace: None,
            deadline: Instant::now() + Duration::from_secs(30),
        }
    }
}

/// The good answer to a call. Bytes and texts convert into it: `Ok("done".into())`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The result.
    pub data: Bytes,
    /// A header beside it.
    pub custom: Bytes,
}

impl Response {
    /// An answer with `data` and no header.
    #[must_use]
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), custom: Bytes::new() }
    }

    /// The same answer with a header.
    #[must_use]
    pub fn custom(mut self, custom: impl Into<Bytes>) -> Self {
        self.custom = custom.into();
        self
    }
}

macro_rules! from_data {
    ($($data:ty),*) => {$(
        impl From<$data> for Response {
            fn from(data: $data) -> Self {
                Self::new(data)
            }
        }
    )*};
}

from_data!(Bytes, Vec<u8>, String, &'static str, &'static [u8]);
