//! A process of clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use frontier_api::broker::broker_service_client::BrokerServiceClient;
use frontier_api::broker::{CreateSessionRequest, SessionType};
use frontier_sdk::{
    BrokerClient, DurableSession, ResponseStart, Session, SessionError, SessionStartInfo, SessionStatus,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};
use tonic::transport::Channel;

use super::flow::{Flow, body};
use super::{Kind, Load};
use crate::console::Console;
use crate::dialogue::{Order, Ready};
use crate::meter::Meter;
use crate::tally::Tally;

/// What the hosts offer.
pub(super) const SERVICE: &str = "echo";

/// How many sessions are made at the same time.
const AT_ONCE: usize = 32;

/// How often it is asked whether a broker that starts again has all.
const LOOK: Duration = Duration::from_millis(5);

/// How long nobody may be there: a broker that was killed starts again.
const PATIENCE: Duration = Duration::from_secs(600);

/// A session of either kind.
enum Attached {
    Interactive(Session),
    Durable(DurableSession),
}

impl Attached {
    async fn new(kind: Kind, info: SessionStartInfo, id: &str) -> Result<Self, SessionError> {
        match kind {
            Kind::Interactive => Session::attach(info, id).await.map(Self::Interactive),
            Kind::Durable => DurableSession::attach(info, id).await.map(Self::Durable),
        }
    }

    fn client(&self, id: &str) -> Result<BrokerClient, SessionError> {
        match self {
            Self::Interactive(session) => session.client(id),
            Self::Durable(session) => session.client(id),
        }
    }

    async fn status(&self) -> Result<SessionStatus, SessionError> {
        match self {
            Self::Interactive(session) => session.status().await,
            Self::Durable(session) => session.status().await,
        }
    }
}

struct Clients {
    load: Load,
    /// Those that are used, and the first in any case.
    sessions: Vec<Attached>,
    meter: Arc<Meter>,
    flows: JoinSet<Result<()>>,
}

/// Makes the sessions, and does what the tool wants.
pub(super) async fn run(broker: SocketAddr, load: Load, console: &mut Console) -> Result<()> {
    let url = format!("http://{broker}");
    let ids = make(&url, load).await.context("making sessions")?;
    // The others stay open at the broker, and take no connection here.
    let used = load.clients.clamp(1, load.sessions);
    let info = || SessionStartInfo::new(url.clone(), SERVICE).patience(PATIENCE).no_proxy();
    let attach = |id: &String| {
        let (info, id) = (info(), id.clone());
        async move { Attached::new(load.kind, info, &id).await }
    };
    let attaching = stream::iter(&ids[..used]).map(attach).buffer_unordered(AT_ONCE);
    let sessions = attaching.try_collect().await.context("attaching to a session")?;
    let meter = Arc::new(Meter::new()?);
    let mut clients = Clients { load, sessions, meter, flows: JoinSet::new() };
    console.ready(Ready::default())?;
    loop {
        let order = tokio::select! {
            order = console.order() => order,
            Some(ended) = clients.flows.join_next() => {
                let ended = ended.context("a client's task")?;
                return Err(ended.err().unwrap_or_else(|| anyhow!("the responses have ended")));
            }
        };
        match order {
            Some(order) => clients.obey(order, console).await?,
            None => return Ok(()),
        }
    }
}

/// Makes all sessions, over one connection: their ids.
async fn make(url: &str, load: Load) -> Result<Vec<String>> {
    let channel = Channel::from_shared(url.to_owned())?.connect().await?;
    let kind = match load.kind {
        Kind::Interactive => SessionType::Interactive,
        Kind::Durable => SessionType::Durable,
    };
    let create = |_| {
        let mut client = BrokerServiceClient::new(channel.clone());
        let create = CreateSessionRequest {
            service_name: SERVICE.to_owned(),
            session_type: kind.into(),
            ..Default::default()
        };
        async move { client.create_session(create).await }
    };
    let making = stream::iter(0..load.sessions).map(create).buffer_unordered(AT_ONCE);
    Ok(making.map_ok(|made| made.into_inner().session_id).try_collect().await?)
}

impl Clients {
    async fn obey(&mut self, order: Order, console: &Console) -> Result<()> {
        match order {
            Order::First(count) => console.counted(self.first(count).await?),
            Order::Load => self.start(),
            Order::Count => {
                self.meter.open();
                Ok(())
            }
            Order::Stop => console.counted(self.meter.close(Tally::new()?)),
            Order::Queue(count) => console.counted(self.queue(count).await?),
            Order::Recovered(count) => console.counted(self.recovered(count).await?),
            other => bail!("a client can't {other:?}"),
        }
    }

    fn session(&self, number: usize) -> Result<&Attached> {
        self.sessions.get(number % self.sessions.len().max(1)).context("there is no session")
    }

    /// How long the first response takes of clients that come one after the other, from the first request on.
    async fn first(&self, count: usize) -> Result<Tally> {
        let mut tally = Tally::new()?;
        let session = self.session(0)?;
        for number in 0..count {
            let client = session.client(&format!("first-{number}"))?;
            let mut responses = client.get_bytes_from(ResponseStart::Current);
            let begun = Instant::now();
            let (sent, response) = tokio::join!(self.send_one(&client), responses.next());
            sent?;
            let response = response.context("there is no response")??;
            tally.record(begun.elapsed());
            response.result?;
            drop(responses);
            client.close(true).await?;
        }
        Ok(tally)
    }

    async fn send_one(&self, client: &BrokerClient) -> Result<()> {
        client.send_bytes(SERVICE, body(0, self.load.body), "").await?;
        if self.load.kind == Kind::Durable {
            client.flush().await?;
        }
        Ok(())
    }

    /// Has all clients send and fetch from now on.
    fn start(&mut self) -> Result<()> {
        for number in 0..self.load.clients {
            let client = self.session(number)?.client(&format!("client-{number}"))?;
            self.flows.spawn(Flow::new(client, self.load, self.meter.clone()).run());
        }
        Ok(())
    }

    /// Sends so many requests that nobody computes: the window is the time until all were taken.
    async fn queue(&self, count: u64) -> Result<Tally> {
        let client = self.session(0)?.client("queue")?;
        let begun = Instant::now();
        for number in 0..count {
            // The number wraps around, as nobody answers.
            let numbered = u32::try_from(number % (1 << 32)).unwrap_or_default();
            client.send_bytes(SERVICE, body(numbered, self.load.body), "").await?;
            if self.load.kind == Kind::Durable && (number + 1) % self.load.batch as u64 == 0 {
                client.flush().await?;
            }
        }
        client.flush().await?;
        Ok(Tally { window: begun.elapsed(), ..Tally::new()? })
    }

    /// Waits until the broker has so many requests: the window is what that took.
    async fn recovered(&self, count: u64) -> Result<Tally> {
        let begun = Instant::now();
        let session = self.session(0)?;
        loop {
            let status = session.status().await?;
            if status.pending == count {
                return Ok(Tally { window: begun.elapsed(), ..Tally::new()? });
            }
            anyhow::ensure!(status.is_active, "the session has ended: {:?}", status.failure);
            sleep(LOOK).await;
        }
    }
}
