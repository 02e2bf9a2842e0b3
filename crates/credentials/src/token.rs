//! `token`: tokens for the files of `token` methods.

use anyhow::{Result, ensure};
use frontier_access::authn::token;
use std::io::Read;

/// A new token, with the line that stands for it in the file.
#[must_use]
pub fn new() -> String {
    let token = token::generate();
    format!("token: {}\nhash: {}", token.expose(), token::hash(token.expose()))
}

/// The line that stands in the file for the token that `input` gives; a line break at its end does not count.
///
/// # Errors
/// When it can't be read, is empty or too long, or is no text.
pub fn hash(input: impl Read) -> Result<String> {
    let mut text = String::new();
    // With room for a line break, and for a byte that is too much.
    input.take(token::MAX_TOKEN_LEN as u64 + 3).read_to_string(&mut text)?;
    let token = text.trim_end_matches(['\r', '\n']);
    ensure!(!token.is_empty(), "there is no token on standard input");
    ensure!(token.len() <= token::MAX_TOKEN_LEN, "the token is over {} bytes", token::MAX_TOKEN_LEN);
    Ok(format!("hash: {}", token::hash(token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_has_the_hash_that_it_is_said_to_have() {
        let made = new();
        let lines: Vec<_> = made.lines().collect();
        let token = lines[0].strip_prefix("token: ").unwrap();
        assert_eq!(hash(format!("{token}\n").as_bytes()).unwrap(), lines[1]);
        assert_ne!(made, new());
    }

    #[test]
    fn what_is_no_token_has_no_hash() {
        assert_eq!(hash(&b"\n"[..]).unwrap_err().to_string(), "there is no token on standard input");
        let long = "x".repeat(token::MAX_TOKEN_LEN + 1);
        assert_eq!(hash(long.as_bytes()).unwrap_err().to_string(), "the token is over 16384 bytes");
        assert!(hash(&long.as_bytes()[1..]).is_ok() && hash(&b"\xff"[..]).is_err());
    }
}
