//! Calls over a stream: both ways, failed, late, cancelled, and too many at once.

use super::*;
use frontier_protocol::Code;

fn echo(stream: &Stream) {
    stream.register("echo", |request: StreamRequest| async move {
        Ok(StreamResponse::new(request.data).custom(request.custom))
    });
}

/// A handler that never answers, and tells when it starts and when it is dropped.
fn stuck(stream: &Stream) -> mpsc::UnboundedReceiver<&'static str> {
    struct Told(mpsc::UnboundedSender<&'static str>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (tell, told) = mpsc::unbounded_channel();
    stream.register("stuck", move |_| {
        let tell = Told(tell.clone());
        async move {
            let _ = tell.0.send("started");
            std::future::pending().await
        }
    });
    told
}

#[tokio::test]
async fn calls_go_both_ways_at_once() {
    let (_links, near, far) = pair().await;
    echo(&near);
    echo(&far);
    let mut calls = Vec::new();
    for stream in [&near, &far] {
        for n in 0..60_u32 {
            let call = stream.call("echo", n.to_string()).custom("c");
            calls.push((n, tokio::spawn(call.into_future())));
        }
    }
    for (n, call) in calls {
        let response = soon(call).await.unwrap().unwrap();
        assert_eq!((&response.data[..], &response.custom[..]), (n.to_string().as_bytes(), &b"c"[..]));
    }
}

#[tokio::test]
async fn a_handler_may_call_back() {
    let (_links, near, far) = pair().await;
    echo(&near);
    let back = far.clone();
    far.register("relay", move |request: StreamRequest| {
        let back = back.clone();
        async move { Ok(back.call("echo", request.data).await?) }
    });
    assert_eq!(&soon(near.call("relay", "x").into_future()).await.unwrap().data[..], b"x");
}

#[tokio::test]
async fn bad_outcomes_have_their_codes() {
    let (_links, near, far) = pair().await;
    far.register("panics", |_| async { panic!("at the disco") });
    far.register("panics at once", |request: StreamRequest| {
        assert!(request.data.len() > 100, "no future");
        std::future::ready(Ok(StreamResponse::default()))
    });
    far.register("fails", |_| async { Err(StreamError::application(7, "disk full").into()) });
    far.register("full", |_| async { Err(HandlerError::retry_later("busy", Duration::from_millis(9))) });
    far.register("lies", |_| async { Err(StreamError::new(Code::Ok, "fine").into()) });
    far.register("big", |_| async { Ok(StreamResponse::new(vec![0; 1 << 20])) });
    let call = async |method| soon(near.call(method, "").into_future()).await.unwrap_err();
    assert_eq!(call("panics").await, StreamError::new(Code::Panicked, "at the disco"));
    assert_eq!(call("panics at once").await, StreamError::new(Code::Panicked, "no future"));
    assert_eq!(call("fails").await, StreamError::application(7, "disk full"));
    assert_eq!(call("full").await, StreamError::retry_later("busy", Duration::from_millis(9)));
    assert_eq!(call("lies").await.code, Code::Application);
    assert_eq!(call("nobody").await, StreamError::new(Code::MethodNotFound, "nobody"));
    let big = call("big").await;
    assert_eq!(big.code, Code::TooLarge);
    assert!(big.text.contains("raw bytes"), "{big}");
}

#[tokio::test]
async fn a_caller_that_goes_away_drops_the_handler() {
    let (_links, near, far) = pair().await;
    let mut told = stuck(&far);
    let call = tokio::spawn(near.call("stuck", "").into_future());
    assert_eq!(soon(told.recv()).await, Some("started"));
    call.abort();
    assert_eq!(soon(told.recv()).await, Some("dropped"));
    eventually(|| far.core().served.running_calls() == 0).await;
}

#[tokio::test]
async fn a_call_runs_late() {
    let (_links, near, far) = pair().await;
    let mut told = stuck(&far);
    let error = near.call("stuck", "").timeout(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.code, Code::Deadline);
    assert_eq!(soon(told.recv()).await, Some("started"));
    assert_eq!(soon(told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn a_lost_stream_drops_its_handlers() {
    let (_links, near, far) = pair().await;
    let mut told = stuck(&far);
    let call = tokio::spawn(near.call("stuck", "").into_future());
    assert_eq!(soon(told.recv()).await, Some("started"));
    near.reset();
    assert_eq!(soon(call).await.unwrap().unwrap_err().code, Code::Disconnected);
    assert_eq!(soon(told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused() {
    let mut links = Links::new().await;
    let config = StreamConfig { max_calls: 2, ..StreamConfig::default() };
    let (near, far) = links.streams(&config).await;
    let mut told = stuck(&far);
    echo(&far);
    let calls = [0, 1].map(|_| tokio::spawn(near.call("stuck", "").into_future()));
    for _ in 0..2 {
        assert_eq!(soon(told.recv()).await, Some("started"));
    }
    let error = soon(near.call("echo", "").into_future()).await.unwrap_err();
    assert_eq!(error.code, Code::Overloaded);
    calls[0].abort();
    assert_eq!(soon(told.recv()).await, Some("dropped"));
    soon(near.call("echo", "").into_future()).await.unwrap();
}
