//! What the claims of a token give a peer, and which of them make it worthless.

use super::*;

#[test]
fn an_expired_token_is_refused_after_the_leeway() {
    let at = |exp: Value| claims(json!({ "exp": exp }), |_| {});
    assert!(at(json!(NOW_SECS - 29)).is_ok() && at(json!(NOW_SECS as f64 - 29.5)).is_ok());
    let error = at(json!(NOW_SECS - 30)).unwrap_err();
    assert_eq!((&error, &*error.to_string()), (&AuthnError::Expired, "the token has expired"));
    assert_eq!(at(json!(0)), Err(AuthnError::Expired));
    for exp in [json!(u64::MAX), json!(1e300)] {
        let verified = at(exp).unwrap();
        assert!(verified.expires.unwrap() > now());
    }
    for exp in [json!("soon"), json!(-1), json!(true)] {
        assert_eq!(at(exp.clone()), Err(AuthnError::Claim("exp".into())), "{exp}");
    }
    assert!(matches!(at(json!([1])), Err(AuthnError::Malformed(_))));
}

#[test]
fn a_token_without_an_expiry_is_refused_unless_allowed() {
    let error = claims(json!({ "exp": null }), |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "the token has no expiry, which is required here");
    let verified = claims(json!({ "exp": null }), |config| config.require_exp = false).unwrap();
    assert_eq!(verified.expires, None);
}

#[test]
fn a_token_is_not_valid_before_its_time() {
    assert!(claims(json!({"nbf": NOW_SECS + 30}), |_| {}).is_ok());
    let error = claims(json!({"nbf": NOW_SECS + 31}), |_| {}).unwrap_err();
    assert_eq!((&error, &*error.to_string()), (&AuthnError::NotYetValid, "the token is not valid yet"));
}

#[test]
fn the_audience_must_be_ours() {
    for aud in [json!("frontier"), json!(["x", "frontier"])] {
        assert!(claims(json!({ "aud": aud }), |_| {}).is_ok());
    }
    for aud in [json!("other"), json!(["x"]), json!([]), json!(null), json!(7), json!({"frontier": 1})] {
        let error = claims(json!({ "aud": aud }), |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "the token is for another audience", "{aud}");
    }
}

#[test]
fn where_no_audience_is_set_a_token_must_have_none() {
    assert!(claims(json!({ "aud": null }), |config| config.audiences.clear()).is_ok());
    let for_others = claims(json!({ "aud": "x" }), |config| config.audiences.clear());
    assert_eq!(for_others, Err(AuthnError::WrongAudience));
}

#[test]
fn the_issuer_must_be_taken() {
    let issuers = |config: &mut JwtConfig| config.issuers = vec!["a".into(), "b".into()];
    assert!(claims(json!({"iss": "b"}), issuers).is_ok());
    for iss in [json!("c"), json!(null), json!(["a"])] {
        let error = claims(json!({ "iss": iss }), issuers).unwrap_err();
        assert_eq!(error.to_string(), "the token is from an issuer that is not taken here", "{iss}");
    }
}

#[test]
fn a_claim_fixes_the_edge_id() {
    let edge = |config: &mut JwtConfig| config.edge_id_claim = Some("edge".into());
    for id in [json!(7), json!("7"), json!("007")] {
        assert_eq!(claims(json!({ "edge": id }), edge).unwrap().edge_id, Some(EdgeId(7)));
    }
    let huge = json!("18446744073709551616");
    for id in
        [json!(null), json!(0), json!("0"), json!(""), json!("x"), json!("+7"), json!(-7), json!(7.5), huge]
    {
        let error = claims(json!({ "edge": id }), edge).unwrap_err();
        assert_eq!(error.to_string(), "the token's claim `edge` is missing or of the wrong type", "{id}");
    }
    assert!(claims(json!({}), edge).is_err());
    // On the other side the claim is not needed; what is there must be right all the same.
    assert_eq!(claims_of(json!({}), Side::Service, edge).unwrap().edge_id, None);
    assert!(claims_of(json!({"edge": "x"}), Side::Service, edge).is_err());
}

#[test]
fn claims_fix_the_name_and_id_of_a_service() {
    let service = |config: &mut JwtConfig| {
        config.service_claim = Some("svc".into());
        config.service_id_claim = Some("svc_id".into());
    };
    let verified = claims_of(json!({"svc": "files", "svc_id": 3}), Side::Service, service).unwrap();
    assert_eq!((verified.service.as_deref(), verified.service_id), (Some("files"), Some(ServiceId(3))));
    for claims in [json!({"svc_id": 3}), json!({"svc": "", "svc_id": 3}), json!({"svc": ["a"], "svc_id": 3})]
    {
        assert_eq!(claims_of(claims, Side::Service, service), Err(AuthnError::Claim("svc".into())));
    }
    assert!(claims_of(json!({}), Side::Edge, service).is_ok());
}

#[test]
fn a_claim_says_which_frontier_it_may_be() {
    let frontier = |config: &mut JwtConfig| {
        config.frontier_claim = Some("frontier".into());
        config.service_claim = Some("svc".into());
    };
    let verified = claims_of(json!({"frontier": "f1"}), Side::Frontier, frontier).unwrap();
    assert_eq!(verified.confirm_frontier("f1"), Ok(()));
    assert!(verified.confirm_frontier("f2").is_err());
    for none in [json!({}), json!({"frontier": ""}), json!({"svc": "files"})] {
        let verified = claims_of(none, Side::Frontier, frontier).unwrap();
        assert_eq!(verified.confirm_frontier("f1"), Err(AuthnError::NotFrontier));
    }
}

#[test]
fn a_claim_says_what_an_operator_may_do() {
    let operator = |config: &mut JwtConfig| config.role_claim = Some("role".into());
    let verified = claims_of(json!({"role": "operate"}), Side::Operator, operator).unwrap();
    assert_eq!(verified.role, Some(OperatorRole::Operate));
    assert_eq!(claims_of(json!({}), Side::Operator, operator).unwrap().role, None);
    for wrong in [json!({"role": "root"}), json!({"role": ["read", "admin"]}), json!({"role": ""})] {
        assert_eq!(claims_of(wrong, Side::Operator, operator), Err(AuthnError::Claim("role".into())));
    }
}

#[test]
fn claims_become_labels() {
    let labels =
        |config: &mut JwtConfig| config.label_claims = vec!["tenant".into(), "tier".into(), "vip".into()];
    let verified = claims(json!({"tenant": "acme", "tier": 2, "vip": true}), labels).unwrap();
    assert_eq!(verified.labels.to_string(), "tenant=acme, tier=2, vip=true");
    assert!(claims(json!({}), labels).unwrap().labels.is_empty());
    for tenant in [json!(["a", "b"]), json!({"a": 1}), json!(""), json!("x".repeat(256))] {
        assert_eq!(claims(json!({ "tenant": tenant }), labels), Err(AuthnError::Claim("tenant".into())));
    }
}
