//! The neighbours: one file, or file and folder, is one feature. They read snapshots, hear events and command, as
//! anybody can; the path of a call knows nothing of them.
//!
//! | module | feature | |
//! |---|---|---|
//! | `tracing` | `tracing` | changes of state as events |
//! | `prometheus` | `prometheus` | a collector for `prometheus-client`, and the page that Prometheus scrapes |
//! | `opentelemetry` | `opentelemetry` | the same figures as observable instruments |
//! | `stream` | `stream` | `Events` as a `Stream` of `futures-core` |
//! | `axum` | `axum` | the dashboard, health and all circuits as JSON over HTTP |

#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(any(feature = "prometheus", feature = "opentelemetry"))]
mod series;
#[cfg(feature = "stream")]
mod stream;
#[cfg(feature = "tracing")]
pub mod tracing;

/// What Prometheus scrapes, where there is such a page: the dashboard has a route for it.
#[cfg(all(feature = "axum", feature = "prometheus"))]
const METRICS: Option<fn(&crate::Registry) -> String> = Some(prometheus::encode);
#[cfg(all(feature = "axum", not(feature = "prometheus")))]
const METRICS: Option<fn(&crate::Registry) -> String> = None;
