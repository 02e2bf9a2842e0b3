//! `frontctl events`: who comes and goes from now on.

use crate::failure::Outcome;
use crate::output::Printer;
use crate::settings::Settings;
use crate::source::Via;
use crate::watch::{Seen, Watch};
use clap::Args;

#[derive(Args, Clone, Debug)]
pub(crate) struct EventsCommand {
    /// End after so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    from: Via,
}

impl EventsCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let plane = self.from.plane(settings)?;
        let kinds = plane.kinds();
        let mut watch = Watch::new(plane, kinds).of_changes_only();
        let mut left = self.count;
        while left != Some(0) {
            // What is there already is no event.
            if let Seen::Change(change) = watch.next().await? {
                change.print(printer)?;
                left = left.map(|left| left - 1);
            }
        }
        Ok(())
    }
}
