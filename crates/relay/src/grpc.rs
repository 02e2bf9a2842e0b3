//! `messagebroker.MessageBroker`, as generated clients of the program know it that this stands in for.

use crate::Answer;
use crate::caller::Who;
use crate::counters::Via;
use crate::order::{Order, Ordered, Said};
use crate::relay::Shared;
use frontier_admin::RequestDeadline;
use frontier_api::messagebroker::message_broker_server::{MessageBroker, MessageBrokerServer};
use frontier_api::messagebroker::{KafkaMessage, RabbitMqMessage, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::{Request, Status};

/// The service, with its package.
pub(crate) const SERVICE: &str = "messagebroker.MessageBroker";

/// What answers it.
#[derive(Clone)]
pub(crate) struct Service(Arc<Shared>);

pub(crate) fn service(shared: &Arc<Shared>) -> MessageBrokerServer<Service> {
    let size = shared.config.server.request_size;
    MessageBrokerServer::new(Service(shared.clone())).max_decoding_message_size(size)
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        Self { error_no: answer.number(), error_message: answer.text.into_owned() }
    }
}

impl Service {
    async fn send(&self, request: Request<impl Ordered>) -> Result<tonic::Response<Response>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        // Each request that is let pass has both.
        let who = extensions.get::<Who>().cloned().ok_or_else(|| Status::internal("nobody sends this"))?;
        let deadline = extensions.get::<RequestDeadline>().map(|it| it.0);
        let order = Said::read(&metadata.into_headers()).and_then(|said| {
            let (target, data) = message.order()?;
            let Said { job, key, repeat_age } = said;
            let deadline = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            Ok(Order { via: Via::Grpc, who, job, key, repeat_age, target, data, deadline })
        });
        let answer = match order {
            Ok(order) => self.0.send(order).await,
            Err(answer) => {
                self.0.counters.answered(Via::Grpc, &answer, Duration::ZERO);
                answer
            }
        };
        Ok(tonic::Response::new(answer.into()))
    }
}

#[tonic::async_trait]
impl MessageBroker for Service {
    async fn send_rabbit_mq_message(
        &self,
        request: Request<RabbitMqMessage>,
    ) -> Result<tonic::Response<Response>, Status> {
        self.send(request).await
    }

    async fn send_kafka_message(
        &self,
        request: Request<KafkaMessage>,
    ) -> Result<tonic::Response<Response>, Status> {
        self.send(request).await
    }
}
