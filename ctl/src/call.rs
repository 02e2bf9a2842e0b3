//! `frontctl call`: one call, and its answer.

use crate::bytes_text;
use crate::failure::Outcome;
use crate::gateway::{Route, call};
use crate::identity::Identity;
use crate::output::Printer;
use crate::payload::{self, Payload};
use crate::settings::Settings;
use crate::timestamp::micros;
use clap::Args;
use frontier_sdk::{EdgeId, Response};
use serde_json::Map;
use std::time::{Duration, Instant};

#[derive(Args, Clone, Debug)]
pub(crate) struct CallCommand {
    /// The method.
    method: String,
    #[command(flatten)]
    payload: Payload,
    /// Call this edge, as a service. Unless set this is an edge, and calls a service.
    #[arg(long, value_name = "ID")]
    edge: Option<u64>,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    identity: Identity,
}

impl CallCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let receiver = self.route.receiver(self.edge, &self.identity, &self.payload.custom)?;
        let payload = self.payload.read().await?;
        if let Some(receiver) = receiver {
            let answered = call(settings, &receiver, &self.method, &payload).await?;
            return print(printer, &answered.data, None, answered.elapsed);
        }
        let custom = self.payload.custom.clone();
        let begin;
        let response = match self.edge {
            Some(edge) => {
                let service = settings.connect_service(settings.service(&self.identity)).await?;
                begin = Instant::now();
                let response = service.call(EdgeId(edge), &self.method, payload).custom(custom).await?;
                // Nothing is in flight any more.
                let _ = service.close().await;
                response
            }
            None => {
                let edge = settings.connect_edge(settings.edge(&self.identity)).await?;
                begin = Instant::now();
                let response = edge.call(&self.method, payload).custom(custom).await?;
                let _ = edge.close().await;
                response
            }
        };
        let elapsed = begin.elapsed();
        let Response { data, custom, .. } = response;
        print(printer, &data, Some(&custom), elapsed)
    }
}

/// The answer; a gateway does not tell the header beside it.
fn print(printer: &Printer, data: &[u8], custom: Option<&[u8]>, elapsed: Duration) -> Outcome {
    if printer.is_for_people() {
        return payload::write(data);
    }
    let mut document = Map::new();
    bytes_text::set(&mut document, "data", data);
    if let Some(custom) = custom {
        bytes_text::set(&mut document, "custom", custom);
    }
    document.insert("elapsed_us".to_owned(), micros(elapsed).into());
    printer.one(&Default::default(), &document)
}
