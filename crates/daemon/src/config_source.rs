//! Where the configuration is read from.

use crate::log_flags::LogFlags;
use crate::reload::read_settled;
use crate::telemetry::LogConfig;
use frontier_config::{ConfigErrors, Environment, FixedSettings, Surroundings, unreadable};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fmt, io};

/// What a daemon is configured with.
pub trait Settings: Sized {
    /// Reads YAML and the files that it names. Blocks while it does.
    ///
    /// # Errors
    /// [`Refused`] with every mistake in it, in the names of variables, and in the files.
    fn load(yaml: &str, surroundings: &Surroundings<'_>) -> Result<Self, Refused>;

    /// The files that it names, if they are to be watched.
    fn watched(&self) -> Vec<PathBuf>;

    /// Whether its own file is to be watched.
    fn watches(&self) -> bool;

    /// What is logged, and how.
    fn log(&self) -> &LogConfig;

    /// What takes a restart to change.
    fn fixed(&self) -> &FixedSettings;
}

/// A configuration that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Every mistake.
    pub errors: ConfigErrors,
    /// The files that it names: once they are mended it may do.
    pub files: Vec<PathBuf>,
}

/// Where the configuration comes from: a file and the process's environment, or that alone.
#[derive(Clone, Debug)]
pub struct ConfigSource {
    path: Option<PathBuf>,
    flags: LogFlags,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum SourceError {
    /// The file can't be read.
    Unreadable(PathBuf, io::Error),
    /// There are mistakes in it, or in the environment.
    Wrong(Option<PathBuf>, Refused),
}

impl ConfigSource {
    /// From the file at `path`, if one is given.
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, flags: LogFlags::default() }
    }

    /// With what the command line says in place of variables.
    #[must_use]
    pub fn with_flags(self, flags: LogFlags) -> Self {
        Self { flags, ..self }
    }

    /// Reads it, and the files that it names, in the process's environment. Blocks while it does.
    ///
    /// # Errors
    /// [`SourceError`] with everything that is wrong.
    pub fn load<C: Settings>(&self) -> Result<C, SourceError> {
        let variables: Vec<String> =
            std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        self.load_in(&|name| std::env::var(name).ok(), &variables)
    }

    /// As [`load`](Self::load), in this environment; `variables` are the names of all that there are.
    ///
    /// # Errors
    /// As there.
    pub fn load_in<C: Settings>(
        &self,
        environment: Environment<'_>,
        variables: &[String],
    ) -> Result<C, SourceError> {
        let yaml = match &self.path {
            None => String::new(),
            Some(path) => {
                std::fs::read_to_string(path).map_err(|error| SourceError::Unreadable(path.clone(), error))?
            }
        };
        let surroundings = Surroundings {
            environment: &|name| self.flags.variable(name).or_else(|| environment(name)),
            variables,
            folder: self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")),
        };
        C::load(&yaml, &surroundings).map_err(|Refused { errors, files }| {
            let errors = errors.said_by(|name| self.flags.option(name));
            SourceError::Wrong(self.path.clone(), Refused { errors, files })
        })
    }

    /// As [`load`](Self::load), for a start: [`read_settled`]. Gives also a time before it was read.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_settled<C: Settings>(&self) -> Result<(C, SystemTime), SourceError> {
        read_settled(|| self.load(), |config| self.watched(config))
    }

    /// The files to watch: the configuration's own, and those that it names. None where it says so.
    pub(crate) fn watched<C: Settings>(&self, config: &C) -> Vec<PathBuf> {
        let own = self.path.iter().filter(|_| config.watches());
        own.cloned().chain(config.watched()).collect()
    }
}

impl SourceError {
    /// Files that are named, of which some may be wrong.
    pub(crate) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Unreadable(..) => &[],
            Self::Wrong(_, refused) => &refused.files,
        }
    }

    /// One line for each mistake.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Unreadable(..) => vec![self.to_string()],
            Self::Wrong(path, Refused { errors, .. }) => {
                let file = path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
                errors.mistakes().iter().map(|mistake| format!("{file}{mistake}")).collect()
            }
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{}: {}", path.display(), unreadable(error)),
            Self::Wrong(Some(path), refused) => write!(f, "{}: {}", path.display(), refused.errors),
            Self::Wrong(None, refused) => refused.errors.fmt(f),
        }
    }
}

impl std::error::Error for SourceError {}
