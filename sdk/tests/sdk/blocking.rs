//! Handlers and callers that block their thread, beside quick ones: the connection lives on, and so do the others.

use crate::gateway::{Gateway, Peer, soon};
use frontier_protocol::{Code, Kind, Response, ping};
use frontier_sdk::{Closed, Edge, HandlerError, Status};
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const HEARTBEAT: Duration = Duration::from_millis(100);

/// Blocks threads until it is opened, or dropped with its last clone by whoever does not wait.
#[derive(Clone, Default)]
struct Barrier(Arc<(Mutex<(usize, bool)>, Condvar)>);

impl Barrier {
    /// Blocks the thread.
    fn block(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.0 += 1;
        changed.notify_all();
        drop(changed.wait_while(state, |(_, open)| !*open).unwrap());
    }

    /// Waits until so many threads have been blocked.
    fn wait_for(&self, threads: usize) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        let timeout = Duration::from_secs(10);
        let (state, _) = changed.wait_timeout_while(state, timeout, |(n, _)| *n < threads).unwrap();
        assert_eq!(state.0, threads, "as many threads are blocked");
    }

    fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().1 = true;
        changed.notify_all();
    }
}

/// Opens it also when the test fails: a runtime waits for its threads.
struct OpenOnDrop(Barrier);

impl Drop for OpenOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// A program's runtime of several threads, which are not waited for in the end.
struct Program(Option<Runtime>);

impl Program {
    fn new(threads: usize) -> Self {
        Self(Some(Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()))
    }

    fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.as_ref().unwrap().spawn(task)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

async fn connected(program: &Program, gateway: &mut Gateway) -> (Edge, Peer) {
    let connect = gateway.edge().heartbeat(HEARTBEAT).connect();
    let connecting = program.spawn(connect);
    let peer = gateway.welcome().await;
    (soon(connecting).await.unwrap().unwrap(), peer)
}

/// Registers a method that blocks if the payload says so, perhaps behind an await.
async fn register(program: &Program, edge: &Edge, method: &'static str, blocked: &Barrier) {
    let (edge, blocked) = (edge.clone(), blocked.clone());
    let registered = program.spawn(async move {
        let handler = move |req: frontier_sdk::Request| {
            let blocked = blocked.clone();
            async move {
                if req.data == "await and block" {
                    sleep(Duration::from_millis(1)).await;
                }
                if req.data.ends_with(b"block") {
                    blocked.block();
                }
                Ok::<_, HandlerError>(frontier_sdk::Response::new(req.data))
            }
        };
        edge.register(method, handler).await
    });
    soon(registered).await.unwrap().unwrap();
}

/// Answers to the requests with these ids, in any order.
async fn answered(peer: &mut Peer, ids: impl IntoIterator<Item = u64>) {
    let mut missing: BTreeSet<u64> = ids.into_iter().collect();
    while !missing.is_empty() {
        let frame = peer.expect(Kind::Response).await;
        assert_eq!(Response::parse(&frame).unwrap().code, Code::Ok);
        assert!(missing.remove(&frame.id), "{} is answered once", frame.id);
    }
}

/// For 20 heartbeats, of which 3 without a sign would end the connection: pings are answered, a quick handler
/// answers, a call of the program's gets its answer.
async fn all_goes_on(program: &Program, edge: &Edge, peer: &mut Peer) {
    for turn in 0..20 {
        let id = 1_000_000 + turn;
        peer.send(|out| {
            ping(id, out);
            Ok(())
        });
        assert_eq!(peer.expect(Kind::Pong).await.id, id);
        peer.request(id, "quick", b"");
        answered(peer, [id]).await;
        let caller = edge.clone();
        let call = program.spawn(async move { caller.call("echo", "").await });
        let request = peer.expect(Kind::Request).await;
        peer.respond(request.id, b"");
        soon(call).await.unwrap().unwrap();
        sleep(HEARTBEAT).await;
    }
    assert_eq!(edge.status().get(), Status::Connected);
}

#[tokio::test]
async fn a_connection_outlives_handlers_that_block_always_mostly_or_behind_an_await() {
    let mut gateway = Gateway::bind();
    let program = Program::new(4);
    let (edge, mut peer) = connected(&program, &mut gateway).await;
    let blocked = Barrier::default();
    let _opens = OpenOnDrop(blocked.clone());
    for method in ["quick", "always", "mostly"] {
        register(&program, &edge, method, &blocked).await;
    }
    // By now it is known to be quick.
    for id in 0..500 {
        peer.request(id, "quick", b"");
        answered(&mut peer, [id]).await;
    }
    peer.request(500, "mostly", b"");
    answered(&mut peer, [500]).await;
    // All at once, with quick ones between them.
    let requests = [
        ("quick", ""),
        ("mostly", "await and block"),
        ("quick", ""),
        ("always", "block"),
        ("quick", ""),
        ("mostly", "block"),
        ("quick", ""),
    ];
    for (id, (method, payload)) in (501..).zip(requests) {
        peer.request(id, method, payload.as_bytes());
    }
    answered(&mut peer, [501, 503, 505, 507]).await;
    blocked.wait_for(3);
    all_goes_on(&program, &edge, &mut peer).await;
    blocked.open();
    answered(&mut peer, [502, 504, 506]).await;
}

#[tokio::test]
async fn a_handler_that_blocks_after_thousands_of_quick_calls_holds_up_no_other() {
    let mut gateway = Gateway::bind();
    let program = Program::new(2);
    let (edge, mut peer) = connected(&program, &mut gateway).await;
    let blocked = Barrier::default();
    let _opens = OpenOnDrop(blocked.clone());
    for method in ["once", "quick"] {
        register(&program, &edge, method, &blocked).await;
    }
    for batch in 0..20 {
        let ids = batch * 100..(batch + 1) * 100;
        ids.clone().for_each(|id| peer.request(id, "once", b""));
        ids.clone().for_each(|id| peer.request(100_000 + id, "quick", b""));
        answered(&mut peer, ids.clone().chain(ids.map(|id| 100_000 + id))).await;
    }
    peer.request(2000, "once", b"block");
    (2001..2200).for_each(|id| peer.request(id, if id < 2100 { "once" } else { "quick" }, b""));
    answered(&mut peer, 2001..2200).await;
    blocked.wait_for(1);
    all_goes_on(&program, &edge, &mut peer).await;
    blocked.open();
    answered(&mut peer, [2000]).await;
}

/// It is on the thread for connections when that happens, or visits one of them since it had many messages.
async fn outlives_a_program_all_of_whose_threads_are_blocked(visits: bool) {
    let mut gateway = Gateway::bind();
    let program = Program::new(2);
    let (edge, mut peer) = connected(&program, &mut gateway).await;
    let blocked = Barrier::default();
    let _opens = OpenOnDrop(blocked.clone());
    register(&program, &edge, "quick", &blocked).await;
    if visits {
        (1..=200).for_each(|id| peer.publish(id, "t", b""));
        for _ in 0..200 {
            soon(edge.recv()).await.unwrap().done();
            peer.expect(Kind::Ack).await;
        }
    }
    for _ in 0..2 {
        let barrier = blocked.clone();
        program.spawn(async move { barrier.block() });
    }
    blocked.wait_for(2);
    peer.request(1, "quick", b"");
    for id in 0..10 {
        peer.send(|out| {
            ping(id, out);
            Ok(())
        });
        assert_eq!(peer.expect(Kind::Pong).await.id, id);
        sleep(HEARTBEAT).await;
    }
    assert_eq!(edge.status().get(), Status::Connected);
    blocked.open();
    answered(&mut peer, [1]).await;
}

#[tokio::test]
async fn a_connection_outlives_a_program_all_of_whose_threads_are_blocked() {
    outlives_a_program_all_of_whose_threads_are_blocked(false).await;
}

#[tokio::test]
async fn a_connection_that_visits_outlives_a_program_all_of_whose_threads_are_blocked() {
    outlives_a_program_all_of_whose_threads_are_blocked(true).await;
}

/// Its connection is a task of the program's runtime meanwhile, and of that for no longer.
#[tokio::test]
async fn who_takes_much_is_visited_by_its_connection_and_left_again() {
    let mut gateway = Gateway::bind();
    let program = Program::new(2);
    let (edge, peer) = connected(&program, &mut gateway).await;
    let tasks = || program.0.as_ref().unwrap().metrics().num_alive_tasks();
    // One hands over answers, one waits for the end of the client. The one that has connected is gone in a moment.
    const AT_REST: usize = 2;
    let rests = async || {
        while tasks() != AT_REST {
            sleep(Duration::from_millis(1)).await;
        }
    };
    soon(rests()).await;
    soon(async {
        while tasks() != AT_REST + 1 {
            (0..100).for_each(|id| peer.publish(id, "t", b""));
            for _ in 0..100 {
                edge.recv().await.unwrap().done();
            }
        }
    })
    .await;
    soon(rests()).await;
    assert_eq!(edge.status().get(), Status::Connected);
}

#[tokio::test]
async fn a_client_ends_with_the_runtime_that_runs_its_handlers() {
    let mut gateway = Gateway::bind();
    let program = Program::new(2);
    let (edge, mut peer) = connected(&program, &mut gateway).await;
    register(&program, &edge, "quick", &Barrier::default()).await;
    (0..200).for_each(|id| peer.request(id, "quick", b""));
    answered(&mut peer, 0..200).await;
    drop(program);
    peer.expect_end().await;
    assert_eq!(soon(edge.closed()).await, Closed::Local);
}

/// A program that wants no other thread has none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_runs_on_the_programs_runtime_if_that_is_wanted() {
    let mut gateway = Gateway::bind();
    let (edge, mut peer) = {
        let connect = gateway.edge().io_thread(false).connect();
        let (edge, peer) = tokio::join!(connect, gateway.welcome());
        (edge.unwrap(), peer)
    };
    edge.register("quick", |req| async move { Ok(frontier_sdk::Response::new(req.data)) }).await.unwrap();
    (0..200).for_each(|id| peer.request(id, "quick", b""));
    answered(&mut peer, 0..200).await;
}
