//! The text format of Prometheus, which all tools support.
//!
//! The encoder of `prometheus_client` is not used here: it writes `OpenMetrics`, which names counters
//! differently, and it is slow for many circuits.

use std::fmt::{Display, Write as _};

use super::BreakerCollector;
use crate::durations::CallDurations;
use crate::integrations::series::{
    DURATION, DURATION_HELP, MetricKind, MetricPoint, MetricValue, SERIES, Series, circuit_label,
};
use crate::integrations::{config_series, fleet_series};
use crate::snapshot::Snapshot;

/// Approximate length of the lines of one circuit, in bytes.
const CIRCUIT_LENGTH: usize = 4096;

/// A circuit and its escaped name.
struct EscapedCircuit {
    name: String,
    snapshot: Snapshot,
}

/// The text so far.
struct MetricsText(String);

/// The name of a metric: the name of its series and a suffix, such as `_total`.
#[derive(Clone, Copy)]
struct MetricName {
    series: &'static str,
    suffix: &'static str,
}

/// Encodes all metrics of a collector.
pub(super) fn encode(collector: &BreakerCollector) -> String {
    let snapshots = collector.registry.snapshots_by_name().into_iter();
    let circuits: Vec<_> = snapshots
        .map(|snapshot| EscapedCircuit { name: escape(&circuit_label(&snapshot)), snapshot })
        .collect();
    let mut text = MetricsText(String::with_capacity(circuits.len() * CIRCUIT_LENGTH));
    for series in SERIES {
        text.add_series(series, &circuits);
    }
    if let Some(fleet) = fleet_series::read(&collector.registry) {
        for series in fleet_series::SERIES {
            text.add_process_series(series, &fleet);
        }
    }
    if let Some(status) = config_series::read(&collector.registry) {
        for series in config_series::SERIES {
            text.add_process_series(series, &status);
        }
    }
    text.add_durations(collector, &circuits);
    text.0
}

/// Escapes a label value, which contains no line break.
fn escape(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', r#"\""#)
}

impl MetricsText {
    fn add_series(&mut self, series: &Series<Snapshot>, circuits: &[EscapedCircuit]) {
        let name = self.add_description(series);
        for circuit in circuits {
            for MetricPoint { labels, value } in (series.points)(&circuit.snapshot) {
                let labels = labels.iter().flatten().map(|label| (label.name, &*label.value));
                self.add_value(name, circuit.with_labels(labels), value);
            }
        }
    }

    /// Adds a series of the process, whose points have no circuit besides their own labels.
    fn add_process_series<T>(&mut self, series: &Series<T>, status: &T) {
        let name = self.add_description(series);
        for MetricPoint { labels, value } in (series.points)(status) {
            let labels = labels.map(|label| label.map(|label| (label.name, escape(&label.value))));
            let labels = labels.iter().flatten().map(|(label, value)| (*label, value.as_str()));
            self.add_value(name, labels, value);
        }
    }

    /// Adds the lines that describe a series, and returns its name.
    fn add_description<T>(&mut self, series: &Series<T>) -> MetricName {
        let (suffix, kind) = match series.kind {
            MetricKind::Counter => ("_total", "counter"),
            MetricKind::Gauge => ("", "gauge"),
        };
        let name = MetricName { series: series.name, suffix };
        self.add_header(name, series.help, kind);
        name
    }

    fn add_value<'a>(
        &mut self,
        name: MetricName,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: MetricValue,
    ) {
        match value {
            MetricValue::Whole(count) => self.add_line(name, labels, count),
            MetricValue::Real(number) => self.add_line(name, labels, number),
        }
    }

    fn add_durations(&mut self, collector: &BreakerCollector, circuits: &[EscapedCircuit]) {
        self.add_header(MetricName { series: DURATION, suffix: "" }, DURATION_HELP, "histogram");
        for circuit in circuits {
            if let Some(durations) = &circuit.snapshot.durations {
                self.add_histogram(collector, circuit, durations);
            }
        }
    }

    fn add_histogram(
        &mut self,
        collector: &BreakerCollector,
        circuit: &EscapedCircuit,
        durations: &CallDurations,
    ) {
        let name = |suffix| MetricName { series: DURATION, suffix };
        for bound in &collector.buckets {
            let le = format!("{:?}", bound.as_secs_f64());
            let labels = circuit.with_labels([("le", &*le)]);
            self.add_line(name("_bucket"), labels, durations.count_within(*bound));
        }
        self.add_line(name("_bucket"), circuit.with_labels([("le", "+Inf")]), durations.count());
        self.add_line(name("_sum"), circuit.with_labels([]), durations.sum().as_secs_f64());
        self.add_line(name("_count"), circuit.with_labels([]), durations.count());
    }

    fn add_header(&mut self, MetricName { series, suffix }: MetricName, help: &str, kind: &str) {
        self.0.extend(["# HELP ", series, suffix, " ", help, "\n# TYPE ", series, suffix, " ", kind, "\n"]);
    }

    fn add_line<'a>(
        &mut self,
        MetricName { series, suffix }: MetricName,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl Display,
    ) {
        self.0.extend([series, suffix]);
        let mut end = "";
        for (key, value) in labels {
            let start = if end.is_empty() { "{" } else { "," };
            self.0.extend([start, key, "=\"", value, "\""]);
            end = "}";
        }
        // Writing to a String never fails.
        _ = writeln!(self.0, "{end} {value}");
    }
}

impl EscapedCircuit {
    /// Returns the label of the circuit and further ones.
    fn with_labels<'a>(
        &'a self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        std::iter::once(("circuit", &*self.name)).chain(labels)
    }
}
