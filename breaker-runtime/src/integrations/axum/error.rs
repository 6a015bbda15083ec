//! HTTP errors. Every body is `{"error": "<text>"}`, and no text repeats input of the client.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::response::json;

/// The status of a failed request, and the text for its client.
#[derive(Clone, Copy, Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    text: &'static str,
}

impl HttpError {
    pub(super) const INVALID_PATH: Self =
        Self::new(StatusCode::BAD_REQUEST, "invalid percent-encoding in the URL");
    pub(super) const INVALID_QUERY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "invalid query string: use percent-encoded UTF-8 and each parameter at most once",
    );
    pub(super) const INVALID_OPERATOR: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "header X-Breaker-Operator must be 1 to 255 bytes of percent-encoded UTF-8 without control characters",
    );
    pub(super) const INVALID_TOKEN: Self =
        Self::new(StatusCode::UNAUTHORIZED, "a valid token is required: `Authorization: Bearer <token>`");
    pub(super) const COMMANDS_DISABLED: Self =
        Self::new(StatusCode::FORBIDDEN, "commands are disabled: no token is configured");
    pub(super) const OPERATOR_MISSING: Self =
        Self::new(StatusCode::FORBIDDEN, "header X-Breaker-Operator is required");
    pub(super) const UNKNOWN_CIRCUIT: Self =
        Self::new(StatusCode::NOT_FOUND, "unknown circuit or key; GET /circuits lists all circuits");
    pub(super) const UNKNOWN_COMMAND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "unknown command; use force-open, force-close, disable, release or reset",
    );
    pub(super) const METRICS_DISABLED: Self = Self::new(
        StatusCode::NOT_FOUND,
        "metrics are disabled: enable the feature `prometheus` of breaker-runtime",
    );
    pub(super) const METHOD_NOT_ALLOWED: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed; use a method listed in the Allow header",
    );
    pub(super) const NEVER_CALLED: Self = Self::new(
        StatusCode::CONFLICT,
        "the function has never been called, so it has no circuit; call it first",
    );
    pub(super) const TOO_MANY_CLIENTS: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many clients; retry in 30 s");

    const fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text }
    }
}

impl IntoResponse for HttpError {
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
        (headers, json(self.status, &Body { error: self.text })).into_response()
    }
}

impl From<PathRejection> for HttpError {
    fn from(_: PathRejection) -> Self {
        Self::INVALID_PATH
    }
}

impl From<QueryRejection> for HttpError {
    fn from(_: QueryRejection) -> Self {
        Self::INVALID_QUERY
    }
}
