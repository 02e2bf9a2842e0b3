//! The sample configuration.

use frontier_broker::Config;
use std::fs;
use std::path::Path;

fn parse(yaml: &str) -> Config {
    Config::parse(yaml, &|_| None).unwrap_or_else(|errors| panic!("{errors}"))
}

fn sample() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/broker.yaml"))
        .expect("there is a sample")
}

#[test]
fn the_sample_says_what_the_defaults_are() {
    let (sampled, defaults) = (parse(&sample()), parse(""));
    assert_eq!(format!("{sampled:#?}"), format!("{defaults:#?}"));
    assert!(sampled.fixed.changed(&defaults.fixed).is_empty());
}

#[test]
fn what_is_commented_out_in_the_sample_can_be_set() {
    let mut yaml = sample();
    for key in ["path", "size", "cache_size", "token", "frontlas_token", "cert", "key"] {
        yaml = yaml.replace(&format!("# {key}:"), &format!("{key}:"));
    }
    let secret =
        |name: &str| (!name.starts_with("BROKER_") || name == "BROKER_TOKEN").then(|| "secret".to_owned());
    let config = Config::parse(&yaml, &secret).unwrap_or_else(|errors| panic!("{errors}"));
    let store = config.store.expect("there is one");
    assert_eq!((store.path.to_str(), store.size), (Some("/var/lib/broker/sessions.redb"), 10 << 30));
    assert_eq!(store.cache_size, 64 << 20);
    assert!(config.gateway.token.is_some() && config.gateway.frontlas_token.is_some());
}
