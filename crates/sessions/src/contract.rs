//! The tests that every store has to pass. A store's own tests run them all: [`all`], with a new store for each.

use crate::batch::Commit;
use crate::id::{ClientId, MessageId, Position, Sequence, SessionId};
use crate::message::{Outcome, Request, Response};
use crate::settings::{Preference, Settings};
use crate::store::{
    Budget, Completion, Log, SessionRecord, Store, StoreError, StoredRequest, StoredResponse,
};

/// More than there is.
const ALL: Budget = Budget { items: 1000, bytes: usize::MAX };

/// Runs every test, each with a store that `new` makes.
///
/// # Panics
/// If the store does not do what it has to.
pub async fn all<S: Store>(mut new: impl AsyncFnMut() -> S) {
    an_id_is_given_once(&new().await).await;
    requests_are_read_in_order_and_within_a_budget(&new().await).await;
    a_response_takes_the_place_of_its_request_once(&new().await).await;
    what_was_not_committed_can_be_discarded(&new().await).await;
    what_was_fetched_is_noted_and_forgotten(&new().await).await;
    a_later_owner_finds_what_was_committed_and_fences_off_the_earlier(&new().await).await;
    what_is_appended_with_a_commit_is_committed(&new().await).await;
    a_purged_client_and_a_deleted_session_leave_nothing(&new().await).await;
}

fn client() -> ClientId {
    ClientId::anonymous()
}

fn record(id: u128) -> SessionRecord {
    let labels = [("zone".to_owned(), "a".to_owned())].into();
    let preferred = Preference { nodes: vec!["node".to_owned()], labels };
    SessionRecord {
        id: SessionId(id),
        settings: Settings { priority: 3000, preferred, ..Settings::interactive("contract") },
        creator: Some("somebody".into()),
        created_at: 1_700_000_000_000,
        notes: vec![0, 1, 255],
    }
}

fn request(sequence: Sequence) -> StoredRequest {
    let request = Request {
        id: MessageId(u128::from(sequence) + 1000),
        action: "add".into(),
        body: vec![7; 10].into(),
        user_data: format!("user {sequence}").into(),
    };
    StoredRequest { sequence, request }
}

fn completion(sequence: Sequence, position: Position) -> Completion {
    let StoredRequest { request, .. } = request(sequence);
    let outcome = Outcome::Answer(format!("answer {position}").into());
    Completion {
        sequence,
        position,
        response: Response { request: request.id, user_data: request.user_data, outcome },
    }
}

async fn appended(store: &impl Store, id: u128, count: u64) -> Box<dyn Log> {
    let log = store.create(record(id)).await.expect("there is no such session");
    log.append(&client(), (0..count).map(request).collect(), None).await.expect("there is room");
    log
}

async fn pending(log: &dyn Log, from: Sequence) -> Vec<Sequence> {
    let requests = log.requests(&client(), from, ALL).await.expect("the store answers");
    requests.iter().for_each(|it| assert_eq!(*it, request(it.sequence), "nothing of it is lost"));
    requests.into_iter().map(|it| it.sequence).collect()
}

async fn answered(log: &dyn Log, from: Position) -> Vec<StoredResponse> {
    log.responses(&client(), from, ALL).await.expect("the store answers")
}

async fn an_id_is_given_once(store: &impl Store) {
    let log = store.create(record(1)).await.expect("there is no such session");
    assert_eq!(store.create(record(1)).await.err(), Some(StoreError::Exists));
    drop(log);
    assert_eq!(store.create(record(1)).await.err(), Some(StoreError::Exists), "its owner may come again");
    store.create(record(2)).await.expect("there is no such session");
    assert_eq!(store.sessions(None).await.expect("it answers"), [SessionId(1), SessionId(2)]);
    assert_eq!(store.sessions(Some(SessionId(1))).await.expect("it answers"), [SessionId(2)]);
    assert!(store.acquire(SessionId(3)).await.expect("it answers").is_none());
}

async fn requests_are_read_in_order_and_within_a_budget(store: &impl Store) {
    let log = appended(store, 1, 10).await;
    assert_eq!(pending(&*log, 7).await, [7, 8, 9]);
    let few = |items, bytes| Budget { items, bytes };
    let count = async |budget| log.requests(&client(), 0, budget).await.expect("it answers").len();
    assert_eq!(count(few(4, usize::MAX)).await, 4);
    assert_eq!(count(few(4, 1)).await, 1, "one in any case");
    log.append(&client(), vec![request(9), request(10)], None).await.expect("there is room");
    assert_eq!(pending(&*log, 8).await, [8, 9, 10], "what is said again is there once");
    let other = ClientId::new("other").expect("it is one");
    assert_eq!(log.requests(&other, 0, ALL).await, Ok(Vec::new()));
}

async fn a_response_takes_the_place_of_its_request_once(store: &impl Store) {
    let log = appended(store, 1, 4).await;
    let client = client();
    log.complete(&client, vec![completion(2, 0), completion(0, 1)]).await.expect("it answers");
    log.complete(&client, vec![completion(0, 1), completion(3, 2)]).await.expect("it answers");
    assert_eq!(pending(&*log, 0).await, [1]);
    let expected = [completion(2, 0), completion(0, 1), completion(3, 2)];
    let expected = expected.map(|it| StoredResponse { position: it.position, response: it.response });
    assert_eq!(answered(&*log, 0).await, expected);
    assert_eq!(answered(&*log, 2).await, expected[2..]);
    let one = log.responses(&client, 0, Budget { items: 1000, bytes: 1 }).await.expect("it answers");
    assert_eq!(one, expected[..1]);
}

async fn what_was_not_committed_can_be_discarded(store: &impl Store) {
    let log = appended(store, 1, 5).await;
    log.commit(&client(), Commit { batch: 0, received: 5, before: 2, ended: false }).await.expect("fine");
    log.discard(&client(), 2).await.expect("it answers");
    log.append(&client(), vec![request(2)], None).await.expect("there is room");
    assert_eq!(pending(&*log, 0).await, [0, 1, 2]);
}

async fn what_was_fetched_is_noted_and_forgotten(store: &impl Store) {
    let log = appended(store, 1, 4).await;
    let client = client();
    log.commit(&client, Commit { batch: 0, received: 4, before: 4, ended: true }).await.expect("fine");
    log.complete(&client, (0..4).map(|it| completion(it, it)).collect()).await.expect("it answers");
    log.acknowledge(&client, 3).await.expect("it answers");
    log.acknowledge(&client, 1).await.expect("it answers");
    log.forget(&client, 2).await.expect("it answers");
    let positions: Vec<_> = answered(&*log, 0).await.iter().map(|it| it.position).collect();
    assert_eq!(positions, [2, 3]);
    let opened = store.acquire(SessionId(1)).await.expect("it answers").expect("it is there");
    let (_, recovered) = &opened.clients[0];
    assert_eq!((recovered.acknowledged, recovered.next_position), (3, 4));
    assert_eq!(recovered.answered.len(), 2);
}

async fn a_later_owner_finds_what_was_committed_and_fences_off_the_earlier(store: &impl Store) {
    let first = appended(store, 1, 6).await;
    let client = client();
    let commit = Commit { batch: 3, received: 6, before: 6, ended: false };
    first.commit(&client, commit).await.expect("fine");
    let fault = crate::message::CallFault { code: "x".into(), detail: 9, text: "y".into() };
    let mut failed = completion(1, 0);
    failed.response.outcome = Outcome::Fault(fault);
    first.complete(&client, vec![failed.clone(), completion(4, 1)]).await.expect("it answers");
    let opened = store.acquire(SessionId(1)).await.expect("it answers").expect("it is there");
    assert!(opened.log.fence() > first.fence());
    assert_eq!(opened.record, record(1));
    let (name, recovered) = &opened.clients[0];
    assert_eq!((name, recovered.commit, recovered.failed), (&client, commit, 1));
    let sequences: Vec<_> = recovered.pending.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [0, 2, 3, 5]);
    assert_eq!(recovered.pending[0].1, MessageId(1000));
    let requests: Vec<_> = recovered.answered.iter().map(|(_, request, _)| request.0).collect();
    assert_eq!(requests, [1001, 1004]);
    let late = first.complete(&client, vec![completion(0, 2)]).await;
    assert_eq!(late, Err(StoreError::Fenced), "the earlier owner has lost it");
    assert_eq!(first.append(&client, vec![request(6)], None).await, Err(StoreError::Fenced));
    assert_eq!(first.delete().await, Err(StoreError::Fenced));
    assert_eq!(pending(&*opened.log, 0).await, [0, 2, 3, 5]);
    assert_eq!(answered(&*opened.log, 0).await[0].response, failed.response, "faults are kept whole");
}

async fn what_is_appended_with_a_commit_is_committed(store: &impl Store) {
    let log = appended(store, 1, 2).await;
    let commit = Commit { batch: 9, received: 4, before: 4, ended: false };
    log.append(&client(), vec![request(2), request(3)], Some(commit)).await.expect("there is room");
    log.append(&client(), vec![request(4)], None).await.expect("there is room");
    let opened = store.acquire(SessionId(1)).await.expect("it answers").expect("it is there");
    let (_, recovered) = &opened.clients[0];
    let sequences: Vec<_> = recovered.pending.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!((recovered.commit, &sequences[..]), (commit, &[0, 1, 2, 3][..]));
    opened.log.append(&client(), vec![request(4)], None).await.expect("there is room");
    assert_eq!(pending(&*opened.log, 3).await, [3, 4]);
}

async fn a_purged_client_and_a_deleted_session_leave_nothing(store: &impl Store) {
    let log = appended(store, 1, 3).await;
    let client = client();
    log.complete(&client, vec![completion(0, 0)]).await.expect("it answers");
    log.purge(&client).await.expect("it answers");
    log.purge(&client).await.expect("said again");
    assert!(pending(&*log, 0).await.is_empty() && answered(&*log, 0).await.is_empty());
    log.append(&client, vec![request(0)], None).await.expect("there is room");
    log.delete().await.expect("it answers");
    assert_eq!(log.requests(&client, 0, ALL).await, Err(StoreError::Fenced));
    assert!(store.acquire(SessionId(1)).await.expect("it answers").is_none());
    assert_eq!(store.sessions(None).await, Ok(Vec::new()));
    store.create(record(1)).await.expect("the id is free again");
}

#[cfg(test)]
mod tests {
    use crate::MemoryStore;

    #[tokio::test]
    async fn memory() {
        super::all(async || MemoryStore::new(1 << 20)).await;
    }
}
