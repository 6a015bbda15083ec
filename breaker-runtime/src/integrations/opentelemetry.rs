//! Metrics as observable instruments of [`opentelemetry`] (feature `opentelemetry`).
//!
//! The counters and gauges are those of the module `integrations::prometheus` with the same labels and values,
//! without the suffix `_total`, those of a process that belongs to a fleet (feature `redis`) included.
//! They are read whenever the reader collects. The histogram of durations is missing, because `OpenTelemetry`
//! has no observable histogram. It has no callback for several instruments either, so each instrument reads
//! the circuits separately.

use std::borrow::Cow;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::{AsyncInstrument, Meter};

use super::fleet_series;
use super::series::{Label, MetricKind, MetricPoint, SERIES, Series, circuit_label, to_f64};
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
