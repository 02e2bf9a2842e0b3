//! Sessions over gRPC.

use crate::world::{DEADLINE, World};
use frontier_api::broker::broker_service_client::BrokerServiceClient;
use frontier_api::broker::{
    AttachSessionRequest, BrokerRequest, BrokerResponse, CloseSessionRequest, CreateSessionRequest,
    FlushRequestsRequest, GetResponsesRequest, GetSessionRequest, GetSessionStatusRequest,
    PurgeClientRequest, ResponsePosition, SendSummary, SessionState, SessionType, TransportScheme,
};
use frontier_sdk::{HostError, Response};
use futures_util::Stream;
use futures_util::stream::{empty, iter, unfold};
use prost_types::Duration as Time;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

pub(crate) type Client = BrokerServiceClient<Channel>;

impl World {
    pub(crate) fn grpc(&self) -> Client {
        Client::new(Endpoint::from_shared(format!("http://{}", self.addr)).unwrap().connect_lazy())
    }
}

pub(crate) async fn session(client: &mut Client) -> String {
    let create = CreateSessionRequest { service_name: "calc".into(), ..Default::default() };
    client.create_session(create).await.unwrap().into_inner().session_id
}

pub(crate) fn request(session_id: &str, body: &str) -> BrokerRequest {
    BrokerRequest {
        session_id: session_id.into(),
        action: "echo".into(),
        payload: body.into(),
        user_data: format!("of {body}"),
        ..Default::default()
    }
}

pub(crate) async fn send(client: &mut Client, requests: Vec<BrokerRequest>) -> Result<SendSummary, Status> {
    let sent = client.send_requests(iter(requests));
    timeout(DEADLINE, sent).await.expect("it is answered").map(tonic::Response::into_inner)
}

fn stream(requests: mpsc::Receiver<BrokerRequest>) -> impl Stream<Item = BrokerRequest> {
    unfold(requests, async |mut requests| {
        let next = requests.recv().await?;
        Some((next, requests))
    })
}

/// All that a stream has, and how it ends.
pub(crate) async fn all(mut stream: Streaming<BrokerResponse>) -> (Vec<BrokerResponse>, Option<Status>) {
    let read = async {
        let mut responses = Vec::new();
        loop {
            match stream.message().await {
                Ok(Some(response)) => responses.push(response),
                Ok(None) => return (responses, None),
                Err(status) => return (responses, Some(status)),
            }
        }
    };
    timeout(DEADLINE, read).await.expect("it ends")
}

fn fault(status: &Status) -> (Code, &str) {
    let name = status.metadata().get("fault-code").and_then(|name| name.to_str().ok());
    (status.code(), name.unwrap_or_default())
}

#[tokio::test]
async fn a_session_is_made_used_and_ended() {
    let world = World::new().await;
    let _host = world.host().label("zone", "a").connect().await.unwrap();
    let mut client = world.grpc();
    let create = CreateSessionRequest {
        service_name: "calc".into(),
        transport_scheme: TransportScheme::WebSocket.into(),
        minimum_units: 2,
        maximum_units: 8,
        session_idle_timeout: Some(Time { seconds: 90, nanos: 0 }),
        priority: Some(3000),
        pool: [("zone".to_owned(), "a".to_owned())].into(),
        preferred_nodes: vec!["n".into()],
        preferred_pool: [("disk".to_owned(), "b".to_owned())].into(),
        sticky: true,
        properties: [("colour".to_owned(), "red".to_owned())].into(),
        ..Default::default()
    };
    let made = client.create_session(create).await.unwrap().into_inner();
    let get = GetSessionRequest { session_id: made.session_id.clone() };
    let got = client.get_session(get).await.unwrap().into_inner();
    assert_eq!(got.session_id, made.session_id);
    assert_eq!((got.state(), got.session_type()), (SessionState::Active, SessionType::Interactive));
    assert_eq!((got.minimum_units, got.maximum_units, got.priority, got.sticky), (2, 8, 3000, true));
    assert_eq!(
        (got.transport_scheme(), got.session_idle_timeout),
        (TransportScheme::WebSocket, Some(Time { seconds: 90, nanos: 0 }))
    );
    assert_eq!((&*got.properties["colour"], &*got.pool["zone"]), ("red", "a"));
    assert_eq!((&*got.preferred_nodes[0], &*got.preferred_pool["disk"]), ("n", "b"));
    let id = &*made.session_id;
    let attach = AttachSessionRequest { session_id: id.into(), client_id: "ann".into(), session_type: None };
    assert_eq!(client.attach_session(attach.clone()).await.unwrap().into_inner().client_id, "ann");
    let wrong = AttachSessionRequest { session_type: Some(SessionType::Durable.into()), ..attach };
    let refused = client.attach_session(wrong).await.unwrap_err();
    assert_eq!(fault(&refused), (Code::FailedPrecondition, "InvalidAttachInteractiveSession"));

    let summary = send(&mut client, ["1", "2", "3"].map(|body| request(id, body)).into()).await.unwrap();
    assert_eq!((&*summary.session_id, &*summary.client_id, summary.accepted), (id, "default", 3));
    let get = |position: ResponsePosition, count| GetResponsesRequest {
        session_id: id.into(),
        position: position.into(),
        count,
        ..Default::default()
    };
    let (first, status) =
        all(client.get_responses(get(ResponsePosition::Current, 1)).await.unwrap().into_inner()).await;
    assert!(first.len() == 1 && status.is_none(), "{first:?} {status:?}");
    let end = FlushRequestsRequest { session_id: id.into(), sent: Some(3), end: true, ..Default::default() };
    let flushed = client.flush_requests(end.clone()).await.unwrap().into_inner();
    assert_eq!(flushed.committed, 3);
    let refused = client.flush_requests(end).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    // It was counted as fetched, and is there all the same.
    let (rest, _) =
        all(client.get_responses(get(ResponsePosition::Current, 0)).await.unwrap().into_inner()).await;
    assert_eq!(rest.len(), 3, "two, and the end: {rest:?}");
    let (whole, status) =
        all(client.get_responses(get(ResponsePosition::Begin, 0)).await.unwrap().into_inner()).await;
    assert!(status.is_none(), "{status:?}");
    let end = whole.last().unwrap().end_of_responses.clone().unwrap();
    assert_eq!((end.count, &*end.reason), (3, "Success"));
    let bodies: BTreeMap<_, _> =
        whole[..3].iter().map(|it| (it.payload.clone(), it.user_data.clone())).collect();
    let expected = ["1", "2", "3"].map(|body| (body.as_bytes().to_vec(), format!("of {body}")));
    assert_eq!(bodies, BTreeMap::from(expected));
    // What hosts there are is told a moment later.
    world.until(&format!("/api/v1/sessions/{id}/status"), |status| status["hosts"] == 1).await;
    let status = GetSessionStatusRequest { session_id: id.into() };
    let status = client.get_session_status(status).await.unwrap().into_inner();
    let counts = (status.processed_requests, status.pending_requests, status.hosts, status.capacity);
    assert_eq!(counts, (3, 0, 1, 4));

    let purge = PurgeClientRequest { session_id: id.into(), client_id: String::new() };
    client.purge_client(purge).await.unwrap();
    for _ in 0..2 {
        client.close_session(CloseSessionRequest { session_id: id.into() }).await.unwrap();
    }
    let refused = send(&mut client, vec![request(id, "4")]).await.unwrap_err();
    assert_eq!(fault(&refused), (Code::FailedPrecondition, "Session_ValidateJobFailed_AlreadyFinished"));
}

#[tokio::test]
async fn requests_and_responses_go_at_once_and_the_end_of_the_one_is_that_of_the_other() {
    const COUNT: usize = 3000;
    let world = World::new().await;
    let _host = world.host().connect().await.unwrap();
    let mut client = world.grpc();
    let id = session(&mut client).await;
    let (sender, requests) = mpsc::channel(16);
    let call = client.send_and_get_responses(stream(requests));
    let mut responses = call.await.unwrap().into_inner();
    // The first one comes back before the second one is sent.
    sender.send(request(&id, "first")).await.unwrap();
    let first = timeout(DEADLINE, responses.message()).await.expect("it is answered").unwrap().unwrap();
    assert_eq!(first.payload, b"first");
    tokio::spawn(async move {
        for number in 1..COUNT {
            // Only the first one says whose they are.
            sender.send(request("", &number.to_string())).await.unwrap();
        }
    });
    let (rest, status) = all(responses).await;
    assert!(status.is_none(), "{status:?}");
    assert_eq!(rest.len(), COUNT, "all others, and the end");
    assert_eq!(rest.last().unwrap().end_of_responses.as_ref().unwrap().count, COUNT as u64);
    // Without a request there is no response.
    let nothing = client.send_and_get_responses(empty()).await.unwrap().into_inner();
    assert!(matches!(&all(nothing).await, (none, None) if none.is_empty()));
}

#[tokio::test]
async fn an_upload_takes_as_long_as_its_client_and_as_the_session_lets_it() {
    let limits = "sessions: {request_timeout: 300ms, throttle_start: 4, throttle_stop: 2}";
    let world = World::with(limits).await;
    let mut client = world.grpc();
    let id = session(&mut client).await;
    let (sender, requests) = mpsc::channel(16);
    let upload = tokio::spawn({
        let mut client = client.clone();
        async move { client.send_requests(stream(requests)).await }
    });
    for number in 0..6 {
        sender.send(request(&id, &number.to_string())).await.unwrap();
    }
    let path = format!("/api/v1/sessions/{id}/status");
    world.until(&path, |status| status["pendingRequests"] == 6).await;
    // Longer than any other request may take.
    sleep(Duration::from_millis(400)).await;
    for number in 6..9 {
        sender.send(request(&id, &number.to_string())).await.unwrap();
    }
    drop(sender);
    // There are more than it takes until some are computed and fetched.
    let refused = world.send(&format!("/api/v1/sessions/{id}"), &["x"]).await;
    assert_eq!(refused.fault(), (429, "Broker_Throttled"));
    assert!(!upload.is_finished());
    let _host = world.host().connect().await.unwrap();
    let get = GetResponsesRequest { session_id: id.clone(), count: 9, ..Default::default() };
    let (responses, status) = all(client.get_responses(get).await.unwrap().into_inner()).await;
    assert!(responses.len() == 9 && status.is_none(), "{status:?}");
    let summary = timeout(DEADLINE, upload).await.expect("it ends").unwrap().unwrap().into_inner();
    assert_eq!(summary.accepted, 9);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_name_of_its_fault() {
    let world = World::with("sessions: {message_size: 1KiB, request_size: 64KiB}").await;
    let mut client = world.grpc();
    let id = session(&mut client).await;
    let with = |change: &dyn Fn(&mut BrokerRequest)| {
        let mut requests = vec![request(&id, "1"), request(&id, "2")];
        change(&mut requests[1]);
        requests
    };
    let cases = [
        (with(&|it| it.message_id = "7".into()), Code::InvalidArgument, "InvalidMessageId"),
        (with(&|it| it.user_data = "ä".repeat(1025)), Code::InvalidArgument, "UserDataTooLong"),
        (with(&|it| it.client_id = "bob".into()), Code::InvalidArgument, "InvalidRequest"),
        (with(&|it| it.session_id = "0".repeat(32)), Code::InvalidArgument, "InvalidRequest"),
        (with(&|it| it.client_id = "a/b".into()), Code::InvalidArgument, "InvalidClientId"),
        (with(&|it| it.payload = vec![0; 1025]), Code::InvalidArgument, "MessageTooLarge"),
        // Too long to be read at all.
        (with(&|it| it.payload = vec![0; 128 * 1024]), Code::InvalidArgument, "MessageTooLarge"),
        (vec![request("", "1")], Code::NotFound, "InvalidSessionId"),
        (vec![request(&"0".repeat(32), "1")], Code::NotFound, "InvalidSessionId"),
    ];
    for (requests, code, name) in cases {
        let refused = send(&mut client, requests.clone()).await.unwrap_err();
        assert_eq!(fault(&refused), (code, name), "{refused}");
        // Of what is looked at one by one it is told which one it was.
        let is_named = matches!(name, "InvalidMessageId" | "InvalidRequest" | "InvalidClientId");
        assert!(!is_named || refused.message().contains("request 1: "), "{refused}");
        let both = client.send_and_get_responses(iter(requests)).await.unwrap().into_inner();
        let (_, status) = all(both).await;
        assert_eq!(fault(&status.unwrap()), (code, name), "both ways");
    }
    let create = CreateSessionRequest {
        session_type: SessionType::Durable.into(),
        service_name: "calc".into(),
        ..Default::default()
    };
    let refused = client.create_session(create).await.unwrap_err();
    assert_eq!(fault(&refused), (Code::Unimplemented, "Broker_UnsupportedOperation"));
    let none = GetResponsesRequest { session_id: "x".into(), ..Default::default() };
    assert_eq!(fault(&client.get_responses(none).await.unwrap_err()), (Code::NotFound, "InvalidSessionId"));
    // What has no payload is no longer than `request_size`.
    let long = FlushRequestsRequest { client_id: "x".repeat(65 * 1024), ..Default::default() };
    assert_eq!(client.flush_requests(long).await.unwrap_err().code(), Code::OutOfRange);
    let nothing = send(&mut client, Vec::new()).await.unwrap();
    assert_eq!(nothing, SendSummary::default());
}

#[tokio::test]
async fn a_fault_of_a_request_comes_with_its_user_data_and_a_closed_session_ends_its_streams() {
    let world = World::new().await;
    let host = world.host().handler(|_| async { Err::<Response, _>(HostError::fault(7, "no")) });
    let _host = host.connect().await.unwrap();
    let mut client = world.grpc();
    let id = session(&mut client).await;
    let (sender, requests) = mpsc::channel(16);
    let call = client.send_and_get_responses(stream(requests));
    let mut responses = call.await.unwrap().into_inner();
    sender.send(request(&id, "1")).await.unwrap();
    let first = timeout(DEADLINE, responses.message()).await.expect("it is answered").unwrap().unwrap();
    assert_eq!((first.is_fault, &*first.fault_code, first.fault_detail), (true, "ServiceFault", 7));
    assert_eq!(first.user_data, "of 1");
    client.close_session(CloseSessionRequest { session_id: id }).await.unwrap();
    let (rest, status) = all(responses).await;
    assert!(rest.is_empty(), "{rest:?}");
    assert_eq!(fault(&status.unwrap()).1, "Session_ValidateJobFailed_AlreadyFinished");
}
