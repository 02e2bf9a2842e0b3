//! What each side asks of those who connect, and the files that the configuration of access names.

use super::{BRIDGE, CONTROLPLANE, Listen, RELAY};
use frontier_access::authn::{AuthConfig, MethodConfig, Side};
use frontier_access::{Access, AccessConfig, LoadErrors};
use frontier_admin::no_way_in;
use frontier_config::Section;
use frontier_transport::{ClientAuth, Network, ServerTls};
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

/// The name under which [`AccessConfig::auth`] has what all listeners for edges ask that ask nothing else.
pub const EDGEBOUND: &str = "edgebound";

/// The same for services.
pub const SERVICEBOUND: &str = "servicebound";

const FOR_EDGES: &str = "is for edges; services have no meta";

/// Reads what the listeners of a side ask that ask nothing themselves, and refuses what nobody could meet.
pub(super) fn read_side(side: &Section<'_>, listeners: &[Listen], access: &mut AccessConfig) {
    let asked = AuthConfig::read(&side.section("auth"));
    if side.path() == SERVICEBOUND && !asked.meta_labels.is_empty() {
        side.reject("auth.meta_labels", FOR_EDGES);
    }
    for listen in listeners {
        let own = listen.auth.as_ref().and_then(|name| access.auth.get(name));
        if side.path() == SERVICEBOUND
            && let (Some(name), Some(own)) = (&listen.auth, own)
            && !own.meta_labels.is_empty()
        {
            side.reject("auth.meta_labels", format!("in {name}: {FOR_EDGES}"));
        }
        if own.unwrap_or(&asked).needs_certificate() && !asks_for_certificate(listen) {
            let where_ = listen.auth.as_deref().map_or_else(|| listen.addr.to_string(), str::to_owned);
            let text =
                "asks clients for no certificate (`tls.mtls`), without which nobody could connect there";
            side.reject("auth", format!("the listener {where_} {text}"));
        }
    }
    access.auth.insert(side.path().to_owned(), asked);
}

/// What to say of a listener that asks nobody who they are, and can be reached from elsewhere.
pub(super) fn open_to_all(side: &str, listen: &Listen, access: &AccessConfig) -> Option<String> {
    let auth = access.auth.get(listen.auth.as_deref().unwrap_or(side));
    let asks = auth.is_some_and(|auth| !auth.methods.is_empty());
    let client_auth = listen.tls.as_ref().map(ServerTls::client_auth);
    if asks || client_auth == Some(ClientAuth::Required) || listen.addr.ip().to_canonical().is_loopback() {
        return None;
    }
    let (key, addr) = (&listen.key, listen.addr);
    let mut text = format!(
        "whoever reaches {addr} is let in: {side}.auth.methods asks for no credentials, nor {key}.tls.mtls for a certificate"
    );
    if client_auth.is_none() {
        text.push_str(&format!(", and without {key}.tls all can be read on the way"));
    }
    Some(text)
}

/// Whether a client can show a certificate there. If its TLS could not be read, that is told elsewhere.
fn asks_for_certificate(listen: &Listen) -> bool {
    match &listen.tls {
        Some(tls) => ServerTls::client_auth(tls) != ClientAuth::Off,
        None => matches!(listen.network, Network::Tls | Network::Quic),
    }
}

/// Everything that is wrong with files that the configuration names, each with the key that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessErrors(Vec<FileMistake>);

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileMistake {
    /// The key path that names the file, if it is a file.
    pub(super) key: Option<String>,
    /// The file, and what is wrong.
    pub(super) text: String,
}

impl AccessErrors {
    /// One line for each mistake.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |FileMistake { key, text }: &FileMistake| match key {
            Some(key) => format!("{key}: {text}"),
            None => text.clone(),
        };
        self.0.iter().map(line).collect()
    }

    pub(super) fn mistakes(&self) -> &[FileMistake] {
        &self.0
    }

    fn new(config: &AccessConfig, errors: &LoadErrors) -> Self {
        let files = config.files();
        let mut found = Vec::new();
        for error in &errors.0 {
            let named = files.iter().find(|(_, path)| path.display().to_string() == error.what);
            let key = named.map(|(key, _)| key);
            // The first of several lines says how many there are.
            let mistakes: Vec<_> = error.message.lines().map(str::trim).collect();
            let mistakes = if mistakes.len() > 1 { &mistakes[1..] } else { &mistakes[..] };
            found.extend(mistakes.iter().map(|mistake| {
                let text = format!("{}: {mistake}", error.what);
                FileMistake { key: key.cloned(), text }
            }));
        }
        Self(found)
    }
}

impl fmt::Display for AccessErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for AccessErrors {}

/// What may surprise about the files that were read, each with the key that names it.
pub(crate) fn warnings(config: &AccessConfig, access: &Access) -> Vec<String> {
    let files = config.files();
    let of_files = access.warnings().iter();
    let of_files = of_files.map(|warning| format!("{}{warning}", key(&files, &warning.what)));
    let no_way_in = no_way_in(access, CONTROLPLANE, Side::Operator);
    of_files.chain(no_way_in).chain(tokens_of_machines(config)).collect()
}

/// What may surprise about the tokens of subscribers and of jobs: those that name nobody are good for edges and services as
/// well, where these are asked for tokens of the same file. And subscribers' are in the hands of pages, those of jobs on
/// compute nodes.
fn tokens_of_machines(config: &AccessConfig) -> Vec<String> {
    let token_files = |auth: &AuthConfig| {
        let methods = auth.methods.iter();
        let files = methods.filter_map(|method| match method {
            MethodConfig::Token { file } => Some(file.clone()),
            _ => None,
        });
        files.collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    for (plane, beside) in [(BRIDGE, CONTROLPLANE), (RELAY, BRIDGE)] {
        let own = config.auth.get(plane).map(token_files).unwrap_or_default();
        let others =
            config.auth.iter().filter(|(name, _)| ![plane, beside, CONTROLPLANE].contains(&name.as_str()));
        let shared = others.filter(|(_, auth)| token_files(auth).iter().any(|file| own.contains(file)));
        lines.extend(shared.map(|(name, _)| {
            format!(
                "{plane}.auth: its tokens are those of {name}.auth, so whoever has one may connect there too: use another file"
            )
        }));
    }
    lines
}

/// The key that names the file `what`, as the beginning of a line.
fn key(files: &[(String, PathBuf)], what: &str) -> String {
    let named = files.iter().find(|(_, path)| path.display().to_string() == what);
    named.map(|(key, _)| format!("{key}: ")).unwrap_or_default()
}

/// Reads all files of `config`.
pub(crate) fn load(config: &AccessConfig) -> Result<Access, AccessErrors> {
    Access::load(config, Instant::now()).map_err(|errors| AccessErrors::new(config, &errors))
}

/// Reads them again, and keeps what `access` has counted.
pub(crate) fn reload(access: &Access, config: &AccessConfig) -> Result<Access, AccessErrors> {
    access.reload(config, Instant::now()).map_err(|errors| AccessErrors::new(config, &errors))
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn services_have_no_labels_by_meta() {
        for yaml in [
            "servicebound: {auth: {methods: [], meta_labels: [a]}}",
            "servicebound: {listen: {auth: {methods: [], meta_labels: [a]}}}",
        ] {
            let errors = Config::parse(yaml, &|_| None).unwrap_err().to_string();
            assert!(errors.contains("servicebound.auth.meta_labels: "), "{errors}");
            assert!(errors.contains("is for edges; services have no meta"), "{errors}");
        }
        Config::parse("edgebound: {auth: {methods: [], meta_labels: [a]}}", &|_| None).unwrap();
        let errors = Config::parse("edgebound: {auth: {methods: [], meta_labels: ['']}}", &|_| None);
        let errors = errors.unwrap_err().to_string();
        assert!(errors.contains("edgebound.auth.meta_labels: the name of a label has 1 to 255"), "{errors}");
    }

    #[test]
    fn a_listener_that_is_open_to_all_is_told_with_the_keys_that_close_it() {
        let open = |yaml: &str| Config::parse(yaml, &|_| None).unwrap().open_listeners();
        let lines = open("");
        assert_eq!(lines.len(), 2);
        let expected = "whoever reaches 0.0.0.0:30012 is let in: edgebound.auth.methods asks for no credentials, \
                        nor edgebound.listen.tls.mtls for a certificate, and without edgebound.listen.tls all can \
                        be read on the way";
        assert_eq!(lines[0], expected);
        assert!(lines[1].contains("0.0.0.0:30011") && lines[1].contains("servicebound.auth.methods"));
        let local = "{edgebound: {listen: {addr: 127.0.0.1:1}}, servicebound: {listen: {addr: '[::1]:1'}}}";
        assert_eq!(open(local), [] as [&str; 0]);
        let asks = "auth: {methods: [{token: {file: /t}}]}";
        assert_eq!(open(&format!("{{edgebound: {{{asks}}}, servicebound: {{{asks}}}}}")), [] as [&str; 0]);
        let one_of_two = format!(
            "{{edgebound: {{listeners: [{{addr: 0.0.0.0:1, {asks}}}, {{addr: 0.0.0.0:2}}]}}, servicebound: {{{asks}}}}}"
        );
        let lines = open(&one_of_two);
        assert!(lines.len() == 1 && lines[0].contains("edgebound.listeners[1].tls"), "{lines:?}");
    }

    #[test]
    fn tokens_of_jobs_that_are_those_of_edges_are_told() {
        let told = |file: &str| {
            let asks = |file| format!("{{auth: {{methods: [{{token: {{file: {file}}}}}]}}}}");
            let yaml = format!("{{edgebound: {}, relay: {}}}", asks("/edges"), asks(file));
            super::tokens_of_machines(&Config::parse(&yaml, &|_| None).unwrap().access)
        };
        assert_eq!(told("/jobs"), [] as [&str; 0]);
        let lines = told("/edges");
        assert!(
            lines.len() == 1 && lines[0].starts_with("relay.auth: its tokens are those of edgebound.auth"),
            "{lines:?}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_key_and_one_line_each() {
        let dir = tempfile::tempdir().unwrap();
        let rules = dir.path().join("rules.yaml");
        std::fs::write(&rules, "default: maybe\nrlues: []\n").unwrap();
        let yaml = "
edgebound:
  listen: {addr: 127.0.0.1:1, auth: {methods: [{jwt: {keys: [{secret_file: /nowhere/secret}]}}]}}
  auth: {methods: [{token: {file: /nowhere/tokens}}]}
access: {rules_file: RULES}
";
        let config = Config::parse(&yaml.replace("RULES", rules.to_str().unwrap()), &|_| None).unwrap();
        assert_eq!(config.edgebound.listeners[0].auth.as_deref(), Some("edgebound.listen"));
        let errors = config.check_access().unwrap_err();
        let lines = errors.lines();
        let keys: Vec<_> = lines.iter().map(|line| line.split(": ").next().unwrap()).collect();
        let expected = [
            "edgebound.auth.methods[0].token.file",
            "edgebound.listen.auth.methods[0].jwt.keys[0].secret_file",
            "access.rules_file",
            "access.rules_file",
        ];
        assert_eq!(keys, expected, "{errors}");
        assert!(lines[3].contains("rules.yaml: line 2, column 1: rlues: unknown key"), "{errors}");
        assert_eq!(config.files().len(), 3);
    }
}
