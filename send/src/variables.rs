//! Variables of the environment that stand for options.

use clap::builder::Resettable;
use clap::{Arg, Command};
use std::env;

/// The same command, for which a variable that is set to nothing is as one that is not set: a script says so that it has none.
#[must_use]
pub fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(without_empty_variables)
}
