//! `frontctl frontiers|edges|services`: who is there, by frontlas; edges and services by a gateway, too.

mod kinds;
mod pages;

pub(crate) use kinds::{Edges, Frontiers, Kind, Services};
pub(crate) use pages::all_of;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::gateway::Peers;
use crate::output::{self, Printer, Table};
use crate::plane::{Plane, PlaneKind};
use crate::settings::Settings;
use crate::source::Via;
use crate::watch::{Seen, Told, Watch};
use clap::{Args, Subcommand};
use std::marker::PhantomData;

/// What can be asked about frontiers.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum FrontiersCommand {
    /// List them, ordered by id.
    Ls(List),
    /// Show one or some, by id.
    Get(Wanted),
    /// Print those that are there, and then every change.
    Watch,
}

/// What can be asked about edges or services, and done to them.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum PeersCommand<K: Kind> {
    /// List them: those of frontlas ordered by id, those of a gateway by when they connected.
    Ls {
        #[command(flatten)]
        list: List,
        /// Only those that answer this method, as a gateway tells it: edges that have told it so.
        #[arg(long, value_name = "METHOD")]
        rpc: Option<String>,
        #[command(flatten)]
        from: Via,
    },
    /// List the methods that a gateway's peers answer, those of each in their order: of an edge what it has told.
    #[command(visible_alias = "methods")]
    Rpcs {
        /// Only those of this one.
        id: Option<String>,
        /// Only so many.
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show one or some, by id.
    Get {
        #[command(flatten)]
        get: Wanted,
        #[command(flatten)]
        from: Via,
    },
    /// Print those that are there, and then every change.
    Watch {
        #[command(flatten)]
        from: Via,
        #[arg(skip)]
        of: PhantomData<K>,
    },
    /// Have the gateway close their connections; who is still let in comes again.
    Kick {
        /// The ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Which of them to list.
#[derive(Args, Clone, Debug)]
pub(crate) struct List {
    /// Only those that are connected to this frontier, as frontlas tells it.
    #[arg(long, value_name = "ID")]
    frontier: Option<String>,
    /// Only so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Only how many there are.
    #[arg(long, conflicts_with_all = ["frontier", "limit"])]
    count: bool,
}

/// Which of them to show.
#[derive(Args, Clone, Debug)]
pub(crate) struct Wanted {
    /// The ids.
    #[arg(required = true)]
    ids: Vec<String>,
}

impl FrontiersCommand {
    pub(crate) async fn run(self, settings: &Settings, printer: &Printer) -> Outcome {
        match self {
            Self::Ls(list) => ls::<Frontiers>(list, settings, printer).await,
            Self::Get(get) => find::<Frontiers>(get, settings, printer).await,
            Self::Watch => watch::<Frontiers>(settings.plane(PlaneKind::Frontlas)?, printer).await,
        }
    }
}

impl<K: Kind> PeersCommand<K> {
    pub(crate) async fn run(self, peers: Peers, settings: &Settings, printer: &Printer) -> Outcome {
        match self {
            Self::Ls { list, rpc, from } if from.is_gateway(settings) => {
                if list.frontier.is_some() {
                    return Err(Failure::usage(
                        "--frontier is for frontlas: a gateway knows its own peers alone",
                    )
                    .advise("--from frontlas"));
                }
                let mut plane = settings.plane(PlaneKind::Gateway)?;
                if list.count {
                    return counted(peers.count(&mut plane, rpc.as_deref()).await?, printer);
                }
                peers.list(&mut plane, rpc.as_deref(), list.limit.unwrap_or(usize::MAX), printer).await
            }
            Self::Ls { rpc: Some(_), .. } => {
                Err(Failure::usage("--rpc is for a gateway: frontlas does not know who answers which method")
                    .advise("--from gateway"))
            }
            Self::Rpcs { id, limit } => {
                let mut plane = settings.plane(PlaneKind::Gateway)?;
                peers.rpcs(&mut plane, id.as_deref(), limit.unwrap_or(usize::MAX), printer).await
            }
            Self::Ls { list, .. } => ls::<K>(list, settings, printer).await,
            Self::Get { get, from } if from.is_gateway(settings) => {
                peers.get(&mut settings.plane(PlaneKind::Gateway)?, &get.ids, printer).await
            }
            Self::Get { get, .. } => find::<K>(get, settings, printer).await,
            Self::Watch { from, .. } => watch::<K>(from.plane(settings)?, printer).await,
            Self::Kick { ids } => peers.kick(&mut settings.plane(PlaneKind::Gateway)?, &ids).await,
        }
    }
}

async fn ls<K: Kind>(list: List, settings: &Settings, printer: &Printer) -> Outcome {
    let mut plane = settings.plane(PlaneKind::Frontlas)?;
    if list.count {
        return counted(pages::count::<K>(&mut plane).await?, printer);
    }
    let records = pages::all::<K>(&mut plane, &list).await?;
    printer.list(&table::<K>(&records), &records)
}

fn counted(count: u64, printer: &Printer) -> Outcome {
    if printer.is_for_people() {
        return output::write(&format!("{count}\n"));
    }
    printer.one(&Table::default(), &serde_json::json!({"count": count.to_string()}))
}

async fn find<K: Kind>(get: Wanted, settings: &Settings, printer: &Printer) -> Outcome {
    let mut plane = settings.plane(PlaneKind::Frontlas)?;
    let mut records = Vec::new();
    let mut missing = Vec::new();
    for id in get.ids {
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

async fn watch<K: Kind>(plane: Plane, printer: &Printer) -> Outcome {
    let mut watch = Watch::new(plane, K::PLURAL);
    loop {
        match watch.next().await? {
            Seen::Snapshot(part) => {
                for record in part[K::PLURAL].as_array().into_iter().flatten() {
                    Told::present(K::NAME, record).print(printer)?;
                }
            }
            Seen::Change(change) => change.print(printer)?,
            Seen::Rates(_) => {}
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
