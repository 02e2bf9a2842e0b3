//! The sample configuration.

use frontier_broker::Config;
use frontier_broker::config::StoreConfig;
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
    let Some(StoreConfig::Disk(store)) = config.store else { panic!("{:?}", config.store) };
    assert_eq!((store.path.to_str(), store.size), (Some("/var/lib/broker/sessions.redb"), 10 << 30));
    assert_eq!(store.cache_size, 64 << 20);
    assert!(config.gateway.token.is_some() && config.gateway.frontlas_token.is_some());
}

#[test]
fn the_section_of_redis_in_the_sample_says_what_its_defaults_are() {
    let sample = sample();
    let section = sample.lines().skip_while(|line| !line.starts_with("  # redis:"));
    let section = section.take_while(|line| line.starts_with("  # ")).map(|line| line.replacen("# ", "", 1));
    let yaml = format!("store:\n{}", section.collect::<Vec<_>>().join("\n"));
    let secret = |name: &str| (name == "REDIS_PASSWORD").then(|| "secret".to_owned());
    let Some(StoreConfig::Redis(sampled)) = Config::parse(&yaml, &secret).expect("it is valid").store else {
        panic!("{yaml}");
    };
    assert!(!format!("{sampled:?}").contains("secret"));
    assert_eq!(sampled.store.redis.password.as_ref().map(|it| it.expose()), Some("secret"));
    let Some(StoreConfig::Redis(defaults)) = parse("store: {redis: {mode: standalone}}").store else {
        panic!("there is one");
    };
    let mut sampled = sampled;
    (sampled.store.redis.password, sampled.store.redis.username) = (None, None);
    assert_eq!(format!("{sampled:#?}"), format!("{defaults:#?}"));
}
