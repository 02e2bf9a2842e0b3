//! The process of all frontiers.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::control_plane;
use super::frontier::{Command, Frontier};
use super::pace::Pace;
use crate::console::Console;
use crate::dialogue::{Order, Ready};
use crate::layout::Layout;
use crate::meter::Meter;
use crate::tally::Tally;

/// Connects them all, and lets them do what the tool wants.
pub(super) async fn run(
    frontlas: SocketAddr,
    control_plane: SocketAddr,
    layout: Layout,
    console: &mut Console,
) -> Result<()> {
    let meter = Arc::new(Meter::new()?);
    let mut running = JoinSet::new();
    let mut commands = Vec::new();
    for share in layout.shares() {
        let frontier = Frontier::connect(frontlas, share, meter.clone()).await?;
        let (sender, receiver) = mpsc::channel(4);
        running.spawn(frontier.run(receiver));
        commands.push(sender);
    }
    console.ready(Ready::default())?;
    let frontiers = Frontiers { layout, control_plane, commands, meter };
    tokio::select! {
        done = frontiers.obey(console) => done,
        Some(ended) = running.join_next() => {
            Err(ended.context("a frontier's task")?.err().unwrap_or_else(|| anyhow!("a frontier ended")))
        }
    }
}

struct Frontiers {
    layout: Layout,
    control_plane: SocketAddr,
    commands: Vec<mpsc::Sender<Command>>,
    meter: Arc<Meter>,
}

impl Frontiers {
    async fn obey(&self, console: &mut Console) -> Result<()> {
        while let Some(order) = console.order().await {
            match order {
                Order::ReportAll => {
                    self.meter.open();
                    self.command(Command::ReportAll).await?;
                    console.counted(self.meter.close(Tally::new()?))?;
                }
                Order::Churn(churn) => {
                    let pace = Pace::new(churn, self.layout.frontiers, Instant::now());
                    for frontier in &self.commands {
                        frontier.send(Command::Churn(pace)).await.context("a frontier has ended")?;
                    }
                }
                Order::Count => self.meter.open(),
                Order::Stop => console.counted(self.meter.close(Tally::new()?))?,
                Order::Compare => {
                    let turns = self.command(Command::Settle).await?;
                    control_plane::compare(self.control_plane, self.layout, &turns).await?;
                    console.counted(Tally::new()?)?;
                }
                other => bail!("frontiers can't {other:?}"),
            }
        }
        bail!("the tool went away")
    }

    /// Tells every frontier, and waits for all answers.
    async fn command<T>(&self, command: impl Fn(oneshot::Sender<T>) -> Command) -> Result<Vec<T>> {
        let mut waiting = Vec::with_capacity(self.commands.len());
        for frontier in &self.commands {
            let (sender, receiver) = oneshot::channel();
            frontier.send(command(sender)).await.context("a frontier has ended")?;
            waiting.push(receiver);
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for receiver in waiting {
            answers.push(receiver.await.context("a frontier has ended")?);
        }
        Ok(answers)
    }
}
