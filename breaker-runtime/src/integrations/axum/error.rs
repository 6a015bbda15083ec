//! HTTP errors. Every body is `{"error": "<text>"}`. A text repeats of the request at most the name of a
//! parameter, cut and with escapes, and the settings that are not accepted.

use std::borrow::Cow;

use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::query::{DrillQuery, ParameterProblem, Query as _};
use super::response::{encode, json};
use crate::integrations::drill_order::DrillRefusal;
use crate::integrations::fleet_order::FleetRefusal;

/// The status of a failed request, and the text for its client.
#[derive(Clone, Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    text: Cow<'static, str>,
    /// The header `Retry-After`, in seconds.
    retry_after: Option<&'static str>,
}

impl HttpError {
    pub(super) const INVALID_PATH: Self =
        Self::new(StatusCode::BAD_REQUEST, "invalid percent-encoding in the URL");
    pub(super) const INVALID_QUERY: Self =
        Self::new(StatusCode::BAD_REQUEST, "invalid query string: use percent-encoded UTF-8");
    pub(super) const UNEXPECTED_BODY: Self =
        Self::new(StatusCode::BAD_REQUEST, "unexpected body: send the request without a body");
    pub(super) const UNREADABLE_BODY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "the body cannot be read: it is incomplete, or not encoded as its headers say",
    );
    pub(super) const INVALID_OPERATOR: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "header X-Breaker-Operator must be 1 to 255 bytes of percent-encoded UTF-8 with a visible character, and \
         without control characters, invisible characters and those that change the direction of the text",
    );
    pub(super) const REPEATED_OPERATOR: Self =
        Self::new(StatusCode::BAD_REQUEST, "header X-Breaker-Operator must be sent only once");
    pub(super) const INVALID_TOKEN: Self =
        Self::new(StatusCode::UNAUTHORIZED, "a valid token is required: `Authorization: Bearer <token>`");
    pub(super) const COMMANDS_DISABLED: Self =
        Self::new(StatusCode::FORBIDDEN, "commands are disabled: no token is configured");
    pub(super) const READING_DISABLED: Self =
        Self::new(StatusCode::FORBIDDEN, "reading is disabled: the configured read token is empty");
    pub(super) const OPERATOR_MISSING: Self =
        Self::new(StatusCode::FORBIDDEN, "header X-Breaker-Operator is required");
    pub(super) const UNKNOWN_CIRCUIT: Self =
        Self::new(StatusCode::NOT_FOUND, "unknown circuit or key; GET /circuits lists all circuits");
    pub(super) const UNKNOWN_CANDIDATE: Self = Self::new(
        StatusCode::NOT_FOUND,
        "unknown candidate; GET /circuits/<name>/candidates lists those that run",
    );
    pub(super) const CANDIDATE_MISSING: Self =
        Self::new(StatusCode::BAD_REQUEST, "parameter \"candidate\" is required: the name of the candidate");
    pub(super) const UNKNOWN_PATH: Self =
        Self::new(StatusCode::NOT_FOUND, "unknown path; paths have no trailing slash");
    pub(super) const UNKNOWN_COMMAND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "unknown command; use force-open, force-close, disable, release or reset, or for one name configure, drill or \
         stop-drill",
    );
    pub(super) const UNKNOWN_FLEET: Self = Self::new(
        StatusCode::NOT_FOUND,
        "the circuits of this process belong to no fleet: join one with `fleet::connect` (feature `redis`)",
    );
    pub(super) const METRICS_DISABLED: Self = Self::new(
        StatusCode::NOT_FOUND,
        "metrics are disabled: enable the feature `prometheus` of breaker-runtime",
    );
    pub(super) const DRILLS_DISABLED: Self = Self::new(
        StatusCode::NOT_FOUND,
        "drills are disabled: enable the feature `chaos` of breaker-runtime",
    );
    pub(super) const METHOD_NOT_ALLOWED: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed; use a method listed in the Allow header",
    );
    pub(super) const SETTINGS_TOO_LONG: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "the settings must be at most 16 KiB long");
    pub(super) const SETTINGS_BY_HAND: Self = Self::new(
        StatusCode::CONFLICT,
        "the program has set all settings of this circuit with `set_config`, which takes precedence, so these have no \
         effect; set them there",
    );
    pub(super) const KEY_WITHOUT_KEYS: Self =
        Self::new(StatusCode::BAD_REQUEST, "this breaker has no keys; remove the parameter \"key\"");
    pub(super) const KEY_TOO_LONG: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "a key must be at most 255 bytes long to have a circuit of its own",
    );
    pub(super) const NO_CIRCUIT: Self = Self::new(
        StatusCode::CONFLICT,
        "no key has been used yet, so there is no circuit; a circuit that is created later starts closed",
    );
    pub(super) const NO_FLEET: Self = Self::new(
        StatusCode::CONFLICT,
        "the circuits of this process belong to no fleet; without scope=fleet, the command applies to this process",
    );
    pub(super) const NOT_SHARED: Self = Self::new(
        StatusCode::CONFLICT,
        "this circuit is not shared; without scope=fleet, the command applies to this process",
    );
    pub(super) const KEY_REQUIRED: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "a command with scope=fleet applies to one circuit: add the parameter \"key\" for a breaker with keys, and \
         remove it for one without",
    );
    pub(super) const RESET_OF_FLEET: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "reset applies to one process only; use force-close with scope=fleet",
    );
    pub(super) const WHY_WITHOUT_FLEET: Self =
        Self::new(StatusCode::BAD_REQUEST, "parameter \"why\" is only accepted with scope=fleet");
    pub(super) const TOO_MANY_CLIENTS: Self = Self::unavailable("too many clients; retry in 30 s", "30");
    pub(super) const SHUTTING_DOWN: Self =
        Self::unavailable("the server is shutting down; retry in 2 s", "2");
    pub(super) const READING_FAILED: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "reading the circuits failed: it panicked, or the runtime is shutting down",
    );

    const fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text: Cow::Borrowed(text), retry_after: None }
    }

    const fn unavailable(text: &'static str, seconds: &'static str) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { status, text: Cow::Borrowed(text), retry_after: Some(seconds) }
    }

    /// Returns the error of a command that did not reach all processes.
    pub(super) fn refused_by_fleet(refusal: FleetRefusal) -> Self {
        let (status, text) = match refusal {
            FleetRefusal::NoFleet => return Self::NO_FLEET,
            FleetRefusal::Name(text) => (StatusCode::BAD_REQUEST, text),
            FleetRefusal::NotConfirmed(text) => (StatusCode::BAD_GATEWAY, text),
        };
        Self { status, text: text.into(), retry_after: None }
    }

    /// Returns the error of a drill that was not started or stopped.
    pub(super) fn refused_drill(refusal: DrillRefusal) -> Self {
        let text = match refusal {
            DrillRefusal::Disabled => return Self::DRILLS_DISABLED,
            DrillRefusal::UnknownCircuit => return Self::UNKNOWN_CIRCUIT,
            DrillRefusal::Invalid(text) => text,
        };
        let text = format!("{text}; accepted parameters: {}", DrillQuery::ACCEPTED.join(", "));
        Self { status: StatusCode::BAD_REQUEST, text: text.into(), retry_after: None }
    }

    /// Returns the error of settings that are not accepted. The text quotes their values, with escapes.
    pub(super) fn invalid_settings(text: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.into(), retry_after: None }
    }

    /// Returns the error of a candidate whose settings do not fit those of the breaker.
    pub(super) fn refused_promotion(text: String) -> Self {
        Self { status: StatusCode::CONFLICT, text: text.into(), retry_after: None }
    }

    /// Returns the error of a parameter in the query string.
    pub(super) fn bad_parameter(problem: &ParameterProblem, accepted: &[&str]) -> Self {
        let accepted = match accepted {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let text = format!("{problem}; accepted parameters: {accepted}");
        Self { status: StatusCode::BAD_REQUEST, text: text.into(), retry_after: None }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
        }

        let mut headers = HeaderMap::new();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        (headers, json(self.status, encode(&Body { error: &self.text }))).into_response()
    }
}
