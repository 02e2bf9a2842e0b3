//! YAML text to a tree.
//!
//! Built on parser events rather than on a deserializer, because only here are line numbers, duplicate keys
//! and the exact text of scalars all still known. Aliases are followed; merge keys (`<<`) and custom tags are
//! not part of the format.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::mistake::{Mistake, Place, quoted};
use super::tree::{Content, Entry, Node};

/// Aliases of aliases grow exponentially, so the size after expansion is what is bounded. Far above any real
/// file.
const MAX_NODES: usize = 100_000;

/// The tree, and the mistakes that do not keep it from being read (duplicate keys, keys that are not text).
///
/// Fails with the first syntax error: after it the structure is a guess, and further reports would be noise.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<Mistake>), Mistake> {
    let mut builder = Builder {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        mistakes: Vec::new(),
    };
    let mut root = None;
    while let Some((event, span)) = builder.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            _ if root.is_some() => {
                return Err(Mistake::new(
                    place(span),
                    "",
                    "a second document starts here, but one file holds one document",
                ));
            }
            event => root = Some(builder.node(event, span)?),
        }
    }
    let empty = Node { place: Place::Document, content: Content::Null };
    Ok((root.unwrap_or(empty), builder.mistakes))
}

/// Recursion follows the nesting of the text, which the parser itself limits (255 block and 255 flow levels).
struct Builder<'t> {
    events: Parser<'t, StrInput<'t>>,
    /// Anchored nodes with their size in nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    mistakes: Vec<Mistake>,
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Mistake> {
        self.events.next().transpose().map_err(|error| syntax_error(&error))
    }

    /// Builds the node that starts with `event`, reading on to its end.
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, Mistake> {
        let place = place(span);
        let before = self.nodes;
        self.grow(1, &place)?;
        let (content, anchor, tag) = match event {
            Event::Alias(anchor) => return self.alias(anchor, place),
            Event::Scalar(text, style, anchor, tag) => {
                let null = style == ScalarStyle::Plain && tag.is_none() && is_null(&text);
                let content = if null { Content::Null } else { Content::Scalar(text.into_owned()) };
                (content, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => (Content::List(self.list()?), anchor, tag),
            Event::MappingStart(_, anchor, tag) => (Content::Map(self.map()?), anchor, tag),
            _ => return Err(Mistake::new(place, "", "expected a value here")),
        };
        if tag.is_some_and(|tag| Tag::is_custom(&tag)) {
            self.mistakes.push(Mistake::new(place.clone(), "", "custom tags (`!name`) are not supported"));
        }
        let node = Node { place, content };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn list(&mut self) -> Result<Vec<Node>, Mistake> {
        let mut nodes = Vec::new();
        loop {
            match self.next()? {
                None | Some((Event::SequenceEnd, _)) => return Ok(nodes),
                Some((event, span)) => nodes.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self) -> Result<Vec<Entry>, Mistake> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let key = match self.next()? {
                None | Some((Event::MappingEnd, _)) => return Ok(entries),
                Some((event, span)) => self.node(event, span)?,
            };
            let Some((event, span)) = self.next()? else { return Ok(entries) };
            let node = self.node(event, span)?;
            let Content::Scalar(name) = key.content else {
                self.mistakes.push(Mistake::new(key.place, "", "a key must be text"));
                continue;
            };
            match entries.iter().find(|entry| entry.key == name) {
                Some(first) => {
                    let message = format!("key {} is already given at {}", quoted(&name), first.key_place);
                    self.mistakes.push(Mistake::new(key.place, "", message));
                }
                None => entries.push(Entry { key: name, key_place: key.place, node }),
            }
        }
    }

    /// A copy of the anchored node; mistakes inside it are reported where it was written.
    fn alias(&mut self, anchor: usize, place: Place) -> Result<Node, Mistake> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Mistake::new(place, "", "an alias may not stand inside the value that it names"));
        };
        let (node, size) = (node.clone(), *size);
        self.grow(size, &place)?;
        Ok(node)
    }

    fn grow(&mut self, nodes: usize, place: &Place) -> Result<(), Mistake> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Mistake::new(
                place.clone(),
                "",
                format!("more than {MAX_NODES} values, counting aliases"),
            ));
        }
        Ok(())
    }
}

fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

fn place(span: Span) -> Place {
    Place::Line { line: span.start.line(), column: span.start.col() + 1 }
}

fn syntax_error(error: &ScanError) -> Mistake {
    let place = Place::Line { line: error.marker().line(), column: error.marker().col() + 1 };
    Mistake::new(place, "", error.info())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        match parse(text) {
            Ok((_, mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
            Err(mistake) => vec![mistake.to_string()],
        }
    }

    #[test]
    fn a_syntax_error_names_line_and_column() {
        assert_eq!(
            mistakes("a: 1\nb: c: d\n"),
            ["line 2, column 5: mapping values are not allowed in this context"]
        );
        assert!(mistakes("a: [1, 2\n")[0].starts_with("line "));
    }

    #[test]
    fn duplicate_keys_are_all_reported_and_the_first_one_stands() {
        let text = "a: 1\na: 2\nb:\n  c: 1\n  c: 2\n";
        assert_eq!(
            mistakes(text),
            [
                "line 2, column 1: key `a` is already given at line 1, column 1",
                "line 5, column 3: key `c` is already given at line 4, column 3"
            ]
        );
        let (root, _) = parse(text).unwrap();
        assert!(matches!(&root.entry("a").unwrap().node.content, Content::Scalar(text) if text == "1"));
    }

    #[test]
    fn what_is_not_part_of_the_format_is_refused() {
        assert_eq!(mistakes("a: !mine 1\n"), ["line 1, column 10: custom tags (`!name`) are not supported"]);
        assert_eq!(mistakes("[a]: 1\n"), ["line 1, column 1: a key must be text"]);
        assert!(mistakes("a: 1\n---\nb: 2\n")[0].contains("second document"));
        assert!(mistakes("a: *nowhere\n")[0].starts_with("line 1, column 4"));
        assert!(mistakes("a: &x [*x]\n")[0].contains("alias"));
    }

    #[test]
    fn only_plain_nulls_are_null() {
        for text in ["", "# only a comment\n", "---\n", "null\n", "~\n"] {
            assert!(matches!(parse(text).unwrap().0.content, Content::Null), "{text:?}");
        }
        for text in ["''\n", "\"null\"\n", "!!str null\n"] {
            assert!(matches!(parse(text).unwrap().0.content, Content::Scalar(_)), "{text:?}");
        }
    }

    #[test]
    fn windows_files_are_read_too() {
        let (root, mistakes) = parse("\u{feff}a: x\r\nb:\r\n  - y\r\n").unwrap();
        assert_eq!(mistakes, []);
        assert!(matches!(&root.entry("a").unwrap().node.content, Content::Scalar(text) if text == "x"));
        assert!(matches!(&root.entry("b").unwrap().node.content, Content::List(nodes) if nodes.len() == 1));
    }

    #[test]
    fn aliases_are_followed_up_to_a_bound() {
        let (root, _) = parse("a: &x [1, 2]\nb: *x\n").unwrap();
        assert!(matches!(&root.entry("b").unwrap().node.content, Content::List(nodes) if nodes.len() == 2));

        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(mistakes(&bomb)[0].contains("more than 100000 values"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        assert_eq!(mistakes(&"[".repeat(100_000)).len(), 1);
        assert_eq!(mistakes(&"- ".repeat(100_000)).len(), 1);
    }
}
