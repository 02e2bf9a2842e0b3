//! `frontctl top`: the cluster and what goes through a gateway, live, on a terminal.

mod cluster;
mod history;
mod rates;
mod screen;

use crate::failure::{Failure, Outcome};
use crate::gateway::{status, status_table};
use crate::output::Printer;
use crate::plane::PlaneKind;
use crate::settings::Settings;
use crate::timestamp;
use clap::Args;
use cluster::Cluster;
use frontier_config::{format_duration, parse_duration};
use rates::Rates;
use screen::Screen;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// More often than that nobody reads it.
const FASTEST: Duration = Duration::from_millis(100);

#[derive(Args, Clone, Debug)]
pub(crate) struct TopCommand {
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    interval: Duration,
    /// Look once, print that, and end: for what is no terminal
    #[arg(long)]
    once: bool,
}

impl TopCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        if self.once || !printer.is_for_people() {
            if settings.context.frontlas.is_none() && settings.context.gateway.is_some() {
                let mut status = status(settings).await?;
                let mut table = status_table(&status);
                let rates = rates::once(settings).await?;
                rates::rows(&rates).into_iter().for_each(|row| table.row(row));
                status["rates"] = rates;
                return printer.one(&table, &status);
            }
            let frontiers = cluster::look(&mut settings.plane(PlaneKind::Frontlas)?).await?;
            return printer.list(&cluster::table(&frontiers), &frontiers);
        }
        if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
            return Err(Failure::usage("top draws on a terminal, and this is none")
                .advise("--once prints what there is now, -o json does so for programs"));
        }
        let context = &settings.context;
        // What is not named is not looked for, but for frontlas on this machine where nothing is.
        let mut cluster = match context.frontlas.is_some() || context.gateway.is_none() {
            true => Some(Cluster::connect(settings).await?),
            false => None,
        };
        let rates = match context.gateway.is_some() {
            true => Some(Rates::connect(settings).await?),
            false => None,
        };
        let mut screen = Screen::open()?;
        let mut ticks = tokio::time::interval(self.interval.max(FASTEST));
        let mut took = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let begin = Instant::now();
                    if let Some(cluster) = &mut cluster {
                        cluster.look().await;
                    }
                    screen.draw(|width| lines(rates.as_ref(), cluster.as_ref(), took, width))?;
                    took = Some(begin.elapsed());
                }
                key = screen.key() => match key {
                    screen::Key::Quit => return Ok(()),
                    screen::Key::Redraw => {
                        screen.draw(|width| lines(rates.as_ref(), cluster.as_ref(), took, width))?;
                    }
                },
            }
        }
    }
}

/// `took` is what the refresh before has taken, from asking to the last line.
fn lines(
    rates: Option<&Rates>,
    cluster: Option<&Cluster>,
    took: Option<Duration>,
    width: usize,
) -> Vec<String> {
    let took = took.map(|took| format!("   refreshed in {}", format_duration(took))).unwrap_or_default();
    let mut lines = vec![format!("frontctl top   {}   q: leave{took}", timestamp::now()), String::new()];
    lines.extend(rates.into_iter().flat_map(|rates| rates.lines(width)));
    lines.extend(cluster.into_iter().flat_map(|cluster| cluster.lines(width)));
    lines
}
