//! The error of a protected service.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::ops::Deref;

use crate::error::BreakerError;

/// The error of a service that a breaker protects.
///
/// Its text and its sources are those of the error in it, so
/// [`ErrorKind::find_in`](crate::ErrorKind::find_in) finds a rejection inside other errors.
///
/// ```
/// use breaker_runtime::integrations::tower::ServiceError;
/// use breaker_runtime::{BreakerError, ErrorKind};
///
/// let error = ServiceError::<std::io::Error>::from(BreakerError::new("search", ErrorKind::ForcedOpen));
/// assert_eq!(error.to_string(), r#"circuit breaker "search" is forced open"#);
/// assert_eq!(ErrorKind::find_in(&error), Some(ErrorKind::ForcedOpen));
/// assert!(error.into_box().is::<BreakerError>());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError<E> {
    /// The breaker rejected or timed out the call.
    Breaker(BreakerError),
    /// The inner service returned this error.
    Inner(E),
}

impl<E> ServiceError<E> {
    /// Returns the error of the breaker, unless the inner service failed.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::integrations::tower::ServiceError;
    /// use breaker_runtime::{BreakerError, ErrorKind};
    ///
    /// let rejected = ServiceError::<io::Error>::Breaker(BreakerError::new("search", ErrorKind::Open));
    /// assert_eq!(rejected.breaker().unwrap().kind(), ErrorKind::Open);
    /// let failed = ServiceError::Inner(io::Error::other("connection reset"));
    /// assert!(failed.breaker().is_none());
    /// ```
    #[must_use]
    pub const fn breaker(&self) -> Option<&BreakerError> {
        match self {
            Self::Breaker(error) => Some(error),
            Self::Inner(_) => None,
        }
    }

    /// Returns the error in this one, in a box. An error that is boxed already is returned as it is.
    ///
    /// Use it with `map_err` of tower, below a layer that expects `BoxError`.
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::integrations::tower::ServiceError;
    ///
    /// let failed = ServiceError::Inner(io::Error::other("connection reset"));
    /// assert!(failed.into_box().is::<io::Error>());
    /// ```
    #[must_use]
    pub fn into_box(self) -> Box<dyn Error + Send + Sync>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match self {
            Self::Breaker(error) => error.into(),
            Self::Inner(error) => error.into(),
        }
    }
}

impl<E> From<BreakerError> for ServiceError<E> {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

/// The error of a service that does not fail, such as a route of axum, is the error of the breaker.
///
/// ```
/// use std::convert::Infallible;
/// use breaker_runtime::integrations::tower::ServiceError;
/// use breaker_runtime::{BreakerError, ErrorKind};
///
/// let rejection = BreakerError::new("search", ErrorKind::Open);
/// let error = ServiceError::<Infallible>::Breaker(rejection.clone());
/// assert_eq!(BreakerError::from(error), rejection);
/// ```
impl From<ServiceError<Infallible>> for BreakerError {
    fn from(error: ServiceError<Infallible>) -> Self {
        match error {
            ServiceError::Breaker(error) => error,
            ServiceError::Inner(never) => match never {},
        }
    }
}

impl<E: fmt::Display> fmt::Display for ServiceError<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaker(error) => error.fmt(out),
            Self::Inner(error) => error.fmt(out),
        }
    }
}

/// Points to the error in it, like a box, because a box does not implement `Error`. So the attribute finds a rejection
/// among the sources of this error too.
///
/// ```
/// use breaker_runtime::integrations::tower::ServiceError;
/// use breaker_runtime::{BreakerError, ErrorKind};
///
/// type BoxError = Box<dyn std::error::Error + Send + Sync>;
///
/// let error = ServiceError::<BoxError>::Breaker(BreakerError::new("search", ErrorKind::Open));
/// assert_eq!(ErrorKind::find_in(&*error), Some(ErrorKind::Open));
/// ```
impl Deref for ServiceError<Box<dyn Error + Send + Sync>> {
    type Target = dyn Error;

    fn deref(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Breaker(error) => error,
            Self::Inner(error) => &**error,
        }
    }
}

/// Has the source of the error in it.
impl<E: Error + 'static> Error for ServiceError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Breaker(error) => error.source(),
            Self::Inner(error) => error.source(),
        }
    }
}
