//! Documentation pages.

mod error_names;

#[doc(hidden)]
pub use error_names::*;

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/comparison.md")]
pub mod comparison {}

#[doc = include_str!("docs/composition.md")]
pub mod composition {}

#[doc = include_str!("docs/configuration.md")]
pub mod configuration {}

#[doc = include_str!("docs/cookbook.md")]
pub mod cookbook {
    #[doc = include_str!("docs/cookbook/dashboards.md")]
    pub mod dashboards {}

    #[doc = include_str!("docs/cookbook/database.md")]
    pub mod database {}

    #[doc = include_str!("docs/cookbook/functions.md")]
    pub mod functions {}

    #[doc = include_str!("docs/cookbook/grpc.md")]
    pub mod grpc {}

    #[doc = include_str!("docs/cookbook/http_client.md")]
    pub mod http_client {}

    #[doc = include_str!("docs/cookbook/kubernetes.md")]
    pub mod kubernetes {}

    #[doc = include_str!("docs/cookbook/queue.md")]
    pub mod queue {}

    #[doc = include_str!("docs/cookbook/start_up.md")]
    pub mod start_up {}

    #[doc = include_str!("docs/cookbook/streams.md")]
    pub mod streams {}

    #[doc = include_str!("docs/cookbook/tenants.md")]
    pub mod tenants {}

    #[doc = include_str!("docs/cookbook/tests.md")]
    pub mod tests {}

    #[doc = include_str!("docs/cookbook/workers.md")]
    pub mod workers {}
}

#[doc = include_str!("docs/fleet.md")]
pub mod fleet {}

#[doc = include_str!("docs/guide.md")]
pub mod guide {
    // The code of these pages needs many features. `cfg(doctest)` is set only while rustdoc collects tests, so the
    // pages are complete in the documentation of every set of features.
    #[rustfmt::skip] // it indents the attribute further each time
    macro_rules! page {
        ($name:ident, $text:literal) => {
            #[cfg_attr(
                any(
                    not(doctest),
                    all(
                        feature = "axum",
                        feature = "chaos",
                        feature = "config",
                        feature = "http",
                        feature = "prometheus",
                        feature = "redis",
                        feature = "test-util",
                        feature = "tracing",
                    )
                ),
                doc = include_str!($text)
            )]
            pub mod $name {}
        };
    }

    page!(first_breaker, "docs/guide/first_breaker.md");
    page!(service, "docs/guide/service.md");
    page!(observing, "docs/guide/observing.md");
    page!(testing, "docs/guide/testing.md");
    page!(live_settings, "docs/guide/live_settings.md");
    page!(production, "docs/guide/production.md");
}

#[doc = include_str!("docs/limits.md")]
pub mod limits {}

#[doc = include_str!("docs/mistakes.md")]
pub mod mistakes {}

#[doc = include_str!("docs/stability.md")]
pub mod stability {}

#[doc = include_str!("docs/thresholds.md")]
pub mod thresholds {}

#[doc = include_str!("docs/when_not_to_use.md")]
pub mod when_not_to_use {}

// The first definition of a link counts: here the picture itself, since rustdoc copies no files.
#[doc = include_str!("docs/growth.link")]
#[doc = include_str!("docs/performance.md")]
pub mod performance {}
