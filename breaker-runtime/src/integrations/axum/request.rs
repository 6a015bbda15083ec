//! Checks of every request: its path, its query string, and that it has no body unless its route reads one.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::Uri;
use axum::http::request::Parts;

use super::error::HttpError;
use super::query::{Query, QueryError, has_valid_escapes, is_empty, parse};

/// The query string of a request whose other parts are valid.
pub(super) struct Input<Q>(pub(super) Q);

/// The decoded values of the parameters in the path of a route, in their order. A router that the dashboard is nested
/// in may have parameters of its own before them, even with the same names.
pub(super) struct PathValues<const N: usize>(pub(super) [String; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for PathValues<N> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let values = RawPathParams::from_request_parts(parts, state).await;
        let values = values.map_err(|_| HttpError::INVALID_PATH)?;
        let mut values: Vec<String> = values.iter().map(|(_, value)| value.to_owned()).collect();
        let own = values.split_off(values.len().saturating_sub(N));
        own.try_into().map(Self).map_err(|_| HttpError::UNKNOWN_PATH)
    }
}

impl<Q: Query, S: Sync> FromRequest<S> for Input<Q> {
    type Rejection = HttpError;

    async fn from_request(request: Request, _: &S) -> Result<Self, HttpError> {
        let (parts, body) = request.into_parts();
        Self::new(parts.uri.path(), parts.uri.query(), is_empty(body).await)
    }
}

impl<Q: Query> Input<Q> {
    /// Returns the query string of a request whose body is read elsewhere.
    pub(super) fn with_body(uri: &Uri) -> Result<Self, HttpError> {
        Self::new(uri.path(), uri.query(), true)
    }

    fn new(path: &str, query: Option<&str>, has_no_body: bool) -> Result<Self, HttpError> {
        if !has_valid_escapes(path) {
            return Err(HttpError::INVALID_PATH);
        }
        let query = parse(query.unwrap_or_default()).map_err(|error| match error {
            QueryError::Encoding => HttpError::INVALID_QUERY,
            QueryError::Parameter(problem) => HttpError::bad_parameter(&problem, Q::ACCEPTED),
        })?;
        if has_no_body { Ok(Self(query)) } else { Err(HttpError::UNEXPECTED_BODY) }
    }
}
