//! What a program says and exits with; serving itself is tested with the daemons, as processes.

use super::*;
use crate::config_source::{Refused, SourceError};
use crate::reload::Reload;
use crate::telemetry::LogConfig;
use frontier_config::{FixedSettings, Section, Surroundings, load_in};
use std::io::Write;

struct Nothing;

struct Config {
    log: LogConfig,
    process: ProcessConfig,
    fixed: FixedSettings,
}

#[derive(Debug, thiserror::Error)]
#[error("it never starts")]
struct Never;

impl Settings for Config {
    fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused> {
        let read = |root: &Section<'_>| {
            (LogConfig::read(&root.section("log")), ProcessConfig::read(&root.section("daemon")))
        };
        let loaded = load_in(yaml, surroundings, Nothing::OVERRIDES, read);
        let ((log, process), fixed) = loaded.map_err(|errors| Refused { errors, files: Vec::new() })?;
        Ok(Self { log, process, fixed })
    }

    fn watched(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn watches(&self) -> bool {
        true
    }

    fn log(&self) -> &LogConfig {
        &self.log
    }

    fn fixed(&self) -> &FixedSettings {
        &self.fixed
    }
}

impl Live for Nothing {
    type Config = Config;
    type Outcome = ();

    fn reload(&self, _: &Config) -> Result<(), Vec<String>> {
        Ok(())
    }

    fn reloaded(&self, _: &Reload, _: &Config, (): ()) {}
}

impl Daemon for Nothing {
    const NAME: &'static str = "nothing";
    const ABOUT: &'static str = "A daemon that does not start";
    const NOUN: &'static str = "the nothing";
    const OVERRIDES: &'static [Override] = &[
        Override::new("NOTHING_THREADS", "daemon.threads"),
        Override::new("NOTHING_LOG_LEVEL", "log.level"),
    ];
    type Config = Config;
    type Error = Never;
    type Live = Self;

    fn process(config: &Config) -> &ProcessConfig {
        &config.process
    }

    fn check_files(config: &Config) -> Vec<String> {
        // As if a file that the configuration names were of no use.
        (config.process.threads == 7).then(|| "seven.pem: is of no use".to_owned()).into_iter().collect()
    }

    fn warnings(_: &Config) -> Vec<String> {
        Vec::new()
    }

    async fn start(_: &Config) -> Result<Self, Never> {
        Err(Never)
    }

    fn advice(_: &Self::Error) -> String {
        String::new()
    }

    fn live(&self) -> Self {
        Self
    }

    async fn serve(self, _: CancellationToken) {}
}

fn parse(arguments: &[&str]) -> Options {
    let arguments = [&["nothing"], arguments].concat().into_iter().map(OsString::from);
    Options::parse::<Nothing>(arguments).unwrap()
}

fn exit(arguments: &[&str]) -> Exit {
    main::<Nothing>([&["nothing"], arguments].concat().into_iter().map(OsString::from))
}

fn load(
    options: &Options,
    environment: &dyn Fn(&str) -> Option<String>,
    variables: &[&str],
) -> Result<Config, SourceError> {
    let source = ConfigSource::new(options.config.clone()).with_flags(options.log.clone());
    let variables: Vec<String> = variables.iter().map(|name| (*name).to_owned()).collect();
    source.load_in(environment, &variables)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_environment_overrides_the_file_and_mistakes_name_it() {
    let mut file = file("daemon: {threads: 3, grace: 1s}");
    let options = parse(&["--config", file.path().to_str().unwrap()]);
    let variables = |name: &str| (name == "NOTHING_THREADS").then(|| "5".to_owned());
    let threads = |options: &Options, environment: &dyn Fn(&str) -> Option<String>| {
        load(options, environment, &[]).map(|it| it.process.threads)
    };
    assert_eq!(threads(&options, &|_| None).unwrap(), 3);
    assert_eq!(threads(&options, &variables).unwrap(), 5);
    assert_eq!(threads(&parse(&[]), &variables).unwrap(), 5);
    file.write_all(b"\nmistake: 1\nother: 2").unwrap();
    let error = threads(&options, &|_| None).unwrap_err();
    let path = file.path().to_str().unwrap();
    assert!(error.to_string().starts_with(path) && error.to_string().contains("mistake"), "{error}");
    // In the log each mistake is a line of its own.
    let lines = error.lines();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with(path)), "{lines:?}");
}

#[test]
fn a_misspelt_variable_is_refused() {
    let error = load(&parse(&[]), &|_| None, &["NOTHING_THREAD", "NOTHING_PORT"]).map(|_| ());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("NOTHING_THREAD: is not known; did you mean NOTHING_THREADS?"), "{error}");
    assert!(error.starts_with("1 mistake"), "{error}");
}

#[test]
fn options_about_the_log_outrank_the_environment() {
    let variables = |name: &str| (name == "NOTHING_LOG_LEVEL").then(|| "warn".to_owned());
    let level = |arguments: &[&str]| load(&parse(arguments), &variables, &[]).unwrap().log.level;
    assert_ne!(level(&["--loglevel", "debug"]), level(&[]));
    assert_eq!(level(&["--loglevel", "warn"]), level(&[]));
}

#[tokio::test]
async fn a_failure_while_draining_is_no_success() {
    assert_eq!(drained::<Nothing>(&Ok(())), Exit::Ok);
    let failed = tokio::spawn(async { panic!("a part of it fails") });
    assert_eq!(drained::<Nothing>(&failed.await), Exit::StartFailure);
}

#[test]
fn exits_say_whose_mistake_it_was() {
    assert_eq!(exit(&["--help"]), Exit::Ok);
    assert_eq!(exit(&["--version"]), Exit::Ok);
    assert_eq!(exit(&["--check"]), Exit::Ok);
    assert_eq!(exit(&["--no-such-option"]), Exit::Usage);
    assert_eq!(exit(&["--config", "/nowhere/nothing.yaml"]), Exit::Usage);
    let useless = file("daemon: {threads: 7}");
    assert_eq!(exit(&["--check", "--config", useless.path().to_str().unwrap()]), Exit::Usage);
    assert_eq!(exit(&[]), Exit::StartFailure);
}

#[test]
fn help_begins_with_what_it_is() {
    let help = Options::parse::<Nothing>(["nothing".into(), "--help".into()]).unwrap_err().to_string();
    assert!(help.starts_with(Nothing::ABOUT), "{help}");
}
