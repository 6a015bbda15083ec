//! Metrics as observable instruments of [`opentelemetry`], and single calls as events of spans (feature
//! `opentelemetry`). It needs the API only; the application chooses the SDK and the exporter.
//!
//! # Metrics
//!
//! The counters and gauges are those of the module `integrations::prometheus` with the same labels and values,
//! without the suffix `_total`, those of a process that belongs to a fleet (feature `redis`) included.
//! They are read whenever the reader collects. The histogram of durations is missing, because `OpenTelemetry`
//! has no observable histogram. It has no callback for several instruments either, so each instrument reads
//! the circuits separately.
//!
//! ## More than 133 circuits
//!
//! The SDK keeps at most 2,000 series of each instrument, unless a view sets another limit, and adds up the further
//! ones in a series with the attribute `otel.metric.overflow`. The counter `circuit_breaker_state_changes` has the most
//! series: 15 for each circuit, from its registration on. With its default the SDK therefore loses state changes of
//! **the 134th circuit and all further ones**. A breaker with keys counts as one circuit here. Every other instrument
//! has at most 6 series for each circuit. A view raises the limit; a limit that is never reached costs memory for an
//! empty table:
//!
//! ```
//! use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
//!
//! const MOST_CIRCUITS: usize = 1_000;
//!
//! fn raise_limit(instrument: &Instrument) -> Option<Stream> {
//!     let is_breaker = instrument.name().starts_with("circuit_breaker_");
//!     is_breaker.then(|| Stream::builder().with_cardinality_limit(15 * MOST_CIRCUITS).build().ok())?
//! }
//!
//! let provider = SdkMeterProvider::builder().with_view(raise_limit).build();
//! # drop(provider);
//! ```
//!
//! # Spans
//!
//! [`listen_to_calls`] adds events to the span that is active when a protected function is called. Without it, calls
//! are not reported and cost nothing more. For spans of the crate `tracing`, also with `tracing-opentelemetry`, use
//! `integrations::tracing` instead.
//!
//! | event | attributes besides `circuit_breaker.name` and `circuit_breaker.key` |
//! |---|---|
//! | `circuit_breaker.rejected` | `error.type` = `breaker_runtime::BreakerError`; `circuit_breaker.kind` = `open`, `half_open`, `ramping`, `forced_open` or `bulkhead_full`; `circuit_breaker.retry_after`, in seconds |
//! | `circuit_breaker.failed` | `error.message`, the text of the failure |
//! | `circuit_breaker.slow` | `circuit_breaker.duration`, in seconds; `circuit_breaker.outcome` |
//! | `circuit_breaker.fallback` | `circuit_breaker.cause`: the kind of the rejection, `timed_out` or `failed`; `circuit_breaker.outcome` |
//!
//! A rejection also sets the attribute `circuit_breaker.rejection.kind` of the span. The status and the attribute
//! `error.type` of the span remain unset, because a fallback may follow: by the semantic conventions, a span does not
//! record errors that were handled. The caller of a function without a fallback sets them:
//!
//! ```
//! use breaker_runtime::BreakerError;
//! use opentelemetry::KeyValue;
//! use opentelemetry::trace::{Status, get_active_span};
//!
//! fn mark_failed(error: &BreakerError) {
//!     get_active_span(|span| {
//!         span.set_status(Status::error(error.to_string()));
//!         span.set_attribute(KeyValue::new("error.type", "breaker_runtime::BreakerError"));
//!     });
//! }
//! ```

mod span_events;

use std::borrow::Cow;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::{AsyncInstrument, Meter};

pub use self::span_events::listen_to_calls;
use super::series::{Label, MetricKind, MetricPoint, SERIES, Series, circuit_label, to_f64};
use super::{config_series, fleet_series};
use crate::registry::Registry;

/// Registers instruments that observe all breakers of a registry, for as long as the provider of the meter
/// exists.
///
/// ```
/// use breaker_runtime::{Registry, integrations::opentelemetry::observe};
///
/// observe(&opentelemetry::global::meter("my-service"), &Registry::global());
/// ```
pub fn observe(meter: &Meter, registry: &Registry) {
    for series in SERIES {
        let registry = registry.clone();
        observe_series(meter, series, move || {
            let snapshots = registry.snapshots_by_name();
            let points = |snapshot| (series.points)(snapshot).into_iter().map(move |point| (snapshot, point));
            let points = snapshots.iter().flat_map(points);
            points.map(|(snapshot, point)| Observation::new(Some(circuit_label(snapshot)), point)).collect()
        });
    }
    for series in fleet_series::SERIES {
        let registry = registry.clone();
        observe_series(meter, series, move || {
            let points = fleet_series::read(&registry).map(|fleet| (series.points)(&fleet));
            points.into_iter().flatten().map(|point| Observation::new(None, point)).collect()
        });
    }
    for series in config_series::SERIES {
        let registry = registry.clone();
        observe_series(meter, series, move || {
            let points = config_series::read(&registry).map(|status| (series.points)(&status));
            points.into_iter().flatten().map(|point| Observation::new(None, point)).collect()
        });
    }
}

/// A value and its labels.
struct Observation {
    value: f64,
    labels: Vec<KeyValue>,
}

impl Observation {
    /// Creates an observation. `circuit` is a label in addition to those of the point.
    fn new(circuit: Option<Cow<'_, str>>, MetricPoint { labels, value }: MetricPoint) -> Self {
        let circuit = circuit.map(|circuit| KeyValue::new("circuit", circuit.into_owned()));
        let labels = labels.into_iter().flatten().map(|Label { name, value }| KeyValue::new(name, value));
        Self { value: to_f64(value), labels: circuit.into_iter().chain(labels).collect() }
    }
}

fn observe_series<T>(
    meter: &Meter,
    series: &'static Series<T>,
    observations: impl Fn() -> Vec<Observation> + Send + Sync + 'static,
) {
    let observe_all = move |observer: &dyn AsyncInstrument<f64>| {
        for Observation { value, labels } in observations() {
            observer.observe(value, &labels);
        }
    };
    // The meter owns the instruments.
    match series.kind {
        MetricKind::Counter => {
            let counter = meter.f64_observable_counter(series.name).with_description(series.help);
            counter.with_callback(observe_all).build();
        }
        MetricKind::Gauge => {
            let gauge = meter.f64_observable_gauge(series.name).with_description(series.help);
            gauge.with_callback(observe_all).build();
        }
    }
}
