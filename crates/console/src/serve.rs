//! The routes of the console, and the headers of its answers.

use crate::Plane;
use crate::assets::{self, Asset};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use frontier_admin::ApiError;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the console is.
const ROOT: &str = "/console/";

/// What a browser may do with these pages: run these scripts, use these styles, talk to this plane. No text becomes
/// markup (`require-trusted-types-for`), nobody frames it, and no form goes anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The other headers of every answer. A file is asked about again each time it is used, which its `ETag` makes cheap:
/// after an upgrade nobody mixes old files with new ones.
const HEADERS: [(&str, &str); 7] = [
    ("cache-control", "no-cache"),
    ("content-security-policy", POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

type Files = Arc<BTreeMap<&'static str, Asset>>;

/// The console at `/console/`, and the way there from `/` for browsers.
pub fn routes(plane: Plane) -> Router {
    Router::new()
        .route("/", get(to_console))
        .route("/console", get(to_console))
        .route(ROOT, get(index))
        .route("/console/{*file}", get(file))
        .with_state(Arc::new(assets::of(plane)))
}

/// Whether everybody gets an answer, whatever they show: to reads of the console's files, which are the same for all
/// and hold no data, and to a browser that asks for `/`, which is told where they are. The page in which the token is
/// typed in has to come from somewhere.
#[must_use]
pub fn is_public(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let path = uri.path();
    reads && (path == "/console" || path.starts_with(ROOT) || path == "/" && wants_page(headers))
}

/// A browser says that it takes HTML; programs seldom do.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accept.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

async fn to_console(uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() == "/" && !wants_page(&headers) {
        return ApiError::NoRoute(uri.path().to_owned()).into_response();
    }
    Redirect::temporary(ROOT).into_response()
}

async fn index(State(files): State<Files>, headers: HeaderMap) -> Response {
    answer(&files, "index.html", &headers)
}

async fn file(State(files): State<Files>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    answer(&files, &name, &headers)
}

fn answer(files: &Files, name: &str, asked: &HeaderMap) -> Response {
    let Some(asset) = files.get(name) else {
        return with_headers((StatusCode::NOT_FOUND, "the console has no such file\n").into_response());
    };
    let gzip = takes_gzip(asked);
    let tag = if gzip { &asset.gzip_tag } else { &asset.tag };
    let body = match is_known(asked, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false if gzip => Body::from(asset.gzip.clone()).into_response(),
        false => Body::from(asset.bytes).into_response(),
    };
    let mut response = with_headers(body);
    let is_body = response.status() == StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag.clone());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    response
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the client takes gzip. It is not worth reading weights: `gzip;q=0` is said by nobody but tests.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accept.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip")
            && parts.all(|weight| !matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Whether the client has this very file. RFC 9110, 13.1.2: compared weakly.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(|it| it.trim().trim_start_matches("W/"));
    tags.any(|it| it == "*" || it.as_bytes() == tag.as_bytes())
}
