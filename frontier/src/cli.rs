//! The command line: what it may say, which command it starts, and how the process ends.
//!
//! ```text
//!   frontier [--config FILE]          the gateway, until a signal
//!   frontier [--config FILE] --check  whether that would start; with --online, whether its brokers are there too
//!   frontier cert dev, token …        files and tokens to start with
//! ```

mod serve;
#[cfg(test)]
mod tests;

use crate::Config;
use crate::online::Findings;
use clap::{Parser, Subcommand};
use frontier_credentials::command::{CertCommand, TokenCommand};
use frontier_daemon::config_source::{ConfigSource, SourceError};
use frontier_daemon::log_flags::LogFlags;
use frontier_daemon::process::Exit;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// A gateway for long-lived connections: carries messages, calls and streams between services and edges.
#[derive(Debug, Parser)]
#[command(name = "frontier", version, after_help = frontier_config::overrides_help(Config::OVERRIDES))]
struct Cli {
    /// The configuration, YAML. Without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration and exit.
    #[arg(long)]
    check: bool,
    /// With --check: connect to the brokers of the configuration, and look whether they have what it names.
    #[arg(long, requires = "check")]
    online: bool,
    #[command(flatten)]
    log: LogFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make certificates.
    #[command(subcommand)]
    Cert(CertCommand),
    /// Make tokens, and what stands for them in a file.
    #[command(subcommand)]
    Token(TokenCommand),
}

/// Why a command failed: the exit code, and what it says.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    /// Something in the command line, the configuration or the input has to be mended first.
    fn usage(error: impl ToString) -> Self {
        Self { exit: Exit::Usage, text: error.to_string() }
    }

    /// Trying again may help.
    fn start(error: impl ToString) -> Self {
        Self { exit: Exit::StartFailure, text: error.to_string() }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::usage(error)
    }
}

/// Runs the program with these arguments, of which the first is its name. Blocks until it ends.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Fails only if nobody reads it.
            let _ = error.print();
            // Not an error is what was asked for: the help, the version.
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    cli.execute(io::stdin(), &mut io::stdout()).unwrap_or_else(|failure| {
        eprintln!("frontier: {}", failure.text);
        failure.exit
    })
}

impl Cli {
    fn execute(self, input: impl Read, output: &mut impl Write) -> Result<Exit, Failure> {
        let text = match self.command {
            Some(Command::Cert(cert)) => cert.run().map_err(|error| Failure::start(format!("{error:#}")))?,
            Some(Command::Token(token)) => {
                token.run(input).map_err(|error| Failure::usage(format!("{error:#}")))?
            }
            None => {
                for line in self.log.ignored() {
                    eprintln!("frontier: {line}");
                }
                let source = ConfigSource::new(self.config).with_flags(self.log);
                if !self.check {
                    let (config, read_at) = source.load_settled()?;
                    return serve::serve(source, &config, read_at);
                }
                let config = source.load()?;
                let text = check(&config)?;
                if self.online { look(&config, &text)? } else { text }
            }
        };
        // Whoever closes the other end has seen enough.
        let _ = writeln!(output, "{text}");
        Ok(Exit::Ok)
    }
}

/// Whether the brokers are there, behind what was said of the configuration.
fn look(config: &Config, said: &str) -> Result<String, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::start)?;
    let Some(Findings { faults, warnings }) = runtime.block_on(crate::online::look(config)) else {
        return Ok(format!("{said}; it has no brokers to look at"));
    };
    let warnings: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    if faults.is_empty() {
        return Ok(format!("{warnings}{said}; the brokers are there"));
    }
    Err(Failure::start(warnings + &Vec::from_iter(faults).join("\n")))
}

/// What may surprise about a configuration that is valid.
fn check(config: &Config) -> Result<String, Failure> {
    let warnings = config.warnings().map_err(Failure::usage)?;
    let mut text: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    text.push_str("the configuration is valid");
    Ok(text)
}
