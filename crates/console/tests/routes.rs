//! What a browser is answered.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use axum::body::Body;
use axum::response::Response;
use frontier_console::{Plane, is_public, routes};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn get(path: &str, headers: &[(&'static str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    routes(Plane::Frontlas).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_is_at_console_and_browsers_are_sent_there() {
    let page = get("/console/", &[]).await;
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    assert!(text(page).await.contains("<title>Frontier console</title>"));
    for (path, accept) in [("/", "text/html,application/xhtml+xml;q=0.9"), ("/console", "*/*")] {
        let answer = get(path, &[("accept", accept)]).await;
        assert_eq!(
            (answer.status(), header(&answer, "location")),
            (StatusCode::TEMPORARY_REDIRECT, "/console/")
        );
    }
    assert_eq!(get("/", &[("accept", "*/*")]).await.status(), StatusCode::NOT_FOUND, "a program");
    assert_eq!(get("/console/nowhere.js", &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get("/console/../Cargo.toml", &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn all_answers_come_with_the_policy() {
    for path in
        ["/console/", "/console/js/main.js", "/console/css/base.css", "/console/mark.svg", "/console/nowhere"]
    {
        let answer = get(path, &[]).await;
        let policy = header(&answer, "content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    for encoding in ["gzip, deflate, br", "identity"] {
        let first = get("/console/js/main.js", &[("accept-encoding", encoding)]).await;
        let tag = header(&first, "etag").to_owned();
        assert_eq!(
            (header(&first, "cache-control"), header(&first, "vary")),
            ("no-cache", "accept-encoding")
        );
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let headers = [("accept-encoding", encoding), ("if-none-match", known.as_str())];
            let again = get("/console/js/main.js", &headers).await;
            assert_eq!((again.status(), header(&again, "etag")), (StatusCode::NOT_MODIFIED, &*tag));
            assert_eq!(text(again).await, "");
        }
        let other =
            get("/console/js/main.js", &[("accept-encoding", encoding), ("if-none-match", "\"other\"")])
                .await;
        assert_eq!(other.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn files_are_compressed_for_who_takes_that() {
    let size = async |encoding: &str| {
        let answer = get("/console/js/main.js", &[("accept-encoding", encoding)]).await;
        let coding = header(&answer, "content-encoding").to_owned();
        (coding, answer.into_body().collect().await.unwrap().to_bytes().len())
    };
    let (plain, gzip) = (size("identity").await, size("br, gzip;q=0.8").await);
    assert_eq!((&*plain.0, &*gzip.0), ("", "gzip"));
    assert!(gzip.1 * 2 < plain.1, "{} of {}", gzip.1, plain.1);
    assert_eq!(size("gzip;q=0").await.0, "");
}

#[test]
fn nothing_but_reads_of_the_files_is_for_everybody() {
    let html: HeaderMap = [(http::header::ACCEPT, "text/html".parse().unwrap())].into_iter().collect();
    let public =
        |method: Method, path: &str, headers: &HeaderMap| is_public(&method, &path.parse().unwrap(), headers);
    for path in ["/console", "/console/", "/console/js/main.js"] {
        assert!(
            public(Method::GET, path, &HeaderMap::new()) && public(Method::HEAD, path, &HeaderMap::new())
        );
        assert!(!public(Method::POST, path, &html) && !public(Method::DELETE, path, &html), "{path}");
    }
    assert!(public(Method::GET, "/", &html));
    assert!(!public(Method::GET, "/", &HeaderMap::new()));
    for path in ["/consoles", "/cluster/v1/edges", "/v1/edges", "//console/", "/x/console/"] {
        assert!(!public(Method::GET, path, &html), "{path}");
    }
}
