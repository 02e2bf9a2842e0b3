//! What a change of each key takes while a daemon runs: a reload or a restart.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// What a change of a key takes. Of several readings of one key the later variant counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// The key holds a section, whose own keys say.
    Nested,
    /// Nobody has said.
    Undeclared,
    /// A reload.
    Reload,
    /// A restart.
    Restart,
    /// A restart, as a part of the setting of this name, whose value its component records.
    RestartAs(&'static str),
}

/// The settings that take a restart, each with its value, as one reading of the configuration found them.
///
/// A daemon that reloads keeps those of its start and asks which of them have [changed](Self::changed). Values
/// are compared as read, so `64KiB` is the same as `65536`, and a default the same as its text. A
/// [`Secret`](crate::Secret) is always the same as another one: what is kept here may be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FixedSettings {
    /// In the order in which they were read first.
    values: Vec<(String, String)>,
    undeclared: Vec<String>,
}

impl FixedSettings {
    pub(crate) fn record(&mut self, name: &str, value: &dyn Debug) {
        let value = format!("{value:?}");
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.values.push((name.to_owned(), value)),
        }
    }

    /// With the keys that were asked for, by the path of their section: those that nobody has declared are
    /// noted.
    pub(crate) fn with_keys<'k>(mut self, keys: impl Iterator<Item = (String, &'k Change)>) -> Self {
        for (path, change) in keys {
            match change {
                Change::Nested | Change::Reload | Change::Restart => {}
                Change::Undeclared => self.undeclared.push(path),
                Change::RestartAs(name) => {
                    if self.get(name).is_none() {
                        self.undeclared.push(path);
                    }
                }
            }
        }
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The settings below a section, such as `limits`, by their key paths, with their values as `Debug` has them.
    pub fn below<'s>(&'s self, section: &'s str) -> impl Iterator<Item = (&'s str, &'s str)> {
        let all = self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(move |(name, _)| name.strip_prefix(section).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The names of the settings that have another value in `other`, or are in one of the two only.
    #[must_use]
    pub fn changed<'s>(&'s self, other: &'s Self) -> Vec<&'s str> {
        let differs = |(name, value): &&(String, String)| other.get(name) != Some(value);
        let added = |(name, _): &&(String, String)| self.get(name).is_none();
        let (ours, theirs) = (self.values.iter().filter(differs), other.values.iter().filter(added));
        ours.chain(theirs).map(|(name, _)| name.as_str()).collect()
    }

    /// The keys of which no component has said what a change takes. A daemon's tests hold this to be empty.
    #[must_use]
    pub fn undeclared(&self) -> &[String] {
        &self.undeclared
    }
}

/// By path of each section that was opened: the keys that were asked for.
pub(crate) type AskedKeys = BTreeMap<String, BTreeMap<&'static str, Change>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ByteSize, Section, Surroundings, load_in};

    fn read(text: &str, component: impl FnOnce(&Section<'_>)) -> FixedSettings {
        let surroundings = Surroundings { environment: &|_| None, variables: &[], folder: "".as_ref() };
        load_in(text, &surroundings, &[], component).unwrap().1
    }

    fn gateway(root: &Section<'_>) {
        let log = root.section("log");
        let _: String = log.reloadable().get("level", "info".into());
        let _: String = log.fixed().get("format", "text".into());
        let _ = root.section("limits").fixed().get("frame", ByteSize::kib(64));
        let listen = root.section("listen").fixed_as("listeners");
        let (addr, tls): (String, bool) = (listen.get("addr", "a".into()), listen.get("tls", false));
        let _: Vec<String> = listen.section("auth").reloadable().list("methods", Vec::new());
        listen.record(&(addr, tls));
    }

    #[test]
    fn what_takes_a_restart_is_named_if_its_value_has_changed() {
        let before = read("", gateway);
        assert_eq!(before.undeclared(), [] as [&str; 0]);
        for (text, changed) in [
            ("log: {level: debug, format: text}\nlimits: {frame: 65536}", &[] as &[&str]),
            ("log: {format: json}\nlimits: {frame: 1MiB}", &["log.format", "limits.frame"]),
            ("listen: {addr: b, tls: true}", &["listeners"]),
            ("listen: {auth: {methods: [a]}}", &[]),
        ] {
            assert_eq!(before.changed(&read(text, gateway)), changed, "{text}");
        }
    }

    #[test]
    fn settings_come_and_go_with_their_sections() {
        let brokers = |root: &Section<'_>| {
            for broker in root.fixed().sections("brokers") {
                let _: u16 = broker.required("port", 0);
            }
        };
        let (one, two) =
            (read("brokers: [{port: 1}]", brokers), read("brokers: [{port: 1}, {port: 2}]", brokers));
        assert_eq!(one.changed(&two), ["brokers[1].port"]);
        assert_eq!(two.changed(&one), ["brokers[1].port"]);
    }

    #[test]
    fn a_forgotten_key_is_found() {
        let forgetful = |root: &Section<'_>| {
            let _: u8 = root.section("limits").get("calls", 1);
            let _ = root.sections("brokers");
            let _: bool = root.section("listen").fixed_as("listeners").get("tls", false);
        };
        assert_eq!(read("", forgetful).undeclared(), ["brokers", "limits.calls", "listen.tls"]);
    }
}
