//! An outlet like that of a topic that goes to a message broker: its reply comes later, from another thread.

use super::*;
use crate::{Outgoing, QueueError, Queued, Reply};
use std::sync::mpsc;

/// What is to be confirmed, for the thread that talks with the broker.
#[derive(Debug)]
struct ToBroker(mpsc::Sender<(CorrelationId, Vec<u8>)>);

impl Outlet for ToBroker {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        let Some(correlation) = request.correlation else { return Ok(Queued::SENT) };
        let sent = self.0.send((correlation, request.payload.to_vec()));
        sent.map(|()| Queued::SENT).map_err(|_| QueueError::Closed("the broker is gone".into()))
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("a broker asks nothing".into()))
    }

    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}

#[test]
fn its_confirm_comes_later_from_another_thread() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let (to_broker, unconfirmed) = mpsc::channel();
    let outlet = Box::new(ToBroker(to_broker));
    let broker = Peer::new(testing::service(1), exchange.next_epoch(), None, outlet, Duration::MAX);
    let broker = Arc::new(broker);
    let (seat, _) = exchange.join_service(&broker, &[], &["orders"]).unwrap();
    for id in 1..=100 {
        let payload = [u8::try_from(id).unwrap()];
        edge.send(Envelope { name: "orders", payload: &payload, ..acked(id, Destination::Name) });
    }
    edge.send(Envelope { name: "orders", ..unacked(Destination::Name) });
    edge.cancel(50);
    assert!(edge.codes().is_empty() && broker.in_flight() == 99);
    let confirms = std::thread::spawn({
        let (exchange, broker) = (exchange.clone(), broker.clone());
        move || {
            let mut batch = exchange.batch();
            // Every third is refused; what was cancelled is confirmed in vain.
            for (correlation, payload) in unconfirmed.iter().take(100) {
                let code = if payload[0] % 3 == 0 { Code::NotDone } else { Code::Ok };
                let reply =
                    Reply { correlation, kind: RequestKind::Message, outcome: outcome(code, ""), edge: None };
                exchange.on(&broker, Inbound::Reply(reply), &mut batch).unwrap();
            }
        }
    });
    confirms.join().unwrap();
    let expected = (1..=100).filter(|id| *id != 50);
    let expected = expected.map(|id| (id, if id % 3 == 0 { Code::NotDone } else { Code::Ok }));
    assert!(edge.codes().into_iter().eq(expected));
    assert_eq!(edge.outlet.wakes(), 1);
    // Its thread is gone: there is nobody to whom a topic could go.
    edge.send(Envelope { name: "orders", ..acked(101, Destination::Name) });
    assert_eq!(edge.codes(), [(101, Code::Disconnected)]);
    drop(seat);
    edge.send(Envelope { name: "orders", ..acked(102, Destination::Name) });
    assert_eq!(edge.codes(), [(102, Code::TopicNotOnline)]);
}

#[tokio::test]
async fn who_carries_no_streams_refuses_them() {
    let exchange = testing::exchange();
    let edge = TestPeer::edge(&exchange, EDGE);
    let outlet = Box::new(ToBroker(mpsc::channel().0));
    let broker = Arc::new(Peer::new(testing::service(1), exchange.next_epoch(), None, outlet, Duration::MAX));
    let _seat = exchange.join_service(&broker, &[], &[]).unwrap();
    let (near, far) = testing::legs::pair(testing::legs::WINDOW);
    let deadline = Instant::now() + Duration::from_secs(10);
    let request = crate::StreamRequest {
        to: crate::StreamTarget::Name,
        name: "service-1",
        meta: b"",
        trace: b"",
        deadline,
    };
    exchange.on_stream(&edge.peer, request, Box::new(near), false).await;
    let [Said::Refused(failure)] = &far.said()[..] else { panic!("{:?}", far.said()) };
    assert_eq!(failure.code, Code::StreamRefused);
}
