//! `frontctl status`, `log-level` and `drain`: one gateway as a whole.

use crate::failure::Outcome;
use crate::output::{self, Printer, Table};
use crate::plane::{Call, PlaneKind};
use crate::settings::Settings;
use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

#[derive(Args, Clone, Debug)]
pub(crate) struct StatusCommand {}

#[derive(Args, Clone, Debug)]
pub(crate) struct LogLevelCommand {
    /// What to set it to, such as debug, or info,frontier=debug; shown unless given.
    level: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DrainCommand {
    /// Yes, it is meant: the gateway ends afterwards.
    #[arg(long, required = true)]
    yes: bool,
}

impl StatusCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let status = status(settings).await?;
        printer.one(&status_table(&status), &status)
    }
}

/// What a gateway says of itself.
pub(crate) async fn status(settings: &Settings) -> Outcome<Value> {
    settings.plane(PlaneKind::Gateway)?.get("/v1/status", &[]).await
}

/// The same for people.
pub(crate) fn status_table(status: &Value) -> Table {
    let mut table = Table::new(&["WHAT", "VALUE"]);
    for (what, value) in status.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        table.row([what.clone(), text]);
    }
    table
}

impl LogLevelCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let mut plane = settings.plane(PlaneKind::Gateway)?;
        let told: Value = match self.level {
            None => plane.get("/v1/log_level", &[]).await?,
            Some(level) => {
                let body = Some(json!({"level": level}));
                plane.call(&Call { method: Method::PUT, path: "/v1/log_level", query: &[], body }).await?
            }
        };
        if printer.is_for_people() {
            return output::write(&format!("{}\n", told["level"].as_str().unwrap_or_default()));
        }
        printer.one(&Table::default(), &told)
    }
}

impl DrainCommand {
    pub(crate) async fn run(self, settings: &Settings) -> Outcome {
        let mut plane = settings.plane(PlaneKind::Gateway)?;
        let body = Some(json!({}));
        plane.call::<Value>(&Call { method: Method::POST, path: "/v1/drain", query: &[], body }).await?;
        Ok(())
    }
}
