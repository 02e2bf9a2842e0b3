//! The subcommands, for every program that has them.

use crate::{cert, token};
use anyhow::Result;
use clap::Subcommand;
use std::io::Read;

/// What can be done with certificates.
#[derive(Clone, Debug, Subcommand)]
pub enum CertCommand {
    /// Make an authority, a server's certificate and a client's for development, each with its key.
    Dev(cert::Options),
}

/// What can be done with tokens.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a random token, and its hash.
    New,
    /// Read a token from standard input, and print its hash.
    Hash,
}

impl CertCommand {
    /// Does it, and returns what to print.
    ///
    /// # Errors
    /// Those of [`cert::run`].
    pub fn run(&self) -> Result<String> {
        let Self::Dev(options) = self;
        let written = cert::run(options)?;
        if written.is_empty() {
            return Ok("all of it is there already".into());
        }
        let paths: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        Ok(paths.join("\n"))
    }
}

impl TokenCommand {
    /// Does it, and returns what to print. `input` is standard input.
    ///
    /// # Errors
    /// Those of [`token::hash`].
    pub fn run(self, input: impl Read) -> Result<String> {
        match self {
            Self::New => Ok(token::new()),
            Self::Hash => token::hash(input),
        }
    }
}
