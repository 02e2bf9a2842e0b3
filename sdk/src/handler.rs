//! What users register to answer calls, erased so that a table can hold it.

use crate::{Request, Response};
use futures_util::FutureExt;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// The bad answer of a handler: its caller gets [`Code::Application`](frontier_protocol::Code) with
/// this number and this text.
///
/// Any error converts into it by `?`, with the number 0 and the error's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerError {
    /// The application's own error number.
    pub code: u32,
    /// What went wrong, in words.
    pub text: String,
}

impl HandlerError {
    /// An error with a number of the application's own.
    #[must_use]
    pub fn new(code: u32, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

// Not an error itself, or the conversion would collide with that of a type into itself.
impl<E: std::error::Error> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::new(0, error.to_string())
    }
}

/// How a handler ended.
pub(crate) enum Outcome {
    Answered(Result<Response, HandlerError>),
    Panicked(String),
    /// The deadline passed before the handler was done.
    Late,
}

/// Where the outcome of a handler goes.
pub(crate) trait Reply: Send + 'static {
    /// Sends it.
    fn reply(self, outcome: Outcome) -> impl Future<Output = ()> + Send;
}

/// A handler of whatever type. One allocation per call: the task.
pub(crate) trait Handler<R>: Send + Sync {
    /// Spawns a task that handles `request` and replies.
    fn start(self: Arc<Self>, request: Request, reply: R) -> AbortHandle;
}

impl<F, Fut, R> Handler<R> for F
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, HandlerError>> + Send + 'static,
    R: Reply,
{
    fn start(self: Arc<Self>, request: Request, reply: R) -> AbortHandle {
        let task = async move {
            let deadline = request.deadline.into();
            let handled = AssertUnwindSafe(async move { (*self)(request).await }).catch_unwind();
            let outcome = match tokio::time::timeout_at(deadline, handled).await {
                Ok(Ok(answer)) => Outcome::Answered(answer),
                Ok(Err(panic)) => Outcome::Panicked(panic_text(&*panic)),
                Err(_) => Outcome::Late,
            };
            reply.reply(outcome).await;
        };
        tokio::spawn(task).abort_handle()
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text").to_owned()
}
