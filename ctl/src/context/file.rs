//! The file with the contexts: `~/.config/frontctl/config.yaml`, which nobody but its owner may read.
//!
//! ```yaml
//! current: prod
//! contexts:
//!   - name: prod
//!     frontlas: https://atlas.example:40011
//!     token: {file: /home/me/prod.token}
//! ```

use super::{Context, Token};
use crate::failure::{Failure, Outcome};
use crate::output;
use frontier_config::{Section, Shape, Surroundings, unreadable};
use serde::Serialize;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The contexts of a user, and which of them is the current one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ContextFile {
    #[serde(skip)]
    pub(crate) path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    pub(crate) contexts: Vec<NamedContext>,
}

/// A context, and its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct NamedContext {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) context: Context,
}

impl ContextFile {
    /// Reads the file at `path`, or else the one in the user's folder; there may be none.
    pub(crate) fn load(path: Option<&Path>) -> Outcome<Self> {
        let Some(path) = path.map(Path::to_owned).or_else(usual_path) else { return Ok(Self::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { path, ..Self::default() }),
            Err(error) => return Err(Failure::usage(format!("{}: {}", path.display(), unreadable(&error)))),
        };
        if fs::metadata(&path).is_ok_and(|file| file.mode() & 0o077 != 0) {
            let path = path.display();
            output::warn(&format!("{path} may have tokens, and others can read it: chmod 600 {path}"));
        }
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: PathBuf) -> Outcome<Self> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        // Values of the environment would be written out when the file is saved the next time.
        let surroundings = Surroundings { environment: &|_| None, variables: &[], folder: &folder };
        let read = |root: &Section<'_>| {
            let contexts = root.sections("contexts").iter().map(read_context).collect();
            Self { path: PathBuf::new(), current: root.optional("current"), contexts }
        };
        let (file, _) = frontier_config::load_in(text, &surroundings, &[], read)
            .map_err(|mistakes| Failure::usage(mistakes).about(path.display()))?;
        Ok(Self { path, ..file })
    }

    /// The context of this name, or else the current one, or none if there is none.
    pub(crate) fn chosen(&self, name: Option<&str>) -> Outcome<Option<&NamedContext>> {
        match name.or(self.current.as_deref()) {
            None => Ok(None),
            Some(name) => self.find(name).map(Some),
        }
    }

    /// The context of this name.
    pub(crate) fn find(&self, name: &str) -> Outcome<&NamedContext> {
        self.contexts.iter().find(|context| context.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.contexts.iter().map(|context| context.name.as_str()).collect();
            let known = if known.is_empty() { "there is none so far".to_owned() } else { known.join(", ") };
            Failure::usage(format!("there is no context {name:?} in {}", self.path.display()))
                .advise(format!("known: {known}; `frontctl context add` makes one"))
        })
    }

    /// Writes the file, for its owner alone and in one step.
    pub(crate) fn save(&self) -> Outcome {
        if self.path.as_os_str().is_empty() {
            return Err(Failure::usage("neither XDG_CONFIG_HOME nor HOME says where the contexts are")
                .advise("--config names the file"));
        }
        let text = output::yaml(self)?;
        self.write(&text)
            .map_err(|error| Failure::usage(format!("can't write {}: {error}", self.path.display())))
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut new = self.path.clone().into_os_string();
        new.push(format!(".{}.new", std::process::id()));
        let new = PathBuf::from(new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&new, &self.path));
        written.inspect_err(|_| drop(fs::remove_file(&new)))
    }
}

/// Where the file is unless `--config` says so.
fn usual_path() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("frontctl").join("config.yaml"))
}

fn read_context(section: &Section<'_>) -> NamedContext {
    let name: String = section.required("name", "unnamed".to_owned());
    if name.is_empty() {
        section.reject("name", "is empty");
    }
    let context = Context {
        gateway: section.optional("gateway"),
        frontlas: section.optional("frontlas"),
        edgebound: section.optional("edgebound"),
        servicebound: section.optional("servicebound"),
        token: read_token(section, "token"),
        edge_token: read_token(section, "edge_token"),
        service_token: read_token(section, "service_token"),
        ca: section.list("ca", Vec::new()),
        server_name: section.optional("server_name"),
        cert: section.optional("cert"),
        key: section.optional("key"),
    };
    NamedContext { name, context }
}

fn read_token(section: &Section<'_>, key: &'static str) -> Option<Token> {
    match section.shape(key)? {
        Shape::Section => section.section(key).optional("file").map(Token::File),
        _ => section.optional(key).map(Token::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const TEXT: &str = "
current: prod
contexts:
  - {name: here, edgebound: 'tcp://127.0.0.1:30012'}
  - name: prod
    frontlas: https://atlas.example:40011
    token: {file: prod.token}
    service_token: secret
    ca: [ca.pem]
";

    #[test]
    fn what_is_saved_is_read_again_and_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder/config.yaml");
        let file = ContextFile::parse(TEXT, path.clone()).unwrap();
        let prod = &file.chosen(None).unwrap().unwrap().context;
        assert_eq!(prod.token, Some(Token::File(dir.path().join("new/folder/prod.token"))));
        file.save().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(ContextFile::load(Some(&path)).unwrap(), file);
        file.save().unwrap();
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let text = "contexts:\n  - {name: a, gatway: x}\n  - {frontlas: y}\n";
        let failure = ContextFile::parse(text, "c.yaml".into()).unwrap_err().to_string();
        for part in
            ["c.yaml: 2 mistakes", "line 2, column 15: contexts[0].gatway", "contexts[1].name: is required"]
        {
            assert!(failure.contains(part), "{part} is not in {failure}");
        }
    }

    #[test]
    fn a_context_that_is_not_there_is_told_with_those_that_are() {
        let file = ContextFile::parse(TEXT, "c.yaml".into()).unwrap();
        let failure = file.chosen(Some("pord")).unwrap_err().to_string();
        assert!(failure.contains("known: here, prod"), "{failure}");
        assert_eq!(ContextFile::default().chosen(None).unwrap(), None);
    }
}
