//! The service: gives out EdgeIDs, lets clients in, and passes on what they say.

use crate::access::Access;
use crate::card::Card;
use crate::room::Room;
use crate::{INTRODUCE, MEMBERS, TOPIC};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use frontier_sdk::{Bytes, EdgeEvent, EdgeId, HandlerError, Message, Request, Response, Service};
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Options {
    /// Where services connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30011")]
    gateway: String,
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let service = Service::builder(options.gateway).name("chatroom").topics([TOPIC]);
    let service = options.access.apply(service).connect().await?;
    let room = Room::new(service.clone());

    let on_offline = {
        let room = room.clone();
        move |edge: EdgeEvent| {
            room.leave(edge.id);
            async { Ok(()) }
        }
    };
    let on_online = {
        let room = room.clone();
        move |edge: EdgeEvent| {
            // The text of an error is what the client is refused with.
            let joined = Card::parse(&edge.meta).and_then(|card| room.join(edge.id, card)).map_err(refusal);
            async { joined }
        }
    };
    let on_id = |meta: Bytes| {
        let id = Card::parse(&meta).map(|card| card.edge_id()).map_err(refusal);
        async { id }
    };
    let members = {
        let (service, room) = (service.clone(), room.clone());
        move |request: Request| members(service.clone(), room.clone(), request.edge_id)
    };
    service.register(MEMBERS, members).await?;
    // The ids last: from then on clients come in, and the other two must be there.
    service.on_edge_offline(on_offline).await?;
    service.on_edge_online(on_online).await?;
    service.on_edge_id(on_id).await?;
    println!("the room is open");

    tokio::select! {
        () = hear(&service, &room) => Err(anyhow!("{}", service.closed().await)),
        _ = tokio::signal::ctrl_c() => Ok(service.close().await?),
    }
}

/// Says what the clients send, until the service is closed.
async fn hear(service: &Service, room: &Room) {
    while let Some(message) = service.recv().await {
        let Some(id) = message.edge_id else { continue };
        match room.name(id) {
            Some(name) => pass_on(room, &name, message),
            // On a task of its own, so that nobody waits for this one.
            None => drop(tokio::spawn(meet(service.clone(), room.clone(), id, message))),
        }
    }
}

fn pass_on(room: &Room, name: &str, message: Message) {
    room.say(&format!("{name}: {}", String::from_utf8_lossy(&message.data)));
    message.done();
}

/// A client of whom nothing was told: this service was not there when it came, perhaps because it was
/// started again. So it is asked.
async fn meet(service: Service, room: Room, id: EdgeId, message: Message) {
    match introduce(&service, &room, id).await {
        Ok(name) => pass_on(&room, &name, message),
        Err(error) => message.fail(error),
    }
}

/// Who is in the room, for somebody who came in. It may have come before this service did.
async fn members(service: Service, room: Room, id: Option<EdgeId>) -> Result<Response, HandlerError> {
    if let Some(id) = id.filter(|id| room.name(*id).is_none()) {
        introduce(&service, &room, id).await.map_err(refusal)?;
    }
    Ok(Response::new(room.names().join(", ")))
}

async fn introduce(service: &Service, room: &Room, id: EdgeId) -> Result<String> {
    let answer = service.call(id, INTRODUCE, "").timeout(Duration::from_secs(5)).await;
    let card = Card::parse(&answer.context("who are you?")?.data)?;
    let name = card.name.clone();
    room.join(id, card)?;
    Ok(name)
}

fn refusal(error: anyhow::Error) -> HandlerError {
    HandlerError::new(1, format!("{error:#}"))
}
