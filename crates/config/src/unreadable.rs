//! Why a file can't be read, in the words of all programs.

use std::io::{Error, ErrorKind};

/// What is wrong, to stand behind the file's path: `/etc/ca.pem: there is no such file`.
#[must_use]
pub fn unreadable(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
        ErrorKind::IsADirectory => "can't be read: it is a folder".to_owned(),
        ErrorKind::InvalidData => "can't be read: it is no text".to_owned(),
        _ => format!("can't be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_reasons_are_told_in_words_and_without_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let read = |path: &std::path::Path| unreadable(&std::fs::read_to_string(path).unwrap_err());
        assert_eq!(read(&folder.path().join("missing")), "there is no such file");
        assert_eq!(read(folder.path()), "can't be read: it is a folder");
        let binary = folder.path().join("binary");
        std::fs::write(&binary, [0xff]).unwrap();
        assert_eq!(read(&binary), "can't be read: it is no text");
        assert_eq!(unreadable(&ErrorKind::PermissionDenied.into()), "may not be read: permission denied");
        assert_eq!(unreadable(&Error::other("on fire")), "can't be read: on fire");
    }
}
