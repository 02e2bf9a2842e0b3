//! The sample configuration, and bad ones.

use frontlas::config::{Config, Store};
use std::fs;
use std::path::Path;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn parse(yaml: &str) -> Result<Config, String> {
    Config::parse(yaml, &|_| None).map_err(|errors| errors.to_string())
}

fn sample() -> String {
    fs::read_to_string(Path::new(HERE).join("../etc/frontlas.yaml")).expect("there is a sample")
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
    let sample = sample();
    let (sampled, defaults) = (parse(&sample).unwrap(), parse("").unwrap());
    assert!(matches!(defaults.store, Store::Memory));
    assert_eq!(format!("{sampled:#?}"), format!("{defaults:#?}"));
    let in_redis = parse(&sample.replace("store: memory", "store: redis")).unwrap();
    let defaults = parse("directory: {store: redis}").unwrap();
    assert_eq!(format!("{in_redis:#?}"), format!("{defaults:#?}"));
}

#[test]
fn what_is_commented_out_in_the_sample_can_be_set() {
    let mut yaml = sample().replace("enable: false", "enable: true");
    for key in ["username", "password", "cert", "key", "master_name"] {
        yaml = yaml.replace(&format!("# {key}:"), &format!("{key}:"));
    }
    let variable = |name: &str| (!name.starts_with("FRONTLAS_")).then(|| "secret".to_owned());
    let error = Config::parse(&yaml, &variable).unwrap_err();
    let left: Vec<_> = error.mistakes().iter().map(|it| it.path().to_owned()).collect();
    // What has no value in the sample, even so.
    assert_eq!(left, ["control_plane.listen.tls.certs", "frontier_plane.listen.tls.certs"], "{error}");
}

#[test]
fn the_example_of_the_guide_to_access_is_right_but_for_its_files() {
    let guide = fs::read_to_string(Path::new(HERE).join("../docs/access.md")).expect("there is a guide");
    let block = |name: &str| {
        let block =
            guide.split(&format!("```yaml\n# example: {name}\n")).nth(1).expect("there is an example");
        block.split("```").next().unwrap_or_default().to_owned()
    };
    let error = Config::parse(&block("frontlas"), &|_| None).unwrap_err();
    let paths: Vec<_> = error.mistakes().iter().map(|it| it.path().to_owned()).collect();
    let missing = [
        "frontier_plane.listen.tls.certs[0].cert",
        "frontier_plane.listen.tls.certs[0].key",
        "frontier_plane.listen.tls.ca_certs",
        "control_plane.listen.tls.certs[0].cert",
        "control_plane.listen.tls.certs[0].key",
    ];
    assert_eq!(paths, missing, "{error}");
    let tokens = frontier_access::authn::token::TokenTable::parse(&block("tokens.yaml of frontlas")).unwrap();
    assert_eq!(tokens.len(), 1);
}

#[test]
fn every_variable_that_replaces_a_key_is_documented() {
    let docs = fs::read_to_string(Path::new(HERE).join("../docs/control-plane.md")).unwrap();
    for variable in Config::OVERRIDES {
        let row = format!("| `{}` | `{}` |", variable.variable(), variable.path());
        assert!(docs.contains(&row), "{row}");
    }
}

#[test]
fn every_key_of_the_sample_is_read() {
    let paths = paths(&sample());
    assert!(paths.len() > 30, "{paths:?}");
    for path in paths {
        // A value of no type that any key takes is refused wherever it is read.
        let error = parse(&nested(&path, "[[nothing]]")).expect_err(&path);
        assert!(error.contains(&path) && !error.contains("unknown"), "{path}: {error}");
    }
}

fn nested(path: &str, value: &str) -> String {
    let open: String = path.split('.').map(|key| format!("{{{key}: ")).collect();
    format!("{open}{value}{}", "}".repeat(path.split('.').count()))
}

#[test]
fn a_section_redis_means_redis_unless_it_is_said_otherwise() {
    assert!(matches!(parse("redis: {mode: standalone}").unwrap().store, Store::Redis(_)));
    assert!(matches!(
        parse("redis: {mode: standalone}\ndirectory: {store: memory}").unwrap().store,
        Store::Memory
    ));
}

#[test]
fn every_key_is_fixed_or_reloadable() {
    for yaml in ["", &sample(), "redis: {mode: sentinel, sentinel: {addrs: ['a:1'], master_name: m}}"] {
        assert_eq!(parse(yaml).unwrap().fixed.undeclared(), [] as [&str; 0]);
    }
}

#[test]
fn what_takes_a_restart_is_named() {
    let (before, after) = (
        "redis: {password: a}",
        "
log: {level: debug, format: json}
control_plane: {listen: {tls: {certs: [{cert: a, key: b}]}}, watchers: 5}
frontier_plane: {expiration: {alive: 60s}, auth: {methods: [{token: {file: a}}]}, max_edges: 5}
access: {throttle: {failures: 5}}
redis: {password: b, username: c, tls: {ca_certs: [a]}, dial_timeout: 1s}
reload: {watch: false, enforce: true}
",
    );
    let fixed = |yaml: &str| parse(yaml).unwrap().fixed;
    let (before, after) = (fixed(before), fixed(after));
    let mut changed = before.changed(&after);
    changed.sort_unstable();
    let expected = [
        "control_plane.watchers",
        "frontier_plane.expiration",
        "frontier_plane.max_edges",
        "log.format",
        "redis.dial_timeout",
    ];
    assert_eq!(changed, expected);
}

#[test]
fn a_password_from_the_environment_is_not_shown() {
    let variable = |name: &str| (name == "FRONTLAS_REDIS_PASSWORD").then(|| "hunter2".to_owned());
    let config = Config::parse("redis: {username: frontlas}", &variable).unwrap();
    assert!(matches!(config.store, Store::Redis(_)));
    assert!(!format!("{config:?}").contains("hunter2"));
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

#[test]
fn variables_of_the_original_mean_what_they_meant_there() {
    let parse = |variables: &[(&str, &str)]| {
        let find =
            |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, text)| (*text).to_owned());
        Config::parse("control_plane: {listen: {addr: '127.0.0.2:1'}}", &find).unwrap()
    };
    let login = [
        ("REDIS_ADDRS", "a:1,b:2"),
        ("REDIS_USER", "me"),
        ("REDIS_PASSWORD", "secret"),
        ("REDIS_DB", "3"),
        ("MASTER_NAME", "m"),
    ];
    let redis = |kind: &'static str| match parse(&[&login[..], &[("REDIS_TYPE", kind)]].concat()).store {
        Store::Redis(redis) => format!("{:?} {:?} {}", redis.mode, redis.username, redis.password.is_some()),
        Store::Memory => "memory".to_owned(),
    };
    let said = redis("standalone");
    assert!(
        said.contains("\"a\"")
            && !said.contains("\"b\"")
            && said.contains("db: 3")
            && said.ends_with("Some(\"me\") true"),
        "{said}"
    );
    let said = redis("sentinel");
    assert!(said.contains("\"b\"") && said.contains("\"m\"") && said.contains("db: 0"), "{said}");
    assert!(redis("cluster").contains("\"b\""));
    assert_eq!(
        redis("memcached"),
        "memory",
        "as there, other types are passed over with all that belongs to them"
    );
    let config = parse(&[("FRONTLAS_CONTROLPLANE_PORT", "41011"), ("FRONTLAS_FRONTIERPLANE_PORT", "41012")]);
    assert_eq!(config.control_plane.server.addr.to_string(), "127.0.0.2:41011");
    assert!(format!("{:?}", config.frontier_plane.listen).contains("127.0.0.1:41012"));
}
