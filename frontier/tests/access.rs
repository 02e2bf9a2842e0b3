//! The examples of `docs/access.md` are loaded and do what the text says.

use frontier::Config;
use frontier::config::{CONTROLPLANE, EDGEBOUND, SERVICEBOUND};
use frontier_access::authn::{AuthConfig, AuthnError, ClientCertificate, Credentials};
use frontier_access::{Access, ClockReading, Labels, Principal};
use frontier_config as config;
use frontier_protocol::{EdgeId, Role};
use std::fs;
use std::path::Path;
use std::time::Instant;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn guide() -> String {
    fs::read_to_string(Path::new(HERE).join("../docs/access.md")).expect("the guide is there")
}

/// The YAML blocks of the guide, each with the name in its first line.
fn examples() -> Vec<(String, String)> {
    let guide = guide();
    let blocks = guide.split("```yaml\n# ").skip(1).filter_map(|block| block.split("```").next());
    let named = blocks.filter_map(|block| block.split_once('\n'));
    named.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in pairs {
        labels.set(key, value).expect("a short label");
    }
    labels
}

#[test]
fn the_guide_has_no_other_yaml() {
    assert_eq!(guide().matches("```yaml").count(), examples().len());
    assert_eq!(examples().len(), 11);
}

#[test]
fn the_guide_has_the_texts_of_failures() {
    let guide = guide();
    for error in [
        AuthnError::MissingCredentials,
        AuthnError::UnknownToken,
        AuthnError::Expired,
        AuthnError::NotYetValid,
        AuthnError::BadSignature,
        AuthnError::UnknownKey,
        AuthnError::WrongAlgorithm,
        AuthnError::WrongAudience,
        AuthnError::WrongIssuer,
        AuthnError::NoExpiry,
        AuthnError::Claim("X".into()),
        AuthnError::NoName("EdgeID"),
        AuthnError::NameMismatch("EdgeID"),
        AuthnError::NotFrontier,
    ] {
        assert!(guide.contains(&error.to_string()), "{error}");
    }
}

#[test]
fn the_sections_of_methods_are_valid() {
    let sections: Vec<_> = examples().into_iter().filter(|(name, _)| name == "example: auth").collect();
    assert_eq!(sections.len(), 3);
    for (_, text) in sections {
        let auth = config::load(&text, &|_| None, &[], AuthConfig::read).unwrap();
        assert_eq!(auth.needs_certificate(), text.contains("mtls"), "{text}");
        assert_eq!(auth.meta_labels.is_empty(), !text.contains("meta_labels"), "{text}");
    }
}

#[test]
fn the_example_for_operators_is_loaded_and_holds() {
    let text = |wanted: &str| examples().into_iter().find(|(name, _)| name == wanted).expect(wanted).1;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("operators.yaml"), text("example: operators.yaml")).unwrap();
    let surroundings = config::Surroundings { environment: &|_| None, variables: &[], folder: folder.path() };
    let yaml = text("example: operators").replace("tls: {enable: true, certs", "tls: {enable: false, certs");
    let config = Config::load(&yaml, &surroundings).unwrap_or_else(|refused| panic!("{}", refused.errors));
    assert_eq!(config.control_plane.unwrap().server.addr.port(), 30010);
    let access = Access::load(&config.access, Instant::now()).unwrap();
    assert!(!access.authenticator(CONTROLPLANE).unwrap().is_none() && access.warnings().is_empty());
}

#[test]
fn the_complete_example_is_loaded_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |text: &str| text.replace("/etc/frontier", &folder.path().display().to_string());
    for (name, text) in examples().iter().filter(|(name, _)| name.starts_with('/')) {
        fs::write(at(name), at(text)).unwrap();
    }
    let jwks = Path::new(HERE).join("../crates/access/tests/data/jwks.json");
    fs::copy(jwks, folder.path().join("jwks.json")).unwrap();
    let yaml = fs::read_to_string(folder.path().join("frontier.yaml")).unwrap();
    let config = Config::parse(&yaml, &|_| None).unwrap();
    assert!(config.reload.watch && !config.reload.enforce);
    let access = Access::load(&config.access, Instant::now()).unwrap();
    let files: Vec<_> = access.files().iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(files, ["tokens.yaml", "jwks.json", "rules.yaml", "quotas.yaml"]);
    assert!(access.authenticator(SERVICEBOUND).is_some());

    let certificate =
        ClientCertificate { uris: vec!["urn:frontier:edge:7".into()], ..ClientCertificate::default() };
    let credentials = Credentials { token: None, certificate: Some(&certificate) };
    let edges = access.authenticator(EDGEBOUND).unwrap();
    let (address, now) = ([192, 0, 2, 1].into(), ClockReading::now());
    let verified = access.authenticate(edges, Role::Edge, address, &credentials, now).unwrap();
    assert_eq!(verified.edge_id, Some(EdgeId(7)));

    let acme = labels(&[("tenant", "acme"), ("region", "eu")]);
    let edge = Principal {
        role: Role::Edge,
        subject: &verified.subject,
        edge_id: verified.edge_id,
        service: "",
        labels: &acme,
        address: Some(address),
    };
    let grants = access.rules().grants(&edge);
    assert!(grants.may_call("files.read").is_ok() && grants.may_publish("uploads").is_ok());
    assert_eq!(
        grants.may_call("files.delete").unwrap_err().to_string(),
        "calling `files.delete` is denied by rule `nothing is deleted from outside`"
    );
    assert_eq!(grants.may_publish("x").unwrap_err().to_string(), "publishing `x` is not allowed by any rule");

    let none = Labels::new();
    let files = Principal { role: Role::Service, edge_id: None, service: "files-2", labels: &none, ..edge };
    let grants = access.rules().grants(&files);
    assert!(grants.may_reach(EdgeId(7), &acme).is_ok() && grants.may_reach(EdgeId(7), &none).is_err());

    let meter = access.quotas().connect(&edge, now.instant).unwrap();
    let passed = (0..1000).take_while(|_| meter.message(1, now.instant).is_ok()).count();
    assert_eq!(passed, 200);
    assert!(access.quotas().connect(&files, now.instant).unwrap().is_unlimited());
}
