//! The metrics of a process that belongs to a fleet, in all exporters.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::MeterProvider as _;
use breaker_runtime::integrations::metrics::Sampler;
use breaker_runtime::integrations::{opentelemetry, prometheus};
use breaker_runtime::{Config, ConfigBuilder, Outcome, Registry, Sharing, State};
use breaker_tests::fleet_processes::FleetProcesses;
use breaker_tests::waiting::until;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

use crate::facade_recorder::MemoryRecorder;

const NAMES: [&str; 3] = ["circuit_breaker_sync_", "circuit_breaker_probe_leases", "circuit_breaker_fleet_"];

/// A line of a sample: the name, the sorted labels, and the value.
type Samples = BTreeSet<String>;

fn sample(name: &str, labels: impl IntoIterator<Item = String>, value: f64) -> String {
    let labels: BTreeSet<_> = labels.into_iter().collect();
    let mut line = name.to_owned();
    for label in labels {
        write!(line, " {label}").unwrap();
    }
    format!("{line} = {value}")
}

/// Returns the samples of the fleet in a text. Label values contain no comma here.
fn samples(text: &str) -> Samples {
    let lines = text.lines().filter(|line| NAMES.iter().any(|name| line.starts_with(name)));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.strip_suffix('}').unwrap();
            let labels = labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned);
            sample(name, labels, value.parse().unwrap())
        })
        .collect()
}

fn collected(registry: &Registry) -> Samples {
    let (mut metrics, mut text) = (prometheus_client::registry::Registry::default(), String::new());
    metrics.register_collector(Box::new(prometheus::BreakerCollector::new(registry)));
    prometheus_client::encoding::text::encode(&mut text, &metrics).unwrap();
    samples(&text)
}

fn observed(registry: &Registry) -> Samples {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    opentelemetry::observe(&provider.meter("shop"), registry);
    provider.force_flush().unwrap();
    let collected = exporter.get_finished_metrics().unwrap();
    let metrics = collected.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics);
    let is_of_fleet = |metric: &&Metric| NAMES.iter().any(|name| metric.name().starts_with(name));
    metrics.filter(is_of_fleet).flat_map(observed_points).collect()
}

/// Returns the samples of the fleet that a sampler passes to a recorder.
fn sampled(registry: &Registry) -> Samples {
    let recorder = MemoryRecorder::default();
    ::metrics::with_local_recorder(&recorder, || Sampler::new(registry).sample());
    let points = recorder.read().points.into_iter();
    let of_fleet = points.filter(|(point, _)| NAMES.iter().any(|name| point.name.starts_with(name)));
    let label = |(name, value): (String, String)| {
        format!("{name}=\"{}\"", value.replace('\\', r"\\").replace('"', r#"\""#))
    };
    of_fleet.map(|(point, value)| sample(&point.name, point.labels.into_iter().map(label), value)).collect()
}

fn observed_points(metric: &Metric) -> Vec<String> {
    let label = |label: &KeyValue| {
        let value = label.value.to_string().replace('\\', r"\\").replace('"', r#"\""#);
        format!("{}=\"{value}\"", label.key)
    };
    let AggregatedMetrics::F64(data) = metric.data() else { panic!("{metric:?}") };
    match data {
        MetricData::Gauge(gauge) => gauge
            .data_points()
            .map(|point| sample(metric.name(), point.attributes().map(label), point.value()))
            .collect(),
        MetricData::Sum(sum) => sum
            .data_points()
            .map(|point| {
                sample(&format!("{}_total", metric.name()), point.attributes().map(label), point.value())
            })
            .collect(),
        MetricData::Histogram(_) | MetricData::ExponentialHistogram(_) => panic!("{metric:?}"),
    }
}

fn shared() -> ConfigBuilder {
    let config = Config::builder().shared(Sharing::Quorum).consecutive_failures(1).jitter(0.0);
    config.half_open_max_calls(1).success_threshold(1)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_registry_without_a_fleet_has_no_series_of_one() {
    let registry = Registry::new();
    registry.register("payment", shared().build().unwrap()).unwrap();
    let text = prometheus::encode(&registry);
    assert!(!text.contains("circuit_breaker_fleet_") && !text.contains("circuit_breaker_sync_"), "{text}");
    assert_eq!(
        [collected(&registry), observed(&registry), sampled(&registry)],
        [const { Samples::new() }; 3]
    );
}

#[test]
fn every_exporter_has_the_series_of_the_fleet_from_the_first_reading() {
    let Some(processes) = FleetProcesses::start(1) else { return };
    let registry = &processes.registries[0];
    let text = prometheus::encode(registry);
    for line in lines(
        "circuit_breaker_sync_connected 1
         circuit_breaker_sync_errors_total{kind=\"timeout\"} 0
         circuit_breaker_sync_errors_total{kind=\"malformed\"} 0
         circuit_breaker_probe_leases_total{outcome=\"granted\"} 0
         circuit_breaker_probe_leases_total{outcome=\"expired\"} 0
         circuit_breaker_fleet_votes_total 0
         circuit_breaker_fleet_dissents_total 0
         circuit_breaker_fleet_problems_total{kind=\"settings_conflict\"} 0
         circuit_breaker_fleet_processes 1",
    ) {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert_eq!(samples(&text).len(), 1 + 10 + 4 + 1 + 1 + 2 + 1, "{text}");
}

#[test]
fn every_exporter_has_the_same_figures_of_the_fleet() {
    let Some(processes) = FleetProcesses::start(3) else { return };
    let name = "pay \"ment\"\\\u{202e}";
    let recovers_soon = shared().recovery_timeout(Duration::from_millis(200));
    let [payment, other] = [processes.register(name, &shared()), processes.register("other", &recovers_soon)];
    processes.open(&payment[..2], &payment);
    processes.open(&other[..2], &other);
    // One process makes the trial call of the fleet.
    let describe = || format!("{:?}", processes.status(0));
    until("the trial call closes the circuit", describe, || {
        if let Ok(trial) = other[0].try_acquire() {
            trial.settle(Outcome::Success);
        }
        other.iter().all(|circuit| circuit.state() == State::Closed)
    });
    processes.until("only one circuit is open", |status| status.circuits.len() == 1);

    let registry = &processes.registries[0];
    let text = prometheus::encode(registry);
    for line in lines(
        r#"circuit_breaker_fleet_open{circuit="pay \"ment\"\\\\\\u{202e}"} 1
           circuit_breaker_fleet_open_processes{circuit="pay \"ment\"\\\\\\u{202e}"} 3
           circuit_breaker_probe_leases_total{outcome="granted"} 1
           circuit_breaker_probe_leases_total{outcome="passed"} 1
           circuit_breaker_fleet_votes_total 2"#,
    ) {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("circuit_breaker_fleet_open{circuit=\"other\"}"), "{text}");
    assert_eq!(samples(&text), collected(registry));
    assert_eq!(samples(&text), observed(registry));
    assert_eq!(samples(&text), sampled(registry));
}

#[test]
fn the_figures_of_a_circuit_with_keys_are_sums_over_its_keys() {
    let Some(processes) = FleetProcesses::start(2) else { return };
    let settings = shared().shared(Sharing::First).build().unwrap();
    let hosts = processes.registries.iter().map(|it| it.register_keyed("host", settings.clone(), 9).unwrap());
    let hosts: Vec<_> = hosts.collect();
    for key in ["a", "b"] {
        let circuits: Vec<_> = hosts.iter().map(|host| host.get(key)).collect();
        processes.open(&circuits[..1], &circuits);
    }
    processes.until("both keys are open", |status| status.circuits.len() == 2);
    let text = prometheus::encode(&processes.registries[1]);
    assert!(text.contains("circuit_breaker_fleet_open{circuit=\"host\"} 2\n"), "{text}");
    assert!(text.contains("circuit_breaker_fleet_open_processes{circuit=\"host\"} 4\n"), "{text}");
}

#[test]
fn lost_synchronisation_is_a_figure() {
    let Some(mut processes) = FleetProcesses::start(1) else { return };
    processes.server.kill();
    processes.until("the process has noticed", |status| !status.is_connected);
    let text = prometheus::encode(&processes.registries[0]);
    assert!(text.contains("circuit_breaker_sync_connected 0\n"), "{text}");
    assert!(!text.contains("circuit_breaker_sync_errors_total{kind=\"unreachable\"} 0\n"), "{text}");
}
