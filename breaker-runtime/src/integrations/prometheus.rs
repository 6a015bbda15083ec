//! Figures for Prometheus: a collector for [`prometheus_client`], and the page itself.
//!
//! | series | labels |
//! |---|---|
//! | `circuit_breaker_calls_total` | `circuit`, `result` = `success`, `failure`, `timeout`, `ignored`, `rejected` |
//! | `circuit_breaker_rejections_total` | `circuit`, `reason` = `open`, `half_open`, `forced_open`, `bulkhead` |
//! | `circuit_breaker_fallback_total` | `circuit`, `result` = `success`, `failure` |
//! | `circuit_breaker_shadow_rejections_total` | `circuit` |
//! | `circuit_breaker_state_changes_total` | `circuit`, `from`, `to` |
//! | `circuit_breaker_open_seconds_total` | `circuit` |
//! | `circuit_breaker_state` | `circuit`; 0 closed or disabled, 1 open or forced open, 2 half-open |
//! | `circuit_breaker_failure_ratio`, `circuit_breaker_slow_call_ratio` | `circuit`; where a window holds a call |
//! | `circuit_breaker_calls_in_flight` | `circuit`; where `max_concurrent` counts them |
//! | `circuit_breaker_call_duration_seconds` | `circuit`; a histogram, where calls are timed |
//!
//! They are read when Prometheus asks; between two scrapes nothing runs. There is no label for the process,
//! which is Prometheus's to add, and none for keys or for the texts of errors.

mod text;

use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use super::series::{Kind, Point, SERIES, Series, Value};
use crate::durations::CallDurations;
use crate::registry::Registry;
use crate::snapshot::Snapshot;

/// All breakers of a registry, for a registry of `prometheus_client`.
///
/// ```
/// use breaker_runtime::{Config, Registry, integrations::prometheus::BreakerCollector};
///
/// let breakers = Registry::new();
/// breakers.register("payment", Config::default())?;
///
/// let mut metrics = prometheus_client::registry::Registry::default();
/// metrics.register_collector(Box::new(BreakerCollector::new(&breakers)));
///
/// let mut page = String::new();
/// prometheus_client::encoding::text::encode(&mut page, &metrics)?;
/// assert!(page.contains(r#"circuit_breaker_calls_total{circuit="payment",result="success"} 0"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreakerCollector {
    registry: Registry,
    buckets: Vec<Duration>,
}

const BUCKETS: [Duration; 7] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

const DURATION: &str = "circuit_breaker_call_duration_seconds";
const DURATION_HELP: &str = "How long calls took";

/// The page that Prometheus scrapes, in its text format; its type is `text/plain; version=0.0.4`.
///
/// ```
/// use breaker_runtime::{Config, Registry, integrations::prometheus};
///
/// let breakers = Registry::new();
/// breakers.register("payment", Config::default())?.force_open();
/// assert!(prometheus::encode(&breakers).contains("circuit_breaker_state{circuit=\"payment\"} 1\n"));
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[must_use]
pub fn encode(breakers: &Registry) -> String {
    BreakerCollector::new(breakers).encode()
}

impl BreakerCollector {
    /// With buckets of 10, 50, 100 and 500 ms and 1, 5 and 10 s for durations.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), buckets: BUCKETS.into() }
    }

    /// Other buckets for durations, in any order. What is recorded is exact to an eighth, so buckets that are
    /// closer than that tell nothing.
    #[must_use]
    pub fn buckets(mut self, upper_bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.buckets = upper_bounds.into_iter().collect();
        self.buckets.sort_unstable();
        self.buckets.dedup();
        self
    }

    /// The page that Prometheus scrapes, see [`encode`].
    #[must_use]
    pub fn encode(&self) -> String {
        text::page(self)
    }
}

impl Collector for BreakerCollector {
    fn encode(&self, mut page: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let seen = self.registry.snapshots_by_name();
        for series in SERIES {
            encode_series(&mut page, series, &seen)?;
        }
        self.encode_durations(&mut page, &seen)
    }
}

impl BreakerCollector {
    fn encode_durations(
        &self,
        page: &mut DescriptorEncoder<'_>,
        seen: &[Snapshot],
    ) -> Result<(), std::fmt::Error> {
        let mut series = page.encode_descriptor(DURATION, DURATION_HELP, None, MetricType::Histogram)?;
        for circuit in seen {
            if let Some(durations) = &circuit.durations {
                series.encode_family(&[("circuit", circuit.name())])?.encode_histogram(
                    durations.sum().as_secs_f64(),
                    durations.count(),
                    &self.counts_of(durations),
                    None::<&std::collections::HashMap<usize, Exemplar<NoLabelSet, f64>>>,
                )?;
            }
        }
        Ok(())
    }

    /// How many calls are in each bucket and in none before it.
    fn counts_of(&self, durations: &CallDurations) -> Vec<(f64, u64)> {
        let bounds = self.buckets.iter().map(|bound| (bound.as_secs_f64(), durations.count_within(*bound)));
        let mut below = 0;
        bounds
            .chain([(f64::INFINITY, durations.count())])
            .map(|(bound, within)| (bound, within - std::mem::replace(&mut below, within)))
            .collect()
    }
}

fn encode_series(
    page: &mut DescriptorEncoder<'_>,
    series: &Series,
    seen: &[Snapshot],
) -> Result<(), std::fmt::Error> {
    let kind = match series.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
    };
    let mut encoder = page.encode_descriptor(series.name, series.help, None, kind)?;
    for circuit in seen {
        for Point { labels, value } in (series.points)(circuit) {
            let circuit = [("circuit", circuit.name())].into_iter();
            let labels: Vec<(&str, &str)> = circuit.chain(labels.into_iter().flatten()).collect();
            let mut family = encoder.encode_family(&labels)?;
            match (series.kind, value) {
                (Kind::Counter, Value::Whole(count)) => {
                    family.encode_counter(&count, None::<&Exemplar<NoLabelSet, u64>>)?;
                }
                (Kind::Counter, Value::Real(sum)) => {
                    family.encode_counter(&sum, None::<&Exemplar<NoLabelSet, f64>>)?;
                }
                (Kind::Gauge, Value::Whole(number)) => family.encode_gauge(&number)?,
                (Kind::Gauge, Value::Real(number)) => family.encode_gauge(&number)?,
            }
        }
    }
    Ok(())
}
