//! What is sent: from the command line, a file or standard input.

use crate::failure::{Failure, Outcome};
use clap::Args;
use frontier_config::unreadable;
use std::io::{IsTerminal as _, Read, Write as _};
use std::path::PathBuf;

/// No message is larger, whatever a gateway's `limits.payload_size` lets through.
const MAX_LEN: u64 = 1 << 30;

#[derive(Args, Clone, Debug)]
pub(crate) struct Payload {
    /// What to send; `-` for what standard input has. Nothing unless given.
    data: Option<String>,
    /// Send what is in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    file: Option<PathBuf>,
    /// A header beside it.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) custom: String,
}

impl Payload {
    /// Reads it, on a thread of its own: standard input may be a terminal at which nobody types.
    pub(crate) async fn read(&self) -> Outcome<Vec<u8>> {
        let payload = self.clone();
        let read = tokio::task::spawn_blocking(move || payload.read_blocking()).await;
        read.unwrap_or_else(|error| Err(Failure::usage(format!("the payload can't be read: {error}"))))
    }

    fn read_blocking(&self) -> Outcome<Vec<u8>> {
        match (&self.file, self.data.as_deref()) {
            (Some(path), _) => {
                let wrong = |error: std::io::Error| {
                    Failure::usage(format!("--file: {}: {}", path.display(), unreadable(&error)))
                };
                read(std::fs::File::open(path).map_err(wrong)?)
            }
            (None, Some("-")) => read(std::io::stdin().lock()),
            (None, data) => Ok(data.unwrap_or_default().as_bytes().to_vec()),
        }
    }
}

fn read(from: impl Read) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(MAX_LEN + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("the payload can't be read: {error}")))?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(Failure::usage(format!("the payload is over {MAX_LEN} bytes"))
            .advise("send it as a stream: `frontctl stream`"));
    }
    Ok(bytes)
}

/// Writes an answer as it is; a terminal gets the line break that it may lack.
pub(crate) fn write(bytes: &[u8]) -> Outcome {
    let mut output = std::io::stdout().lock();
    output.write_all(bytes)?;
    if output.is_terminal() && !bytes.ends_with(b"\n") {
        output.write_all(b"\n")?;
    }
    Ok(output.flush()?)
}
