//! Metrics as observable instruments of [`opentelemetry`] (feature `opentelemetry`).
//!
//! The counters and gauges are those of the module `integrations::prometheus` with the same labels and values,
//! without the suffix `_total`.
//! They are read whenever the reader collects. The histogram of durations is missing, because `OpenTelemetry`
//! has no observable histogram. It has no callback for several instruments either, so each instrument reads
//! the circuits separately.

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::Meter;

use super::series::{MetricKind, MetricPoint, MetricValue, SERIES, Series, circuit_label};
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
        observe_series(meter, registry.clone(), series);
    }
}

fn observe_series(meter: &Meter, registry: Registry, series: &'static Series) {
    let observe_all = move |observe: &dyn Fn(f64, &[KeyValue])| {
        for snapshot in registry.snapshots_by_name() {
            for MetricPoint { labels, value } in (series.points)(&snapshot) {
                let labels = labels.into_iter().flatten().map(|label| KeyValue::new(label.name, label.value));
                let circuit = KeyValue::new("circuit", circuit_label(&snapshot).into_owned());
                observe(to_f64(value), &[circuit].into_iter().chain(labels).collect::<Vec<_>>());
            }
        }
    };
    // The meter owns the instruments.
    match series.kind {
        MetricKind::Counter => {
            let counter = meter.f64_observable_counter(series.name).with_description(series.help);
            counter
                .with_callback(move |observer| observe_all(&|value, labels| observer.observe(value, labels)))
                .build();
        }
        MetricKind::Gauge => {
            let gauge = meter.f64_observable_gauge(series.name).with_description(series.help);
            gauge
                .with_callback(move |observer| observe_all(&|value, labels| observer.observe(value, labels)))
                .build();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn to_f64(value: MetricValue) -> f64 {
    match value {
        MetricValue::Whole(count) => count as f64,
        MetricValue::Real(number) => number,
    }
}
