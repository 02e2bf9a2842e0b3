//! What the text of a variable means to its key.

use crate::tree::{Content, Node};

/// How a value is made of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is the value.
    Value,
    /// A duration; a bare number is seconds.
    Seconds,
    /// The port of an address, which has this default.
    Port(&'static str),
    /// The value begins with this, and goes on with the variable.
    After(&'static str),
    /// The first of a list that is separated by commas.
    First,
}

impl Form {
    /// The value for the key, where `known` is what the file has; `None` if the variable is not meant.
    pub(super) fn value(self, text: String, known: Option<&Node>) -> Result<Option<String>, String> {
        Ok(Some(match self {
            Self::Value => text,
            Self::Seconds if text.parse::<f64>().is_ok() => text + "s",
            Self::Seconds => text,
            Self::After(start) => format!("{start}{text}"),
            Self::First => text.split(',').next().unwrap_or_default().trim().to_owned(),
            // Kubernetes and Docker set such a variable for a service of that name: `tcp://10.0.0.1:30012`.
            Self::Port(_) if text.contains("://") => return Ok(None),
            Self::Port(default) => {
                let addr = match known.map(|node| &node.content) {
                    None | Some(Content::Null) => default,
                    Some(Content::Scalar(addr)) => addr,
                    Some(Content::Map(_) | Content::List(_)) => {
                        return Err(
                            "cannot be set, because the address is taken from a variable already".into()
                        );
                    }
                };
                text.parse::<u16>()
                    .map_err(|_| format!("must be a port, from 0 to 65535, not `{}`", clipped(&text)))?;
                let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
                format!("{host}:{text}")
            }
        }))
    }
}

/// Its beginning: somebody may have put a secret there by mistake, or a whole file.
fn clipped(text: &str) -> String {
    text.chars().take(32).collect()
}
