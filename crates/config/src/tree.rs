//! The value tree: what the YAML text says, before anyone gives it a type.

use super::mistake::Place;

/// One value and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// Scalars stay text until a component asks for a type, so `1.10` read as text is still `1.10`.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value` of a map, in file order. Keys are unique: the parser keeps the first and reports the
/// others.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

impl Node {
    /// What this is, in the words of the error messages; never the content, which may be secret.
    pub(crate) fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Scalar(_) => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a section",
        }
    }

    /// The map's entry for `key`; `None` when there is none or this is not a map.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value at a dotted path, if there is one.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| node.entry(key).map(|entry| &entry.node))
    }

    /// Whether a scalar here, or in what is below, has a `${NAME}` or `$(NAME)` that a shell, Compose or
    /// Kubernetes should have replaced.
    pub(crate) fn has_placeholder(&self) -> bool {
        match &self.content {
            Content::Null => false,
            Content::Scalar(text) => has_placeholder(text),
            Content::List(nodes) => nodes.iter().any(Self::has_placeholder),
            Content::Map(entries) => entries.iter().any(|entry| entry.node.has_placeholder()),
        }
    }

    /// Where the value at `path`, such as `listeners[1].auth`, was written, or the last that is there on the way to it.
    pub(crate) fn place_of(&self, path: &str) -> &Place {
        &self.find(path).0.place
    }

    /// Whether there is a value at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let (node, is_whole) = self.find(path);
        is_whole && !matches!(node.content, Content::Null)
    }

    /// What is at `path`, or the last that is there on the way to it, and whether it is the whole way.
    fn find(&self, path: &str) -> (&Self, bool) {
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match &node.content {
                Content::Map(_) => node.entry(step).map(|entry| &entry.node),
                Content::List(nodes) => {
                    step.strip_suffix(']').and_then(|index| nodes.get(index.parse::<usize>().ok()?))
                }
                Content::Null | Content::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => return (node, false),
            }
        }
        (node, true)
    }

    /// Puts a scalar at a dotted path, adding the maps on the way.
    ///
    /// Gives back the path of the value that is in the way when a key on the way holds something else than a
    /// map.
    pub(crate) fn put(&mut self, path: &str, place: &Place, text: &str) -> Result<(), String> {
        let mut node = self;
        let mut walked = 0;
        for key in path.split('.') {
            if matches!(node.content, Content::Null) {
                node.content = Content::Map(Vec::new());
            }
            let Content::Map(entries) = &mut node.content else {
                return Err(path[..walked].trim_end_matches('.').to_owned());
            };
            let index = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
                let node = Self { place: place.clone(), content: Content::Null };
                entries.push(Entry { key: key.to_owned(), key_place: place.clone(), node });
                entries.len() - 1
            });
            node = &mut entries[index].node;
            walked += key.len() + 1;
        }
        *node = Self { place: place.clone(), content: Content::Scalar(text.to_owned()) };
        Ok(())
    }
}

fn has_placeholder(text: &str) -> bool {
    let name = |rest: &str, close| {
        let end = rest.find(|found: char| found != '_' && !found.is_ascii_alphanumeric());
        end.is_some_and(|end| end > 0 && rest[end..].starts_with(close))
    };
    text.split('$').skip(1).any(|rest| {
        rest.strip_prefix('{').is_some_and(|rest| name(rest, '}'))
            || rest.strip_prefix('(').is_some_and(|rest| name(rest, ')'))
    })
}
