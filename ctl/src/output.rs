//! What commands print: tables for people, JSON and YAML for programs.

mod table;

pub(crate) use table::Table;

use crate::failure::{Failure, Outcome};
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned, cut to the width of a terminal
    Table,
    /// For programs: one document, or one in a line where more may follow
    Json,
    /// The same as YAML; documents that may be followed by more begin with ---
    Yaml,
}

/// Prints results to standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    pub(crate) format: Format,
}

impl Printer {
    /// Whether people are to read it.
    pub(crate) fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// One thing.
    pub(crate) fn one(&self, table: &Table, document: &impl Serialize) -> Outcome {
        match self.format {
            Format::Table => write(&table.render(terminal_width())),
            Format::Json => write(&pretty(document)?),
            Format::Yaml => write(&yaml(document)?),
        }
    }

    /// Everything that there is of a kind.
    pub(crate) fn list(&self, table: &Table, documents: &[impl Serialize]) -> Outcome {
        self.one(table, &documents)
    }

    /// One of those that come one after the other. `line` makes what people see.
    pub(crate) fn item(&self, line: impl FnOnce() -> String, document: &impl Serialize) -> Outcome {
        match self.format {
            Format::Table => write(&format!("{}\n", line())),
            Format::Json => write(&format!("{}\n", serde_json::to_string(document).map_err(unprintable)?)),
            Format::Yaml => write(&format!("---\n{}", yaml(document)?)),
        }
    }
}

/// A document as YAML.
pub(crate) fn yaml(document: &impl Serialize) -> Outcome<String> {
    serde_saphyr::to_string(document).map_err(unprintable)
}

fn pretty(document: &impl Serialize) -> Outcome<String> {
    serde_json::to_string_pretty(document).map(|text| text + "\n").map_err(unprintable)
}

fn unprintable(error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("the result can't be printed: {error}"))
}

/// Prints text as it is.
pub(crate) fn write(text: &str) -> Outcome {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

/// Says on standard error what went on well enough, but should be looked at.
pub(crate) fn warn(text: &str) {
    // Fails only if nobody reads it.
    let _ = writeln!(io::stderr(), "frontctl: warning: {text}");
}

/// Says on standard error how something goes on, which is no result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| columns.into()).filter(|columns| *columns > 0)
}
