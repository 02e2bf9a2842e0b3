//! A role's line to the tool that started it.

use std::io::{BufRead, Write, stdin, stdout};
use std::process::exit;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::sync::mpsc;

use crate::dialogue::{Order, Ready, Report};
use crate::tally::Tally;

/// Orders come in on stdin, reports go out on stdout.
#[derive(Debug)]
pub(crate) struct Console {
    orders: mpsc::Receiver<Order>,
}

impl Console {
    /// Reads stdin in a thread of its own. When stdin ends, the process does: in an orderly way as long as
    /// it's quick.
    pub(crate) fn open() -> Self {
        // The tool waits for the answer to an order before it gives the next, so one is never in the way of
        // another.
        let (sender, orders) = mpsc::channel(2);
        thread::spawn(move || {
            forward(sender);
            thread::sleep(TIME_TO_CLEAN_UP);
            exit(1);
        });
        Self { orders }
    }

    pub(crate) fn ready(&self, ready: Ready) -> Result<()> {
        say(&Report::Ready(ready))
    }

    pub(crate) fn counted(&self, tally: Tally) -> Result<()> {
        say(&Report::Counted(tally))
    }

    pub(crate) fn failed(reason: String) -> Result<()> {
        say(&Report::Failed(reason))
    }

    /// Waits for this very order.
    ///
    /// # Cancel safety
    /// An order is lost only if it was received, which is when this returns.
    pub(crate) async fn expect(&mut self, expected: Order) -> Result<()> {
        match self.orders.recv().await {
            Some(order) if order == expected => Ok(()),
            Some(order) => bail!("told to {order:?} while waiting for {expected:?}"),
            None => bail!("the tool went away"),
        }
    }

    /// Waits for an order, whichever; `None` when the tool is done with this process, or gone.
    ///
    /// # Cancel safety
    /// As of [`expect`](Self::expect).
    pub(crate) async fn order(&mut self) -> Option<Order> {
        self.orders.recv().await
    }

    /// Waits until the tool is done with this process, or gone.
    pub(crate) async fn closed(&mut self) {
        while self.orders.recv().await.is_some() {}
    }
}

/// Until stdin ends or holds nonsense, or nobody wants orders any more.
fn forward(sender: mpsc::Sender<Order>) {
    for line in stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(order) if sender.blocking_send(order).is_ok() => {}
            _ => return,
        }
    }
}

fn say(report: &Report) -> Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    let mut out = stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).context("reporting to the tool")
}

/// For a role that is stuck, with a connection that nobody accepts for example.
const TIME_TO_CLEAN_UP: Duration = Duration::from_secs(2);
