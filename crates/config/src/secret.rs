//! Passwords, tokens and keys.

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use super::mistake::quoted;
use super::tree::{Content, Entry};
use super::unreadable::unreadable;
use super::value::{FromValue, Invalid, Value};

const WHAT: &str = "a secret: text, {env: NAME} or {file: PATH}";
const MASK: &str = "****";

/// Text that must not end up in a log: `Debug` and `Display` print `****`, whatever its length.
///
/// In the file it is written inline, or as `{env: NAME}`, or as `{file: PATH}`; the content of a file is
/// trimmed, since editors end it with a line break. A relative path starts at the folder of the configuration.
///
/// There is no `PartialEq`: comparing what a peer presents with `==` leaks how much of it was right.
#[derive(Clone)]
pub struct Secret {
    text: String,
    file: Option<PathBuf>,
}

impl Secret {
    /// Wraps text that came from elsewhere.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), file: None }
    }

    /// The file that it was read from, if it was: a daemon that reloads watches it.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether it is the empty text, which only an inline `""` gives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// No message repeats the value: what was written here by mistake may be a secret all the same.
impl FromValue for Secret {
    fn from_value(value: &Value<'_>) -> Result<Self, Invalid> {
        let Content::Map(entries) = &value.node.content else {
            return value.text(WHAT).map(Self::new);
        };
        let [Entry { key, node, .. }] = entries.as_slice() else {
            return Err(Invalid::new(format!("expected {WHAT}, found a section of {} keys", entries.len())));
        };
        match (key.as_str(), &node.content) {
            // What a variable stands for has taken its place already.
            ("file", Content::Scalar(path)) => from_file(&value.path(path)),
            ("env" | "file", _) => {
                Err(Invalid::new(format!("expected {WHAT}; `{key}` needs a single value")))
            }
            _ => Err(Invalid::new(format!("expected {WHAT}, found key {}", quoted(key)))),
        }
    }
}

fn from_file(path: &Path) -> Result<Secret, Invalid> {
    let name = quoted(&path.display().to_string());
    // A pipe would have the reader wait for ever.
    if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        return Err(Invalid::new(format!("{name} is no regular file")));
    }
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Err(Invalid::new(format!("file {name} is empty"))),
        Ok(text) => Ok(Secret { text: text.trim().to_owned(), file: Some(path.into()) }),
        Err(error) => Err(Invalid::new(format!("file {name}: {}", unreadable(&error)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Environment};

    fn read(text: &str, environment: Environment<'_>) -> Result<Secret, String> {
        let document = Document::parse(text, environment).unwrap();
        let secret = document.root().section("redis").required("password", Secret::new(""));
        document.finish().map(|()| secret).map_err(|errors| errors.mistakes()[0].to_string())
    }

    #[test]
    fn it_is_masked_wherever_it_could_be_printed() {
        let secret = Some(Secret::new("hunter2"));
        assert_eq!(format!("{secret:?}"), "Some(****)");
        assert_eq!(Secret::new("hunter2").to_string(), "****");
    }

    #[test]
    fn it_is_read_inline_from_the_environment_and_from_a_file() {
        let none = |_: &str| None;
        let inline = read("redis: {password: inline}", &none).unwrap();
        assert_eq!((inline.expose(), inline.file()), ("inline", None));
        assert!(read("redis: {password: ''}", &none).unwrap().is_empty());

        let environment = |name: &str| (name == "REDIS_PASSWORD").then(|| "from env".to_owned());
        assert_eq!(
            read("redis: {password: {env: REDIS_PASSWORD}}", &environment).unwrap().expose(),
            "from env"
        );

        let path = std::env::temp_dir().join(format!("frontier-config-secret-{}", std::process::id()));
        fs::write(&path, "from file\n").unwrap();
        let text = format!("redis: {{password: {{file: '{}'}}}}", path.display());
        let secret = read(&text, &none).unwrap();
        assert_eq!((secret.expose(), secret.file()), ("from file", Some(path.as_path())));
        fs::write(&path, " \n").unwrap();
        assert!(read(&text, &none).unwrap_err().ends_with("is empty"));
        fs::remove_file(&path).unwrap();
        assert!(read(&text, &none).unwrap_err().ends_with("there is no such file"));
    }

    #[test]
    fn mistakes_name_the_key_and_never_the_value() {
        let environment = |name: &str| (name == "EMPTY").then(String::new);
        let cases = [
            ("{env: NOPE}", "environment variable `NOPE` is not set or empty"),
            ("{env: EMPTY}", "environment variable `EMPTY` is not set or empty"),
            (
                "{env: [a]}",
                "expected a secret: text, {env: NAME} or {file: PATH}; `env` needs a single value",
            ),
            ("{evn: hunter2}", "expected a secret: text, {env: NAME} or {file: PATH}, found key `evn`"),
            ("{}", "expected a secret: text, {env: NAME} or {file: PATH}, found a section of 0 keys"),
            ("[hunter2]", "expected a secret: text, {env: NAME} or {file: PATH}, found a list"),
        ];
        for (text, message) in cases {
            let mistake = read(&format!("redis:\n  password: {text}"), &environment).unwrap_err();
            assert_eq!(mistake, format!("line 2, column 13: redis.password: {message}"));
        }
    }
}
