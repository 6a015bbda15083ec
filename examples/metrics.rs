//! Metrics through the facade of the crate `metrics`: a sampler passes them to a recorder, which this example prints.
//!
//! ```text
//! cargo run -p breaker-examples --example metrics
//! ```
//!
//! An application installs the recorder of an exporter, such as metrics-exporter-prometheus, instead of [`Values`].
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use breaker_runtime::integrations::metrics::Sampler;
use breaker_runtime::{Registry, circuit_breaker};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tokio::time::{sleep, timeout};

/// The time between two passes. An application uses that between two exports, such as 15 seconds.
const INTERVAL: Duration = Duration::from_millis(50);

/// The longest time to wait for a pass.
const PATIENCE: Duration = Duration::from_secs(10);

#[circuit_breaker(name = "search", failure_threshold = 3)]
async fn search(text: &str) -> Result<usize> {
    if text.is_empty() {
        bail!("the index is damaged");
    }
    Ok(text.len())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let values = Values::default();
    metrics::set_global_recorder(values.clone()).ok().context("expected no other recorder")?;
    let sampling = tokio::spawn(Sampler::new(&Registry::global()).run(INTERVAL));

    for text in ["tea", "mug", "", "", "", "tea", "mug"] {
        match search(text).await {
            Ok(count) => println!("{text:?}: {count} results"),
            Err(error) => println!("{text:?}: {error}"),
        }
    }
    timeout(PATIENCE, two_rejections(&values)).await.context("expected a pass to read two rejections")?;
    sampling.abort();

    println!();
    for (name, value) in values.read().into_iter().filter(|(_, value)| *value > 0.0) {
        println!("{name} {value}");
    }
    Ok(())
}

/// Waits until a pass has read that the open circuit has rejected two calls.
async fn two_rejections(values: &Values) {
    while values.read().get("circuit_breaker_rejections_total{circuit=search,reason=open}") != Some(&2.0) {
        sleep(INTERVAL).await;
    }
}

/// A recorder that keeps the values of counters and gauges by name and labels. Clones share them.
#[derive(Clone, Default)]
struct Values(Arc<Mutex<BTreeMap<String, Value>>>);

/// The facade updates a value by a shared number: the bits of a float for a gauge.
#[derive(Clone)]
enum Value {
    Counter(Arc<AtomicU64>),
    Gauge(Arc<AtomicU64>),
}

impl Values {
    fn read(&self) -> BTreeMap<String, f64> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.iter().map(|(name, value)| (name.clone(), value.read())).collect()
    }

    fn find_or_add(&self, key: &Key, value: fn(Arc<AtomicU64>) -> Value) -> Arc<AtomicU64> {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let name = format!("{}{{{}}}", key.name(), labels.collect::<Vec<_>>().join(","));
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Value::Counter(number) | Value::Gauge(number)) =
            values.entry(name).or_insert_with(|| value(Arc::default()));
        Arc::clone(number)
    }
}

impl Value {
    #[expect(clippy::cast_precision_loss, reason = "the counts of an example are small")]
    fn read(&self) -> f64 {
        match self {
            Self::Counter(number) => number.load(Ordering::Relaxed) as f64,
            Self::Gauge(number) => f64::from_bits(number.load(Ordering::Relaxed)),
        }
    }
}

impl Recorder for Values {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.find_or_add(key, Value::Counter))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.find_or_add(key, Value::Gauge))
    }

    /// The breakers have no histogram without `durations`.
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
