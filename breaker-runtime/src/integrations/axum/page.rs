//! The dashboard: a self-contained HTML page. The Content-Security-Policy allows only its own script and
//! style, by their hashes.

use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use once_cell::sync::Lazy;
use sha2::{Digest, Sha256};

use super::query::NoQuery;
use super::request::Input;

struct Page {
    html: Bytes,
    policy: String,
}

const SCRIPT: &str = concat!(
    include_str!("page/model.js"),
    include_str!("page/dom.js"),
    include_str!("page/card_text.js"),
    include_str!("page/card.js"),
    include_str!("page/controls.js"),
    include_str!("page/candidates.js"),
    include_str!("page/stream.js"),
    include_str!("page/page.js"),
);
const STYLE: &str = include_str!("page/page.css");

static PAGE: Lazy<Page> = Lazy::new(|| {
    let html = include_str!("page/page.html").replace("/* style */", STYLE).replace("/* script */", SCRIPT);
    let policy = format!(
        "default-src 'self'; script-src '{}'; style-src '{}'; img-src data:; object-src 'none'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        csp_hash(SCRIPT),
        csp_hash(STYLE),
    );
    Page { html: Bytes::from(html), policy }
});

/// Returns the page.
pub(super) async fn page(Input(NoQuery): Input<NoQuery>) -> ([(HeaderName, &'static str); 2], Bytes) {
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, PAGE.policy.as_str())];
    (headers, PAGE.html.clone())
}

/// Returns the hash of a text in the format of a Content-Security-Policy.
fn csp_hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}
