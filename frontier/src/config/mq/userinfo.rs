//! Addresses as older files have them, with user and password inside: `user:password@host:port`.

use frontier_config::{Secret, Section};
use frontier_mq::Credentials;

/// Takes the scheme, the user and the path off each address; all must have the same user. Of what is wrong nothing is
/// repeated: there may be a password in it.
pub(super) fn split_userinfo(
    section: &Section<'_>,
    texts: Vec<String>,
    schemes: &[&str],
) -> (Option<Credentials>, Vec<String>) {
    let (mut found, mut bare) = (None::<(String, String)>, Vec::new());
    for text in texts {
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(&text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let Some((userinfo, host)) = rest.rsplit_once('@') else {
            bare.push(rest.to_owned());
            continue;
        };
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        match (decoded(user), decoded(password)) {
            (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
                let login = (user, password);
                if found.as_ref().is_some_and(|other| *other != login) {
                    section.reject("addrs", "has more than one user: all addresses are of one broker");
                }
                found = Some(login);
            }
            _ => section.reject("addrs", "expected user:password@host:port, with %xx for what is special"),
        }
        bare.push(host.to_owned());
    }
    let credentials = found.map(|(user, password)| Credentials {
        username: Some(user),
        password: Some(Secret::new(password)),
        token: None,
    });
    (credentials, bare)
}

/// With bytes in place of `%xx`; `None` if that is no text.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (hex, tail) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_written_as_bytes() {
        for (text, expected) in [
            ("a%40b%3A", Some("a@b:")),
            ("plain", Some("plain")),
            ("%C3%A4", Some("ä")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
