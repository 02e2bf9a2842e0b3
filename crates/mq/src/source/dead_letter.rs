//! The file of dead letters: a line of JSON for each.

use super::deliveries::Dead;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the dead letters of a source are written. It is opened for each write, so that it may be moved away meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetterFile {
    pub(crate) path: PathBuf,
    pub(crate) max_size: u64,
}

impl DeadLetterFile {
    /// Writes as many as there is room for, and syncs the file. How many, and why not all. Blocks.
    pub(crate) fn write(&self, source: &str, dead: &[Dead]) -> (usize, Option<String>) {
        match self.open().and_then(|file| self.append(&file, source, dead)) {
            Ok(count) if count == dead.len() => (count, None),
            Ok(count) => (count, Some(self.full())),
            Err(error) => (0, Some(self.failed(&error))),
        }
    }

    /// Whether it can be written, as far as nothing is written. Blocks.
    pub(crate) fn check(&self) -> Result<(), String> {
        let size = self.open().and_then(|file| file.metadata()).map_err(|error| self.failed(&error))?.len();
        if size >= self.max_size { Err(self.full()) } else { Ok(()) }
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // Messages are nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    fn full(&self) -> String {
        format!("{} is full, with {} bytes at most", self.path.display(), self.max_size)
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }

    fn append(&self, mut file: &File, source: &str, dead: &[Dead]) -> io::Result<usize> {
        let before = file.metadata()?.len();
        let (mut lines, mut count) = (Vec::new(), 0);
        for it in dead {
            let line = line(source, it);
            let size = before + lines.len() as u64;
            // One that is longer by itself is not kept out for ever.
            if size > 0 && size + line.len() as u64 > self.max_size {
                break;
            }
            lines.extend_from_slice(line.as_bytes());
            count += 1;
        }
        let written = file.write_all(&lines).and_then(|()| file.sync_data());
        if written.is_err() {
            // A part of a line would spoil the next one. Fails where the file can't be written at all.
            let _ = file.set_len(before);
        }
        if written.is_ok() && before == 0 {
            sync_folder(&self.path);
        }
        written.map(|()| count)
    }
}

/// A new file is there after a loss of power once its folder is written.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Not all file systems can.
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

fn line(source: &str, dead: &Dead) -> String {
    let record = &dead.record;
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let headers: Map<String, Value> =
        record.headers.iter().map(|(name, value)| (name.to_string(), text_or_base64(value))).collect();
    let mut line = json!({
        "time_ms": since_1970.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        "source": source,
        "reason": &*dead.reason,
        "attempts": dead.attempts,
        "origin": &*record.origin,
        "place": &*record.place,
        "key": record.key.as_ref().map(|key| BASE64.encode(key)),
        "headers": headers,
        "custom": BASE64.encode(&record.custom),
        "payload": BASE64.encode(&record.payload),
    })
    .to_string();
    line.push('\n');
    line
}

/// Text as it is; what is no text as an object, so that nobody takes one for the other.
fn text_or_base64(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "base64": BASE64.encode(bytes) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;
    use bytes::Bytes;
    use std::sync::Arc;

    fn dead(number: u64, payload: &[u8]) -> Dead {
        let record = Record {
            origin: "commands".into(),
            place: format!("{number}-0").into(),
            key: None,
            headers: vec![("a".into(), "1".into()), ("b".into(), Bytes::from_static(b"\xff"))],
            custom: Bytes::new(),
            payload: Bytes::copy_from_slice(payload),
            is_redelivered: false,
        };
        Dead { number, record: Arc::new(record), reason: "no \"edge\"".into(), attempts: 3 }
    }

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_everything() {
        let folder = tempfile::tempdir().unwrap();
        let file = DeadLetterFile { path: folder.path().join("dead"), max_size: 1 << 20 };
        assert_eq!(file.write("orders", &[dead(1, b"\x00"), dead(2, b"x")]), (2, None));
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.path.metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let lines = lines(&file.path);
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["reason"], &lines[0]["attempts"]), (&json!("no \"edge\""), &json!(3)));
        assert_eq!((&lines[0]["payload"], &lines[1]["place"]), (&json!("AA=="), &json!("2-0")));
        assert_eq!(lines[0]["headers"], json!({"a": "1", "b": {"base64": "/w=="}}));
        assert!(lines[0]["time_ms"].as_u64().unwrap() > 1_700_000_000_000);
    }

    #[test]
    fn a_full_file_takes_no_more_until_it_is_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = DeadLetterFile { path: folder.path().join("dead"), max_size: 1000 };
        let all: Vec<Dead> = (0..5).map(|number| dead(number, &[0; 200])).collect();
        let (count, why) = file.write("orders", &all);
        assert!((1..3).contains(&count) && why.unwrap().contains("is full"), "{count}");
        assert_eq!(file.write("orders", &all[count..]).0, 0);
        assert_eq!(lines(&file.path).len(), count);
        std::fs::rename(&file.path, folder.path().join("kept")).unwrap();
        assert!(file.write("orders", &all[count..]).0 > 0);
        // One alone may be longer.
        std::fs::remove_file(&file.path).unwrap();
        assert_eq!(file.write("orders", &[dead(9, &[0; 5000]), dead(10, b"")]).0, 1);
        assert_eq!(lines(&file.path).len(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let file = DeadLetterFile { path: "/no/such/folder/dead".into(), max_size: 1000 };
        let (count, why) = file.write("orders", &[dead(1, b"")]);
        assert!(count == 0 && why.unwrap().contains("/no/such/folder/dead: "));
    }
}
