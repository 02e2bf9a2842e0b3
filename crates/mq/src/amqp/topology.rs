//! Exchanges, queues and bindings that are declared at each connect. One that is there and differs stays as it is, with a
//! warning.

use super::connect::{Opened, refused};
use super::encode::{Flags, Method, Table, method};
use crate::{AmqpQueue, AmqpTopology};
use tracing::warn;

/// Declares everything. An error ends the connection.
pub(super) async fn declare(opened: &mut Opened, name: &str, config: &AmqpTopology) -> Result<(), String> {
    let of = name;
    for exchange in &config.exchanges {
        let flags = Flags {
            durable: exchange.durable,
            auto_delete: exchange.auto_delete,
            internal: exchange.internal,
            exclusive: false,
        };
        let declare = Method::ExchangeDeclare { name: &exchange.name, kind: &exchange.kind, flags };
        ask(opened, of, &declare, "exchange", &exchange.name).await?;
    }
    for queue in &config.queues {
        let AmqpQueue { name, kind, durable, exclusive, auto_delete } = queue;
        let flags =
            Flags { durable: *durable, exclusive: *exclusive, auto_delete: *auto_delete, internal: false };
        let mut arguments = Table::default();
        if let Some(kind) = kind {
            arguments.text("x-queue-type", kind);
        }
        let declare = Method::QueueDeclare { name, flags, arguments: &arguments };
        ask(opened, of, &declare, "queue", name).await?;
    }
    for binding in &config.bindings {
        let (queue, exchange, key) = (&*binding.queue, &*binding.exchange, &*binding.key);
        ask(opened, of, &Method::QueueBind { queue, exchange, key }, "binding of", queue).await?;
    }
    Ok(())
}

async fn ask(opened: &mut Opened, of: &str, what: &Method<'_>, kind: &str, name: &str) -> Result<(), String> {
    method(opened.wire.output(), what);
    let Err(close) = opened.done().await? else { return Ok(()) };
    let cause = refused(&close);
    warn!(broker = of, name, cause, "the broker does not declare this {kind}; it stays as it is");
    opened.open_channel().await?.map_err(|close| refused(&close))
}
