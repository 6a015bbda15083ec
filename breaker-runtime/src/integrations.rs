//! Integrations with other crates: one feature per module.
//!
//! Most integrations read snapshots, listen to events or control breakers through the public types. `tower`, `tower_http`
//! and `stream` start and settle calls. The core does not depend on any of them, except that the code that the attribute
//! generates for `settle = stream` names `stream`.
//!
//! | module | feature | provides |
//! |---|---|---|
//! | `axum` | `axum` | the dashboard, health checks and all circuits as JSON over HTTP |
//! | `http` | `http` | outcomes of HTTP responses, and the header `Retry-After` |
//! | `metrics` | `metrics` | metrics through the facade of the crate `metrics` |
//! | `opentelemetry` | `opentelemetry` | metrics as observable instruments, and single calls as events of spans |
//! | `prometheus` | `prometheus` | metrics as a collector for `prometheus-client` and as text |
//! | `serde` | `serde` | `Serialize` for snapshots, transitions and counts |
//! | `stream` | `stream` | `Events` as a `Stream` of `futures-core`, and streams that settle their call when they end |
//! | `tonic` | `tonic` | outcomes of gRPC calls of tonic, and statuses for rejected calls |
//! | `tower` | `tower` | a layer and a service for tower |
//! | `tower_http` | `tower` and `http` | outcomes of HTTP and gRPC responses for tower, and calls that last until the body has ended |
//! | `tracing` | `tracing` | state changes as `tracing` events |

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(all(feature = "axum", feature = "redis"))]
mod fleet_json;
#[cfg(feature = "axum")]
mod fleet_order;
#[cfg(all(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"), feature = "redis"))]
mod fleet_series;
#[cfg(any(feature = "tonic", all(feature = "tower", feature = "http")))]
mod grpc;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(all(feature = "axum", not(feature = "redis")))]
mod no_fleet_json;
#[cfg(all(
    any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"),
    not(feature = "redis")
))]
mod no_fleet_series;
#[cfg(not(feature = "stream"))]
mod no_stream;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
mod series;
#[cfg(feature = "stream")]
pub mod stream;
#[cfg(feature = "tonic")]
pub mod tonic;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(all(feature = "tower", feature = "http"))]
pub mod tower_http;
#[cfg(all(feature = "tower", feature = "tonic"))]
mod tower_tonic;
#[cfg(feature = "tracing")]
pub mod tracing;

#[cfg(all(feature = "axum", not(feature = "redis")))]
use no_fleet_json as fleet_json;
#[cfg(all(
    any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"),
    not(feature = "redis")
))]
use no_fleet_series as fleet_series;

#[cfg(not(feature = "stream"))]
#[doc(hidden)]
pub use no_stream::{AnyStream, guard_boxed, guard_opaque};
#[cfg(feature = "stream")]
#[doc(hidden)]
pub use stream::{AnyStream, BoxedStream, guard_boxed, guard_opaque};

/// The function that encodes metrics for Prometheus, if its feature is enabled. `axum` serves its result.
#[cfg(all(feature = "axum", feature = "prometheus"))]
const ENCODE_METRICS: Option<fn(&crate::Registry) -> String> = Some(prometheus::encode);
#[cfg(all(feature = "axum", not(feature = "prometheus")))]
const ENCODE_METRICS: Option<fn(&crate::Registry) -> String> = None;
