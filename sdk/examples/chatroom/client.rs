//! A member of the room: an edge that says what is typed and prints what is said.

use crate::access::Access;
use crate::card::Card;
use crate::{INTRODUCE, MEMBERS, TOPIC};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use frontier_sdk::{Code, ConnectError, Edge, Error, Request, Response, Status};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// How long a line waits for a room that is not there.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// How soon a room that is not there is asked for again.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(crate) struct Options {
    /// What the others call you.
    #[arg(long)]
    name: String,
    /// Where edges connect to.
    #[arg(long, value_name = "URL", default_value = "tcp://127.0.0.1:30012")]
    gateway: String,
    /// How many seconds to wait for a room that isn't open yet.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    wait: u64,
    #[command(flatten)]
    access: Access,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let card = Card::new(&options.name).to_string();
    let edge = options.access.apply(Edge::builder(options.gateway).meta(card.clone()));
    let edge = match edge.connect().await {
        Ok(edge) => edge,
        // The room's own words say it best.
        Err(ConnectError::Refused { text, .. }) if !text.is_empty() => bail!("not let in: {text}"),
        Err(error) => return Err(error.into()),
    };
    let introduce = move |_: Request| {
        let card = card.clone();
        async move { Ok(Response::new(card)) }
    };
    edge.register(INTRODUCE, introduce).await?;
    let members = enter(&edge, Duration::from_secs(options.wait)).await?;
    println!("! in the room: {members}");
    tokio::select! {
        unsaid = talk(&edge, input()) => {
            edge.close().await?;
            ensure!(unsaid == 0, "{unsaid} lines were not said");
            Ok(())
        }
        () = print(&edge) => bail!("{}", edge.closed().await),
        () = follow(&edge) => bail!("{}", edge.closed().await),
    }
}

/// Who is in the room. A gateway lets edges in whether or not a service is there for them, so the room is asked.
async fn enter(edge: &Edge, wait: Duration) -> Result<String> {
    let deadline = Instant::now() + wait;
    let mut is_told = false;
    loop {
        match edge.call(MEMBERS, "").await {
            Ok(members) => return Ok(String::from_utf8_lossy(&members.data).into_owned()),
            Err(error) if error.code() == Code::MethodNotFound && Instant::now() < deadline => {
                if !is_told {
                    println!("! nobody has opened the room yet: `chatroom service` does; waiting for it");
                    is_told = true;
                }
                sleep(PAUSE).await;
            }
            Err(error) => {
                return Err(error).context("the room is not there: `chatroom service` opens it");
            }
        }
    }
}

/// Says each line, one after the other: so they keep their order. How many could not be said.
async fn talk(edge: &Edge, mut lines: mpsc::Receiver<String>) -> usize {
    let mut unsaid = 0;
    while let Some(line) = lines.recv().await {
        if let Err(error) = say(edge, line).await {
            println!("! not said: {error}");
            unsaid += 1;
        }
    }
    unsaid
}

/// Says a line. Nobody heard it if nobody takes the topic, so then it may be said again: after the gateway
/// was gone, clients are often back before the room is. Of other errors that can't be said.
async fn say(edge: &Edge, line: String) -> Result<(), Error> {
    let deadline = Instant::now() + CALL_TIMEOUT;
    loop {
        match edge.publish(TOPIC, line.clone()).await {
            Err(error) if error.code() == Code::TopicNotOnline && Instant::now() < deadline => {
                sleep(PAUSE).await;
            }
            said => return said,
        }
    }
}

/// Prints what is said, until the edge is closed for good.
async fn print(edge: &Edge) {
    while let Some(message) = edge.recv().await {
        println!("{}", String::from_utf8_lossy(&message.data));
        message.done();
    }
}

/// Prints how the connection stands, until the edge is closed for good.
async fn follow(edge: &Edge) {
    let mut status = edge.status();
    loop {
        match status.changed().await {
            Status::Connected => println!("! connected again"),
            Status::Reconnecting => println!("! the connection was lost; trying again"),
            Status::Refused { text, .. } => println!("! not let in: {text}; trying again"),
            Status::Closed(_) => return,
        }
    }
}

/// The lines of the standard input. On a thread of its own: reading it can't be interrupted, and must not
/// keep the program from ending.
fn input() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
