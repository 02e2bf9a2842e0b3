//! Whether a server lets us in, and has what messages go to. Nothing is declared.

use super::Amqp;
use super::connect::{Opened, refused};
use super::decode::FRAME_END;
use super::encode::CHANNEL;
use crate::backend::Backend;
use crate::{AmqpConfig, AmqpTopology, Bounds};
use bytes::{BufMut, BytesMut};

/// What is asked whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exchange,
    Queue,
}

/// What is not there of the exchange, or of the queues that have the names of `keys` where there is none.
pub(crate) async fn look(
    config: &AmqpConfig,
    name: &'static str,
    bounds: Bounds,
    keys: &[String],
) -> Result<Vec<String>, String> {
    let bare = AmqpConfig { topology: AmqpTopology::default(), ..config.clone() };
    let mut session = Amqp::new(&bare, name, bounds).connect().await?;
    let Some(opened) = session.opened.as_mut() else { return Ok(Vec::new()) };
    let mut faults = Vec::new();
    if config.exchange.is_empty() {
        for key in keys {
            // Who connects declares it.
            if !config.topology.queues.iter().any(|queue| queue.name == *key) {
                faults.extend(ask(opened, Kind::Queue, key).await?);
            }
        }
    } else if !config.topology.exchanges.iter().any(|exchange| exchange.name == config.exchange) {
        faults.extend(ask(opened, Kind::Exchange, &config.exchange).await?);
    }
    Ok(faults)
}

async fn ask(opened: &mut Opened, kind: Kind, name: &str) -> Result<Option<String>, String> {
    passive(opened.wire.output(), kind, name);
    let Err(close) = opened.done().await? else { return Ok(None) };
    let fault = refused(&close);
    opened.open_channel().await?.map_err(|close| refused(&close))?;
    Ok(Some(fault))
}

/// `exchange.declare` or `queue.declare` with the bit that makes it a question.
fn passive(out: &mut BytesMut, kind: Kind, name: &str) {
    let name = &name.as_bytes()[..name.len().min(255)];
    let mut method = BytesMut::new();
    method.put_u16(if kind == Kind::Exchange { 40 } else { 50 });
    method.put_u16(10);
    method.put_u16(0);
    method.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
    method.put_slice(name);
    if kind == Kind::Exchange {
        // Its kind, which is not looked at.
        method.put_u8(0);
    }
    method.put_u8(1);
    method.put_u32(0);
    out.put_u8(1);
    out.put_u16(CHANNEL);
    out.put_u32(u32::try_from(method.len()).unwrap_or(u32::MAX));
    out.put_slice(&method);
    out.put_u8(FRAME_END);
}
