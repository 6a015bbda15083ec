//! Responses: JSON bodies, and the security headers of every response.

use std::io::{self, Write};

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::printable::is_hidden;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Writes compact JSON in which all hidden characters are escaped. Its strings are unchanged for a parser, and
/// harmless in a terminal.
struct EscapeHidden;

/// Encodes `value` as JSON.
pub(super) fn encode(value: &impl Serialize) -> Bytes {
    let mut text = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut text, EscapeHidden)) {
        Ok(()) => Bytes::from(text),
        // Encoding cannot fail: every map key is a string, and no `Serialize` here returns an error.
        Err(_) => Bytes::from_static(b"{}"),
    }
}

/// Returns a response with an encoded JSON body.
pub(super) fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// Adds headers that forbid caching, content sniffing, framing and loading anything from elsewhere.
pub(super) async fn add_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

impl Formatter for EscapeHidden {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        if !text.contains(is_hidden) {
            return out.write_all(text.as_bytes());
        }
        for piece in text.split_inclusive(is_hidden) {
            let hidden = piece.chars().next_back().filter(|last| is_hidden(*last));
            let Some(hidden) = hidden else { return out.write_all(piece.as_bytes()) };
            out.write_all(piece.strip_suffix(hidden).unwrap_or_default().as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}
