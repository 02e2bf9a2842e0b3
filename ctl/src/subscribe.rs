//! `frontctl sub`: takes messages, prints each, and then acks it.

use crate::bytes_text::{self, shown};
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::output::{self, Printer};
use crate::settings::Settings;
use crate::timestamp;
use clap::{Args, ValueEnum};
use frontier_sdk::{Closed, Edge, Message, Service};
use serde_json::Map;

#[derive(Args, Clone, Debug)]
pub(crate) struct SubscribeCommand {
    /// The topics to take, as a service; `*` for whatever nobody else takes. None as an edge, which gets what is sent to it.
    #[arg(required_if_eq("side", "service"))]
    topics: Vec<String>,
    /// What to be: services get messages of edges, edges those of services.
    #[arg(long = "as", value_name = "SIDE", default_value = "service")]
    side: Side,
    /// End after so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print payloads alone, each as it is and with a line break.
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    identity: Identity,
}

/// Which side of the gateway to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Edge,
    Service,
}

impl SubscribeCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        if self.side == Side::Edge && !self.topics.is_empty() {
            return Err(Failure::usage("an edge takes no topics: it gets what services send to it")
                .advise("leave the topics out, or --as edge"));
        }
        let receiver = match self.side {
            Side::Service => {
                let builder = settings.service(&self.identity).topics(self.topics.clone());
                Receiver::Service(settings.connect_service(builder).await?)
            }
            Side::Edge => Receiver::Edge(settings.connect_edge(settings.edge(&self.identity)).await?),
        };
        output::note(&receiver.greeting());
        let mut left = self.count;
        while left != Some(0) {
            let Some(message) = receiver.next().await else {
                return Err(receiver.closed().await.into());
            };
            if let Err(failure) = self.print(&message, printer) {
                message.fail("it could not be printed");
                receiver.close().await;
                return Err(failure);
            }
            message.done();
            left = left.map(|left| left - 1);
        }
        receiver.close().await;
        Ok(())
    }

    fn print(&self, message: &Message, printer: &Printer) -> Outcome {
        if self.raw {
            use std::io::Write as _;
            let mut output = std::io::stdout().lock();
            output.write_all(&message.data)?;
            output.write_all(b"\n")?;
            return Ok(output.flush()?);
        }
        let from = message.edge_id.map_or_else(|| "a service".to_owned(), |edge| format!("edge {}", edge.0));
        let line = || {
            format!(
                "{}  {}  {from}  {}",
                timestamp::now(),
                shown(message.topic.as_bytes()),
                shown(&message.data)
            )
        };
        let mut document = Map::new();
        document.insert("time".into(), timestamp::now().into());
        document.insert("topic".into(), (&*message.topic).into());
        if let Some(edge) = message.edge_id {
            document.insert("edge_id".into(), edge.0.to_string().into());
        }
        bytes_text::set(&mut document, "data", &message.data);
        if !message.custom.is_empty() {
            bytes_text::set(&mut document, "custom", &message.custom);
        }
        printer.item(line, &document)
    }
}

/// Who takes messages.
enum Receiver {
    Edge(Edge),
    Service(Service),
}

impl Receiver {
    fn greeting(&self) -> String {
        match self {
            Self::Edge(edge) => format!("waiting for messages as edge {}", edge.id().0),
            Self::Service(service) => format!("waiting for messages as service {}", service.id().0),
        }
    }

    async fn next(&self) -> Option<Message> {
        match self {
            Self::Edge(edge) => edge.recv().await,
            Self::Service(service) => service.recv().await,
        }
    }

    async fn closed(&self) -> Closed {
        match self {
            Self::Edge(edge) => edge.closed().await,
            Self::Service(service) => service.closed().await,
        }
    }

    /// In good order, so that acks go out. It fails only where there is nobody any more who would get them.
    async fn close(&self) {
        let _ = match self {
            Self::Edge(edge) => edge.close().await,
            Self::Service(service) => service.close().await,
        };
    }
}
