//! The same load on more and more cores.

use anyhow::Result;
use clap::Args;

use super::calls::{CallArgs, Direction};
use super::run::{RunArgs, VsArgs};
use crate::cores::doubling;
use crate::plan::Plan;
use crate::work::Work;

#[derive(Debug, Args)]
pub(crate) struct ScaleArgs {
    /// Numbers of cores, one after the other; 1, 2, 4 and so on up to all that there are unless set
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    cores: Vec<usize>,
    #[command(flatten)]
    calls: CallArgs,
    #[command(flatten)]
    direction: Direction,
    #[command(flatten)]
    vs: VsArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl ScaleArgs {
    pub(super) fn into_plan(self) -> Result<Plan> {
        let Self { cores, calls, direction, vs, run } = self;
        let calls = direction.apply(calls.into_calls()?);
        let cores = match cores.is_empty() {
            true => doubling(std::thread::available_parallelism()?.get()),
            false => cores,
        };
        run.into_scale(&cores, vs, Work::Calls(calls))
    }
}
