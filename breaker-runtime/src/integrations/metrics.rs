//! Metrics through the facade of the crate [`metrics`] (feature `metrics`), for every exporter that
//! implements its [`Recorder`].
//!
//! A [`Sampler`] reads the circuits from time to time and passes their figures on. Nothing happens during a call.
//! The metrics are those of `integrations::prometheus`, with the same names and labels, those of a process that
//! belongs to a fleet (feature `redis`) included. The names of counters have the suffix `_total`, because exporters
//! print names as they are. These are the differences:
//!
//! - `circuit_breaker_open_seconds_total` is a number of whole seconds, rounded down, because counters of the facade
//!   are integers.
//! - `circuit_breaker_call_duration_seconds` is recorded in buckets: each call counts with the
//!   [middle](crate::DurationBucket::middle) of its bucket.
//! - A gauge that other exporters omit is never removed from a recorder, so it becomes 0: a ratio when its window is
//!   empty, and a circuit of the fleet that is no longer listed.
//!
//! Most recorders keep each duration until they export it, so a pass takes time and memory for each call since the
//! last one. Circuits with many thousands of calls per second need a short interval, or `durations = false`.
//!
//! # Recorders
//!
//! Each pass uses the recorder that is installed at that time on its thread, or none. If that is another one than
//! in the last pass, because it was installed after the first pass or is a local one, it gets the descriptions and
//! all figures since the circuits were created, including the durations of all calls.
//!
//! Use one sampler for each recorder, and drop them together. The facade gives recorders no identity, so a sampler
//! compares their addresses: it takes a recorder that is created at the address of a dropped one, such as the next
//! local recorder in a loop, for the old one. The new one then gets no descriptions and only the durations of later
//! calls. A global recorder is never dropped.
//!
//! The metrics of two registries differ only by the names of their circuits. If two registries have a circuit of
//! the same name, and one sampler each, the samplers overwrite each other's counters and gauges.

use std::collections::{HashMap, HashSet};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use ::metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit, with_recorder};

use super::series::{
    DURATION, DURATION_HELP, MetricKind, MetricPoint, MetricValue, SERIES, Series, circuit_label, to_f64,
};
use super::{config_series, fleet_series};
use crate::clock::Sleep;
use crate::durations::CallDurations;
use crate::registry::Registry;
use crate::snapshot::Snapshot;

/// Passes the figures of all breakers in a registry to the recorder of the crate `metrics`.
///
/// An application spawns [`run`](Self::run) once. One that exports its metrics on demand can call
/// [`sample`](Self::sample) before each export instead.
///
/// ```no_run
/// use std::time::Duration;
/// use breaker_runtime::{Registry, integrations::metrics::Sampler};
///
/// # async fn example() {
/// // First, install the recorder of an exporter. With metrics-exporter-prometheus, for example, this is the line
/// // `PrometheusBuilder::new().install()?;`
/// tokio::spawn(Sampler::new(&Registry::global()).run(Duration::from_secs(5)));
/// # }
/// ```
///
/// The example `metrics` of the repository has an exporter of its own, which prints the metrics.
#[derive(Debug)]
pub struct Sampler {
    registry: Registry,
    recorded: Recorded,
}

/// The values that the recorder of the last pass has received.
#[derive(Debug, Default)]
struct Recorded {
    /// The address of the recorder; `None` before the first pass.
    recorder: Option<usize>,
    /// The durations by the name of the circuit.
    durations: HashMap<Arc<str>, CallDurations>,
    gauges: HashSet<Key>,
}

/// One pass over all metrics.
struct Pass<'a> {
    recorder: &'a dyn Recorder,
    gauges: HashSet<Key>,
}

/// The label that names a circuit.
struct LabeledSnapshot {
    circuit: Label,
    snapshot: Snapshot,
}

const METADATA: Metadata<'static> = Metadata::new("breaker", Level::INFO, Some(module_path!()));

/// The shortest interval between two passes.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

impl Sampler {
    /// Creates a sampler of all breakers in a registry, including those that are registered later. The recorder need
    /// not be installed yet.
    ///
    /// ```
    /// use breaker_runtime::{Registry, integrations::metrics::Sampler};
    ///
    /// let mut sampler = Sampler::new(&Registry::global());
    /// sampler.sample(); // has no effect until a recorder is installed
    /// ```
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), recorded: Recorded::default() }
    }

    /// Reads all circuits once, and passes their figures to the recorder of this thread: the local one, otherwise
    /// the global one. Without a recorder nothing happens.
    ///
    /// The time is proportional to the number of circuits, including those of keys, and to the number of calls with a
    /// duration since the last pass; see the [module](self).
    ///
    /// # Panics
    ///
    /// Does not panic, unless the recorder does.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, integrations::metrics::Sampler};
    ///
    /// let breakers = Registry::new();
    /// breakers.register("payment", Config::default())?;
    /// let mut sampler = Sampler::new(&breakers);
    /// let recorder = metrics::NoopRecorder; // use that of an exporter
    /// // A recorder that is installed globally needs no `with_local_recorder`.
    /// metrics::with_local_recorder(&recorder, || sampler.sample());
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    pub fn sample(&mut self) {
        let snapshots = self.registry.snapshots_by_name().into_iter();
        let circuits: Vec<_> = snapshots.map(LabeledSnapshot::new).collect();
        let fleet = fleet_series::read(&self.registry);
        let config = config_series::read(&self.registry);
        let recorded = &mut self.recorded;
        with_recorder(|recorder| {
            recorded.follow(recorder);
            let mut pass = Pass { recorder, gauges: HashSet::new() };
            for series in SERIES {
                let name = key_name(series);
                for LabeledSnapshot { circuit, snapshot } in &circuits {
                    for point in (series.points)(snapshot) {
                        pass.record(series.kind, &name, Some(circuit), point);
                    }
                }
            }
            if let Some(fleet) = &fleet {
                for series in fleet_series::SERIES {
                    let name = key_name(series);
                    for point in (series.points)(fleet) {
                        pass.record(series.kind, &name, None, point);
                    }
                }
            }
            if let Some(config) = &config {
                for series in config_series::SERIES {
                    let name = key_name(series);
                    for point in (series.points)(config) {
                        pass.record(series.kind, &name, None, point);
                    }
                }
            }
            recorded.record_durations(recorder, &circuits);
            recorded.clear_other_gauges(pass);
        });
    }

    /// Calls [`sample`](Self::sample) at once, and then each time that `interval` has passed since the last pass. It
    /// never completes. An interval of less than 1 ms counts as 1 ms.
    ///
    /// The future can be dropped at any time. A pass is not interrupted, so nothing is lost or counted twice.
    ///
    /// # Panics
    ///
    /// Panics if it is polled outside of a tokio runtime with timers, or if the recorder panics.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use std::time::Duration;
    /// use breaker_runtime::{Registry, integrations::metrics::Sampler};
    ///
    /// let sampling = tokio::spawn(Sampler::new(&Registry::global()).run(Duration::from_secs(5)));
    /// // At the end of the program:
    /// sampling.abort();
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn run(mut self, interval: Duration) {
        let interval = interval.max(MIN_INTERVAL);
        loop {
            self.sample();
            self.registry.clock().alarm(interval).unwrap_or(Sleep::Never).await;
        }
    }
}

impl Recorded {
    /// Starts again if `recorder` is another one than in the last pass.
    fn follow(&mut self, recorder: &dyn Recorder) {
        let address = ptr::from_ref(recorder).cast::<()>().addr();
        if self.recorder == Some(address) {
            return;
        }
        *self = Self { recorder: Some(address), ..Self::default() };
        for series in SERIES {
            describe(recorder, series);
        }
        for series in fleet_series::SERIES {
            describe(recorder, series);
        }
        for series in config_series::SERIES {
            describe(recorder, series);
        }
        let name = KeyName::from_const_str(DURATION);
        recorder.describe_histogram(name, Some(Unit::Seconds), DURATION_HELP.into());
    }

    /// Records the durations of the calls that have ended since the last pass.
    fn record_durations(&mut self, recorder: &dyn Recorder, circuits: &[LabeledSnapshot]) {
        for LabeledSnapshot { circuit, snapshot } in circuits {
            let Some(durations) = &snapshot.durations else { continue };
            let key = Key::from_parts(KeyName::from_const_str(DURATION), vec![circuit.clone()]);
            let histogram = recorder.register_histogram(&key, &METADATA);
            let sum = self.durations.entry(Arc::clone(&snapshot.name)).or_default();
            let new = durations.since(sum);
            for bucket in new.buckets() {
                histogram.record_many(bucket.middle, usize::try_from(bucket.count).unwrap_or(usize::MAX));
            }
            sum.add(&new);
        }
    }

    /// Sets the gauges to zero that the last pass has set and this one has not.
    fn clear_other_gauges(&mut self, Pass { recorder, gauges }: Pass<'_>) {
        for key in self.gauges.difference(&gauges) {
            recorder.register_gauge(key, &METADATA).set(0.0);
        }
        self.gauges = gauges;
    }
}

impl Pass<'_> {
    /// Records a point. `circuit` is a label in addition to those of the point.
    fn record(
        &mut self,
        kind: MetricKind,
        name: &KeyName,
        circuit: Option<&Label>,
        MetricPoint { labels, value }: MetricPoint,
    ) {
        let labels = labels.into_iter().flatten().map(|label| Label::new(label.name, label.value));
        let labels: Vec<Label> = circuit.cloned().into_iter().chain(labels).collect();
        let key = Key::from_parts(name.clone(), labels);
        match kind {
            MetricKind::Counter => {
                self.recorder.register_counter(&key, &METADATA).absolute(whole(value));
            }
            MetricKind::Gauge => {
                self.recorder.register_gauge(&key, &METADATA).set(to_f64(value));
                self.gauges.insert(key);
            }
        }
    }
}

impl LabeledSnapshot {
    fn new(snapshot: Snapshot) -> Self {
        let name: Arc<str> = circuit_label(&snapshot).into();
        Self { circuit: Label::new("circuit", SharedString::from(name)), snapshot }
    }
}

fn describe<T>(recorder: &dyn Recorder, series: &Series<T>) {
    let (name, help) = (key_name(series), SharedString::const_str(series.help));
    match series.kind {
        MetricKind::Counter => recorder.describe_counter(name, Some(counter_unit(series.name)), help),
        MetricKind::Gauge => recorder.describe_gauge(name, None, help),
    }
}

/// Returns the unit of a counter. As usual for Prometheus, the name of one that is not a number of things ends with
/// its unit.
fn counter_unit(name: &str) -> Unit {
    if name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count }
}

fn key_name<T>(series: &Series<T>) -> KeyName {
    match series.kind {
        MetricKind::Counter => SharedString::from_shared(Arc::from(format!("{}_total", series.name))).into(),
        MetricKind::Gauge => KeyName::from_const_str(series.name),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no counter is negative")]
const fn whole(value: MetricValue) -> u64 {
    match value {
        MetricValue::Whole(count) => count,
        MetricValue::Real(number) => number as u64,
    }
}
