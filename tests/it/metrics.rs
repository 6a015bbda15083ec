//! Metrics for Prometheus and OpenTelemetry, and events for tracing.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::MeterProvider as _;
use breaker_runtime::integrations::{opentelemetry, prometheus, tracing};
use breaker_runtime::{BreakerError, Config, Outcome, Registry, circuit_breaker, testing};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, Instrument, MeterProviderBuilder, SdkMeterProvider, Stream,
};

use crate::support::seconds;

#[circuit_breaker(name = "metrics/uncalled", window = 10, failure_rate = 0.5)]
fn uncalled() -> Result<u32, BreakerError> {
    Ok(1)
}

#[test]
fn names_with_escapes_have_labels_of_their_own() {
    let registry = Registry::new();
    for name in ["a\u{202e}", r"a\u{202e}", "a\n", r"a\n", r"a\\n"] {
        registry.register(name, Config::default()).unwrap();
    }
    let text = prometheus::encode(&registry);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("circuit_breaker_state{")).collect();
    let distinct: std::collections::BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len()), (5, 5), "{lines:?}");
}

// `increase()` misses the first increment of a counter that first appears with the value one.
#[test]
fn every_series_of_a_function_exists_before_its_first_call() {
    testing::scope(|scope| {
        let series = |text: &str| -> Vec<String> {
            let of_it = text.lines().filter(|line| line.contains("metrics/uncalled"));
            of_it.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
        };
        let before = prometheus::encode(scope.registry());
        assert!(before.contains("calls_total{circuit=\"metrics/uncalled\",result=\"failure\"} 0\n"));
        assert!(before.contains("{circuit=\"metrics/uncalled\",from=\"closed\",to=\"open\"} 0\n"));
        uncalled().unwrap();
        let after = prometheus::encode(scope.registry());
        assert!(after.contains("calls_total{circuit=\"metrics/uncalled\",result=\"success\"} 1\n"));
        let expected: Vec<String> =
            series(&after).into_iter().filter(|name| !name.contains("_ratio{")).collect();
        assert_eq!(series(&before), expected, "only ratios need a call");
    });
}

#[test]
fn counts_of_evicted_keys_are_kept() {
    let registry = Registry::new();
    let config = Config::builder().durations(true).build().unwrap();
    let hosts = registry.register_keyed("host", config, 2).unwrap();
    for host in ["a", "b", "c", "d", "e"] {
        hosts.get(host).try_acquire().unwrap().settle(Outcome::Success);
        hosts.get(host).force_open();
        hosts.get(host).release();
    }
    let text = prometheus::encode(&registry);
    for line in [
        "circuit_breaker_calls_total{circuit=\"host\",result=\"success\"} 5",
        "circuit_breaker_state_changes_total{circuit=\"host\",from=\"closed\",to=\"forced_open\"} 5",
        "circuit_breaker_call_duration_seconds_count{circuit=\"host\"} 5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn waived_rejections_are_counted_also_those_of_removed_keys() {
    let registry = Registry::new();
    let config = Config::builder().failure_threshold(1).max_open(0.5).build().unwrap();
    let hosts = registry.register_keyed("host", config, 9).unwrap();
    let line = |count| format!("circuit_breaker_waived_rejections_total{{circuit=\"host\"}} {count}");
    let has_line = |count| prometheus::encode(&registry).lines().any(|found| found == line(count));
    assert!(has_line(0));
    for host in ["a", "b", "b", "b"] {
        hosts.get(host).try_acquire().unwrap().settle(Outcome::Failure);
    }
    assert!(has_line(2));
    hosts.retain(|_, _| false);
    assert!(has_line(2));
}

#[test]
fn names_are_escaped_in_labels() {
    let registry = Registry::new();
    registry.register("a \"b\"\\c", Config::default()).unwrap();
    registry.register("line\nbreak\u{202e}\u{1b}", Config::default()).unwrap();
    let mut metrics = prometheus_client::registry::Registry::default();
    metrics.register_collector(Box::new(prometheus::BreakerCollector::new(&registry)));
    let mut collected = String::new();
    prometheus_client::encoding::text::encode(&mut collected, &metrics).unwrap();
    for text in [prometheus::encode(&registry), collected] {
        for label in [r#"{circuit="a \"b\"\\\\c"}"#, r#"{circuit="line\\nbreak\\u{202e}\\u{1b}"}"#] {
            assert!(text.contains(&format!("circuit_breaker_state{label} 0\n")), "{text}");
        }
    }
}

#[test]
fn durations_are_in_the_configured_buckets() {
    let clock = testing::Clock::new();
    let registry = Registry::with_clock(&clock);
    let breaker = registry.register("slow", Config::builder().durations(true).build().unwrap()).unwrap();
    for time in [1, 3, 30] {
        let call = breaker.try_acquire().unwrap();
        clock.advance(seconds(time));
        call.settle(Outcome::Success);
    }
    let text =
        prometheus::BreakerCollector::new(&registry).buckets([seconds(20), seconds(2), seconds(2)]).encode();
    let buckets: Vec<&str> = text.lines().filter(|line| line.contains("_seconds_bucket")).collect();
    let bucket = |bound, count| {
        format!("circuit_breaker_call_duration_seconds_bucket{{circuit=\"slow\",le=\"{bound}\"}} {count}")
    };
    assert_eq!(buckets, [bucket("2.0", 1), bucket("20.0", 2), bucket("+Inf", 3)]);
}

#[test]
fn bounds_that_are_written_alike_are_one_bucket() {
    let registry = Registry::new();
    drop(registry.register("slow", Config::builder().durations(true).build().unwrap()).unwrap());
    let bound = seconds(1 << 33);
    let collector =
        prometheus::BreakerCollector::new(&registry).buckets([bound, bound + Duration::from_nanos(1)]);
    let text = collector.encode();
    assert_eq!(text.lines().filter(|line| line.contains("_seconds_bucket")).count(), 2, "{text}");
}

#[test]
fn a_call_longer_than_all_buckets_is_in_the_last_bucket_only() {
    let clock = testing::Clock::new();
    let registry = Registry::with_clock(&clock);
    let breaker = registry.register("slow", Config::builder().durations(true).build().unwrap()).unwrap();
    let call = breaker.try_acquire().unwrap();
    clock.advance(seconds(5_000));
    call.settle(Outcome::Success);
    let bounds = [seconds(6_000), seconds(1 << 50), Duration::MAX];
    let text = prometheus::BreakerCollector::new(&registry).buckets(bounds).encode();
    let counts: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("_seconds_bucket"))
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    assert_eq!(counts, ["0", "0", "1"], "{text}");
}

/// A line of metrics, with sorted labels.
#[derive(Debug, PartialEq, PartialOrd)]
struct MetricSample<'a> {
    name: &'a str,
    labels: Vec<&'a str>,
    value: f64,
}

/// Returns the samples of a text, sorted.
fn samples(text: &str) -> Vec<MetricSample<'_>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut samples: Vec<_> = lines
        .map(|line| {
            let (name, rest) = line.split_once('{').unwrap();
            let (labels, value) = rest.rsplit_once("} ").unwrap();
            let mut labels: Vec<&str> = labels.split(',').collect();
            labels.sort_unstable();
            MetricSample { name, labels, value: value.parse().unwrap() }
        })
        .collect();
    samples.sort_by(|one, other| one.partial_cmp(other).unwrap());
    samples
}

#[test]
fn the_text_and_the_collector_have_the_same_samples() {
    let registry = Registry::new();
    let config = Config::builder().window_calls(10).failure_rate(0.9).slow_call(seconds(1)).max_concurrent(3);
    let busy = registry.register("a \"busy\"\n\\ one", config.build().unwrap()).unwrap();
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Ignored] {
        busy.try_acquire().unwrap().settle(outcome);
    }
    let forced = registry.register("forced open", Config::default()).unwrap();
    forced.force_open();
    forced.try_acquire().unwrap_err();
    // The time open must not grow between the two readings.
    forced.release();
    let collector = prometheus::BreakerCollector::new(&registry);
    let (text, mut other) = (collector.encode(), String::new());
    let mut client = prometheus_client::registry::Registry::default();
    client.register_collector(Box::new(collector));
    prometheus_client::encoding::text::encode_registry(&mut other, &client).unwrap();
    assert!(samples(&text).len() > 60, "{text}");
    assert_eq!(samples(&text), samples(&other));
}

#[test]
fn opentelemetry_observes_the_same_values() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    let registry = Registry::new();
    opentelemetry::observe(&provider.meter("shop"), &registry);
    registry.register("payment", Config::default()).unwrap().force_open();
    provider.force_flush().unwrap();
    let collected = exporter.get_finished_metrics().unwrap();
    let metrics = collected.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics);
    let state = metrics.into_iter().find(|metric| metric.name() == "circuit_breaker_state").unwrap();
    let AggregatedMetrics::F64(MetricData::Gauge(gauge)) = state.data() else { panic!("{state:?}") };
    let point = gauge.data_points().next().unwrap();
    assert_eq!(point.attributes().cloned().collect::<Vec<_>>(), [KeyValue::new("circuit", "payment")]);
    assert_eq!(point.value().to_bits(), 1_f64.to_bits());
}

/// The series of an instrument, as the SDK exports them.
#[derive(Debug, PartialEq)]
struct ExportedSeries {
    count: usize,
    overflows: bool,
}

/// Returns the series of the state changes, which have the most series for each circuit.
fn exported_state_changes(circuits: usize, builder: MeterProviderBuilder) -> ExportedSeries {
    let exporter = InMemoryMetricExporter::default();
    let provider = builder.with_periodic_exporter(exporter.clone()).build();
    let registry = Registry::new();
    opentelemetry::observe(&provider.meter("shop"), &registry);
    for circuit in 0..circuits {
        registry.register(format!("circuit {circuit}"), Config::default()).unwrap();
    }
    provider.force_flush().unwrap();
    let collected = exporter.get_finished_metrics().unwrap();
    let metrics = collected.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics);
    let name = "circuit_breaker_state_changes";
    let changes = metrics.into_iter().find(|metric| metric.name() == name).unwrap();
    let AggregatedMetrics::F64(MetricData::Sum(sum)) = changes.data() else { panic!("{changes:?}") };
    let points: Vec<_> = sum.data_points().collect();
    let overflows = |label: &KeyValue| label.key.as_str() == "otel.metric.overflow";
    ExportedSeries {
        count: points.len(),
        overflows: points.iter().any(|point| point.attributes().any(overflows)),
    }
}

// The figures in the documentation of the module `opentelemetry`.
#[test]
fn the_sdk_keeps_the_series_of_133_circuits_and_a_view_raises_the_limit() {
    let view = |instrument: &Instrument| {
        let is_breaker = instrument.name().starts_with("circuit_breaker_");
        is_breaker.then(|| Stream::builder().with_cardinality_limit(15 * 300).build().ok())?
    };
    let plain = SdkMeterProvider::builder;
    let complete = |count| ExportedSeries { count, overflows: false };
    assert_eq!(exported_state_changes(133, plain()), complete(133 * 15));
    assert_eq!(exported_state_changes(134, plain()), ExportedSeries { count: 2001, overflows: true });
    assert_eq!(exported_state_changes(300, plain().with_view(view)), complete(300 * 15));
}

#[test]
fn tracing_events_contain_the_reason() {
    let log = LogBuffer::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer({
        let log = log.clone();
        move || log.clone()
    });
    ::tracing::subscriber::with_default(subscriber.finish(), || {
        let registry = Registry::new();
        let _subscription = tracing::listen(&registry);
        let config = Config::builder().failure_threshold(1).build().unwrap();
        let breaker = registry.register("payment", config).unwrap();
        breaker.try_acquire().unwrap().fail("no route to host");
        breaker.operator("alice").reset();
        // Characters that a reader cannot see: one that `Debug` shows as it is, and one that it escapes.
        let hosts = registry.register_keyed("h\u{3164}", Config::default(), 1).unwrap();
        hosts.get("k\u{202e}").operator("m\u{3164}").disable();
    });
    let lines = log.text();
    let [opened, closed, hidden] = lines.lines().collect::<Vec<_>>().try_into().unwrap();
    for field in
        [" WARN breaker: ", "circuit=\"payment\"", "in a row (limit 1)", "last_failure=\"no route to host\""]
    {
        assert!(opened.contains(field), "{field} is not in {opened}");
    }
    for field in [" INFO breaker: ", "initiator=\"alice\"", "generation=2"] {
        assert!(closed.contains(field), "{field} is not in {closed}");
    }
    assert!(!closed.contains("last_failure"));
    for field in [r#"circuit="h\\u{3164}""#, r#"key="k\\u{202e}""#, r#"initiator="m\\u{3164}""#] {
        assert!(hidden.contains(field), "{field} is not in {hidden}");
    }
}

#[test]
fn tracing_events_of_calls_are_emitted_on_demand_and_a_rejection_is_recorded_on_the_span() {
    let log = LogBuffer::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_max_level(::tracing::Level::DEBUG)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        });
    ::tracing::subscriber::with_default(subscriber.finish(), || {
        let registry = Registry::new();
        let config = Config::builder().failure_threshold(1).build().unwrap();
        let hosts = registry.register_keyed("payment", config, 9).unwrap();
        let fail = || _ = hosts.get("k\u{202e}").try_acquire().map(|permit| permit.fail("no route\u{3164}"));
        fail();
        let _subscription = tracing::listen_to_calls(&registry);
        hosts.get("k\u{202e}").reset();
        fail();
        let span =
            ::tracing::info_span!("checkout", circuit_breaker.rejection.kind = ::tracing::field::Empty);
        span.in_scope(|| {
            fail();
            ::tracing::info!("later");
        });
        ::tracing::info_span!("without the field").in_scope(fail);
    });
    let lines = log.text();
    let [failed, rejected, later, other] = lines.lines().collect::<Vec<_>>().try_into().unwrap();
    for field in [
        "DEBUG breaker: call failed",
        "circuit=\"payment\"",
        r#"key="k\\u{202e}""#,
        "failure=\"no route\u{fffd}\"",
    ] {
        assert!(failed.contains(field), "{field} is not in {failed}");
    }
    for field in ["checkout", "DEBUG", "call rejected", "kind=\"open\"", "retry_after=29.9"] {
        assert!(rejected.contains(field), "{field} is not in {rejected}");
    }
    assert!(later.contains("checkout{circuit_breaker.rejection.kind=\"open\"}"), "{later}");
    assert!(
        other.contains("without the field") && !other.contains("circuit_breaker.rejection.kind"),
        "{other}"
    );
}

/// The text that was written.
#[derive(Clone, Default)]
pub(crate) struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl LogBuffer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for LogBuffer {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
