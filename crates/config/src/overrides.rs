//! Environment variables that replace values of the file.

mod form;

use self::form::Form;
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
    form: Form,
    /// The variable that must have one of these values for this one to count.
    only_with: Option<(&'static str, &'static [&'static str])>,
    /// What it says besides: a path and its value.
    implies: Option<(&'static str, &'static str)>,
}

impl Override {
    /// `variable` replaces the value at `path`, such as `edgebound.listen.addr`. List elements have no path.
    #[must_use]
    pub const fn new(variable: &'static str, path: &'static str) -> Self {
        Self { variable, path, form: Form::Value, only_with: None, implies: None }
    }

    /// The same for a duration, of which the variable gives the seconds: a bare number. It may have a unit all the same.
    #[must_use]
    pub const fn seconds(variable: &'static str, path: &'static str) -> Self {
        Self { form: Form::Seconds, ..Self::new(variable, path) }
    }

    /// The same for the port of an address, which is `default` if the file has none. What Kubernetes and Docker put
    /// into such a variable for a service of that name, a URL, is passed over.
    #[must_use]
    pub const fn port(variable: &'static str, path: &'static str, default: &'static str) -> Self {
        Self { form: Form::Port(default), ..Self::new(variable, path) }
    }

    /// The same for a value that begins with `start`.
    #[must_use]
    pub const fn after(variable: &'static str, path: &'static str, start: &'static str) -> Self {
        Self { form: Form::After(start), ..Self::new(variable, path) }
    }

    /// The same for the first of a list.
    #[must_use]
    pub const fn first(variable: &'static str, path: &'static str) -> Self {
        Self { form: Form::First, ..Self::new(variable, path) }
    }

    /// Only where another variable has one of these values.
    #[must_use]
    pub const fn only_with(self, variable: &'static str, values: &'static [&'static str]) -> Self {
        Self { only_with: Some((variable, values)), ..self }
    }

    /// Sets another key besides.
    #[must_use]
    pub const fn and(self, path: &'static str, value: &'static str) -> Self {
        Self { implies: Some((path, value)), ..self }
    }

    /// The name of the environment variable.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        self.variable
    }

    /// Whether its name is one that others use as well, who may have names that are nearly the same.
    const fn is_shared(self) -> bool {
        self.only_with.is_some() || matches!(self.form, Form::After(_))
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
            let known = overrides.iter().filter(|it| !it.is_shared()).filter_map(|it| {
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
        for Override { variable, path, form, only_with, implies } in overrides {
            let counts = only_with.is_none_or(|(other, values)| {
                self.variable(other).is_some_and(|found| values.contains(&found.as_str()))
            });
            let Some(text) = self.variable(variable).filter(|_| counts) else { continue };
            match form.value(text, self.root.at(path)) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    self.put(variable, path, &text);
                    implies.iter().for_each(|(path, value)| self.put(variable, path, value));
                }
                Err(message) => {
                    self.report(Mistake::new(Place::Variable((*variable).to_owned()), *path, message));
                }
            }
        }
    }

    fn put(&mut self, variable: &str, path: &str, text: &str) {
        let place = Place::Variable(variable.to_owned());
        if let Err(in_the_way) = self.root.put(path, &place, text) {
            let message = match in_the_way.as_str() {
                "" => "cannot be set, because the file is not a section".to_owned(),
                key => format!("cannot be set, because {} is not a section", quoted(key)),
            };
            self.report(Mistake::new(place, path, message));
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

    /// What is read at `addr`, `mode`, `on` and `name`, with one variable.
    fn with(over: Override, text: &str, variables: &[(&str, &str)]) -> Result<[String; 4], String> {
        let lookup = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, text)| (*text).to_owned())
        };
        let read = |root: &crate::Section<'_>| {
            ["addr", "mode", "on", "name"].map(|key| root.get(key, String::new()))
        };
        load(text, &lookup, &[over], read).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_port_takes_the_place_of_the_one_in_the_address() {
        let port = Override::port("APP_PORT", "addr", "0.0.0.0:80");
        let addr = |text, value| with(port, text, &[("APP_PORT", value)]).map(|[addr, ..]| addr);
        assert_eq!(addr("", "81").unwrap(), "0.0.0.0:81");
        assert_eq!(addr("addr: 10.0.0.1:5", "81").unwrap(), "10.0.0.1:81");
        assert_eq!(addr("addr: '[::]:5'", "0").unwrap(), "[::]:0");
        assert_eq!(addr("addr: 10.0.0.1:5", "tcp://10.1.0.1:81").unwrap(), "10.0.0.1:5");
        for wrong in ["65536", "http", "-1", "1.5"] {
            let error = addr("", wrong).unwrap_err();
            assert!(error.contains("environment variable APP_PORT: addr: must be a port"), "{error}");
        }
        let error = addr("addr: {env: ADDR}", "81").unwrap_err();
        assert!(error.contains("taken from a variable already"), "{error}");
    }

    #[test]
    fn a_variable_may_count_beside_another_one_alone_and_say_more_than_one_thing() {
        let name = Override::after("NODE", "name", "app-").and("on", "true");
        let [_, _, on, found] = with(name, "name: other", &[("NODE", "7")]).unwrap();
        assert_eq!((&*on, &*found), ("true", "app-7"));
        let first = Override::first("HOSTS", "addr").only_with("KIND", &["one", "only"]);
        let addr = |kind| with(first, "", &[("HOSTS", " a:1, b:2"), ("KIND", kind)]).unwrap()[0].clone();
        assert_eq!((&*addr("only"), &*addr("many"), &*addr("")), ("a:1", "", ""));
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
