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
