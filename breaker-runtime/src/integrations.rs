//! Integrations with other crates: one feature per module.
//!
//! Most integrations read snapshots, listen to events or control breakers through the public types. `tower`,
//! `tower_http` and `stream` start and settle calls. The core does not depend on any of them, except that the code that
//! the attribute generates for `settle = stream` names `stream`.
//!
//! | module | feature | provides |
//! |---|---|---|
//! | `axum` | `axum` | the dashboard, health checks and all circuits as JSON over HTTP |
//! | `config` | `config` | settings from files and from the environment, reloaded when a file changes |
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
#[cfg(feature = "axum")]
mod drill_order;
#[cfg(all(feature = "chaos", feature = "serde"))]
mod drill_serde;
#[cfg(all(feature = "axum", feature = "chaos"))]
mod drills;
#[cfg(feature = "config")]
pub mod config;
#[cfg(all(feature = "config", feature = "chaos"))]
mod config_drills;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
mod config_series;
#[cfg(all(feature = "axum", feature = "redis"))]
mod fleet_json;
#[cfg(all(feature = "axum", feature = "shadow"))]
mod candidates_json;
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
#[cfg(all(feature = "axum", not(feature = "chaos")))]
mod no_drills;
#[cfg(all(feature = "axum", not(feature = "shadow")))]
mod no_candidates_json;
#[cfg(all(feature = "config", not(feature = "chaos")))]
mod no_config_drills;
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
#[cfg(feature = "axum")]
mod promotion;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "prometheus"))]
mod series;
#[cfg(all(feature = "serde", feature = "shadow"))]
mod shadow_serde;
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

#[cfg(all(feature = "axum", not(feature = "shadow")))]
use no_candidates_json as candidates_json;
#[cfg(all(feature = "config", not(feature = "chaos")))]
use no_config_drills as config_drills;
#[cfg(all(feature = "axum", not(feature = "chaos")))]
use no_drills as drills;
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

#[cfg(all(test, feature = "axum", not(feature = "chaos")))]
mod drill_route_tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt as _;

    use crate::{Config, Registry};

    #[test]
    fn drills_over_http_are_unknown_without_chaos() {
        let registry = Registry::new();
        let payment = registry.register("payment", Config::default()).unwrap();
        let router = super::axum::Dashboard::new(&registry).token("secret").router();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for command in ["drill?fail=1&for=60s", "stop-drill"] {
            let request = Request::post(format!("/circuits/payment/{command}"))
                .header("authorization", "Bearer secret")
                .header("x-breaker-operator", "alice")
                .body(Body::empty())
                .unwrap();
            let (status, body) = runtime.block_on(async {
                let response = router.clone().oneshot(request).await.unwrap();
                (response.status(), to_bytes(response.into_body(), 1024).await.unwrap())
            });
            assert_eq!(status, StatusCode::NOT_FOUND, "{command}");
            assert!(
                String::from_utf8_lossy(&body).contains("enable the feature `chaos`"),
                "{command} {body:?}"
            );
        }
        assert_eq!(payment.snapshot().drill, None);
    }
}

#[cfg(all(test, feature = "config", not(feature = "chaos")))]
mod drill_section_tests {
    use super::config::{ConfigFormat, ConfigReader};
    use crate::{Config, Registry};

    #[test]
    fn a_configuration_with_drills_is_refused_without_chaos() {
        let registry = Registry::new();
        let payment = registry.register("payment", Config::default()).unwrap();
        let text = b"[breakers.payment]\njitter = 0.5\n[drills.payment]\nfail = 1\nfor = '1m'\n";
        let error = ConfigReader::new(&registry)
            .load_text("b.toml", ConfigFormat::Toml, text)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("b.toml:3: drills: drills are disabled: enable the feature `chaos`"),
            "{error}"
        );
        assert_eq!((payment.config(), payment.snapshot().drill), (Config::default(), None));
    }
}
