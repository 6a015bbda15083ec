//! A recorder for the facade of the crate `metrics` that keeps everything in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// The values of metrics by name and labels.
pub(crate) type Points = BTreeMap<Point, f64>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
}

/// Histograms have two points as for Prometheus: `_count` and `_sum`. Clones share their contents.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryRecorder(Arc<Mutex<RecordedMetrics>>);

#[derive(Clone, Debug, Default)]
pub(crate) struct RecordedMetrics {
    pub(crate) points: Points,
    /// All descriptions in the order of their arrival.
    pub(crate) descriptions: Vec<MetricDescription>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricDescription {
    pub(crate) name: String,
    pub(crate) unit: Option<Unit>,
    pub(crate) text: String,
}

/// The handle of one point.
struct RecordedPoint {
    point: Point,
    recorder: MemoryRecorder,
}

impl MemoryRecorder {
    /// Returns what was recorded so far.
    pub(crate) fn read(&self) -> RecordedMetrics {
        self.0.lock().unwrap().clone()
    }

    /// Returns the value of a point with one label.
    pub(crate) fn value(&self, name: &str, circuit: &str) -> Option<f64> {
        let labels = BTreeMap::from([("circuit".to_owned(), circuit.to_owned())]);
        self.read().points.get(&Point { name: name.to_owned(), labels }).copied()
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, text: &SharedString) {
        let (name, text) = (name.as_str().to_owned(), (**text).to_owned());
        self.0.lock().unwrap().descriptions.push(MetricDescription { name, unit, text });
    }

    fn register(&self, key: &Key, suffixes: &[&str]) -> Arc<RecordedPoint> {
        let labels = key.labels().map(|label| (label.key().to_owned(), label.value().to_owned()));
        let point = Point { name: key.name().to_owned(), labels: labels.collect() };
        let point = RecordedPoint { point, recorder: self.clone() };
        for suffix in suffixes {
            point.change(suffix, |value| value);
        }
        Arc::new(point)
    }
}

impl RecordedPoint {
    fn change(&self, suffix: &str, change: impl FnOnce(f64) -> f64) {
        let mut point = self.point.clone();
        point.name.push_str(suffix);
        let mut recorded = self.recorder.0.lock().unwrap();
        let value = recorded.points.entry(point).or_default();
        *value = change(*value);
    }
}

impl Recorder for MemoryRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&name, unit, &text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register(key, &[""]))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register(key, &[""]))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.register(key, &["_count", "_sum"]))
    }
}

#[expect(clippy::cast_precision_loss, reason = "the counts of tests are small")]
impl CounterFn for RecordedPoint {
    fn increment(&self, count: u64) {
        self.change("", |value| value + count as f64);
    }

    fn absolute(&self, count: u64) {
        self.change("", |value| value.max(count as f64));
    }
}

impl GaugeFn for RecordedPoint {
    fn increment(&self, by: f64) {
        self.change("", |value| value + by);
    }

    fn decrement(&self, by: f64) {
        self.change("", |value| value - by);
    }

    fn set(&self, new: f64) {
        self.change("", |_| new);
    }
}

#[expect(clippy::cast_precision_loss, reason = "the counts of tests are small")]
impl HistogramFn for RecordedPoint {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.change("_count", |old| old + count as f64);
        self.change("_sum", |old| old + value * count as f64);
    }
}
