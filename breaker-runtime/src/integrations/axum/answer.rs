//! Answers: JSON, what is refused and why, and the headers of both.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request gets nothing. What the client sent is not repeated: it may be long, or somebody else's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: &'static str,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => (status, [(CONTENT_TYPE, JSON)], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, JSON)], "{}").into_response(),
    }
}

/// What every answer says beside its own: nothing is kept, guessed, framed or fetched from elsewhere.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

impl Refusal {
    pub(super) const ADDRESS: Self =
        Self::new(StatusCode::BAD_REQUEST, "the address is no percent-encoded UTF-8, or names a key twice");
    pub(super) const OPERATOR: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "X-Breaker-Operator is not the name of an operator: 1 to 255 bytes of percent-encoded UTF-8 without control characters",
    );
    pub(super) const TOKEN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "send the token of the dashboard: `Authorization: Bearer <token>`",
    );
    pub(super) const CONTROLS: Self = Self::new(
        StatusCode::FORBIDDEN,
        "this dashboard obeys nobody: it has no token, see `Dashboard::token`",
    );
    pub(super) const SITE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "say who commands: `X-Breaker-Operator: <name>`; without it a form of another site could",
    );
    pub(super) const CIRCUIT: Self =
        Self::new(StatusCode::NOT_FOUND, "no circuit has this name, or this key; see /circuits");
    pub(super) const ORDER: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no such command; there are force-open, force-close, disable, release and reset",
    );
    pub(super) const UNCALLED: Self = Self::new(
        StatusCode::CONFLICT,
        "its function was never called, so there is no circuit to command yet",
    );
    pub(super) const METRICS: Self =
        Self::new(StatusCode::NOT_FOUND, "breaker-runtime was built without its feature `prometheus`");
    pub(super) const METHOD: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "not by this method; the header `Allow` says by which");
    pub(super) const CROWD: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many clients are watching; come back later");

    const fn new(status: StatusCode, error: &'static str) -> Self {
        Self { status, error }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: &'static str,
        }

        let mut headers = HeaderMap::new();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        (headers, json(self.status, &Body { error: self.error })).into_response()
    }
}

impl From<PathRejection> for Refusal {
    fn from(_: PathRejection) -> Self {
        Self::ADDRESS
    }
}

impl From<QueryRejection> for Refusal {
    fn from(_: QueryRejection) -> Self {
        Self::ADDRESS
    }
}
