//! Layers of `integrations::tower` for HTTP and gRPC: classifiers of responses, and calls that last until the body of
//! the response has ended.
//!
//! ```
//! use breaker_runtime::integrations::tower::BreakerLayer;
//! use breaker_runtime::{Config, Registry};
//!
//! let breaker = Registry::global().register("catalog", Config::default())?;
//! // 5xx, 429 and errors are failures. `Retry-After` says how long the circuit stays open.
//! let layer = BreakerLayer::new(&breaker).classify_http();
//! // A body that breaks is a failure as well, and slots are held until it has ended.
//! let layer = BreakerLayer::new(&breaker).classify_http().until_body_end();
//! // The status of a gRPC call, which is in the trailers of the response.
//! let layer = BreakerLayer::new(&breaker).classify_grpc();
//! # fn assert_layer(_: impl tower_layer::Layer<()>) {}
//! # assert_layer(layer);
//! # Ok::<(), breaker_runtime::RegisterError>(())
//! ```
//!
//! # Calls that last until the body has ended
//!
//! | end | outcome |
//! |---|---|
//! | The classifier does not call the response a success | that of the classifier, at once: clients often do not read the body of an error |
//! | For gRPC: the headers contain a gRPC status, or the HTTP status is not 200 | that of the classifier, at once |
//! | The body ends, or was empty | a success; for gRPC, the outcome of the status in the trailers |
//! | The body is dropped unread after [`is_end_stream`](http_body::Body::is_end_stream) has returned `true` | as if its end had been read |
//! | The body is dropped after as many bytes as the header `Content-Length` announces, as servers do | as if its end had been read; not for gRPC |
//! | The body breaks | a failure, also if its error is that of another breaker, because errors of bodies need not implement `Error` |
//! | The body is dropped while its reader waits for a part | that of a cancelled call: a failure if that wait took at least [`cancelled_after`](crate::ConfigBuilder::cancelled_after), otherwise ignored |
//! | The body is dropped while no reader waits | that of a cancelled call without a wait: ignored, because a client may close a long download |
//! | The body panics | a failure |
//!
//! A client that reads no body at all has no successes, so its circuit does not close once it is half-open: use the
//! default, which ends a call with its response. `call_timeout` limits the time until the response only. The time for
//! which no reader waits is not part of the duration of a call, except for trial calls, and does not let it
//! [hang](crate::ConfigBuilder::hang).
//!
//! # Files
//!
//! | file | contents |
//! |---|---|
//! | `http_status.rs` | the classifier of HTTP statuses |
//! | `grpc_status.rs` | the classifier of gRPC statuses |
//! | `call_body.rs` | the body that holds a call |
//! | `body_end.rs` | the ending of calls that last until the body has ended |
//! | `layers.rs` | the methods of layers |

mod http_status;
mod grpc_status;
mod call_body;
mod body_end;
mod layers;

pub use self::body_end::UntilBodyEnd;
pub use self::call_body::CallBody;
pub use self::grpc_status::GrpcStatus;
pub use self::http_status::{HttpStatus, classify_status};
