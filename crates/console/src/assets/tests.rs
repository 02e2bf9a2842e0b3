//! What holds of all files together.

use super::*;
use std::collections::BTreeSet;
use std::path::Path;

const PLANES: [Plane; 1] = [Plane::Frontlas];

/// What a browser may take for the whole console, over the wire.
const MOST: usize = 300 * 1024;

fn below(folder: &Path, root: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => below(&path, root, names),
            false => _ = names.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()),
        }
    }
}

#[test]
fn every_file_of_the_folder_is_served() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    let mut found = BTreeSet::new();
    below(&root, &root, &mut found);
    found.retain(|name| !name.starts_with("js/planes/"));
    let listed: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, found);
}

#[test]
fn the_console_is_small_and_each_file_has_a_type() {
    for plane in PLANES {
        let files = of(plane);
        let size: usize = files.values().map(|it| it.gzip.len()).sum();
        assert!(size < MOST, "{plane:?}: {size} bytes");
        for (name, asset) in &files {
            assert_ne!(asset.content_type, "application/octet-stream", "{name}");
            assert_ne!(asset.tag, asset.gzip_tag);
        }
    }
}

/// It works where there is no other network, and asks nobody else. Names of XML are no addresses.
#[test]
fn no_file_names_another_host() {
    for plane in PLANES {
        for (name, asset) in of(plane) {
            let text = std::str::from_utf8(asset.bytes).unwrap().replace("http://www.w3.org/2000/svg", "");
            for word in ["http://", "https://", "@import"] {
                assert!(!text.contains(word), "{name} has {word}");
            }
            assert!(!name.ends_with(".css") || !text.contains("url("), "{name}");
        }
    }
}

/// The policy lets none of it run, so that it would be lost on the way.
#[test]
fn pages_have_no_script_and_no_style_in_them() {
    let files = of(PLANES[0]);
    let page = std::str::from_utf8(files["index.html"].bytes).unwrap();
    for word in ["<style", "style=", " on", "javascript:"] {
        assert!(!page.contains(word), "{word}");
    }
    assert_eq!(page.matches("<script").count(), page.matches(r#"<script type="module" src="#).count());
}

/// Each module that a file imports, and what the page loads, is there; and all modules are asked for at once.
#[test]
fn all_that_is_named_is_there() {
    for plane in PLANES {
        let files = of(plane);
        for (name, asset) in &files {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let folder = Path::new(name).parent().unwrap();
            let imports = text.split(" from '").skip(1).filter_map(|rest| rest.split('\'').next());
            let links = text
                .split("href=\"")
                .chain(text.split("src=\""))
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            let links = links.filter(|it| name.ends_with(".html") && !it.starts_with(['#', '<']));
            for target in imports.chain(links) {
                let mut path = folder.to_owned();
                for part in target.split('/') {
                    match part {
                        "." => {}
                        ".." => assert!(path.pop(), "{name}: {target}"),
                        part => path.push(part),
                    }
                }
                assert!(files.contains_key(path.to_str().unwrap()), "{plane:?}: {name} names {target}");
            }
        }
    }
}
