//! The figures of the module `integrations::prometheus` as observable instruments of [`opentelemetry`].
//!
//! Counters and gauges, with the same names but for the `_total`, read whenever the reader collects. Durations
//! are not among them: `OpenTelemetry` has no histogram that is read from elsewhere. It has no callback for
//! several instruments either, so each looks at the circuits for itself.

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::Meter;

use super::series::{Kind, Point, SERIES, Series, Value};
use crate::registry::Registry;

/// Lets a meter observe all breakers of a registry, for as long as its provider lives.
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
    let each = move |observe: &dyn Fn(f64, &[KeyValue])| {
        for circuit in registry.snapshots_by_name() {
            for Point { labels, value } in (series.points)(&circuit) {
                let labels = labels.into_iter().flatten().map(|(key, value)| KeyValue::new(key, value));
                let circuit = KeyValue::new("circuit", circuit.name().to_owned());
                observe(number(value), &[circuit].into_iter().chain(labels).collect::<Vec<_>>());
            }
        }
    };
    // What is built here is kept by the meter.
    match series.kind {
        Kind::Counter => {
            let counter = meter.f64_observable_counter(series.name).with_description(series.help);
            counter.with_callback(move |to| each(&|value, labels| to.observe(value, labels))).build();
        }
        Kind::Gauge => {
            let gauge = meter.f64_observable_gauge(series.name).with_description(series.help);
            gauge.with_callback(move |to| each(&|value, labels| to.observe(value, labels))).build();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn number(value: Value) -> f64 {
    match value {
        Value::Whole(count) => count as f64,
        Value::Real(number) => number,
    }
}
