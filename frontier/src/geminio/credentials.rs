//! What a client says of itself when it connects: the name and the topics of a service, and its token, for which the
//! original has no place.
//!
//! ```text
//!  a service   {"service": "files", "topics": ["telemetry"], "token": "…"}      `token` may be left out
//!  an edge     frontier-token: … ⏎ meta                                         the line may be left out
//! ```

use frontier_protocol::Token;
use serde::Deserialize;

/// What the meta of an edge begins with if a token stands in front of it, up to the end of the line.
const EDGE_TOKEN: &[u8] = b"frontier-token:";

/// What a service says of itself.
#[derive(Debug, Default, Deserialize)]
struct ServiceMeta {
    #[serde(default)]
    service: String,
    #[serde(default)]
    topics: Option<Vec<String>>,
    #[serde(default)]
    token: Option<String>,
}

/// What a client says of itself.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) name: String,
    pub(super) topics: Vec<String>,
    /// Of an edge: what services are told.
    pub(super) meta: Vec<u8>,
    pub(super) token: Option<Token<'static>>,
}

impl Said {
    /// Takes a token off the meta of an edge.
    pub(super) fn edge(meta: Vec<u8>) -> Self {
        let Some(rest) = meta.strip_prefix(EDGE_TOKEN) else { return Self { meta, ..Self::default() } };
        let (line, meta) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&rest[..end], rest[end + 1..].to_vec()),
            None => (rest, Vec::new()),
        };
        let token = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        Self { meta, token: Some(Token::new(token)), ..Self::default() }
    }

    /// Reads the meta of a service. `None` if it is no JSON of this form.
    pub(super) fn service(meta: &[u8]) -> Option<Self> {
        let ServiceMeta { service, topics, token } = match meta {
            b"" => ServiceMeta::default(),
            meta => serde_json::from_slice(meta).ok()?,
        };
        let mut topics = topics.unwrap_or_default();
        topics.sort_unstable();
        // One that stands there twice is no reason for twice as much.
        topics.dedup();
        Some(Self { name: service, topics, meta: Vec::new(), token: token.map(Token::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(said: &Said) -> Option<&str> {
        said.token.as_ref().map(Token::expose)
    }

    #[test]
    fn a_token_stands_in_front_of_the_meta_of_an_edge() {
        for (meta, told, shown) in [
            (&b"em"[..], &b"em"[..], None),
            (b"", b"", None),
            (b"frontier-token: abc\nem\n", b"em\n", Some("abc")),
            (b"frontier-token:abc", b"", Some("abc")),
            (b"frontier-token", b"frontier-token", None),
        ] {
            let said = Said::edge(meta.to_vec());
            assert_eq!((&said.meta[..], token(&said)), (told, shown));
        }
    }

    #[test]
    fn a_service_says_its_name_and_topics() {
        let said = Said::service(br#"{"service":"svc","topics":["b","a","b"],"token":"abc"}"#).unwrap();
        assert_eq!(
            (&*said.name, said.topics.join(","), token(&said)),
            ("svc", "a,b".to_owned(), Some("abc"))
        );
        let said = Said::service(br#"{"service":"","topics":null}"#).unwrap();
        assert_eq!((&*said.name, said.topics.len(), token(&said)), ("", 0, None));
        assert!(Said::service(b"").is_some() && Said::service(b"svc").is_none());
    }
}
