//! Answering the calls that come on a stream.

use super::core::Core;
use super::end::End;
use super::error::{StreamError, clip};
use super::request::StreamRequest;
use super::served::{Answer, Handler};
use bytes::BytesMut;
use frontier_protocol::{Code, Custom, Flags, Frame, Request, Response};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

impl Core {
    /// Takes a call, or answers it with the reason for which not.
    pub(super) fn serve(self: &Arc<Self>, frame: &Frame) -> Result<(), End> {
        let request = Request::parse(frame).map_err(End::protocol)?;
        let id = frame.id;
        if self.wire.lock().writable().is_err() {
            // The answer could not be sent.
            return Ok(());
        }
        let handler = self.served.methods.lock().get(request.method).cloned();
        let Some(handler) = handler else {
            return self.refuse(id, Code::MethodNotFound, clip(request.method));
        };
        let mut running = self.served.running.lock();
        if running.contains_key(&id) {
            return Err(End::protocol(format_args!("second call with the id {id}")));
        }
        if running.len() >= self.config.max_calls {
            drop(running);
            return self.refuse(id, Code::Overloaded, "too many calls at once");
        }
        let timeout = match request.timeout_ms {
            0 => self.config.call_timeout,
            ms => Duration::from_millis(ms.into()),
        };
        let request = StreamRequest {
            method: request.method.to_owned(),
            data: frame.body.slice_ref(request.payload),
            custom: frame.body.slice_ref(request.custom.body()),
        };
        let core = self.clone();
        let task = async move {
            let answer = run(handler, request, timeout).await;
            let frame = encode(id, &answer, core.config.max_frame);
            // That the stream is lost is noticed by who reads.
            let _ =
                std::future::poll_fn(|cx| core.poll_wire(cx, |wire, cx| wire.poll_frame(cx, &frame))).await;
            core.served.running.lock().remove(&id);
        };
        running.insert(id, self.pump.spawn(task));
        Ok(())
    }

    fn refuse(self: &Arc<Self>, id: u64, code: Code, text: &str) -> Result<(), End> {
        self.answer(|out| Response::error(code, text).encode_with(id, Flags::default(), out))
    }
}

async fn run(handler: Handler, request: StreamRequest, timeout: Duration) -> Answer {
    let handled = AssertUnwindSafe(async move { handler(request).await }).catch_unwind();
    match tokio::time::timeout(timeout, handled).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => Err(StreamError::new(Code::Panicked, panic_text(&*panic))),
        Err(_) => Err(StreamError::new(Code::Deadline, "the handler was not done within the deadline")),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

/// The frame of an answer. One that does not fit becomes an error that does.
fn encode(id: u64, answer: &Answer, max_frame: usize) -> BytesMut {
    let mut frame = BytesMut::new();
    let error = match answer {
        Ok(answer) => {
            let response = Response {
                code: Code::Ok,
                detail: 0,
                custom: Custom::plain(&answer.custom),
                payload: &answer.data,
            };
            let encoded = response.encode_with(id, Flags::default(), &mut frame);
            match encoded {
                Ok(()) if frame.len() <= max_frame => return frame,
                Ok(()) => StreamError::too_large(frame.len(), max_frame),
                Err(error) => error.into(),
            }
        }
        Err(error) => error.clone(),
    };
    frame.clear();
    let StreamError { code, detail, text } = error;
    // An error must not pass for a success.
    let code = if code == Code::Ok { Code::Application } else { code };
    let response = Response { detail, ..Response::error(code, clip(&text)) };
    if let Err(error) = response.encode_with(id, Flags::default(), &mut frame) {
        unreachable!("a clipped text always fits: {error}");
    }
    frame
}
