//! `frontctl top`: the cluster, live, on a terminal.

mod cluster;
mod history;
mod screen;

use crate::failure::{Failure, Outcome};
use crate::output::Printer;
use crate::plane::PlaneKind;
use crate::settings::Settings;
use clap::Args;
use cluster::Cluster;
use frontier_config::parse_duration;
use screen::Screen;
use std::io::IsTerminal as _;
use std::time::Duration;

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
            let frontiers = cluster::look(&mut settings.plane(PlaneKind::Frontlas)?).await?;
            return printer.list(&cluster::table(&frontiers), &frontiers);
        }
        if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
            return Err(Failure::usage("top draws on a terminal, and this is none")
                .advise("--once prints what there is now, -o json does so for programs"));
        }
        let mut cluster = Cluster::connect(settings).await?;
        let mut screen = Screen::open()?;
        let mut ticks = tokio::time::interval(self.interval.max(FASTEST));
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    cluster.look().await;
                    screen.draw(|width| cluster.lines(width))?;
                }
                key = screen.key() => match key {
                    screen::Key::Quit => return Ok(()),
                    screen::Key::Redraw => screen.draw(|width| cluster.lines(width))?,
                },
            }
        }
    }
}
