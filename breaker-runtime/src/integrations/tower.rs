//! A layer and a service for tower that protect the calls of another service. axum, hyper, tonic and reqwest have
//! such services: `reqwest::Client` is one.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use std::convert::Infallible;
//! use breaker_runtime::integrations::tower::{BreakerLayer, Classification, ServiceError};
//! use breaker_runtime::{Config, Outcome, Registry};
//! use tower::{Service as _, ServiceBuilder, ServiceExt as _, service_fn};
//!
//! let breaker = Registry::global().register("search", Config::builder().failure_threshold(1).build()?)?;
//! let layer = BreakerLayer::new(&breaker).classify(|result: &Result<u16, Infallible>| match result {
//!     Ok(503) => Classification::failure("status 503"),
//!     _ => Outcome::Success.into(),
//! });
//! let mut search =
//!     ServiceBuilder::new().layer(layer).service(service_fn(|_: &str| async { Ok::<u16, Infallible>(503) }));
//!
//! assert_eq!(search.ready().await?.call("rust").await?, 503);
//! let error = search.ready().await?.call("rust").await.unwrap_err();
//! assert!(matches!(error, ServiceError::Breaker(rejection) if rejection.name() == "search"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The dashboard and the metrics show a breaker of a registry, as this one; [`CircuitBreaker::new`] creates one that is
//! in none. For HTTP and gRPC, `integrations::tower_http` (features `tower` and `http`) has ready classifiers, and
//! calls that last until the body of the response has ended.
//!
//! [`CircuitBreaker::new`]: crate::CircuitBreaker::new
//!
//! # Contract
//!
//! | rule | reason |
//! |---|---|
//! | `poll_ready` only polls the inner service. Its errors count in no circuit | no permit is held between `poll_ready` and `call`, and an open circuit does not block the callers of a load balancer or a buffer |
//! | `call` admits or rejects the call, before the inner service gets the request | a rejected request is not sent |
//! | A rejected call drops the service that was ready, and a clone takes its position | what `poll_ready` has reserved, such as a position in a buffer, is free for other callers |
//! | The service that was polled until it was ready gets the request | a clone may not be ready |
//! | All clones of a layer and of its services share the circuit | servers clone a service for each connection |
//! | The call ends with the response: it is settled with what the classifier returns | see [`BreakerLayer::classify`] |
//! | A future that is dropped cancels the call, as in annotated functions | see [`cancelled_after`](crate::ConfigBuilder::cancelled_after) |
//! | A panic of the inner service or of the classifier is a failure, and unwinds to the caller | the function that chooses a key runs before the call, so its panic counts in no circuit |
//! | A call takes a slot of its own, even inside another call of the same circuit | its response may outlive the outer call. If no slot is free, it is rejected; inside a function of the circuit, as in [`call_async`](crate::CircuitBreaker::call_async), also with `max_wait`, because each of the two could wait for the other |
//! | A call of an annotated function inside a service of the same circuit, also while its future is dropped, runs in the slot of the service | as inside another function: it would wait for itself |
//! | The future is not boxed, and is `Send` if the service, the request and the future of the service are | only calls that wait for a slot, have a time limit or fail allocate memory: a failure allocates its reason |
//!
//! Every setting applies. A call with [`max_wait`](crate::ConfigBuilder::max_wait) waits inside the returned future,
//! which keeps the ready service and the request until then. `call_timeout` limits the time until the response. As in
//! annotated functions, both need the feature `tokio`: without it no call times out, and a call that finds no free slot
//! is rejected, unless `max_wait` is `Duration::MAX`.
//!
//! # Errors of type `BoxError`
//!
//! Many layers of tower, such as its timeout, have the error type `BoxError`. Where it is the error of the inner
//! service, add [`boxed_errors`](BreakerLayer::boxed_errors) to the layer. Where a layer outside of the breaker expects
//! errors that convert to it, use [`ServiceError::into_box`]:
//!
//! ```
//! use breaker_runtime::integrations::tower::{BreakerLayer, ServiceError};
//! use breaker_runtime::{Config, Registry};
//! use tower::{BoxError, ServiceBuilder, service_fn};
//!
//! let breaker = Registry::global().register("search", Config::default())?;
//! let service = ServiceBuilder::new()
//!     .map_err(ServiceError::into_box)
//!     .layer(BreakerLayer::new(&breaker).boxed_errors())
//!     .service(service_fn(|request: String| async { Ok::<_, BoxError>(request) }));
//! # fn assert_service<S: tower::Service<String, Error = BoxError>>(_: S) {}
//! # assert_service(service);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Rejections in axum
//!
//! axum requires services that return no error. With the feature `axum`, a rejection becomes a response with status
//! 503, or 504 after `call_timeout`, and with `Retry-After` if the time is known:
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "http"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::convert::Infallible;
//! use axum::{Router, error_handling::HandleErrorLayer, routing::get};
//! use breaker_runtime::integrations::tower::{BreakerLayer, ServiceError};
//! use breaker_runtime::{BreakerError, Config, Registry};
//! use tower::ServiceBuilder;
//!
//! let breaker = Registry::global().register("search", Config::default())?;
//! let layer = ServiceBuilder::new()
//!     .layer(HandleErrorLayer::new(|error: ServiceError<Infallible>| async { BreakerError::from(error) }))
//!     .layer(BreakerLayer::new(&breaker).classify_http());
//! let routes: Router = Router::new().route("/search", get(async || "found")).layer(layer);
//! # drop(routes);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "axum", feature = "http")))]
//! # fn main() {}
//! ```
//!
//! # Files
//!
//! | file | contents |
//! |---|---|
//! | `classification.rs` | the outcome of a call and its description |
//! | `classifier.rs` | what decides about the result of a call |
//! | `select.rs` | the circuit of a request |
//! | `error.rs` | the error of a service |
//! | `ending.rs` | the end of a call: its response |
//! | `future.rs` | the future of a call |
//! | `service.rs` | the service |
//! | `layer.rs` | the layer, which builds services |

mod classification;
mod classifier;
mod select;
mod error;
mod ending;
mod future;
mod service;
mod layer;

pub use self::classification::Classification;
#[allow(unused_imports, reason = "only the feature `http` has endings elsewhere")]
pub(in crate::integrations) use self::classifier::Classified;
pub use self::classifier::{
    BoxedErrors, ByFunction, CallClassifier, EveryResponse, ResponseClassifier, TypedErrors,
};
pub use self::ending::{CallEnding, UntilResponse};
pub use self::error::ServiceError;
pub use self::future::ResponseFuture;
pub use self::layer::BreakerLayer;
pub use self::select::{CircuitByKey, OneCircuit, SelectCircuit};
pub use self::service::BreakerService;
