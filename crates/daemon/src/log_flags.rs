//! Options of the command line that replace keys of `log`, as the Go original has them; and those of it that do nothing here.

use clap::Args;
use std::path::PathBuf;

/// What they say. They stand for the variables that replace the same keys, and outrank them.
#[derive(Args, Clone, Debug, Default)]
pub struct LogFlags {
    /// Replaces `log.level`.
    #[arg(long = "loglevel", value_name = "LEVEL")]
    level: Option<String>,
    /// Replaces `log.output`.
    #[arg(long = "log-output", value_name = "OUTPUT")]
    output: Option<String>,
    /// Replaces `log.format`.
    #[arg(long = "log-format", value_name = "FORMAT")]
    format: Option<String>,
    #[arg(long = "log-file", value_name = "FILE", hide = true)]
    file: Option<PathBuf>,
    #[arg(
        long = "daemon-rlimit-nofile",
        value_name = "FILES",
        hide = true,
        num_args = 0..=1,
        default_missing_value = "-1",
        allow_negative_numbers = true
    )]
    open_files: Option<i64>,
}

impl LogFlags {
    /// What was said in place of a variable, such as `FRONTIER_LOG_LEVEL`.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let (_, key) = name.split_once("_LOG_")?;
        match key {
            "LEVEL" => self.level.clone(),
            "OUTPUT" => self.output.clone(),
            "FORMAT" => self.format.clone(),
            _ => None,
        }
    }

    /// The option that was given in place of a variable.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&'static str> {
        self.variable(name)?;
        match name.split_once("_LOG_")?.1 {
            "LEVEL" => Some("--loglevel"),
            "OUTPUT" => Some("--log-output"),
            _ => Some("--log-format"),
        }
    }

    /// A line for each option that does nothing.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        let file = self.file.as_ref().map(|_| "--log-file is not used: the log goes to stdout or stderr");
        let files = self
            .open_files
            .map(|_| "--daemon-rlimit-nofile is not used: as many files are open as the hard limit lets it");
        [file, files].into_iter().flatten().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        log: LogFlags,
    }

    #[test]
    fn options_stand_for_variables_and_those_without_a_use_are_told() {
        let flags = |arguments: &[&str]| {
            let arguments = ["daemon"].iter().chain(arguments);
            Cli::try_parse_from(arguments).map(|cli| cli.log).map_err(|error| error.to_string())
        };
        let said = flags(&["--loglevel", "debug", "--log-output=stderr", "--log-format", "json"]).unwrap();
        let said =
            ["FRONTIER_LOG_LEVEL", "FRONTIER_LOG_OUTPUT", "FRONTLAS_LOG_FORMAT", "FRONTIER_ID", "LOG_LEVEL"]
                .map(|name| said.variable(name));
        let expected = [Some("debug"), Some("stderr"), Some("json"), None, None];
        assert_eq!(said.each_ref().map(Option::as_deref), expected);
        let flags_of_log = flags(&["--log-output=file", "--log-format", "xml"]).unwrap();
        let options = ["FRONTIER_LOG_LEVEL", "FRONTIER_LOG_OUTPUT", "FRONTLAS_LOG_FORMAT", "FRONTIER_ID"];
        let expected = [None, Some("--log-output"), Some("--log-format"), None];
        assert_eq!(options.map(|name| flags_of_log.option(name)), expected);
        let files = "--daemon-rlimit-nofile";
        // The original takes no second word for its value, but lets one stand there.
        for said in [&[files][..], &[&format!("{files}=102400")], &[files, "5"], &[files, "-1"]] {
            assert_eq!(flags(said).unwrap().ignored().len(), 1, "{said:?}");
        }
        let said = flags(&[files, "--loglevel", "warn"]).unwrap();
        assert_eq!(said.variable("FRONTIER_LOG_LEVEL").as_deref(), Some("warn"));
        let ignored = flags(&["--log-file", "/l", "--daemon-rlimit-nofile=-1"]).unwrap().ignored();
        assert!(ignored[0].starts_with("--log-file is not used") && ignored.len() == 2, "{ignored:?}");
        assert!(flags(&["--loglevel"]).is_err());
    }
}
