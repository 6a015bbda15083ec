//! The gRPC status for the error of a protected service.

use std::error::Error;

use tonic::Status;

use super::tower::ServiceError;

/// Creates a status like `Status::from(BreakerError)` for a rejected call, and like `Status::from_error` for an error
/// of the inner service.
///
/// A channel that a breaker protects has this error type, so that clients receive the code `Unavailable` for a
/// rejection:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use breaker_runtime::integrations::tower::BreakerLayer;
/// use breaker_runtime::{Config, Registry};
/// use tonic::{Code, Status};
/// use tower::{Service as _, ServiceBuilder, ServiceExt as _};
///
/// // With tonic: `let channel = Endpoint::from_static("http://stock.internal").connect_lazy();`
/// let channel = tower::service_fn(|request: String| async { Ok::<_, std::io::Error>(request) });
/// let breaker = Registry::global().register("stock", Config::default())?;
/// let mut channel = ServiceBuilder::new()
///     .map_err(Status::from)
///     .layer(BreakerLayer::new(&breaker)) // with the feature `http`: .classify_grpc()
///     .service(channel);
/// // let client = StockClient::new(channel);
///
/// breaker.force_open();
/// let status = channel.ready().await?.call("tea".to_owned()).await.unwrap_err();
/// assert_eq!(status.code(), Code::Unavailable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<E: Into<Box<dyn Error + Send + Sync>>> From<ServiceError<E>> for Status {
    fn from(error: ServiceError<E>) -> Self {
        match error {
            ServiceError::Breaker(error) => error.into(),
            ServiceError::Inner(error) => Self::from_error(error.into()),
        }
    }
}
