//! The sample configuration, and bad ones.

use frontier::Config;
use std::fs;
use std::path::Path;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn parse(yaml: &str) -> Result<Config, String> {
    Config::parse(yaml, &|_| None).map_err(|errors| errors.to_string())
}

/// The lines of a sample that set something, each with the keys above it.
fn paths(yaml: &str) -> Vec<String> {
    let (mut above, mut paths): (Vec<(usize, String)>, Vec<String>) = Default::default();
    for line in yaml.lines() {
        let text = line.split(" #").next().unwrap_or_default();
        let Some((key, value)) = text.split_once(':').filter(|(key, _)| !key.starts_with('#')) else {
            continue;
        };
        let depth = key.len() - key.trim_start().len();
        above.retain(|(of, _)| *of < depth);
        above.push((depth, key.trim().to_owned()));
        if !value.trim().is_empty() {
            paths.push(above.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join("."));
        }
    }
    paths
}

#[test]
fn the_sample_says_what_the_defaults_are() {
    let sample = fs::read_to_string(Path::new(HERE).join("../etc/frontier.yaml")).unwrap();
    let (sampled, defaults) = (parse(&sample).unwrap(), parse("").unwrap());
    assert_eq!(format!("{sampled:#?}"), format!("{defaults:#?}"));
}

#[test]
fn every_variable_that_replaces_a_key_is_documented() {
    let docs = fs::read_to_string(Path::new(HERE).join("../docs/operations.md")).unwrap();
    for variable in Config::OVERRIDES {
        let row = format!("| `{}` | `{}` |", variable.variable(), variable.path());
        assert!(docs.contains(&row), "{row}");
    }
}

#[test]
fn every_key_of_the_sample_is_read() {
    // A value of no type that any key takes is refused wherever it is read.
    let sample = fs::read_to_string(Path::new(HERE).join("../etc/frontier.yaml")).unwrap();
    let paths = paths(&sample);
    assert!(paths.len() > 25, "{paths:?}");
    for path in paths {
        let error = parse(&nested(&path, "[[nothing]]")).expect_err(&path);
        assert!(error.contains(&path) && !error.contains("unknown"), "{path}: {error}");
    }
}

#[test]
fn every_limit_that_an_error_names_is_a_key() {
    let sample = fs::read_to_string(Path::new(HERE).join("../etc/frontier.yaml")).unwrap();
    let paths = paths(&sample);
    for key in frontier_exchange::limit_key::ALL {
        assert!(paths.iter().any(|path| path == key), "{key}");
    }
}

fn nested(path: &str, value: &str) -> String {
    let open: String = path.split('.').map(|key| format!("{{{key}: ")).collect();
    format!("{open}{value}{}", "}".repeat(path.split('.').count()))
}

#[test]
fn each_mistake_is_reported_where_it_is() {
    let mut seen = 0;
    for entry in fs::read_dir(Path::new(HERE).join("tests/bad-config")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "yaml") {
            let expected = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
            let error = parse(&fs::read_to_string(&path).unwrap()).expect_err("one mistake each");
            assert_eq!(error.trim(), expected.trim(), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} files");
}
