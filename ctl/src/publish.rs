//! `frontctl publish`: one message, and its ack.

use crate::failure::{Failure, Outcome};
use crate::gateway::{Route, publish};
use crate::identity::Identity;
use crate::output::Printer;
use crate::payload::Payload;
use crate::settings::Settings;
use crate::timestamp::micros;
use clap::Args;
use frontier_sdk::EdgeId;
use serde_json::json;
use std::time::{Duration, Instant};

#[derive(Args, Clone, Debug)]
pub(crate) struct PublishCommand {
    /// What the message is about.
    topic: String,
    #[command(flatten)]
    payload: Payload,
    /// Send it to this edge, as a service. Unless set this is an edge, and sends to whichever service takes the topic.
    #[arg(long, value_name = "ID")]
    edge: Option<u64>,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    identity: Identity,
}

impl PublishCommand {
    /// Returns when the receiver is done with it.
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let receiver = self.route.receiver(self.edge, &self.identity, &self.payload.custom)?;
        let payload = self.payload.read().await?;
        let elapsed = match receiver {
            Some(receiver) => publish(settings, &receiver, &self.topic, &payload).await?,
            None => self.send(settings, payload).await?,
        };
        if printer.is_for_people() {
            return Ok(());
        }
        printer.one(&Default::default(), &json!({"topic": self.topic, "elapsed_us": micros(elapsed)}))
    }

    async fn send(&self, settings: &Settings, payload: Vec<u8>) -> Outcome<Duration> {
        let custom = self.payload.custom.clone();
        let begin;
        match self.edge {
            Some(edge) => {
                let service = settings.connect_service(settings.service(&self.identity)).await?;
                begin = Instant::now();
                service.publish(EdgeId(edge), payload).topic(&self.topic).custom(custom).await?;
                // Nothing is in flight any more.
                let _ = service.close().await;
            }
            None => {
                let edge = settings.connect_edge(settings.edge(&self.identity)).await?;
                begin = Instant::now();
                edge.publish(&self.topic, payload).custom(custom).await.map_err(Failure::publish)?;
                let _ = edge.close().await;
            }
        }
        Ok(begin.elapsed())
    }
}
