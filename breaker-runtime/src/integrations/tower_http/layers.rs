//! The methods of layers for HTTP and gRPC.

use super::super::tower::{BoxedErrors, BreakerLayer, TypedErrors, UntilResponse};
use super::body_end::UntilBodyEnd;
use super::call_body::BodyEnding;
use super::grpc_status::GrpcStatus;
use super::http_status::HttpStatus;

impl<K> BreakerLayer<K> {
    /// Classifies HTTP responses by their status, with [`HttpStatus`]. Every error is a failure, except for the error
    /// of another breaker, which is ignored.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use http::Response;
    /// use tower::{Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("catalog", Config::default())?;
    /// let catalog = service_fn(|_: ()| async { Response::builder().status(503).body(()) });
    /// let catalog = BreakerLayer::new(&breaker).classify_http().layer(catalog);
    /// assert_eq!(catalog.oneshot(()).await?.status(), 503);
    /// assert_eq!(breaker.snapshot().totals.failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn classify_http(self) -> BreakerLayer<K, UntilResponse<TypedErrors<HttpStatus>>> {
        self.classify_with(TypedErrors::new(HttpStatus))
    }

    /// Classifies gRPC responses by their status, with [`GrpcStatus`]. The status is in the trailers of most responses,
    /// so a call lasts [until its body has
    /// ended](crate::integrations::tower_http#calls-that-last-until-the-body-has-ended), and a body that ends without a
    /// status is a failure.
    ///
    /// With tonic, add `map_err(Status::from)` of tower outside of this layer (feature `tonic`), so that a rejected
    /// call has the code `Unavailable`.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use http::Response;
    /// use tower::{Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("stock", Config::default())?;
    /// // 14 is UNAVAILABLE.
    /// let stock = service_fn(|_: ()| async { Response::builder().header("grpc-status", "14").body(String::new()) });
    /// BreakerLayer::new(&breaker).classify_grpc().layer(stock).oneshot(()).await?;
    /// assert_eq!(breaker.snapshot().totals.failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn classify_grpc(self) -> BreakerLayer<K, UntilBodyEnd<TypedErrors<GrpcStatus>>> {
        self.map_ending(|_| UntilBodyEnd {
            classifier: TypedErrors::new(GrpcStatus),
            ending: BodyEnding::GrpcStatus,
        })
    }
}

impl<K, C> BreakerLayer<K, UntilResponse<C>> {
    /// Lets a call last [until the body of its response has
    /// ended](crate::integrations::tower_http#calls-that-last-until-the-body-has-ended). The body of the protected
    /// service is a [`CallBody`](crate::integrations::tower_http::CallBody). Call it after the method that chooses a
    /// classifier.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::convert::Infallible;
    /// use axum::body::{Body, to_bytes};
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use http::Response;
    /// use tower::{Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("catalog", Config::default())?;
    /// let catalog = service_fn(|_: ()| async { Ok::<_, Infallible>(Response::new("tea".to_owned())) });
    /// let catalog = BreakerLayer::new(&breaker).classify_http().until_body_end().layer(catalog);
    /// let response = catalog.oneshot(()).await?;
    /// assert_eq!(breaker.snapshot().totals.successes, 0);
    /// assert_eq!(to_bytes(Body::new(response.into_body()), 1024).await?, "tea");
    /// assert_eq!(breaker.snapshot().totals.successes, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn until_body_end(self) -> BreakerLayer<K, UntilBodyEnd<C>> {
        self.map_ending(|ending| UntilBodyEnd {
            classifier: ending.into_classifier(),
            ending: BodyEnding::Success,
        })
    }
}

impl<K, C> BreakerLayer<K, UntilBodyEnd<TypedErrors<C>>> {
    /// Changes the layer so that it accepts services whose error is `BoxError`, which does not implement `Error`.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use http::Response;
    /// use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("catalog", Config::default())?;
    /// let catalog = service_fn(|_: ()| async { Err::<Response<String>, BoxError>("connection reset".into()) });
    /// let layer = BreakerLayer::new(&breaker).classify_http().until_body_end().boxed_errors();
    /// layer.layer(catalog).oneshot(()).await.unwrap_err();
    /// assert_eq!(breaker.snapshot().totals.failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn boxed_errors(self) -> BreakerLayer<K, UntilBodyEnd<BoxedErrors<C>>> {
        self.map_ending(|UntilBodyEnd { classifier, ending }| UntilBodyEnd {
            classifier: classifier.boxed(),
            ending,
        })
    }
}
