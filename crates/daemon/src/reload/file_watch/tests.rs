//! Changes of real files, as editors and Kubernetes make them, and what is reported of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

/// Reports only: the next look without one is an hour away.
const REPORTS: WatchOptions =
    WatchOptions { quiet: Duration::from_millis(50), poll: Duration::from_secs(3600) };

/// A time from which on nothing counts as changed.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

async fn changed(watch: &mut FileWatch) -> Vec<PathBuf> {
    timeout(DEADLINE, watch.changed()).await.expect("a change is reported in time")
}

/// Watches `paths` by reports, and sees that nothing is reported before something happens.
async fn watching(paths: &[&Path]) -> FileWatch {
    let mut watch = FileWatch::new(REPORTS);
    watch.watch(paths.iter().map(|path| path.to_path_buf()), later());
    // The first tick of the poll comes at once, and the note of `watch` after the quiet time.
    assert!(timeout(REPORTS.quiet * 4, watch.changed()).await.is_err());
    watch
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "one").unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_file_that_is_written_in_place_is_reported() {
    let (_folder, path) = folder();
    let mut watch = watching(&[&path]).await;
    fs::write(&path, "two").unwrap();
    assert_eq!(changed(&mut watch).await, [path]);
}

#[tokio::test]
async fn a_file_that_is_replaced_is_reported_again_and_again() {
    let (folder, path) = folder();
    let mut watch = watching(&[&path]).await;
    for text in ["two", "three", "four"] {
        let new = folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &path).unwrap();
        assert_eq!(changed(&mut watch).await, std::slice::from_ref(&path));
    }
}

#[tokio::test]
async fn a_file_that_goes_and_comes_is_reported() {
    let (_folder, path) = folder();
    let mut watch = watching(&[&path]).await;
    fs::remove_file(&path).unwrap();
    assert_eq!(changed(&mut watch).await, std::slice::from_ref(&path));
    fs::write(&path, "two").unwrap();
    assert_eq!(changed(&mut watch).await, [path]);
}

/// As Kubernetes does: the file links to `..data/file`, and `..data` to a folder that is replaced.
#[tokio::test]
async fn a_link_to_a_folder_that_is_swapped_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let fill = |name: &str| {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("file"), name).unwrap();
    };
    fill("..1");
    symlink("..1", at("..data")).unwrap();
    symlink("..data/file", at("file")).unwrap();
    let path = at("file");
    let mut watch = watching(&[&path]).await;
    for (old, new) in [("..1", "..2"), ("..2", "..3")] {
        fill(new);
        symlink(new, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        fs::remove_dir_all(at(old)).unwrap();
        assert_eq!(changed(&mut watch).await, std::slice::from_ref(&path));
        assert_eq!(fs::read_to_string(&path).unwrap(), new);
    }
}

#[tokio::test]
async fn what_a_link_leads_to_is_watched_too() {
    let (_elsewhere, target) = folder();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("link");
    symlink(&target, &path).unwrap();
    let mut watch = watching(&[&path]).await;
    fs::write(&target, "two").unwrap();
    assert_eq!(changed(&mut watch).await, [path]);
}

#[tokio::test]
async fn files_that_change_together_are_one_report_and_others_none() {
    let (folder, path) = folder();
    let other = folder.path().join("other");
    let mut watch = watching(&[&path, &other]).await;
    fs::write(folder.path().join("unrelated"), "x").unwrap();
    fs::write(&other, "two").unwrap();
    fs::write(&path, "two").unwrap();
    assert_eq!(changed(&mut watch).await, [path, other]);
    fs::write(folder.path().join("unrelated"), "y").unwrap();
    assert!(timeout(REPORTS.quiet * 4, watch.changed()).await.is_err());
}

#[tokio::test]
async fn a_file_that_changed_while_it_was_read_is_reported() {
    let (_folder, path) = folder();
    let mut watch = FileWatch::new(REPORTS);
    watch.watch([path.clone()], SystemTime::now());
    assert_eq!(changed(&mut watch).await, std::slice::from_ref(&path));
    // It is known now, also when it is named again.
    watch.watch([path], SystemTime::now());
    assert!(timeout(REPORTS.quiet * 4, watch.changed()).await.is_err());
}

#[tokio::test]
async fn a_file_in_a_folder_that_is_not_there_yet_is_found_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/file");
    let options = WatchOptions { quiet: Duration::from_millis(10), poll: Duration::from_millis(50) };
    let mut watch = FileWatch::new(options);
    watch.watch([path.clone()], later());
    fs::create_dir(folder.path().join("later")).unwrap();
    fs::write(&path, "x").unwrap();
    assert_eq!(changed(&mut watch).await, [path]);
}

#[tokio::test(start_paused = true)]
async fn without_reports_files_are_looked_at_now_and_then() {
    let (_folder, path) = folder();
    let mut watch = FileWatch::with(WatchOptions::default(), None);
    watch.watch([path.clone()], later());
    assert!(timeout(Duration::from_secs(60), watch.changed()).await.is_err());
    fs::write(&path, "two and more").unwrap();
    let start = Instant::now();
    assert_eq!(watch.changed().await, [path]);
    assert!(start.elapsed() <= Duration::from_millis(10_250), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn changes_without_end_are_reported_all_the_same() {
    let (_folder, path) = folder();
    let options = WatchOptions { poll: Duration::from_millis(100), ..WatchOptions::default() };
    let mut watch = FileWatch::with(options, None);
    watch.watch([path.clone()], later());
    fs::write(&path, "two and more").unwrap();
    // Every look finds it changed, more often than it would have to be quiet.
    let start = Instant::now();
    assert_eq!(watch.changed().await, [path]);
    assert!(start.elapsed() <= Duration::from_millis(2600), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_change_is_not_put_off_by_what_happens_to_other_files() {
    let (folder, path) = folder();
    let mut watch = FileWatch::with(WatchOptions::default(), None);
    watch.watch([path.clone()], later());
    assert!(timeout(Duration::from_secs(60), watch.changed()).await.is_err());
    fs::write(&path, "two and more").unwrap();
    watch.look();
    let start = Instant::now();
    let noted = watch.happened;
    for n in 0..100 {
        fs::write(folder.path().join("other"), n.to_string()).unwrap();
        watch.look();
    }
    assert_eq!(watch.happened, noted);
    assert_eq!(watch.changed().await, [path]);
    assert_eq!(start.elapsed(), WatchOptions::default().quiet);
}

#[tokio::test]
async fn other_names_in_the_folder_are_not_even_looked_into() {
    let (folder, path) = folder();
    let mut watch = watching(&[&path]).await;
    let mut notifier = watch.notifier.take().unwrap();
    fs::write(folder.path().join("other"), "x").unwrap();
    assert!(timeout(REPORTS.quiet * 4, notifier.happened()).await.is_err());
    fs::write(&path, "two").unwrap();
    timeout(DEADLINE, notifier.happened()).await.expect("it is told");
}
