//! The result of one delivery, as the handler reports it.

use std::fmt::Display;

use crate::outcome::Outcome;

/// The result of delivering one item.
///
/// A `Result<(), E>` converts to it: `Ok` is [`Done`](Self::Done), and `Err` is [`Retry`](Self::Retry) with the text of
/// the error.
///
/// ```
/// use breaker_runtime::queue::Delivery;
///
/// enum CaptureError {
///     Declined,
///     Unavailable,
/// }
///
/// fn delivery(result: Result<(), CaptureError>) -> Delivery {
///     match result {
///         Ok(()) => Delivery::Done,
///         // It would be declined again.
///         Err(CaptureError::Declined) => Delivery::Discard,
///         Err(CaptureError::Unavailable) => Delivery::Retry("unavailable".to_owned()),
///     }
/// }
///
/// assert_eq!(Delivery::from(Ok::<(), String>(())), Delivery::Done);
/// # delivery(Err(CaptureError::Declined)); delivery(Err(CaptureError::Unavailable));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The item was delivered. It is removed, and the call is a success of the circuit.
    Done,
    /// The delivery failed. The item stays at the front and is delivered again after a pause, and the call is a failure
    /// of the circuit. The text becomes [`Transition::last_failure`](crate::Transition) if the failure opens the
    /// circuit.
    Retry(String),
    /// The item can never be delivered, for example because the service refused it as invalid. It is removed and
    /// counted as discarded. The call is a success of the circuit, because the service answered. The handler has the
    /// item, and stores or logs it before it returns this.
    Discard,
}

impl Delivery {
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Done | Self::Discard => Outcome::Success,
            Self::Retry(_) => Outcome::Failure,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Done | Self::Discard => String::new(),
            Self::Retry(reason) => reason.clone(),
        }
    }
}

impl<E: Display> From<Result<(), E>> for Delivery {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Retry(error.to_string()),
        }
    }
}
