//! How several methods of authentication work together: any of them, or all.

use super::*;
use crate::authn::jwt::{JwtConfig, Key};
use crate::authn::mtls::Template;
use crate::authn::{ClientCertificate, token};
use frontier_config::load;
use frontier_protocol::{EdgeId, Role};
use jsonwebtoken::{EncodingKey, Header, encode};

const SECRET: &[u8] = b"only-for-tests-only-for-tests-only-for-tests";
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn tokens() -> Method {
    let text = format!(
        "- {{hash: '{}', edge_id: 7, name: token 7}}\n- {{hash: '{}', service: files}}\n",
        token::hash("seven"),
        token::hash("files")
    );
    Method::Token(TokenTable::parse(&text).unwrap())
}

fn jwt() -> Method {
    let text = "{keys: [{secret: x}], edge_id_claim: edge, require_exp: false}";
    let config = load(text, &|_| None, &[], JwtConfig::read).unwrap();
    Method::Jwt(Box::new(JwtVerifier::new(vec![Key::secret(SECRET).unwrap()], config)))
}

fn mtls() -> Method {
    let edge_id = Template::parse("cn:edge-{id}");
    Method::Mtls(Box::new(MtlsConfig { edge_id, ..MtlsConfig::default() }))
}

fn certificate(common_name: &str) -> ClientCertificate {
    ClientCertificate { common_name: Some(common_name.into()), ..ClientCertificate::default() }
}

fn ask(
    require: Require,
    methods: Vec<Method>,
    token: Option<&str>,
    certificate: Option<&ClientCertificate>,
) -> Result<Verified, AuthnError> {
    let credentials = Credentials { token, certificate };
    Authenticator { require, methods, ..Authenticator::none() }.authenticate(Role::Edge, &credentials, NOW)
}

#[test]
fn without_methods_everybody_is_let_in_and_nobody_is_known() {
    let credentials = Credentials { token: Some("whatever"), certificate: None };
    let verified = Authenticator::none().authenticate(Role::Edge, &credentials, NOW);
    assert_eq!(verified, Ok(Verified::default()));
}

#[test]
fn any_takes_the_first_that_succeeds() {
    let methods = || vec![mtls(), jwt(), tokens()];
    let seven = certificate("edge-7");
    let by_certificate = ask(Require::Any, methods(), None, Some(&seven)).unwrap();
    assert_eq!((&*by_certificate.subject, by_certificate.edge_id), ("edge-7", Some(EdgeId(7))));
    let by_token = ask(Require::Any, methods(), Some("seven"), None).unwrap();
    assert_eq!(by_token.subject, "token 7");
    let by_jwt = serde_json::json!({"edge": 9, "sub": "nine"});
    let by_jwt = encode(&Header::default(), &by_jwt, &EncodingKey::from_secret(SECRET)).unwrap();
    assert_eq!(ask(Require::Any, methods(), Some(&by_jwt), None).unwrap().edge_id, Some(EdgeId(9)));
    let both = ask(Require::Any, methods(), Some(&by_jwt), Some(&seven)).unwrap();
    assert_eq!(both.edge_id, Some(EdgeId(7)), "the certificate comes first");
}

#[test]
fn any_tells_of_the_failure_that_got_furthest() {
    let error = |token: Option<&str>, certificate: Option<&ClientCertificate>| {
        ask(Require::Any, vec![mtls(), jwt(), tokens()], token, certificate).unwrap_err().to_string()
    };
    assert_eq!(
        error(None, None),
        "credentials are missing: a token or a client certificate is needed here",
        "every way in"
    );
    assert_eq!(error(Some("guess"), None), "unknown token");
    let somebody = certificate("somebody");
    assert_eq!(
        error(Some("guess"), Some(&somebody)),
        "the client certificate names no EdgeID in the form that is expected here"
    );
    let wrong = encode(&Header::default(), &serde_json::json!({}), &EncodingKey::from_secret(b"x")).unwrap();
    assert_eq!(error(Some(&wrong), None), "the token's signature is wrong");
}

#[test]
fn all_need_each_and_no_contradiction() {
    let methods = || vec![mtls(), tokens()];
    let (seven, eight) = (certificate("edge-7"), certificate("edge-8"));
    let verified = ask(Require::All, methods(), Some("seven"), Some(&seven)).unwrap();
    assert_eq!((&*verified.subject, verified.edge_id), ("edge-7", Some(EdgeId(7))));
    assert_eq!(ask(Require::All, methods(), Some("seven"), None), Err(AuthnError::NoClientCertificate));
    assert_eq!(ask(Require::All, methods(), None, Some(&seven)), Err(AuthnError::MissingCredentials));
    let nothing = ask(Require::All, methods(), None, None).unwrap_err().to_string();
    assert_eq!(nothing, "credentials are missing: a token and a client certificate are needed here");
    assert_eq!(
        ask(Require::All, methods(), None, Some(&certificate("nobody"))).unwrap_err().to_string(),
        "the client certificate names no EdgeID in the form that is expected here"
    );
    let error = ask(Require::All, methods(), Some("seven"), Some(&eight)).unwrap_err();
    assert_eq!(error.to_string(), "the credentials contradict each other about the EdgeID");
}

#[test]
fn a_services_token_lets_no_edge_in() {
    for require in [Require::Any, Require::All] {
        let error = ask(require, vec![tokens()], Some("files"), None).unwrap_err();
        assert_eq!(error.to_string(), "the credentials are for services only");
    }
}

#[test]
fn a_services_certificate_does_not_spoil_an_edges_token() {
    let service = Template::parse("cn:svc-{name}");
    let services = Method::Mtls(Box::new(MtlsConfig { service, ..MtlsConfig::default() }));
    let certificate = certificate("svc-files");
    let verified = ask(Require::Any, vec![services, tokens()], Some("seven"), Some(&certificate)).unwrap();
    assert_eq!(verified.edge_id, Some(EdgeId(7)));
}

#[test]
fn files_are_read_and_their_mistakes_gathered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.yaml");
    std::fs::write(&path, format!("- hash: {}\n", token::hash("seven"))).unwrap();
    let text = format!("{{methods: [{{token: {{file: '{}'}}}}]}}", path.display());
    let config = load(&text, &|_| None, &[], AuthConfig::read).unwrap();
    let credentials = Credentials { token: Some("seven"), certificate: None };
    Authenticator::load(&config).unwrap().authenticate(Role::Edge, &credentials, NOW).unwrap();

    std::fs::write(&path, "- hash: seven\n").unwrap();
    let errors = Authenticator::load(&config).unwrap_err();
    let report = errors.to_string();
    assert!(report.starts_with(&format!("{}: 1 mistake", path.display())), "{report}");
    assert!(report.contains("[0].hash: expected `sha256:`") && !report.contains("seven"), "{report}");
    std::fs::remove_file(&path).unwrap();
    assert!(
        Authenticator::load(&config).unwrap_err().to_string().contains("tokens.yaml: there is no such file")
    );
}
