//! What services are told about edges, and what their replies mean.

use super::*;
use crate::testing;

#[test]
fn an_event_is_the_id_the_address_and_the_meta() {
    let edge = testing::lone(testing::edge(0x0102));
    let (id, payload) = event(&edge).unwrap();
    assert_eq!(id, EdgeId(0x0102));
    assert_eq!(payload, b"\0\0\0\0\0\0\x01\x02\0\x0b127.0.0.1:7meta");
    let service = testing::lone(testing::service(1));
    assert_eq!(event(&service), None);
}

#[test]
fn a_service_that_fails_is_no_reason_to_give_up() {
    for code in [Code::MethodNotFound, Code::Panicked, Code::Unknown(999)] {
        assert_eq!(failed(&OwnReply::error(code, "")).code, Code::Internal, "{code}");
    }
    let busy = OwnReply { detail: 250, ..OwnReply::error(Code::Overloaded, "busy") };
    assert_eq!(failed(&busy), Failure::new(Code::Overloaded, "busy").detailed(250));
}

#[test]
fn a_service_that_refuses_means_so() {
    for code in [Code::Application, Code::Denied, Code::Unauthenticated] {
        let told = failed(&OwnReply::error(code, "not you"));
        assert_eq!(told, Failure::new(Code::Denied, "not you"), "{code}");
        assert!(!told.code.is_retryable());
    }
}
