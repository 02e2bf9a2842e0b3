//! Environment variables that replace values of the file.

use super::document::Document;
use super::mistake::{Mistake, Place, quoted};

/// A variable and the key that it replaces. A daemon declares its list in one place, next to its command
/// line.
///
/// A variable that is unset or empty replaces nothing. Its text is read as the key's type; a list is
/// separated by commas. Mistakes in it name the variable. A whole section cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    variable: &'static str,
    path: &'static str,
}

impl Override {
    /// `variable` replaces the value at `path`, such as `edgebound.listen.addr`. List elements have no path.
    #[must_use]
    pub const fn new(variable: &'static str, path: &'static str) -> Self {
        Self { variable, path }
    }

    /// The name of the environment variable.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        self.variable
    }

    /// The key path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.path
    }
}

impl Document<'_> {
    /// Replaces values by the variables that are set. Call it before the first section is read.
    pub fn apply(&mut self, overrides: &[Override]) {
        for Override { variable, path } in overrides {
            let Some(text) = (self.environment)(variable).filter(|text| !text.is_empty()) else { continue };
            let place = Place::Variable((*variable).to_owned());
            if let Err(in_the_way) = self.root.put(path, &place, &text) {
                let message = match in_the_way.as_str() {
                    "" => "cannot be set, because the file is not a section".to_owned(),
                    key => format!("cannot be set, because {} is not a section", quoted(key)),
                };
                self.report(Mistake::new(place, *path, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigErrors, load};

    const OVERRIDES: [Override; 2] =
        [Override::new("PORT", "listen.port"), Override::new("TOPICS", "mqm.topics")];

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<(u16, Vec<String>), ConfigErrors> {
        let lookup = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, text)| (*text).to_owned())
        };
        load(text, &lookup, &OVERRIDES, |root| {
            (root.section("listen").get("port", 1), root.section("mqm").list("topics", Vec::new()))
        })
    }

    #[test]
    fn a_variable_wins_over_the_file_and_over_the_default() {
        assert_eq!(read("listen: {port: 5}", &[("PORT", "7")]).unwrap().0, 7);
        assert_eq!(read("", &[("PORT", "7")]).unwrap().0, 7);
        assert_eq!(read("listen: {port: 5}", &[("PORT", "")]).unwrap().0, 5);
        assert_eq!(read("listen: {port: wrong}", &[("PORT", "7")]).unwrap().0, 7);
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        assert_eq!(read("mqm: {topics: [x]}", &[("TOPICS", "a, b,")]).unwrap().1, ["a", "b"]);
        assert!(read("mqm: {topics: 'a, b'}", &[]).is_err(), "in the file a list is a list");
    }

    #[test]
    fn mistakes_name_the_variable() {
        let message = |text, variables| read(text, variables).unwrap_err().mistakes()[0].to_string();
        assert_eq!(
            message("", &[("PORT", "seven")]),
            "environment variable PORT: listen.port: expected a whole number from 0 to 65535, found `seven`"
        );
        let errors = read("listen: 5", &[("PORT", "7")]).unwrap_err().to_string();
        assert!(errors.contains(
            "environment variable PORT: listen.port: cannot be set, because `listen` is not a section"
        ));
        assert!(errors.contains("line 1, column 9: listen: expected a section"));
    }
}
