//! The sample configuration, and bad ones.

use frontier::Config;
use std::fs;
use std::path::Path;
use std::time::Duration;

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
fn the_sample_says_what_the_defaults_of_a_bridge_are() {
    let sample = fs::read_to_string(Path::new(HERE).join("../etc/frontier.yaml")).unwrap();
    let enabled = sample.replacen("bridge:\n  enable: false", "bridge:\n  enable: true", 1).replacen(
        "\n  topics: []",
        "\n  topics: [{name: t}]",
        1,
    );
    let defaults = parse("bridge: {enable: true, topics: [{name: t}]}").unwrap().bridge.unwrap();
    assert_eq!(format!("{:#?}", parse(&enabled).unwrap().bridge.unwrap()), format!("{defaults:#?}"));
}

#[test]
fn the_sample_says_what_the_defaults_of_a_relay_are() {
    let sample = fs::read_to_string(Path::new(HERE).join("../etc/frontier.yaml")).unwrap();
    let enabled = sample
        .replacen("relay:\n  enable: false", "relay:\n  enable: true", 1)
        .replacen("    servers: []\n    topics: []", "    servers: []\n    topics: [t]", 1)
        .replacen("  kafka:\n    enable: false", "  kafka:\n    enable: true", 1);
    let defaults = "{mq: {kafka: {enable: true}}, relay: {enable: true, kafka: {topics: [t]}}}";
    let defaults = parse(defaults).unwrap().relay.unwrap();
    assert_eq!(format!("{:#?}", parse(&enabled).unwrap().relay.unwrap()), format!("{defaults:#?}"));
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

#[test]
fn the_grace_comes_from_the_environment_as_seconds() {
    let grace = |yaml: &str, seconds: &'static str| {
        let lookup = |name: &str| (name == "FRONTIER_DRAIN_SECONDS").then(|| seconds.to_owned());
        Config::parse(yaml, &lookup).map(|config| (config.daemon.grace, config.daemon.drain_spread))
    };
    let seconds = |grace, spread| Ok((Duration::from_secs(grace), Duration::from_secs(spread)));
    assert_eq!(grace("", "10"), seconds(10, 5));
    assert_eq!(grace("daemon: {grace: 20s}", "0"), seconds(0, 0));
    // The sample says nothing of the spread, so that a shorter grace from outside holds with it.
    let sample = fs::read_to_string(Path::new(HERE).join("../etc/frontier.yaml")).unwrap();
    assert_eq!(grace(&sample, "8"), seconds(8, 4));
    let error = grace("", "soon").unwrap_err().to_string();
    assert!(
        error.contains("environment variable FRONTIER_DRAIN_SECONDS: daemon.grace: expected a duration"),
        "{error}"
    );
}

/// The lines of a section of the unit for systemd.
fn unit(section: &str) -> Vec<String> {
    let unit =
        fs::read_to_string(Path::new(HERE).join("../etc/frontier.service")).expect("the unit is there");
    let lines = unit.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
    lines.take_while(|line| !line.starts_with('[')).map(str::to_owned).collect()
}

#[test]
fn the_unit_gives_the_drain_its_time_and_never_gives_up_on_an_address_that_is_late() {
    let of_unit = unit("Unit");
    assert!(of_unit.iter().any(|line| line == "StartLimitIntervalSec=0"), "{of_unit:?}");
    assert!(of_unit.iter().any(|line| line == "Wants=network-online.target"), "{of_unit:?}");
    let of_service = unit("Service");
    let stop = of_service.iter().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
    let stop = Duration::from_secs(stop.parse().unwrap());
    assert!(stop > parse("").unwrap().daemon.grace, "{stop:?}");
    assert!(of_service.iter().any(|line| line == "RestartPreventExitStatus=64"), "{of_service:?}");
}

/// What systemd itself says of the unit, where there is systemd.
#[test]
fn variables_of_the_original_mean_what_they_meant_there() {
    let variables = [
        ("NODE_NAME", "worker-3"),
        ("FRONTLAS_ADDR", "frontlas:40012"),
        ("FRONTIER_EDGEBOUND_PORT", "31012"),
        ("FRONTIER_SERVICEBOUND_PORT", "tcp://10.96.0.7:30011"),
    ];
    let lookup =
        |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, text)| (*text).to_owned());
    let yaml = "{edgebound: {listen: {addr: '10.0.0.1:1'}}, \
                servicebound: {listen: {advertised_addr: '10.0.0.2:30011'}}}";
    let config = Config::parse(yaml, &lookup).unwrap();
    let membership = config.membership.unwrap();
    assert_eq!(membership.frontier_id.as_deref(), Some("frontier-worker-3"));
    assert_eq!(membership.frontlas[0].to_string(), "tcp://frontlas:40012");
    let text = format!("{:?} {:?}", config.edgebound.listeners, config.servicebound.listeners);
    assert!(text.contains("10.0.0.1:31012") && text.contains("0.0.0.0:30011"), "{text}");
}
