//! Metrics for Prometheus (feature `prometheus`): a collector for [`prometheus_client`], and the text that
//! Prometheus scrapes.
//!
//! | metric | labels and values |
//! |---|---|
//! | `circuit_breaker_calls_total` | `circuit`, `result` = `success`, `failure`, `timeout`, `injected`, `ignored`, `rejected`; `injected` for calls that a drill failed |
//! | `circuit_breaker_rejections_total` | `circuit`, `reason` = `open`, `half_open`, `ramping`, `forced_open`, `bulkhead` |
//! | `circuit_breaker_fallback_total` | `circuit`, `result` = `success`, `failure` |
//! | `circuit_breaker_cancelled_total` | `circuit`, `result` = `ignored`, `failure`; calls that were dropped before they had a result, which `circuit_breaker_calls_total` counts as well |
//! | `circuit_breaker_injected_total` | `circuit`, `fault` = `failure`, `delay`; calls that a drill failed or delayed, which `circuit_breaker_calls_total` counts as well |
//! | `circuit_breaker_drill` | `circuit`; 1 while a drill injects faults, otherwise 0 |
//! | `circuit_breaker_shadow_rejections_total` | `circuit` |
//! | `circuit_breaker_waived_rejections_total` | `circuit` |
//! | `circuit_breaker_state_changes_total` | `circuit`, `from` and `to` = `closed`, `open`, `half_open`, `forced_open`, `disabled` |
//! | `circuit_breaker_open_seconds_total` | `circuit` |
//! | `circuit_breaker_state` | `circuit`; 0 for closed or disabled, 1 for open or forced open, 2 for half-open |
//! | `circuit_breaker_failure_ratio`, `circuit_breaker_slow_call_ratio` | `circuit`; present while the window holds a call |
//! | `circuit_breaker_ramp_share` | `circuit`; the share of calls that is admitted while a circuit with `ramp` closes gradually, otherwise 1 |
//! | `circuit_breaker_keys` | `circuit`, `state` = `closed`, `open`, `half_open`, `forced_open`, `disabled`; the number of keys in each state, present with `key` |
//! | `circuit_breaker_calls_in_flight` | `circuit`; present with `max_concurrent` |
//! | `circuit_breaker_queue_length`, `circuit_breaker_queue_capacity` | `circuit`; present with a queue for rejected calls |
//! | `circuit_breaker_queue_items_total` | `circuit`, `result` = `queued`, `delivered`, `discarded`, `refused`; present with such a queue |
//! | `circuit_breaker_call_duration_seconds` | `circuit`; a histogram, present with `durations` |
//!
//! A registry whose configuration a `ConfigReader` has loaded (feature `config`) also has this one:
//!
//! | metric | labels and values |
//! |---|---|
//! | `circuit_breaker_config_reloads_total` | `outcome` = `applied`, `refused`; configurations that were loaded |
//!
//! A process that belongs to a fleet (feature `redis`, see `breaker_runtime::fleet`) also has these:
//!
//! | metric | labels and values |
//! |---|---|
//! | `circuit_breaker_sync_connected` | 1 while the process exchanges states with its fleet, 0 while Redis is away |
//! | `circuit_breaker_sync_errors_total` | `kind` = `unreachable`, `timeout`, `unauthenticated`, `forbidden`, `read_only`, `out_of_memory`, `loading`, `unsupported`, `tls`, `malformed`; failed exchanges with Redis |
//! | `circuit_breaker_probe_leases_total` | `outcome` = `granted`, `passed`, `failed`, `expired`; leases for trial calls that the process got, and their results |
//! | `circuit_breaker_fleet_votes_total` | votes of the process to open a circuit of the fleet |
//! | `circuit_breaker_fleet_dissents_total` | reports of the process that its calls succeed although the circuit of the fleet is open |
//! | `circuit_breaker_fleet_problems_total` | `kind` = `unreadable_record`, `settings_conflict` |
//! | `circuit_breaker_fleet_processes` | processes of the fleet, this one included |
//! | `circuit_breaker_fleet_open` | `circuit`; 1 if the circuit of the fleet is open, otherwise 0; with keys, the number of open ones |
//! | `circuit_breaker_fleet_open_processes` | `circuit`; processes in which the circuit is open; with keys, the sum over them |
//!
//! The last two are present for circuits that are open, have votes, or are commanded by an operator, and with the same
//! values in every process of the fleet: use `max by (circuit)`, not `sum`.
//!
//! The metrics of a breaker with keys are totals over its keys, which equal the figures in the JSON of
//! `integrations::axum`. `circuit_breaker_open_seconds_total`, for example, grows by two per second while two keys
//! are open. `circuit_breaker_state` and `circuit_breaker_ramp_share` are those of the worst circuit.
//!
//! Metrics are read during a scrape. Nothing runs between scrapes. There is no label for the process, because
//! Prometheus adds one. There are no labels for keys or error texts, because their cardinality is unbounded.
//!
//! In the label `circuit`, backslashes, control characters, invisible characters and those that change the direction of
//! the text are escaped, as in `\u{202e}`.

mod text;

use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use super::series::{
    DURATION, DURATION_HELP, MetricKind, MetricPoint, MetricValue, SERIES, Series, circuit_label,
};
use super::{config_series, fleet_series};
use crate::durations::CallDurations;
use crate::registry::Registry;
use crate::snapshot::Snapshot;

/// A collector of all breakers in a registry, for a registry of `prometheus_client`.
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
/// let mut text = String::new();
/// prometheus_client::encoding::text::encode(&mut text, &metrics)?;
/// assert!(text.contains(r#"circuit_breaker_calls_total{circuit="payment",result="success"} 0"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreakerCollector {
    registry: Registry,
    buckets: Vec<Duration>,
}

/// Default upper bounds of the buckets for durations.
const DEFAULT_BOUNDS: [Duration; 7] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Encodes the metrics of all breakers in a registry in the text format of Prometheus.
///
/// The content type is `text/plain; version=0.0.4`. The time is proportional to the number of circuits, including those
/// of keys, which share the lines of their breaker.
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
pub fn encode(registry: &Registry) -> String {
    BreakerCollector::new(registry).encode()
}

impl BreakerCollector {
    /// Creates a collector whose buckets for durations end at 10, 50, 100 and 500 ms and 1, 5 and 10 s.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::prometheus::BreakerCollector;
    ///
    /// let mut metrics = prometheus_client::registry::Registry::default();
    /// metrics.register_collector(Box::new(BreakerCollector::new(&Registry::global())));
    /// ```
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), buckets: DEFAULT_BOUNDS.into() }
    }

    /// Sets the upper bounds of the buckets for durations, in any order. Without a bound, the only bucket is
    /// `+Inf`, whose bound is `Duration::MAX`. Of bounds that are equal as `f64` seconds, only one is used.
    ///
    /// Durations are recorded with an error of up to 12.5 %, so bounds closer than that add no information. Calls of
    /// more than 73 min are in the bucket `+Inf` only, whatever the bounds are.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::integrations::prometheus::BreakerCollector;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::builder().durations(true).build()?)?;
    /// let collector = BreakerCollector::new(&registry).buckets([200, 400].map(Duration::from_millis));
    /// let text = collector.encode();
    /// assert!(text.contains(r#"circuit_breaker_call_duration_seconds_bucket{circuit="payment",le="0.2"} 0"#));
    /// assert!(!text.contains(r#"le="0.01""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn buckets(mut self, upper_bounds: impl IntoIterator<Item = Duration>) -> Self {
        self.buckets = upper_bounds.into_iter().filter(|bound| *bound != Duration::MAX).collect();
        self.buckets.sort_unstable();
        // Bounds that differ only in their `Duration` would be written as the same label `le`.
        self.buckets.dedup_by_key(|bound| bound.as_secs_f64().to_bits());
        self
    }

    /// Encodes the metrics in the text format of Prometheus; see [`encode`].
    ///
    /// ```
    /// use breaker_runtime::integrations::prometheus::BreakerCollector;
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("payment", Config::default())?;
    /// let text = BreakerCollector::new(&registry).encode();
    /// assert!(text.contains("circuit_breaker_state{circuit=\"payment\"} 0\n"));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn encode(&self) -> String {
        text::encode(self)
    }
}

impl Collector for BreakerCollector {
    fn encode(&self, mut descriptors: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let snapshots = self.registry.snapshots_by_name();
        for series in SERIES {
            let mut encoder = describe(&mut descriptors, series)?;
            for snapshot in &snapshots {
                let circuit = Some(circuit_label(snapshot));
                encode_points(&mut encoder, series.kind, circuit.as_deref(), (series.points)(snapshot))?;
            }
        }
        if let Some(fleet) = fleet_series::read(&self.registry) {
            for series in fleet_series::SERIES {
                let mut encoder = describe(&mut descriptors, series)?;
                encode_points(&mut encoder, series.kind, None, (series.points)(&fleet))?;
            }
        }
        if let Some(status) = config_series::read(&self.registry) {
            for series in config_series::SERIES {
                let mut encoder = describe(&mut descriptors, series)?;
                encode_points(&mut encoder, series.kind, None, (series.points)(&status))?;
            }
        }
        self.encode_durations(&mut descriptors, &snapshots)
    }
}

impl BreakerCollector {
    fn encode_durations(
        &self,
        descriptors: &mut DescriptorEncoder<'_>,
        snapshots: &[Snapshot],
    ) -> Result<(), std::fmt::Error> {
        let mut series =
            descriptors.encode_descriptor(DURATION, DURATION_HELP, None, MetricType::Histogram)?;
        for snapshot in snapshots {
            if let Some(durations) = &snapshot.durations {
                series.encode_family(&[("circuit", circuit_label(snapshot))])?.encode_histogram(
                    durations.sum().as_secs_f64(),
                    durations.count(),
                    &self.bucket_counts(durations),
                    None::<&std::collections::HashMap<usize, Exemplar<NoLabelSet, f64>>>,
                )?;
            }
        }
        Ok(())
    }

    /// Returns the upper bound of each bucket, and the number of calls in it but in no smaller one.
    fn bucket_counts(&self, durations: &CallDurations) -> Vec<(f64, u64)> {
        let bounds = self.buckets.iter().map(|bound| (bound.as_secs_f64(), durations.count_within(*bound)));
        let mut below = 0;
        bounds
            .chain([(f64::INFINITY, durations.count())])
            .map(|(bound, within)| (bound, within - std::mem::replace(&mut below, within)))
            .collect()
    }
}

fn describe<'a, T>(
    descriptors: &'a mut DescriptorEncoder<'_>,
    series: &'a Series<T>,
) -> Result<MetricEncoder<'a>, std::fmt::Error> {
    let kind = match series.kind {
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Gauge => MetricType::Gauge,
    };
    descriptors.encode_descriptor(series.name, series.help, None, kind)
}

/// Encodes points. `circuit` is a label in addition to those of each point.
fn encode_points(
    encoder: &mut MetricEncoder<'_>,
    kind: MetricKind,
    circuit: Option<&str>,
    points: Vec<MetricPoint>,
) -> Result<(), std::fmt::Error> {
    for MetricPoint { labels, value } in points {
        let circuit = circuit.map(|circuit| ("circuit", circuit));
        let labels = labels.iter().flatten().map(|label| (label.name, &*label.value));
        let labels: Vec<(&str, &str)> = circuit.into_iter().chain(labels).collect();
        let mut family = encoder.encode_family(&labels)?;
        match (kind, value) {
            (MetricKind::Counter, MetricValue::Whole(count)) => {
                family.encode_counter(&count, None::<&Exemplar<NoLabelSet, u64>>)?;
            }
            (MetricKind::Counter, MetricValue::Real(sum)) => {
                family.encode_counter(&sum, None::<&Exemplar<NoLabelSet, f64>>)?;
            }
            (MetricKind::Gauge, MetricValue::Whole(number)) => family.encode_gauge(&number)?,
            (MetricKind::Gauge, MetricValue::Real(number)) => family.encode_gauge(&number)?,
        }
    }
    Ok(())
}
