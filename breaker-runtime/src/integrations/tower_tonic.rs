//! The gRPC status for the error of a protected service.

use std::error::Error;

use tonic::Status;

use super::tower::ServiceError;

/// Creates a status like `Status::from(BreakerError)` for a rejected call, and like `Status::from_error` for an error of
/// the inner service.
///
/// A channel that a breaker protects has this error type, so that clients receive the code `Unavailable` for a
/// rejection:
///
/// ```
/// use breaker_runtime::integrations::tower::{BreakerLayer, ServiceError};
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
/// use tonic::{Code, Status};
/// use tower::ServiceBuilder;
///
/// let breaker = CircuitBreaker::new("stock", Config::default())?;
/// let layer = ServiceBuilder::new().map_err(Status::from).layer(BreakerLayer::new(&breaker));
/// // let client = StockClient::new(layer.service(channel));
///
/// let rejection = ServiceError::<std::io::Error>::from(BreakerError::new("stock", ErrorKind::Open));
/// assert_eq!(Status::from(rejection).code(), Code::Unavailable);
/// # fn assert_layer<L: tower::Layer<()>>(_: ServiceBuilder<L>) {}
/// # assert_layer(layer.map_err(|status: ServiceError<std::io::Error>| Status::from(status)));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
impl<E: Into<Box<dyn Error + Send + Sync>>> From<ServiceError<E>> for Status {
    fn from(error: ServiceError<E>) -> Self {
        match error {
            ServiceError::Breaker(error) => error.into(),
            ServiceError::Inner(error) => Self::from_error(error.into()),
        }
    }
}
