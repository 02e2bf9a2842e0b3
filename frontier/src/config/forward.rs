//! How calls go on to other gateways: the section `frontlas.forward`.

use super::membership::tls;
use frontier_config::{Secret, Section};
use frontier_protocol::{MAX_TOKEN, Token};
use frontier_transport::DialOptions;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How requests go from gateway to gateway: the section `frontlas.forward`.
#[derive(Clone, Debug)]
pub struct Forward {
    /// `tls`: how other gateways are dialled.
    pub dial: DialOptions,
    /// By what this gateway is known to others; `None` to show no token.
    pub token: Option<ForwardToken>,
    /// `idle`: a connection to a gateway that frontlas does not list is closed if it was of no use for so long.
    pub idle: Duration,
}

/// Where the token for other gateways is.
#[derive(Clone, Debug)]
pub enum ForwardToken {
    /// `token`: in the configuration or its environment.
    Inline(Secret),
    /// `token_file`: in a file, which is read at each connect.
    File(PathBuf),
}

impl Forward {
    /// `None` where `enable` is false; what is written beside it must be right all the same.
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let inline = section.get("token", Secret::new(""));
        let file = section.optional::<PathBuf>("token_file");
        if !inline.is_empty() && file.is_some() {
            section.reject("token_file", "is there beside `token`; one of them is enough");
        }
        if inline.expose().len() > MAX_TOKEN {
            section.reject("token", format!("must have at most {MAX_TOKEN} bytes"));
        }
        let forward = Self {
            dial: DialOptions { tls: tls(&section.section("tls"), true), ..DialOptions::default() },
            token: match file {
                Some(path) => Some(ForwardToken::File(path)),
                None => (!inline.is_empty()).then_some(ForwardToken::Inline(inline)),
            },
            idle: section.within(
                "idle",
                Duration::from_secs(300),
                Duration::from_secs(1)..=Duration::from_secs(24 * 3600),
            ),
        };
        section.get("enable", false).then_some(forward)
    }
}

impl Forward {
    /// Whether there is a token in the file now. Blocks while it is read.
    pub(super) fn check_token(&self) -> Result<(), String> {
        let Some(ForwardToken::File(path)) = &self.token else { return Ok(()) };
        let checked = std::fs::read_to_string(path).and_then(|text| token(&text));
        checked.map(drop).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl ForwardToken {
    /// The token itself.
    ///
    /// # Errors
    /// If its file can't be read, or is longer than a token may be.
    pub(crate) async fn load(&self) -> io::Result<Token<'static>> {
        match self {
            Self::Inline(secret) => token(secret.expose()),
            Self::File(path) => token(&tokio::fs::read_to_string(path).await?),
        }
    }
}

fn token(text: &str) -> io::Result<Token<'static>> {
    let token = text.trim();
    if token.is_empty() || token.len() > MAX_TOKEN {
        return Err(io::Error::other(format!("a token has 1 to {MAX_TOKEN} bytes")));
    }
    Ok(Token::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn read(forward: &str) -> Option<Forward> {
        let frontlas = format!("{{enable: true, forward: {forward}}}");
        testing::config_of_member(&frontlas).membership.unwrap().forward
    }

    #[test]
    fn it_is_off_unless_it_is_enabled() {
        assert!(read("{}").is_none() && read("{token: hunter2}").is_none());
        let forward = read("{enable: true, token: hunter2}").unwrap();
        assert_eq!(forward.idle, Duration::from_secs(300));
        assert!(!format!("{forward:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_token_file_is_read_anew_each_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        let token = read(&format!("{{enable: true, token_file: '{path}'}}")).unwrap().token.unwrap();
        for text in ["one\n", "two"] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(token.load().await.unwrap().expose(), text.trim());
        }
        for bad in ["", &"x".repeat(MAX_TOKEN + 1)] {
            std::fs::write(file.path(), bad).unwrap();
            assert!(token.load().await.is_err());
        }
        assert!(ForwardToken::File("/nowhere/token".into()).load().await.is_err());
    }
}
