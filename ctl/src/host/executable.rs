//! Whether there is a program, before it is started.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Where a name without a slash is looked for if `PATH` is not set, as C libraries have it.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// Looks for it as a shell does: by its path, or where `PATH` says.
///
/// # Errors
/// What is wrong, to stand behind the name.
pub(super) fn check(program: &Path) -> Result<(), String> {
    if program.as_os_str().is_empty() {
        return Err("no name".to_owned());
    }
    if program.as_os_str().as_encoded_bytes().contains(&b'/') {
        return check_file(program);
    }
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from(USUAL_PATH));
    check_in(program, env::split_paths(&path).map(|folder| folder.join(program)))
}

/// The first one that can be started is it; of others the first one that is there says why not.
fn check_in(program: &Path, candidates: impl Iterator<Item = impl AsRef<Path>>) -> Result<(), String> {
    let mut unfit = None;
    for candidate in candidates {
        let candidate = candidate.as_ref();
        match check_file(candidate) {
            Ok(()) => return Ok(()),
            Err(why) if candidate.is_file() => {
                unfit.get_or_insert_with(|| format!("{}: {why}", candidate.display()));
            }
            Err(_) => {}
        }
    }
    let name = program.display();
    Err(unfit.unwrap_or_else(|| format!("no such program in PATH; of a file here it is ./{name}")))
}

fn check_file(path: &Path) -> Result<(), String> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err("is a folder".to_owned()),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => Err("is not executable".to_owned()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err("no such file".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    #[test]
    fn what_is_wrong_with_a_program_is_said_before_it_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let tool = folder.path().join("tool");
        assert_eq!(check(&tool), Err("no such file".to_owned()));
        assert_eq!(check(&folder.path().join("tool/x")), Err("no such file".to_owned()));
        fs::write(&tool, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&tool, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(check(&tool), Err("is not executable".to_owned()));
        assert_eq!(check(folder.path()), Err("is a folder".to_owned()));
        assert_eq!(check(Path::new("")), Err("no name".to_owned()));
        let missing = check(Path::new("no-such-program")).unwrap_err();
        assert!(missing.contains("PATH") && missing.contains("./no-such-program"), "{missing}");
        assert_eq!(check(Path::new("sh")), Ok(()));

        // One in `PATH` that is not for use leaves it to the next.
        let other = folder.path().join("other");
        let of = |paths: &[&Path]| check_in(Path::new("tool"), paths.iter());
        assert_eq!(of(&[&tool, &other]), Err(format!("{}: is not executable", tool.display())));
        fs::write(&other, "").unwrap();
        fs::set_permissions(&other, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(of(&[&tool, &other]), Ok(()));
        assert_eq!(check(&other), Ok(()));
    }
}
