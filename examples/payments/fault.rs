//! The one error type of the service, and the response for each error.

use std::io;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use breaker_runtime::BreakerError;
use thiserror::Error;

/// The reason why a request failed.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("the provider failed: {0}")]
    Provider(#[from] reqwest::Error),
    #[error("the ledger failed: {0}")]
    Ledger(#[from] io::Error),
    #[error(transparent)]
    Breaker(#[from] BreakerError), // a call was rejected, or took too long
}

impl Fault {
    /// Returns `true` if the provider does not work. Status 402 is an answer: the payment was declined.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Provider(error) => error.status() != Some(StatusCode::PAYMENT_REQUIRED),
            Self::Ledger(_) | Self::Breaker(_) => false,
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Breaker(error) => return error.into_response(), // 503 or 504, with `Retry-After`
            Self::Provider(_) if self.is_outage() => (StatusCode::BAD_GATEWAY, "provider failed"),
            Self::Provider(_) => (StatusCode::PAYMENT_REQUIRED, "declined"),
            Self::Ledger(_) => (StatusCode::INTERNAL_SERVER_ERROR, "ledger failed"),
        };
        (status, text).into_response()
    }
}
