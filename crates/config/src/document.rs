//! A parsed file together with what was asked of it so far.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use super::fixed::{AskedKeys, Change, FixedSettings};
use super::mistake::{ConfigErrors, Mistake, nearest, quoted};
use super::section::Section;
use super::tree::{Content, Node};
use super::yaml;

/// Looks up an environment variable by name.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A parsed file. Components read it through [`Document::root`]; [`Document::finish`] gives the verdict.
///
/// ```
/// use frontier_config::Document;
///
/// let document = Document::parse("workers: 4\nworkrs: 5\n", &|_| None)?;
/// let workers: u16 = document.root().get("workers", 1);
/// assert_eq!(workers, 4);
/// assert_eq!(
///     document.finish().unwrap_err().to_string(),
///     "1 mistake in the configuration:\n  line 2, column 1: workrs: unknown key, did you mean `workers`?",
/// );
/// # Ok::<(), frontier_config::ConfigErrors>(())
/// ```
pub struct Document<'e> {
    pub(crate) root: Node,
    environment: Environment<'e>,
    /// Where relative paths start.
    folder: PathBuf,
    notes: RefCell<Notes>,
}

/// Written while sections are read, which is why [`Section`] methods take `&self`.
#[derive(Default)]
struct Notes {
    mistakes: Vec<Mistake>,
    asked: AskedKeys,
    fixed: FixedSettings,
    /// The environment variables that values were taken from.
    variables: BTreeSet<String>,
    /// The paths of values that are of no use: what their components have in hand is a default or a stand-in.
    unread: BTreeSet<String>,
    /// What is no mistake and may surprise, in lines.
    hints: Vec<String>,
}

impl<'e> Document<'e> {
    /// Parses YAML text. An empty text is an empty document: everything has its default.
    ///
    /// # Errors
    /// The first syntax error, with line and column. Duplicate keys are left for [`Document::finish`], so
    /// that they are reported together with everything else.
    pub fn parse(text: &str, environment: Environment<'e>) -> Result<Self, ConfigErrors> {
        let (root, mistakes) = yaml::parse(text)?;
        let notes = RefCell::new(Notes { mistakes, ..Notes::default() });
        Ok(Self { root, environment, folder: PathBuf::new(), notes })
    }

    /// The same, where relative paths start at `folder` and not at the working directory.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    /// The section of the top-level keys.
    #[must_use]
    pub fn root(&self) -> Section<'_> {
        Section::root(self)
    }

    /// The sections of a file that is one list instead of keys; none for an empty file.
    #[must_use]
    pub fn sections(&self) -> Vec<Section<'_>> {
        Section::root_list(self)
    }

    /// The settings that take a restart, once all components have read their sections.
    #[must_use]
    pub fn fixed(&self) -> FixedSettings {
        let notes = self.notes.borrow();
        let keys = notes
            .asked
            .iter()
            .flat_map(|(path, keys)| keys.iter().map(move |(key, change)| (key_path(path, key), change)));
        notes.fixed.clone().with_keys(keys)
    }

    /// The verdict, once all components have read their sections.
    ///
    /// # Errors
    /// Every mistake, including each key that nobody asked for.
    pub fn finish(self) -> Result<(), ConfigErrors> {
        let Notes { mut mistakes, asked, .. } = self.notes.into_inner();
        find_unknown(&self.root, "", &asked, &mut mistakes);
        ConfigErrors::check(mistakes)
    }

    pub(crate) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    /// An environment variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.notes.borrow_mut().variables.insert(name.to_owned());
        (self.environment)(name).filter(|text| !text.is_empty())
    }

    /// Whether a value was taken from this variable.
    pub(crate) fn has_asked_for(&self, variable: &str) -> bool {
        self.notes.borrow().variables.contains(variable)
    }

    pub(crate) fn report(&self, mistake: Mistake) {
        self.notes.borrow_mut().mistakes.push(mistake);
    }

    /// As [`report`](Self::report), of a value in whose place something else is used from here on.
    pub(crate) fn report_unread(&self, mistake: Mistake) {
        let mut notes = self.notes.borrow_mut();
        notes.unread.insert(mistake.path().to_owned());
        notes.mistakes.push(mistake);
    }

    /// The value at `path` is of no use, for what was reported of all that is in it.
    pub(crate) fn note_unread(&self, path: String) {
        self.notes.borrow_mut().unread.insert(path);
    }

    /// Whether the value at `path`, or one that it is in, is of no use, which has been reported.
    pub(crate) fn is_unread(&self, path: &str) -> bool {
        let unread = &self.notes.borrow().unread;
        let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
        !unread.is_empty() && ends.into_iter().any(|end| unread.contains(&path[..end]))
    }

    pub(crate) fn hint(&self, line: String) {
        let hints = &mut self.notes.borrow_mut().hints;
        if !hints.contains(&line) {
            hints.push(line);
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        self.notes.borrow().hints.clone()
    }

    /// Notes that the section at `path` exists for its component, even if it never asks for a key.
    pub(crate) fn opened(&self, path: &str) {
        self.notes.borrow_mut().asked.entry(path.to_owned()).or_default();
    }

    pub(crate) fn asked(&self, path: &str, key: &'static str, change: Change) {
        let mut notes = self.notes.borrow_mut();
        let known = notes.asked.entry(path.to_owned()).or_default().entry(key).or_insert(change);
        *known = change.max(*known);
    }

    /// Notes the value of a setting that takes a restart.
    pub(crate) fn record(&self, name: &str, value: &dyn Debug) {
        self.notes.borrow_mut().fixed.record(name, value);
    }
}

/// Only goes below sections that were opened: what lies under an unknown key is not reported again key by
/// key.
fn find_unknown(node: &Node, path: &str, asked: &AskedKeys, mistakes: &mut Vec<Mistake>) {
    match &node.content {
        Content::Null | Content::Scalar(_) => {}
        Content::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                find_unknown(node, &element_path(path, index), asked, mistakes);
            }
        }
        Content::Map(entries) => {
            let Some(known) = asked.get(path) else { return };
            for entry in entries {
                let entry_path = key_path(path, &entry.key);
                if known.contains_key(entry.key.as_str()) {
                    find_unknown(&entry.node, &entry_path, asked, mistakes);
                } else {
                    let message = unknown_key(&entry.key, known);
                    mistakes.push(Mistake::new(
                        entry.key_place.clone(),
                        entry_path.escape_debug().to_string(),
                        message,
                    ));
                }
            }
        }
    }
}

fn unknown_key(key: &str, known: &BTreeMap<&'static str, Change>) -> String {
    match nearest(key, known.keys().copied()) {
        Some(near) => format!("unknown key, did you mean {}?", quoted(near)),
        None if known.is_empty() => "unknown key; this section has none".to_owned(),
        None => format!("unknown key; known here: {}", Vec::from_iter(known.keys().copied()).join(", ")),
    }
}

pub(crate) fn key_path(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

pub(crate) fn element_path(list: &str, index: usize) -> String {
    format!("{list}[{index}]")
}
