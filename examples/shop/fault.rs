//! The one error type of the shop, and the response for each error.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use breaker_runtime::BreakerError;
use thiserror::Error;

/// Why an order failed.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("a provider failed: {0}")]
    Provider(#[from] reqwest::Error),
    #[error("the fraud check sent nonsense: {0}")]
    Score(#[from] std::num::ParseIntError),
    #[error("the risk of this order is {0} of 100")]
    Declined(u8),
    #[error("{0} captures wait already")]
    QueueFull(usize),
    #[error(transparent)]
    Breaker(#[from] BreakerError), // a call was rejected, or took too long
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Breaker(error) => return error.into_response(), // 503 or 504, with `Retry-After`
            Self::Provider(_) | Self::Score(_) => StatusCode::BAD_GATEWAY,
            Self::Declined(_) => StatusCode::PAYMENT_REQUIRED,
            Self::QueueFull(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, self.to_string()).into_response()
    }
}
