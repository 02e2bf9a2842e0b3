//! The forms of names in certificates, such as `uri:urn:frontier:edge:{id}`.

use crate::authn::ClientCertificate;
use frontier_config::{FromValue, Invalid, Value};
use std::fmt;

const WHAT: &str = "the form of a name such as uri:urn:frontier:edge:{id}, dns:{name}.svc.example, cn:{name} or \
                    email:{name}@example.com";

/// The form of a name in a certificate: its kind (`cn`, `dns`, `uri`, `email`), and text around one
/// placeholder in braces, which stands for what is taken from it.
///
/// The placeholder stands for one part of the name, at least one character long: of a DNS name it takes no
/// dot, of a URI no `/ : ? #`, of an address no `@`; never `*`, blanks or control characters. So a certificate
/// for `*.svc.example` or `a.b.svc.example` does not pass for `{name}.svc.example`. DNS names are compared
/// without regard to case, and what is taken from them is in lower case.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    kind: Kind,
    before: String,
    after: String,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    CommonName,
    Dns,
    Uri,
    Email,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "cn" => Self::CommonName,
            "dns" => Self::Dns,
            "uri" => Self::Uri,
            "email" => Self::Email,
            _ => return None,
        })
    }

    /// Whether the placeholder may stand for text with this character.
    fn takes(self, char: char) -> bool {
        let separators = match self {
            Self::CommonName => "",
            Self::Dns => ".",
            Self::Uri => "/:?#",
            Self::Email => "@",
        };
        char != '*' && !char.is_whitespace() && !char.is_control() && !separators.contains(char)
    }
}

impl Template {
    /// Reads `kind:text{placeholder}text`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, form) = text.split_once(':')?;
        let kind = Kind::of(kind)?;
        let (before, rest) = form.split_once('{')?;
        let (name, after) = rest.split_once('}')?;
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_word || [before, after].iter().any(|text| text.contains(['{', '}'])) {
            return None;
        }
        let case = |text: &str| if kind == Kind::Dns { text.to_ascii_lowercase() } else { text.to_owned() };
        Some(Self { kind, before: case(before), after: case(after), text: text.to_owned() })
    }

    /// What the placeholder stands for in the names of the certificate, each once.
    #[must_use]
    pub fn take(&self, certificate: &ClientCertificate) -> Vec<String> {
        let mut taken: Vec<String> = Vec::new();
        for name in self.names(certificate) {
            let name = if self.kind == Kind::Dns { name.to_ascii_lowercase() } else { name.clone() };
            let value = name.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after));
            if let Some(value) = value.filter(|value| !value.is_empty())
                && value.chars().all(|char| self.kind.takes(char))
                && !taken.iter().any(|have| have == value)
            {
                taken.push(value.to_owned());
            }
        }
        taken
    }

    fn names<'c>(&self, certificate: &'c ClientCertificate) -> impl Iterator<Item = &'c String> {
        let (one, many): (_, &[String]) = match self.kind {
            Kind::CommonName => (certificate.common_name.as_ref(), &[]),
            Kind::Dns => (None, &certificate.dns_names),
            Kind::Uri => (None, &certificate.uris),
            Kind::Email => (None, &certificate.emails),
        };
        one.into_iter().chain(many)
    }
}

impl FromValue for Template {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let text = value.text(WHAT)?;
        Self::parse(text).ok_or_else(|| Invalid::expected(WHAT, text))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certificate(kind: &str, names: &[&str]) -> ClientCertificate {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut certificate = ClientCertificate::default();
        match kind {
            "cn" => certificate.common_name = names.into_iter().next(),
            "dns" => certificate.dns_names = names,
            "uri" => certificate.uris = names,
            _ => certificate.emails = names,
        }
        certificate
    }

    #[test]
    fn the_placeholder_takes_one_part_of_a_name() {
        let cases: [(&str, &[&str], &[&str]); 16] = [
            ("uri:urn:frontier:edge:{id}", &["urn:frontier:edge:7"], &["7"]),
            ("uri:urn:frontier:edge:{id}", &["urn:frontier:edge:7:8", "urn:frontier:edge:"], &[]),
            ("uri:spiffe://td/edge/{id}/v1", &["spiffe://td/edge/7/v1"], &["7"]),
            ("uri:spiffe://td/edge/{id}", &["spiffe://td/edge/7/8", "spiffe://td/edge/7#8"], &[]),
            ("dns:{name}.svc.example", &["Files.SVC.example"], &["files"]),
            ("dns:{name}.svc.example", &["*.svc.example", "a.b.svc.example", ".svc.example"], &[]),
            ("dns:{name}.svc.example", &["files.svc.example.evil"], &[]),
            ("dns:{name}.svc.example", &["a.svc.example", "A.svc.example"], &["a"]),
            ("dns:{name}.svc.example", &["a.svc.example", "b.svc.example"], &["a", "b"]),
            ("cn:{name}", &["files"], &["files"]),
            ("cn:edge {id}", &["edge 7"], &["7"]),
            ("cn:{name}", &["two words"], &[]),
            ("email:{name}@example.com", &["a@example.com"], &["a"]),
            ("email:{name}@example.com", &["a@b@example.com"], &[]),
            // The text around must not overlap.
            ("uri:ab{id}bc", &["abc"], &[]),
            ("cn:{name}", &["a\u{0}b"], &[]),
        ];
        for (template, names, expected) in cases {
            let kind = template.split(':').next().unwrap();
            let taken = Template::parse(template).unwrap().take(&certificate(kind, names));
            assert_eq!(taken, expected, "{template} of {names:?}");
        }
    }

    #[test]
    fn other_kinds_of_names_are_not_looked_at() {
        let template = Template::parse("dns:{name}").unwrap();
        assert!(template.take(&certificate("cn", &["files"])).is_empty());
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in
            ["", "cn", "cn:", "cn:x", "ip:{id}", "cn:{}", "cn:{a}{b}", "cn:{a", "cn:a}", "cn:{A}", "cn:{a}}"]
        {
            assert!(Template::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(cn|dns|uri|email):.{0,40}", name in ".{0,40}") {
            if let Some(template) = Template::parse(&text) {
                for kind in ["cn", "dns", "uri", "email"] {
                    let _ = template.take(&certificate(kind, &[&name]));
                }
            }
        }
    }
}
