//! The daemon as a program.

use crate::config::{Config, Refused};
use crate::plane::PlaneError;
use crate::reload::Live;
use crate::{Node, NodeError};
use frontier_admin::BindError;
use frontier_config::{FixedSettings, Override, Surroundings};
use frontier_daemon::bind_advice;
use frontier_daemon::config_source::Settings;
use frontier_daemon::process::{Exit, ProcessConfig};
use frontier_daemon::program::{self, Daemon};
use frontier_daemon::telemetry::LogConfig;
use std::ffi::OsString;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Runs the daemon with the arguments of a process, the name of the program first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    program::main::<Node>(arguments)
}

impl Settings for Config {
    fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused> {
        Self::load(yaml, surroundings)
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.watched()
    }

    fn watches(&self) -> bool {
        self.watch_files
    }

    fn log(&self) -> &LogConfig {
        &self.log
    }

    fn fixed(&self) -> &FixedSettings {
        &self.fixed
    }
}

impl Daemon for Node {
    const NAME: &'static str = "frontlas";
    const ABOUT: &'static str = "The cluster node: knows which edge and which service is at which frontier";
    const NOUN: &'static str = "the node";
    const OVERRIDES: &'static [Override] = Config::OVERRIDES;
    type Config = Config;
    type Error = NodeError;
    type Live = Live;

    fn process(config: &Config) -> &ProcessConfig {
        &config.daemon
    }

    fn check_files(config: &Config) -> Vec<String> {
        config.check_files()
    }

    fn warnings(config: &Config) -> Vec<String> {
        config.warnings()
    }

    async fn start(config: &Config) -> Result<Self, NodeError> {
        Self::bind(config).await
    }

    fn advice(error: &NodeError) -> String {
        match error {
            NodeError::ControlPlane(BindError { addr, source, .. })
            | NodeError::FrontierPlane(PlaneError { addr, source }) => {
                bind_advice(source.kind(), addr.port())
            }
            NodeError::Access(_) => String::new(),
        }
    }

    fn live(&self) -> Live {
        self.live()
    }

    async fn serve(self, stop: CancellationToken) {
        self.run(stop).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(arguments: &[&str]) -> Exit {
        main([&["frontlas"], arguments].concat().into_iter().map(OsString::from))
    }

    #[test]
    fn exits_say_whose_mistake_it_was() {
        assert_eq!(exit(&["--help"]), Exit::Ok);
        assert_eq!(exit(&["--check"]), Exit::Ok);
        assert_eq!(exit(&["--no-such-option"]), Exit::Usage);
        assert_eq!(exit(&["--config", "/nowhere/frontlas.yaml"]), Exit::Usage);
    }
}
