//! `frontctl frontiers|edges|services`: who is there, by frontlas.

mod kinds;
mod pages;

pub(crate) use kinds::{Edges, Frontiers, Kind, Services};
pub(crate) use pages::all_of;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Printer, Table};
use crate::plane::PlaneKind;
use crate::settings::Settings;
use crate::watch::{Seen, Watch};
use clap::{Args, Subcommand};
use std::marker::PhantomData;

/// What can be asked of a kind of record.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DirectoryCommand<K: Kind> {
    /// List them, ordered by id.
    Ls(List),
    /// Show one or some, by id.
    Get {
        /// The ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Print those that are there, and then every change.
    Watch {
        #[arg(skip)]
        of: PhantomData<K>,
    },
}

/// Which of them to list.
#[derive(Args, Clone, Debug)]
pub(crate) struct List {
    /// Only those that are connected to this frontier.
    #[arg(long, value_name = "ID")]
    pub(crate) frontier: Option<String>,
    /// Only so many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Only how many there are.
    #[arg(long, conflicts_with_all = ["frontier", "limit"])]
    pub(crate) count: bool,
}

impl<K: Kind> DirectoryCommand<K> {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        let mut plane = settings.plane(PlaneKind::Frontlas)?;
        match self {
            Self::Ls(List { count: true, .. }) => {
                let count = pages::count::<K>(&mut plane).await?;
                if printer.is_for_people() {
                    return crate::output::write(&format!("{count}\n"));
                }
                printer.one(&Table::default(), &serde_json::json!({"count": count.to_string()}))
            }
            Self::Ls(list) => {
                let records = pages::all::<K>(&mut plane, &list).await?;
                printer.list(&table::<K>(&records), &records)
            }
            Self::Get { ids } => {
                let mut records = Vec::new();
                let mut missing = Vec::new();
                for id in ids {
                    match K::find(&mut plane, &id).await? {
                        Some(record) => records.push(record),
                        None => missing.push(id),
                    }
                }
                match records.as_slice() {
                    [] => {}
                    [record] if missing.is_empty() => printer.one(&table::<K>(&records), record)?,
                    _ => printer.list(&table::<K>(&records), &records)?,
                }
                if missing.is_empty() {
                    return Ok(());
                }
                Err(Failure::new(Exit::Failure, format!("not there: {} {}", K::NAME, missing.join(", "))))
            }
            Self::Watch { .. } => {
                let mut watch = Watch::new(plane, K::PLURAL);
                loop {
                    match watch.next().await? {
                        Seen::Snapshot(part) => present::<K>(&part, printer)?,
                        Seen::Change(change) => change.print(printer)?,
                    }
                }
            }
        }
    }
}

fn table<K: Kind>(records: &[K::Record]) -> Table {
    let mut table = Table::new(K::HEADER);
    for record in records {
        table.row(K::row(record));
    }
    table
}

/// What a snapshot has of this kind.
fn present<K: Kind>(part: &frontier_api::json::Snapshot, printer: &Printer) -> Outcome {
    for record in K::of(part) {
        let document = serde_json::json!({"type": format!("{}_present", K::NAME), K::NAME: record});
        printer.item(|| crate::watch::line("present", K::NAME, &K::row(record)), &document)?;
    }
    Ok(())
}
