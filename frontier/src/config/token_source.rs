//! The token that the gateway shows where it dials: the keys `token` and `token_file`.

use frontier_config::{Secret, Section, unreadable};
use frontier_protocol::{MAX_TOKEN, Token};
use std::io;
use std::path::PathBuf;

/// Where a token is that the gateway shows to others.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// `token`: in the configuration or its environment.
    Inline(Secret),
    /// `token_file`: in a file, which is read at each connect.
    File(PathBuf),
}

impl TokenSource {
    /// `None` to show no token.
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let inline = section.get("token", Secret::new(""));
        let file = section.optional::<PathBuf>("token_file");
        if !inline.is_empty() && file.is_some() {
            section.reject("token_file", "is there beside `token`; one of them is enough");
        }
        if inline.expose().len() > MAX_TOKEN {
            section.reject("token", format!("must have at most {MAX_TOKEN} bytes"));
        }
        match file {
            Some(path) => Some(Self::File(path)),
            None => (!inline.is_empty()).then_some(Self::Inline(inline)),
        }
    }

    /// Whether there is a token in the file now. Blocks while it is read.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self::File(path) = self else { return Ok(()) };
        let read = std::fs::read_to_string(path).map_err(|error| unreadable(&error));
        let checked = read.and_then(|text| token(&text).map_err(|error| error.to_string()));
        checked.map(drop).map_err(|error| format!("{}: {error}", path.display()))
    }

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

    #[tokio::test]
    async fn a_token_file_is_read_anew_each_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let token = TokenSource::File(file.path().to_owned());
        for text in ["one\n", "two"] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(token.load().await.unwrap().expose(), text.trim());
        }
        for bad in ["", &"x".repeat(MAX_TOKEN + 1)] {
            std::fs::write(file.path(), bad).unwrap();
            assert!(token.load().await.is_err());
        }
        assert!(TokenSource::File("/nowhere/token".into()).load().await.is_err());
    }
}
