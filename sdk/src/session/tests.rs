//! Sessions and a broker that answers as a test says, in a time of their own: what is told of what goes wrong, and to whom.

use super::broker::Broker;
use super::{ResponseStart, Session, SessionError};
use frontier_api::broker::broker_service_server::{BrokerService, BrokerServiceServer};
use frontier_api::broker::{
    AttachSessionRequest, BrokerRequest, BrokerResponse, CloseSessionRequest, CreateSessionRequest,
    FlushRequestsReply, FlushRequestsRequest, GetResponsesRequest, GetSessionRequest,
    GetSessionStatusRequest, PurgeClientRequest, SendSummary, SessionInfoReply, SessionStatusReply,
    SessionType,
};
use futures_util::stream::{BoxStream, iter};
use futures_util::{StreamExt, TryStreamExt};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status, Streaming};
use tower::service_fn;

/// For how long nobody may answer.
const PATIENCE: Duration = Duration::from_secs(60);

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of a flush: after how long, and what.
type Flushed = (Duration, Result<u64, Status>);

/// What the broker answers.
#[derive(Clone, Default)]
struct Script(Arc<Parts>);

#[derive(Default)]
struct Parts {
    /// One flush after the other; the last one for all that follow.
    flushes: Mutex<VecDeque<Flushed>>,
    /// One stream of responses after the other.
    responses: Mutex<VecDeque<Vec<Result<BrokerResponse, Status>>>>,
    /// The requests that were taken, by their batches.
    taken: Mutex<Vec<(u64, String)>>,
}

impl Script {
    fn of_flushes(flushes: impl IntoIterator<Item = Flushed>) -> Self {
        let flushes = Mutex::new(flushes.into_iter().collect());
        Self(Arc::new(Parts { flushes, ..Parts::default() }))
    }

    /// A session whose broker answers by it.
    fn session(&self, kind: SessionType) -> Session {
        let script = self.clone();
        let connect = move |_| {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let service = TowerToHyperService::new(BrokerServiceServer::new(script.clone()));
            let mut server = http2::Builder::new(TokioExecutor::new());
            let serving = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(theirs), service);
            // It ends with the client.
            tokio::spawn(async move { drop(serving.await) });
            async move { Ok::<_, Infallible>(TokioIo::new(ours)) }
        };
        let channel = Endpoint::from_static("http://broker").connect_with_connector_lazy(service_fn(connect));
        let info =
            SessionInfoReply { session_id: "1".into(), session_type: kind.into(), ..Default::default() };
        Session::new(Broker::over(channel, PATIENCE), info)
    }
}

/// A fault as a broker tells it.
fn fault(code: &'static str) -> Status {
    let mut status = Status::failed_precondition(code);
    status.metadata_mut().insert("fault-code", code.parse().unwrap());
    status
}

fn away() -> Status {
    Status::unavailable("nobody is there")
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no test asks for it"))
}

#[tonic::async_trait]
impl BrokerService for Script {
    type GetResponsesStream = BoxStream<'static, Result<BrokerResponse, Status>>;
    type SendAndGetResponsesStream = BoxStream<'static, Result<BrokerResponse, Status>>;

    async fn send_requests(
        &self,
        request: Request<Streaming<BrokerRequest>>,
    ) -> Result<Response<SendSummary>, Status> {
        let requests: Vec<BrokerRequest> = request.into_inner().try_collect().await?;
        let accepted = requests.len() as u64;
        self.0.taken.lock().extend(requests.into_iter().map(|it| (it.batch_id, it.message_id)));
        Ok(Response::new(SendSummary { accepted, ..Default::default() }))
    }

    async fn flush_requests(
        &self,
        _: Request<FlushRequestsRequest>,
    ) -> Result<Response<FlushRequestsReply>, Status> {
        let (after, flushed) = {
            let mut flushes = self.0.flushes.lock();
            let next = if flushes.len() > 1 { flushes.pop_front() } else { flushes.front().cloned() };
            next.expect("the test says what a flush does")
        };
        sleep(after).await;
        let committed = flushed?;
        Ok(Response::new(FlushRequestsReply { pending: 0, committed }))
    }

    async fn get_responses(
        &self,
        _: Request<GetResponsesRequest>,
    ) -> Result<Response<Self::GetResponsesStream>, Status> {
        let next = self.0.responses.lock().pop_front().ok_or_else(away)?;
        Ok(Response::new(iter(next).boxed()))
    }

    async fn create_session(
        &self,
        _: Request<CreateSessionRequest>,
    ) -> Result<Response<SessionInfoReply>, Status> {
        unused()
    }

    async fn get_session(&self, _: Request<GetSessionRequest>) -> Result<Response<SessionInfoReply>, Status> {
        unused()
    }

    async fn attach_session(
        &self,
        _: Request<AttachSessionRequest>,
    ) -> Result<Response<SessionInfoReply>, Status> {
        unused()
    }

    async fn close_session(&self, _: Request<CloseSessionRequest>) -> Result<Response<()>, Status> {
        unused()
    }

    async fn get_session_status(
        &self,
        _: Request<GetSessionStatusRequest>,
    ) -> Result<Response<SessionStatusReply>, Status> {
        unused()
    }

    async fn send_and_get_responses(
        &self,
        _: Request<Streaming<BrokerRequest>>,
    ) -> Result<Response<Self::SendAndGetResponsesStream>, Status> {
        unused()
    }

    async fn purge_client(&self, _: Request<PurgeClientRequest>) -> Result<Response<()>, Status> {
        unused()
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_flush_that_nobody_waits_for_is_told_by_the_next_call_and_once() {
    let full = (5 * SECOND, Err(fault("Broker_SendRejected")));
    for kind in [SessionType::Interactive, SessionType::Durable] {
        for next_is_a_flush in [false, true] {
            let script = Script::of_flushes([full.clone(), (Duration::ZERO, Ok(7))]);
            let client = script.session(kind).client("c").unwrap();
            client.send_bytes("", "1", "").await.unwrap();
            assert!(timeout(SECOND, client.flush()).await.is_err(), "it is dropped");
            // It goes on all the same.
            sleep(10 * SECOND).await;
            let next = match next_is_a_flush {
                true => client.flush().await.map(drop),
                false => client.send_bytes("", "2", "").await.map(drop),
            };
            let told = next.unwrap_err();
            assert_eq!(told.code(), "Broker_SendRejected", "{kind:?} {next_is_a_flush}: {told}");
            client.send_bytes("", "3", "").await.unwrap();
            assert_eq!(client.flush().await.unwrap(), 7);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_with_a_broker_is_sent_again_for_a_time_that_begins_when_that_is_known() {
    let incomplete = || fault("Broker_FlushIncomplete");
    // For longer than the patience it is not known: a broker answers late, and then none is there.
    let mut flushes = vec![(15 * SECOND, Err(away()))];
    flushes.extend(vec![(9 * SECOND, Err(away())); 5]);
    flushes.extend([(SECOND, Err(incomplete())), (SECOND, Err(incomplete())), (SECOND, Ok(2))]);
    let script = Script::of_flushes(flushes);
    let client = script.session(SessionType::Durable).client("c").unwrap();
    let mut sent = Vec::new();
    for number in ["1", "2"] {
        sent.push(client.send_bytes("", number, "").await.unwrap());
    }
    let start = Instant::now();
    assert_eq!(client.flush().await.unwrap(), 2);
    assert!(start.elapsed() > PATIENCE, "{:?}", start.elapsed());
    // Three times the same, each time in a batch of its own.
    let taken = script.0.taken.lock().clone();
    let ids: Vec<&str> = taken.iter().map(|(_, id)| &**id).collect();
    assert_eq!(ids, [&sent[..], &sent, &sent].concat());
    let mut batches: Vec<u64> = taken.iter().map(|(batch, _)| *batch).collect();
    batches.dedup();
    assert!(batches.len() == 3 && batches.is_sorted(), "{batches:?}");
    // And not without end.
    let script = Script::of_flushes([(SECOND, Err(incomplete()))]);
    let client = script.session(SessionType::Durable).client("c").unwrap();
    client.send_bytes("", "1", "").await.unwrap();
    let start = Instant::now();
    assert_eq!(client.flush().await.unwrap_err().code(), "Broker_FlushIncomplete");
    let took = start.elapsed();
    assert!((PATIENCE..PATIENCE + 5 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_the_responses_of_a_stream_that_was_made_again_is_told() {
    let response = |position| Ok(BrokerResponse { position, payload: b"7".to_vec(), ..Default::default() });
    let read = async |again: u64| {
        let script = Script::default();
        // It begins where the broker has something, and that is no gap.
        let streams = [vec![response(3), response(4), Err(away())], vec![response(again), Err(away())]];
        script.0.responses.lock().extend(streams);
        let client = script.session(SessionType::Durable).client("c").unwrap();
        let mut responses = client.get_bytes_from(ResponseStart::Begin);
        for _ in 0..2 {
            responses.next().await.unwrap().unwrap();
        }
        let next = responses.next().await.unwrap();
        next.map(drop)
    };
    assert!(read(5).await.is_ok());
    assert!(matches!(read(6).await, Err(SessionError::Forgotten)), "one is missing");
    assert!(matches!(read(4).await, Err(SessionError::Forgotten)), "one came twice");
}
