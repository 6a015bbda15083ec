//! The one error type of the shop, and the response for each error.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use breaker_runtime::BreakerError;
use thiserror::Error;

/// The reason why an order failed.
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

impl Fault {
    /// Returns `true` if the service does not work. A status 4xx is an answer: the card or the order is refused.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Provider(error) => !error.status().is_some_and(|status| status.is_client_error()),
            Self::Score(_) => true,
            Self::Declined(_) | Self::QueueFull(_) | Self::Breaker(_) => false,
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Breaker(error) => return error.into_response(), // 503 or 504, with `Retry-After`
            Self::Provider(_) | Self::Score(_) if self.is_outage() => StatusCode::BAD_GATEWAY,
            Self::Provider(_) | Self::Score(_) | Self::Declined(_) => StatusCode::PAYMENT_REQUIRED,
            Self::QueueFull(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, self.to_string()).into_response()
    }
}
