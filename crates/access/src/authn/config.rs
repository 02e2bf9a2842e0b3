//! The `auth` section: the methods of a listener.

use super::MetaLabels;
use super::jwt::JwtConfig;
use super::mtls::MtlsConfig;
use frontier_config::{Choice, Section};
use std::path::PathBuf;

/// The `auth` section of a side or a listener. By default nobody needs credentials.
///
/// ```yaml
/// auth:
///   require: any                 # any one of the methods, tried in order; or all of them
///   methods:
///     - mtls: {edge_id: "uri:urn:frontier:edge:{id}"}
///     - jwt:
///         keys: [{jwks_file: /etc/frontier/jwks.json}]
///         audiences: [frontier]
///         edge_id_claim: edge
///     - token: {file: /etc/frontier/tokens.yaml}
///   meta_labels: [model]         # what an edge may say of itself
/// ```
#[derive(Clone, Debug, Default)]
pub struct AuthConfig {
    /// `require`: whether one success is enough.
    pub require: Require,
    /// `methods`: none let everybody in.
    pub methods: Vec<MethodConfig>,
    /// `meta_labels`: labels that edges may give themselves.
    pub meta_labels: MetaLabels,
}

/// How many methods must succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Require {
    /// The first that succeeds decides.
    #[default]
    Any,
    /// Each one, without contradictions between them.
    All,
}

impl Choice for Require {
    const CHOICES: &'static [(&'static str, Self)] = &[("any", Self::Any), ("all", Self::All)];
}

/// One method.
#[derive(Clone, Debug)]
pub enum MethodConfig {
    /// `token`: static tokens from `file`.
    Token {
        /// The file with the hashes.
        file: PathBuf,
    },
    /// `jwt`: JSON Web Tokens.
    Jwt(Box<JwtConfig>),
    /// `mtls`: names in client certificates.
    Mtls(Box<MtlsConfig>),
}

impl AuthConfig {
    /// Reads an `auth` section.
    #[must_use]
    pub fn read(auth: &Section<'_>) -> Self {
        let auth = &auth.reloadable();
        let methods: Vec<_> = auth.sections("methods").iter().filter_map(MethodConfig::read).collect();
        let require = auth.get("require", Require::Any);
        if auth.is_present() && auth.shape("methods").is_none() {
            auth.reject("methods", "is required in a section `auth`; `[]` lets everybody in");
        }
        let tokens = methods.iter().filter(|method| !matches!(method, MethodConfig::Mtls(_))).count();
        if require == Require::All && tokens > 1 {
            auth.reject(
                "require",
                "a peer presents one token, so of token and jwt `all` may have one method",
            );
        }
        Self { require, methods, meta_labels: MetaLabels::read(auth) }
    }

    /// Whether everybody is let in.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.methods.is_empty()
    }

    /// Whether client certificates are looked at, so that the listener must ask for them.
    fn wants_certificate(&self) -> bool {
        self.methods.iter().any(|method| matches!(method, MethodConfig::Mtls(_)))
    }

    /// Whether nobody gets in without a client certificate, so that the handshake may insist on it.
    #[must_use]
    pub fn needs_certificate(&self) -> bool {
        let is_mtls = |method: &MethodConfig| matches!(method, MethodConfig::Mtls(_));
        match self.require {
            Require::Any => !self.is_none() && self.methods.iter().all(is_mtls),
            Require::All => self.wants_certificate(),
        }
    }
}

impl MethodConfig {
    fn read(method: &Section<'_>) -> Option<Self> {
        // All are read, so that the keys of each are known and checked.
        let (token, jwt, mtls) = (method.section("token"), method.section("jwt"), method.section("mtls"));
        let read = [
            token.is_present().then(|| Self::Token { file: token.required("file", PathBuf::new()) }),
            jwt.is_present().then(|| Self::Jwt(Box::new(JwtConfig::read(&jwt)))),
            mtls.is_present().then(|| Self::Mtls(Box::new(MtlsConfig::read(&mtls)))),
        ];
        let written = ["token", "jwt", "mtls"].into_iter().filter(|key| method.shape(key).is_some()).count();
        if written != 1 {
            method.reject(
                "token",
                "each method is one of token, jwt, mtls (`mtls: {}` for one without settings)",
            );
        }
        read.into_iter().flatten().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use frontier_config::load;

    fn read(text: &str) -> Result<AuthConfig, String> {
        load(text, &|_| None, &[], |root| AuthConfig::read(&root.section("auth")))
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn by_default_nobody_needs_credentials() {
        for text in ["", "auth:", "auth: {methods: []}"] {
            assert!(read(text).unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn methods_are_read_in_order() {
        let config = read(
            "auth:
  require: any
  methods:
    - mtls: {}
    - jwt:
        keys: [{secret: 'x'}, {jwks_file: a.json}, {public_key_file: b.pem}, {secret_file: c}]
        label_claims: [tenant]
    - token: {file: tokens.yaml}
",
        )
        .unwrap();
        assert_eq!(config.require, Require::Any);
        let [MethodConfig::Mtls(_), MethodConfig::Jwt(jwt), MethodConfig::Token { file }] = &*config.methods
        else {
            panic!("{config:?}");
        };
        assert_eq!((jwt.keys.len(), &*jwt.subject_claim, jwt.require_exp), (4, "sub", true));
        assert_eq!(file, &PathBuf::from("tokens.yaml"));
    }

    #[test]
    fn whether_a_certificate_is_wanted_or_needed() {
        let cases = [
            ("[]", "any", false, false),
            ("[{mtls: {}}]", "any", true, true),
            ("[{mtls: {}}, {token: {file: a}}]", "any", true, false),
            ("[{mtls: {}}, {token: {file: a}}]", "all", true, true),
            ("[{token: {file: a}}]", "all", false, false),
        ];
        for (methods, require, wanted, needed) in cases {
            let config = read(&format!("auth: {{require: {require}, methods: {methods}}}")).unwrap();
            assert_eq!(
                (config.wants_certificate(), config.needs_certificate()),
                (wanted, needed),
                "{methods}"
            );
        }
    }

    #[test]
    fn all_mistakes_are_reported() {
        let report = read(
            "auth:
  require: some
  methods:
    - mtls:
    - {token: {file: a}, jwt: {keys: []}}
    - token: {}
    - jwt: {leeway: 2h, edge_id_claim: ''}
    - jwt: {keys: [{secret: hunter2, jwks_file: a}, {}]}
    - mtls: {edge_id: 'hunter3'}
    - tokn: {file: a}
",
        )
        .unwrap_err();
        assert_eq!(
            report,
            "13 mistakes in the configuration:
  line 2, column 12: auth.require: expected one of any, all, found `some`
  line 4, column 7: auth.methods[0].token: each method is one of token, jwt, mtls (`mtls: {}` for one without settings)
  line 5, column 15: auth.methods[1].token: each method is one of token, jwt, mtls (`mtls: {}` for one without settings)
  line 5, column 38: auth.methods[1].jwt.keys: must not be empty
  line 6, column 14: auth.methods[2].token.file: is required
  line 7, column 12: auth.methods[3].jwt.keys: is required: secret, secret_file, public_key_file or jwks_file
  line 7, column 21: auth.methods[3].jwt.leeway: must lie between 0s and 3600s, is 7200s
  line 7, column 40: auth.methods[3].jwt.edge_id_claim: must not be empty
  line 8, column 29: auth.methods[4].jwt.keys[0].secret: each key has one of secret, secret_file, public_key_file, jwks_file
  line 8, column 53: auth.methods[4].jwt.keys[1].secret: each key has one of secret, secret_file, public_key_file, jwks_file
  line 9, column 23: auth.methods[5].mtls.edge_id: expected the form of a name such as uri:urn:frontier:edge:{id}, dns:{name}.svc.example, cn:{name} or email:{name}@example.com, found `hunter3`
  line 10, column 7: auth.methods[6].token: each method is one of token, jwt, mtls (`mtls: {}` for one without settings)
  line 10, column 7: auth.methods[6].tokn: unknown key, did you mean `token`?"
        );
    }

    #[test]
    fn a_section_without_methods_is_a_mistake() {
        assert!(read("auth: {require: all}").unwrap_err().contains("auth.methods: is required"));
    }

    #[test]
    fn nobody_can_present_two_tokens() {
        let report =
            read("auth: {require: all, methods: [{token: {file: a}}, {token: {file: b}}]}").unwrap_err();
        assert!(report.contains("auth.require: a peer presents one token"), "{report}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let config = read("auth: {methods: [{jwt: {keys: [{secret: hunter2}]}}]}").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
