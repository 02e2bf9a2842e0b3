//! Variables of the environment that stand for options.

use clap::builder::Resettable;
use clap::error::{ContextKind, Error};
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use std::env;
use std::ffi::OsString;

/// Reads a command line. A variable that is set to nothing is as one that is not set.
///
/// # Errors
/// As the parser has it. The usage in it has what was said and what is missing, and nothing that is there by a variable: it would
/// look as if that had to be said as well.
pub fn parse<T: CommandFactory + FromArgMatches>(arguments: &[OsString]) -> Result<T, Error> {
    let parsed = without_empty_variables(T::command()).try_get_matches_from(arguments);
    let parsed = parsed.and_then(|found| T::from_arg_matches(&found));
    parsed.map_err(|error| {
        let bare = without_variables(T::command()).try_get_matches_from(arguments).err();
        // Without them something else may be missing.
        let is_same = |bare: &Error| {
            bare.kind() == error.kind()
                && bare.get(ContextKind::InvalidArg) == error.get(ContextKind::InvalidArg)
        };
        bare.filter(is_same).unwrap_or(error)
    })
}

fn without_variables(command: Command) -> Command {
    command.mut_args(|arg| arg.env(Resettable::Reset)).mut_subcommands(without_variables)
}

/// The same command, for which a variable that is set to nothing is as one that is not set: a script says so that it has none.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(without_empty_variables)
}
