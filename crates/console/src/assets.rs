//! The files themselves, as they were when this was built.

use crate::Plane;
use axum::body::Bytes;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;

/// A file, ready to be sent.
pub(crate) struct Asset {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
    pub(crate) gzip: Bytes,
    /// A tag of its own for each form, as RFC 9110, 8.8.3.3 asks.
    pub(crate) tag: HeaderValue,
    pub(crate) gzip_tag: HeaderValue,
}

/// Names and contents of files below `static/`.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../static/", $name)).as_slice())),*]
    };
}

/// A test compares this list with the folder.
const FILES: &[(&str, &[u8])] = &files![
    "css/base.css",
    "css/cluster.css",
    "css/frame.css",
    "css/parts.css",
    "css/peers.css",
    "index.html",
    "js/api.js",
    "js/bytes.js",
    "js/clusterwatch.js",
    "js/dom.js",
    "js/format.js",
    "js/frames.js",
    "js/gatewaywatch.js",
    "js/grid.js",
    "js/live.js",
    "js/login.js",
    "js/main.js",
    "js/metrics.js",
    "js/peers.js",
    "js/plot.js",
    "js/role.js",
    "js/series.js",
    "js/theme.js",
    "js/views/cluster.js",
    "js/views/confirm.js",
    "js/views/control.js",
    "js/views/events.js",
    "js/views/inspect.js",
    "js/views/kick.js",
    "js/views/map.js",
    "js/views/notice.js",
    "js/views/overview.js",
    "js/views/peers.js",
    "js/views/policy.js",
    "js/views/request.js",
    "js/views/tiles.js",
    "js/watch.js",
    "mark.svg",
];

/// The module by which the others know which plane they are on, under one name for both.
const PLANE: &str = "js/plane.js";

/// All files of the console for this plane.
pub(crate) fn of(plane: Plane) -> BTreeMap<&'static str, Asset> {
    let own = match plane {
        Plane::Gateway => include_bytes!("../static/js/planes/gateway.js").as_slice(),
        Plane::Frontlas => include_bytes!("../static/js/planes/frontlas.js").as_slice(),
    };
    let files = FILES.iter().copied().chain([(PLANE, own)]);
    files.map(|(name, bytes)| (name, Asset::new(name, bytes))).collect()
}

impl Asset {
    fn new(name: &str, bytes: &'static [u8]) -> Self {
        let mut hash = HEXLOWER.encode(&Sha256::digest(bytes));
        hash.truncate(32);
        let tag = |form: &str| {
            HeaderValue::from_str(&format!("\"{hash}{form}\"")).expect("hex is good in a header")
        };
        let content_type = match name.rsplit_once('.').map(|(_, kind)| kind) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        };
        Self { content_type, bytes, gzip: compress(bytes), tag: tag(""), gzip_tag: tag("-gzip") }
    }
}

fn compress(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory takes all that is written").into()
}

#[cfg(test)]
mod tests;
