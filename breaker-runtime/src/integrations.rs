//! The neighbours: one file is one feature. They read snapshots and hear events, as anybody can; the path of
//! a call knows nothing of them.
//!
//! | module | feature | |
//! |---|---|---|
//! | `tracing` | `tracing` | changes of state as events |
//! | `prometheus` | `prometheus` | a collector for `prometheus-client`, and the page that Prometheus scrapes |
//! | `opentelemetry` | `opentelemetry` | the same figures as observable instruments |

#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(any(feature = "prometheus", feature = "opentelemetry"))]
mod series;
#[cfg(feature = "tracing")]
pub mod tracing;
