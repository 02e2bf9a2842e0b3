//! One frontier whose edges exist on paper only. It reports them as a gateway does: first a snapshot, then
//! changes, one report at a time.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use frontier_protocol::{Code, Entry, Frame, Kind, Op, Part, Report, ReportAck};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::pace::Pace;
use crate::layout::Share;
use crate::meter::Meter;

/// What a frontier is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Report everyone who is online, and say when that is known.
    ReportAll(oneshot::Sender<()>),
    /// Let edges come and go like this.
    Churn(Pace),
    /// Let no more come and go, and say how often that has happened once all of it is known.
    Settle(oneshot::Sender<u64>),
}

pub(super) struct Frontier {
    connection: Connection,
    share: Share,
    meter: Arc<Meter>,
    /// When the edge in each slot has connected, in directory time; 0 if it is offline.
    stamps: Vec<u64>,
    pace: Pace,
    turns: u64,
    /// The first slot of the next part of a snapshot, if one is under way.
    snapshot: Option<u32>,
    current: Option<Current>,
    last_id: u64,
    reported: Option<oneshot::Sender<()>>,
    settled: Option<oneshot::Sender<u64>>,
}

/// The report that is on its way.
struct Current {
    id: u64,
    /// When each of its edges should have come online.
    since: Vec<Instant>,
}

impl Frontier {
    pub(super) async fn connect(frontlas: SocketAddr, share: Share, meter: Arc<Meter>) -> Result<Self> {
        let connection = Connection::open(frontlas, &share.frontier()).await?;
        let mut stamps = vec![0; share.slots() as usize];
        let now = connection.time();
        stamps[..share.online() as usize].fill(now);
        Ok(Self {
            connection,
            share,
            meter,
            stamps,
            pace: Pace::Never,
            turns: 0,
            snapshot: None,
            current: None,
            last_id: 0,
            reported: None,
            settled: None,
        })
    }

    /// Does as told until there is nobody to tell it anything.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> Result<()> {
        loop {
            let wake_at = self.connection.beat()?;
            let next = self.go_on()?;
            tokio::select! {
                frame = self.connection.frame() => self.take(&frame?)?,
                command = commands.recv() => match command {
                    Some(Command::ReportAll(reported)) => (self.reported, self.snapshot) = (Some(reported), Some(0)),
                    Some(Command::Churn(pace)) => self.pace = pace,
                    Some(Command::Settle(settled)) => (self.settled, self.pace) = (Some(settled), Pace::Never),
                    None => return Ok(()),
                },
                () = sleep_until(wake_at) => {}
                () = until(next) => {}
            }
        }
    }

    /// Sends the next report, if there is one and its turn has come. When to look again.
    fn go_on(&mut self) -> Result<Option<Instant>> {
        if self.current.is_some() {
            return Ok(None);
        }
        if let Some(first) = self.snapshot {
            self.send_part(first)?;
            return Ok(None);
        }
        if let Some(reported) = self.reported.take() {
            // Whoever asked has gone at worst.
            let _ = reported.send(());
        }
        let now = Instant::now();
        let since = self.pace.take(now, MAX_TURNS_PER_REPORT.min(self.share.turning as usize));
        if !since.is_empty() {
            self.send_turns(since)?;
            return Ok(None);
        }
        if let Some(settled) = self.settled.take() {
            let _ = settled.send(self.turns);
        }
        Ok(self.pace.next())
    }

    fn send_part(&mut self, first: u32) -> Result<()> {
        let mut online = (first..self.share.slots()).filter(|&slot| self.stamp(slot) != 0);
        let slots: Vec<u32> = online.by_ref().take(ENTRIES_PER_REPORT).collect();
        self.snapshot = online.next();
        let part = Part::Snapshot { first: first == 0, last: self.snapshot.is_none() };
        let entries = slots.iter().map(|&slot| self.entry(Op::EdgeOnline, slot)).collect();
        self.send(part, entries, vec![Instant::now(); slots.len()])
    }

    /// Lets as many edges leave and others come.
    fn send_turns(&mut self, since: Vec<Instant>) -> Result<()> {
        let mut entries = Vec::with_capacity(2 * since.len());
        let now = self.connection.time();
        for _ in &since {
            let (leaves, comes) = self.share.turn(self.turns);
            self.turns += 1;
            entries.push(self.entry(Op::EdgeOffline, leaves));
            self.stamps[leaves as usize] = 0;
            self.stamps[comes as usize] = now;
            entries.push(self.entry(Op::EdgeOnline, comes));
        }
        self.send(Part::Changes, entries, since)
    }

    fn send(&mut self, part: Part, entries: Vec<Entry<'_>>, since: Vec<Instant>) -> Result<()> {
        self.last_id += 1;
        let id = self.last_id;
        self.connection.send(|out| Report { part, draining: false, entries }.encode(id, out))?;
        self.current = Some(Current { id, since });
        Ok(())
    }

    fn take(&mut self, frame: &Frame) -> Result<()> {
        match frame.kind {
            Kind::ReportAck => {}
            // Of the others, who have as many: there is nothing to be done.
            Kind::Plan | Kind::Members => return Ok(()),
            Kind::Pong => return Ok(()),
            kind => bail!("a {kind:?} frame from frontlas"),
        }
        let ack = ReportAck::parse(frame)?;
        if !ack.superseded.is_empty() {
            bail!("frontlas says that an edge is elsewhere, which is nowhere else");
        }
        if ack.resync {
            // A frontlas has lost sight of the changes; while a snapshot is under way, that is as good.
            if self.snapshot.is_none() {
                let error = Err(anyhow!("frontlas has asked for a snapshot"));
                self.meter.ended(Duration::ZERO, &error);
                self.snapshot = Some(0);
            }
        }
        let Some(current) = self.current.take_if(|current| current.id == frame.id) else { return Ok(()) };
        if ack.code == Code::Ok {
            current.since.iter().for_each(|since| self.meter.ended(since.elapsed(), &Ok(())));
            return Ok(());
        }
        // What was not taken is told by a snapshot.
        self.snapshot = Some(0);
        let error = Err(anyhow!("a report is answered with {}: {}", ack.code, ack.text));
        self.meter.ended(Duration::ZERO, &error);
        Ok(())
    }

    fn stamp(&self, slot: u32) -> u64 {
        self.stamps[slot as usize]
    }

    fn entry(&self, op: Op, slot: u32) -> Entry<'static> {
        let addr = if op == Op::EdgeOnline { ADDR } else { "" };
        Entry { op, id: self.share.id(slot), stamp: self.stamp(slot), addr, name: "", claim: None }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// Entries in one report, as a gateway has it.
const ENTRIES_PER_REPORT: usize = 512;
/// An edge that leaves and one that comes are two of them.
const MAX_TURNS_PER_REPORT: usize = ENTRIES_PER_REPORT / 2;
/// Where all edges are said to come from.
const ADDR: &str = "192.0.2.123:54321";
