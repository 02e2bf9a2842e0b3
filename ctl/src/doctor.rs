//! `frontctl doctor`: looks at each part between here and an installation, and says what to do about what is wrong.

mod addresses;
mod certificates;
mod clock;
mod configuration;
mod report;
mod system;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Printer;
use crate::settings::ConnectionOptions;
use clap::Args;
use report::Report;

#[derive(Args, Clone, Debug)]
pub(crate) struct DoctorCommand {
    /// Connect as an edge and as a service as well, which services and rules will notice. Over QUIC nothing else tells
    /// whether anybody is there.
    #[arg(long)]
    connect: bool,
}

impl DoctorCommand {
    pub(crate) async fn run(self, options: &ConnectionOptions, printer: &Printer) -> Outcome {
        let mut report = Report::default();
        report.good("version", format!("frontctl {}", env!("CARGO_PKG_VERSION")));
        system::look(&mut report);
        if let Some(settings) = configuration::look(options, &mut report) {
            certificates::look(&settings, &mut report);
            addresses::look_at_planes(&settings, &mut report).await;
            addresses::look_at_gateways(&settings, self.connect, &mut report).await;
        }
        report.print(printer)?;
        match report.failures() {
            0 => Ok(()),
            count => Err(Failure::new(Exit::Failure, format!("{count} of {} are wrong", report.len()))),
        }
    }
}
