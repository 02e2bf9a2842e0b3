//! What edges call: the methods of the gRPC service, with the same messages of protobuf as payloads.

use bytes::Bytes;
use frontier_api::messagebroker::{KafkaMessage, RabbitMqMessage, Response};
use frontier_exchange::{
    AuthorizationCell, CloseReason, CorrelationId, Exchange, Inbound, Outcome, Outgoing, Outlet, Peer,
    QueueError, Queued, Reply, RequestKind, Sender,
};
use frontier_protocol::{Code, EdgeId};
use frontier_relay::{Answer, Fault, Handle, Order, Ordered as _, Target, Via, Who};
use prost::Message as _;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use tracing::error;

const AMQP: &str = "messagebroker.SendRabbitMQMessage";
const KAFKA: &str = "messagebroker.SendKafkaMessage";

/// The methods.
pub(super) const METHODS: [&str; 2] = [AMQP, KAFKA];

/// The way to the relay.
#[derive(Debug)]
pub(super) struct RelayOutlet {
    relay: Handle,
    replies: Arc<Replies>,
}

/// The way back.
#[derive(Debug)]
pub(super) struct Replies {
    exchange: Arc<Exchange>,
    /// Weak, since the peer has the outlet, and the outlet has this.
    peer: OnceLock<Weak<Peer>>,
}

impl Replies {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange, peer: OnceLock::new() }
    }

    /// In whose name it speaks. Before that nothing can have been asked.
    pub(super) fn set_peer(&self, peer: &Arc<Peer>) {
        // Set once.
        let _ = self.peer.set(Arc::downgrade(peer));
    }

    fn reply(&self, correlation: CorrelationId, answer: &Answer) {
        let Some(peer) = self.peer.get().and_then(Weak::upgrade) else { return };
        let response =
            Response { error_no: answer.number(), error_message: answer.text.clone().into_owned() };
        let payload = response.encode_to_vec();
        let outcome = Outcome { code: Code::Ok, detail: 0, custom: b"", payload: &payload };
        let reply = Reply { correlation, kind: RequestKind::Call, outcome, edge: None };
        let mut batch = self.exchange.batch();
        if let Err(violation) = self.exchange.on(&peer, Inbound::Reply(reply), &mut batch) {
            error!(%violation, "an answer of the relay was not taken");
        }
    }
}

impl RelayOutlet {
    pub(super) fn new(relay: Handle, replies: Arc<Replies>) -> Self {
        Self { relay, replies }
    }
}

fn read(method: &str, payload: &[u8]) -> Result<(Target, Bytes), Answer> {
    let described = |error: prost::DecodeError| {
        Answer::new(Fault::Invalid, format!("the payload is no message of {method}: {error}"))
    };
    match method {
        AMQP => RabbitMqMessage::decode(payload).map_err(described)?.order(),
        KAFKA => KafkaMessage::decode(payload).map_err(described)?.order(),
        _ => Err(Answer::new(Fault::Invalid, format!("the relay has no method {method}"))),
    }
}

/// Who it is by the edge's credentials; the edge is the job.
fn who(sender: &Sender<'_>) -> (Who, Box<str>) {
    let (edge, verified) = match sender {
        Sender::Edge { id, authorization } => {
            let authorization = authorization.and_then(AuthorizationCell::get);
            (*id, authorization.map(|it| it.verified.clone()).unwrap_or_default())
        }
        Sender::ByName { edge, .. } => (edge.id, Arc::default()),
        Sender::Unnamed | Sender::Service { .. } => (EdgeId(0), Arc::default()),
    };
    (Who { verified, address: None, edge_id: Some(edge) }, format!("edge:{}", edge.0).into())
}

impl Outlet for RelayOutlet {
    fn request(&self, request: &Outgoing<'_>) -> Result<Queued, QueueError> {
        if request.kind != RequestKind::Call {
            return Err(QueueError::Refused(
                Code::TopicNotOnline,
                "the relay takes calls, and no messages".into(),
            ));
        }
        let (who, job) = who(&request.from);
        let deadline = Instant::now() + Duration::from_millis(request.timeout_ms.into());
        let order = read(request.name, request.payload).map(|(target, data)| {
            let key = "".into();
            Order { via: Via::Edge, who, job, key, repeat_age: None, target, data, deadline }
        });
        let (relay, replies, correlation) = (self.relay.clone(), self.replies.clone(), request.correlation);
        // As many as calls may be pending at this service.
        tokio::spawn(async move {
            let answer = match order {
                Ok(order) => relay.send(order).await,
                Err(answer) => answer,
            };
            if let Some(correlation) = correlation {
                replies.reply(correlation, &answer);
            }
        });
        Ok(Queued::SENT)
    }

    fn reply(&self, _: u64, _: RequestKind, _: Option<EdgeId>, _: Outcome<'_>) -> Result<Queued, QueueError> {
        Err(QueueError::Closed("the relay asks nothing".into()))
    }

    /// It is on its way already.
    fn cancel(&self, _: CorrelationId) -> Result<Queued, QueueError> {
        Ok(Queued::SENT)
    }

    /// It is a part of the gateway, and goes with it.
    fn close(&self, _: CloseReason) {}

    fn is_closed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_api::messagebroker::{KafkaTarget, Message};

    #[test]
    fn payloads_are_those_of_the_grpc_service() {
        let target = KafkaTarget { brokers: vec!["k:1".into()], topic: "t".into() };
        let message = KafkaMessage { target: Some(target), message: Some(Message { data: b"x".to_vec() }) };
        let payload = message.encode_to_vec();
        let expected = Target::Kafka { brokers: vec!["k:1".into()], topic: "t".into() };
        assert_eq!(read(KAFKA, &payload), Ok((expected, Bytes::from_static(b"x"))));
        for (method, payload) in [(AMQP, &b""[..]), (KAFKA, b"\xff"), ("other", b"")] {
            assert_eq!(read(method, payload).unwrap_err().fault, Some(Fault::Invalid), "{method}");
        }
    }
}
