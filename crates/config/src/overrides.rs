//! Environment variables that replace values of the file.

use super::document::Document;
use super::mistake::{Mistake, Place, nearest, quoted};

/// A variable and the key that it replaces. A daemon declares its list in one place, next to its command
/// line.
///
/// A variable that is unset or empty replaces nothing. Its text is read as the key's type; a list is
/// separated by commas. Mistakes in it name the variable. A whole section cannot be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    variable: &'static str,
    path: &'static str,
    /// What a bare number is given as its unit.
    unit: &'static str,
}

impl Override {
    /// `variable` replaces the value at `path`, such as `edgebound.listen.addr`. List elements have no path.
    #[must_use]
    pub const fn new(variable: &'static str, path: &'static str) -> Self {
        Self { variable, path, unit: "" }
    }

    /// The same for a duration, of which the variable gives the seconds: a bare number. It may have a unit all the same.
    #[must_use]
    pub const fn seconds(variable: &'static str, path: &'static str) -> Self {
        Self { variable, path, unit: "s" }
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

/// The lines of a program's help about its variables.
#[must_use]
pub fn overrides_help(overrides: &[Override]) -> String {
    let width = overrides.iter().map(|it| it.variable.len()).max().unwrap_or_default();
    let line = |it: &Override| format!("\n  {:width$}  {}", it.variable, it.path);
    let lines: String = overrides.iter().map(line).collect();
    format!("Environment variables that replace keys of the configuration:{lines}")
}

impl Document<'_> {
    /// Refuses variables that are nearly called as one of the overrides, which would be ignored otherwise. Others
    /// that begin in the same way are somebody else's.
    pub(crate) fn refuse_misspelt(&self, overrides: &[Override], variables: &[String]) {
        for name in variables {
            let is_known = overrides.iter().any(|it| it.variable == name) || self.has_asked_for(name);
            let Some((prefix, rest)) = name.split_once('_').filter(|_| !is_known && !is_of_a_link(name))
            else {
                continue;
            };
            let known = overrides.iter().filter_map(|it| {
                it.variable
                    .split_once('_')
                    .filter(|(of, _)| of.eq_ignore_ascii_case(prefix))
                    .map(|(_, it)| it)
            });
            if let Some(near) = nearest(rest, known) {
                let message = format!("is not known; did you mean {}_{near}?", prefix.to_ascii_uppercase());
                self.report(Mistake::new(Place::Variable(name.clone()), "", message));
            }
        }
    }

    /// Replaces values by the variables that are set. Call it before the first section is read.
    pub fn apply(&mut self, overrides: &[Override]) {
        for Override { variable, path, unit } in overrides {
            let Some(mut text) = self.variable(variable) else { continue };
            if text.parse::<f64>().is_ok() {
                text.push_str(unit);
            }
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

/// Whether Kubernetes or Docker has set it, for a service or container that is called as the program.
fn is_of_a_link(variable: &str) -> bool {
    variable.ends_with("_PORT") || variable.contains("_PORT_") || variable.ends_with("_SERVICE_HOST")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigErrors, load};
    use std::time::Duration;

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
    fn seconds_are_a_bare_number() {
        let read = |text: &str| {
            let overrides = [Override::seconds("SECONDS", "grace")];
            let lookup = |_: &str| Some(text.to_owned());
            load("", &lookup, &overrides, |root| root.get("grace", Duration::ZERO))
        };
        for (text, millis) in [("10", 10_000), ("0", 0), ("2.5", 2_500), ("10s", 10_000), ("1m", 60_000)] {
            assert_eq!(read(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for text in ["ten", "-1", "1e3", "nan"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("environment variable SECONDS: grace: expected a duration"), "{error}");
        }
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        assert_eq!(read("mqm: {topics: [x]}", &[("TOPICS", "a, b,")]).unwrap().1, ["a", "b"]);
        assert!(read("mqm: {topics: 'a, b'}", &[]).is_err(), "in the file a list is a list");
    }

    #[test]
    fn the_help_has_a_line_for_each() {
        let expected = "Environment variables that replace keys of the configuration:
  PORT    listen.port
  TOPICS  mqm.topics";
        assert_eq!(overrides_help(&OVERRIDES), expected);
    }

    #[test]
    fn a_variable_that_is_nearly_one_is_refused() {
        let overrides = [Override::new("APP_THREADS", "threads"), Override::new("APP_LISTEN_ADDR", "addr")];
        let variables = [
            "APP_THREADS",
            "APP_THREAD",
            "app_threads",
            "APP_LISTEN_ADR",
            "APP_PORT",
            "APP_LISTEN_PORT",
            "APP_LISTEN_PORT_80_TCP_ADDR",
            "APP_SERVICE_HOST",
            "OTHER_THREAD",
            "APP_TREADS",
            "PATH",
        ];
        let variables = variables.map(str::to_owned);
        // One that the file itself names is known.
        let environment = |name: &str| (name == "APP_TREADS").then(|| "3".to_owned());
        let surroundings =
            crate::Surroundings { environment: &environment, variables: &variables, folder: "".as_ref() };
        let text = "threads: {env: APP_TREADS}";
        let read = crate::load_in(text, &surroundings, &overrides, |root| root.get("threads", 1_u8));
        let errors = read.unwrap_err();
        let lines: Vec<_> = errors.mistakes().iter().map(ToString::to_string).collect();
        let expected = [
            "environment variable APP_LISTEN_ADR: is not known; did you mean APP_LISTEN_ADDR?",
            "environment variable APP_THREAD: is not known; did you mean APP_THREADS?",
            "environment variable app_threads: is not known; did you mean APP_THREADS?",
        ];
        assert_eq!(lines, expected);
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
