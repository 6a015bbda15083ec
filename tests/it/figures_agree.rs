//! The figures of JSON, Prometheus, OpenTelemetry and the facade `metrics` are the same, for breakers with and without
//! keys.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::mem::forget;
use std::pin::pin;

use ::opentelemetry::KeyValue;
use ::opentelemetry::metrics::MeterProvider as _;
use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::axum::Dashboard;
use breaker_runtime::integrations::metrics::Sampler;
use breaker_runtime::integrations::{opentelemetry, prometheus};
use breaker_runtime::queue::RetryQueue;
use breaker_runtime::testing::Clock;
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Declaration, Fault, Mode, Outcome, Registry,
    circuit_breaker, testing,
};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::facade_recorder::{MemoryRecorder, Point, Points};
use crate::support::{http_get, poll_once, seconds};

/// The histogram of durations, which OpenTelemetry does not have.
const DURATION: &str = "circuit_breaker_call_duration_seconds";

/// Calls, trips, commands and time. Some calls never end.
fn run_script(clock: &Clock, registry: &Registry) {
    #[circuit_breaker(breaker = breaker, fallback = |_| if kept { Ok(1) } else { Err("none kept") })]
    fn price(breaker: &CircuitBreaker, kept: bool) -> Result<u32, &'static str> {
        Err("not called while the circuit is open")
    }

    let settings = || {
        Config::builder()
            .window_calls(10)
            .failure_threshold(2)
            .slow_call(seconds(2))
            .slow_call_rate(0.9)
            .minimum_calls(10)
            .recovery_timeout(seconds(10))
            .half_open_timeout(seconds(1000))
            .half_open_max_calls(1)
            .max_concurrent(2)
            .durations(true)
    };
    let plain = register(registry, "plain", settings());
    let shadow = register(registry, "shadow", settings().mode(Mode::Shadow));
    register(registry, "never called", Config::builder());
    let limited = register(registry, "limited", Config::builder().call_timeout(seconds(1)));
    let hosts = registry.register_keyed("host", settings().build().unwrap(), 10).unwrap();
    drop(registry.register_keyed("no keys", Config::default(), 10).unwrap());
    let [failing, forced, busy, trial, removed] = ["a", "b", "c", "d", "e"].map(|key| hosts.get(key));

    for (nth, circuit) in
        [&plain, &failing, &forced, &busy, &trial, &removed, &shadow].into_iter().enumerate()
    {
        for outcome in [Outcome::Success, Outcome::Failure, Outcome::Ignored] {
            let permit = circuit.try_acquire().unwrap();
            clock.advance(seconds(nth as u64));
            permit.settle(outcome);
        }
    }
    for circuit in [&failing, &trial, &removed, &shadow, &plain] {
        circuit.try_acquire().unwrap().settle(Outcome::Failure);
        for _ in 0..3 {
            drop(circuit.try_acquire());
        }
    }
    forced.force_open();
    forced.force_open(); // restarts the state, which is no change of it
    forced.try_acquire().unwrap_err();
    _ = (price(&plain, true), price(&plain, true), price(&plain, false));
    // Removed circuits still count.
    drop(removed);
    hosts.remove("e");
    clock.advance(seconds(10));
    failing.force_close();
    failing.try_acquire().unwrap().settle(Outcome::Failure);
    forget((busy.try_acquire().unwrap(), busy.try_acquire().unwrap()));
    busy.try_acquire().unwrap_err();
    forget(trial.try_acquire().unwrap());
    trial.try_acquire().unwrap_err();
    hosts.get("f").disable();
    plain.release();
    hosts.overflow().try_acquire().unwrap().settle(Outcome::Success);
    time_out_and_cancel(clock, &limited);
    waive_and_ramp(clock, registry);
    run_queues(&hosts.get("a"), &plain);
    run_drill(registry);
}

/// A drill that goes on, and has failed some calls of a function without a delay.
fn run_drill(registry: &Registry) {
    let drilled = register(registry, "drilled", Config::builder());
    let drill = Drill::new(Fault::fail(0.5).delay(seconds(1)).delay_share(0.0), seconds(60)).seed(1);
    drop(drill.start(registry, "drilled").unwrap());
    for _ in 0..9 {
        drop(drilled.try_acquire());
    }
    let injected = drilled.snapshot().totals.injected;
    assert!(0 < injected && injected < 9, "{injected}");
}

/// Makes one call that times out, one that is cancelled early, and one that is cancelled after `cancelled_after`.
fn time_out_and_cancel(clock: &Clock, limited: &CircuitBreaker) {
    let mut call = pin!(limited.call_async(pending::<Result<(), BreakerError>>()));
    assert!(poll_once(call.as_mut()).is_pending());
    clock.advance(seconds(3));
    assert!(poll_once(call).is_ready());
    let cancelled = [limited.try_acquire().unwrap(), limited.try_acquire().unwrap()];
    for permit in cancelled {
        drop(permit);
        clock.advance(seconds(2));
    }
}

/// Makes one circuit waive a rejection, and leaves another one in its ramp.
fn waive_and_ramp(clock: &Clock, registry: &Registry) {
    let waived = Config::builder().failure_threshold(1).max_open(0.5).build().unwrap();
    let waived = registry.register_keyed("waived", waived, 9).unwrap();
    for key in ["a", "b", "b"] {
        waived.get(key).try_acquire().unwrap().settle(Outcome::Failure);
    }
    let ramp = Config::builder().failure_threshold(1).recovery_timeout(seconds(1)).success_threshold(1);
    let ramp = register(registry, "ramp", ramp.ramp(seconds(10)));
    for outcome in [Outcome::Failure, Outcome::Success] {
        ramp.try_acquire().unwrap().settle(outcome);
        clock.advance(seconds(1));
    }
    // The generator of a test clock draws the same numbers in each run.
    while ramp.snapshot().totals.rejections.ramping == 0 {
        drop(ramp.try_acquire().map(|permit| permit.settle(Outcome::Success)));
    }
}

/// Two queues, of which one is full and has a discarded item. They are never dropped.
fn run_queues(keyed: &CircuitBreaker, plain: &CircuitBreaker) {
    for (breaker, capacity) in [(keyed, 1), (plain, 2)] {
        let queue = RetryQueue::in_memory(breaker, capacity);
        for item in 0..3 {
            _ = queue.push_blocking(item);
        }
        assert_eq!(queue.take_items().len(), capacity);
        queue.push_blocking(3).unwrap();
        forget(queue);
    }
}

fn register(registry: &Registry, name: &'static str, settings: ConfigBuilder) -> CircuitBreaker {
    registry.register(name, settings.build().unwrap()).unwrap()
}

/// Returns the points of the text for Prometheus, without the suffix `_total`.
fn prometheus_points(registry: &Registry) -> Points {
    let text = prometheus::encode(registry);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let point = |line: &str| {
        let (name, rest) = line.split_once('{').unwrap();
        let (labels, value) = rest.rsplit_once("} ").unwrap();
        let labels = labels.split(',').map(|label| {
            let (key, value) = label.split_once('=').unwrap();
            (key.to_owned(), value.trim_matches('"').to_owned())
        });
        let name = name.strip_suffix("_total").unwrap_or(name).to_owned();
        (Point { name, labels: labels.collect() }, value.parse().unwrap())
    };
    lines.map(point).collect()
}

/// Returns the points that OpenTelemetry collects.
fn opentelemetry_points(registry: &Registry) -> Points {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    opentelemetry::observe(&provider.meter("shop"), registry);
    provider.force_flush().unwrap();
    let collected = exporter.get_finished_metrics().unwrap();
    let mut points = Points::new();
    for metric in collected.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics) {
        let mut add = |labels: Vec<KeyValue>, value| {
            let labels = labels.into_iter().map(|label| (label.key.to_string(), label.value.to_string()));
            points.insert(Point { name: metric.name().to_owned(), labels: labels.collect() }, value);
        };
        match metric.data() {
            AggregatedMetrics::F64(MetricData::Gauge(gauge)) => {
                gauge.data_points().for_each(|it| add(it.attributes().cloned().collect(), it.value()));
            }
            AggregatedMetrics::F64(MetricData::Sum(sum)) => {
                sum.data_points().for_each(|it| add(it.attributes().cloned().collect(), it.value()));
            }
            data @ (AggregatedMetrics::F64(_) | AggregatedMetrics::U64(_) | AggregatedMetrics::I64(_)) => {
                panic!("{data:?}")
            }
        }
    }
    points
}

/// Returns the points that a sampler passes to a recorder in two passes, without the suffix `_total`.
fn facade_points(registry: &Registry) -> Points {
    let recorder = MemoryRecorder::default();
    let mut sampler = Sampler::new(registry);
    ::metrics::with_local_recorder(&recorder, || {
        sampler.sample();
        sampler.sample();
    });
    let without_suffix = |mut point: Point| {
        point.name = point.name.strip_suffix("_total").unwrap_or(&point.name).to_owned();
        point
    };
    recorder.read().points.into_iter().map(|(point, value)| (without_suffix(point), value)).collect()
}

/// Returns the points of Prometheus that the facade has too, with the values that it should have.
fn expected_of_facade(prometheus: &Points, facade: &Points) -> Points {
    let others = prometheus.iter().filter(|(point, _)| !point.name.ends_with("_bucket"));
    let expected = others.map(|(point, value)| {
        let value = match point.name.as_str() {
            "circuit_breaker_open_seconds" => value.floor(),
            "circuit_breaker_call_duration_seconds_sum" => {
                // The facade gets each duration with an error of at most 6.25 %, or 1 µs for shorter ones.
                let count = Point { name: format!("{DURATION}_count"), labels: point.labels.clone() };
                let found = facade.get(point).copied().unwrap_or_default();
                let is_close = (found - value).abs() <= value * 0.0625 + prometheus[&count] * 1e-6;
                if is_close { found } else { *value }
            }
            _ => *value,
        };
        (point.clone(), value)
    });
    expected.collect()
}

/// Returns the JSON of all circuits by name.
async fn json_circuits(registry: &Registry) -> BTreeMap<String, Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/circuits", listener.local_addr().unwrap());
    let router = Dashboard::new(registry).router();
    let server = tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let text = http_get(&url).await.text().await.unwrap();
    server.abort();
    let all: Value = serde_json::from_str(&text).unwrap();
    let circuits = all["circuits"].as_array().unwrap();
    circuits.iter().map(|it| (it["name"].as_str().unwrap().to_owned(), it.clone())).collect()
}

/// Returns the figure in the JSON that a metric has as well; null if the JSON has none.
fn figure<'a>(circuit: &'a Value, point: &Point) -> &'a Value {
    let label = |name: &str| point.labels[name].as_str();
    let by = |figures: &'a Value, name: &str| &figures[label(name)];
    let totals = &circuit["totals"];
    match point.name.as_str() {
        "circuit_breaker_calls" => {
            let field = match label("result") {
                "success" => "successes",
                "failure" => "failures",
                "timeout" => "timeouts",
                same => same,
            };
            &totals[field]
        }
        "circuit_breaker_fallback" => {
            &totals["fallbacks"][if label("result") == "success" { "successes" } else { "failures" }]
        }
        "circuit_breaker_cancelled" => {
            &totals["cancellations"][if label("result") == "failure" { "failures" } else { "ignored" }]
        }
        "circuit_breaker_injected" => {
            &totals[if label("fault") == "failure" { "injected" } else { "delayed" }]
        }
        "circuit_breaker_rejections" => by(&totals["rejections"], "reason"),
        "circuit_breaker_shadow_rejections" => &circuit["shadow_rejections"],
        "circuit_breaker_waived_rejections" => &circuit["waived_rejections"],
        "circuit_breaker_open_seconds" => &circuit["time_open"],
        "circuit_breaker_failure_ratio" => &circuit["window"]["failure_rate"],
        "circuit_breaker_slow_call_ratio" => &circuit["window"]["slow_call_rate"],
        "circuit_breaker_calls_in_flight" => &circuit["calls_in_flight"],
        "circuit_breaker_queue_length" => &circuit["queue"]["length"],
        "circuit_breaker_queue_capacity" => &circuit["queue"]["capacity"],
        "circuit_breaker_queue_items" => by(&circuit["queue"], "result"),
        "circuit_breaker_keys" => by(&circuit["keys"]["states"], "state"),
        "circuit_breaker_call_duration_seconds_count" => &circuit["durations"]["count"],
        unknown => panic!("no figure for {unknown}"),
    }
}

/// Compares each point with the JSON, except those whose JSON has another form, which [`check_forms`] compares.
fn check_figures(points: &Points, circuits: &BTreeMap<String, Value>) {
    for (point, value) in points {
        let has_other_form = point.name == "circuit_breaker_state"
            || point.name == "circuit_breaker_drill"
            || point.name == "circuit_breaker_ramp_share"
            || point.name == "circuit_breaker_state_changes"
            || (point.name.starts_with(DURATION) && !point.name.ends_with("_count"));
        if !has_other_form {
            let figure = figure(&circuits[&point.labels["circuit"]], point);
            assert_eq!(figure.as_f64(), Some(*value), "{point:?}");
        }
    }
}

/// Compares the state, the ramp, the drill, the number of openings and the mean duration.
fn check_forms(points: &Points, circuits: &BTreeMap<String, Value>) {
    for (name, circuit) in circuits {
        let of_circuit = |metric: &str, suffix: &str| -> Vec<(&Point, f64)> {
            let name_is = |point: &Point| point.name == format!("{metric}{suffix}");
            let all = points.iter().filter(|(it, _)| name_is(it) && it.labels["circuit"] == *name);
            all.map(|(point, value)| (point, *value)).collect()
        };
        let number: f64 = match circuit["state"].as_str().unwrap() {
            "closed" | "disabled" => 0.0,
            "open" | "forced_open" => 1.0,
            "half_open" => 2.0,
            other => panic!("{other}"),
        };
        assert_eq!(of_circuit("circuit_breaker_state", "")[0].1.to_bits(), number.to_bits(), "{name}");
        let ramp = circuit["ramp"]["share"].as_f64().unwrap_or(1.0);
        assert!((of_circuit("circuit_breaker_ramp_share", "")[0].1 - ramp).abs() < 1e-6, "{name}");
        let drill = if circuit["drill"].is_null() { 0.0_f64 } else { 1.0 };
        assert_eq!(of_circuit("circuit_breaker_drill", "")[0].1.to_bits(), drill.to_bits(), "{name}");
        let openings = of_circuit("circuit_breaker_state_changes", "").into_iter();
        let openings = openings.filter(|(it, _)| ["open", "forced_open"].contains(&it.labels["to"].as_str()));
        let opened: f64 = openings.map(|(_, value)| value).sum();
        assert_eq!(circuit["opened"].as_f64(), Some(opened), "{name}");
        if let Some(mean) = circuit["durations"]["mean"].as_f64() {
            let (sum, count) = (of_circuit(DURATION, "_sum")[0].1, of_circuit(DURATION, "_count")[0].1);
            assert!((mean - sum / count).abs() < 1e-6, "{name}: {mean} {sum} {count}");
        }
    }
}

#[tokio::test]
async fn json_and_all_exporters_have_the_same_figures() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    run_script(&clock, &registry);
    let points = prometheus_points(&registry);
    let circuits = json_circuits(&registry).await;
    check_figures(&points, &circuits);
    check_forms(&points, &circuits);

    let without_durations = points.iter().filter(|(point, _)| !point.name.starts_with(DURATION));
    let without_durations: Points = without_durations.map(|(point, value)| (point.clone(), *value)).collect();
    assert_eq!(opentelemetry_points(&registry), without_durations);
    let by_facade = facade_points(&registry);
    assert_eq!(by_facade, expected_of_facade(&points, &by_facade));

    // The script reached every figure.
    let seen: BTreeSet<_> = points.iter().filter(|(_, value)| **value > 0.0).map(|(it, _)| it).collect();
    for (name, label) in [
        ("circuit_breaker_calls", "success"),
        ("circuit_breaker_calls", "failure"),
        ("circuit_breaker_calls", "ignored"),
        ("circuit_breaker_calls", "timeout"),
        ("circuit_breaker_calls", "rejected"),
        ("circuit_breaker_rejections", "open"),
        ("circuit_breaker_rejections", "half_open"),
        ("circuit_breaker_rejections", "ramping"),
        ("circuit_breaker_rejections", "forced_open"),
        ("circuit_breaker_rejections", "bulkhead"),
        ("circuit_breaker_fallback", "success"),
        ("circuit_breaker_fallback", "failure"),
        ("circuit_breaker_cancelled", "ignored"),
        ("circuit_breaker_cancelled", "failure"),
        ("circuit_breaker_shadow_rejections", "shadow"),
        ("circuit_breaker_waived_rejections", "waived"),
        ("circuit_breaker_open_seconds", "host"),
        ("circuit_breaker_failure_ratio", "host"),
        ("circuit_breaker_slow_call_ratio", "host"),
        ("circuit_breaker_calls_in_flight", "host"),
        ("circuit_breaker_queue_length", "host"),
        ("circuit_breaker_queue_capacity", "plain"),
        ("circuit_breaker_queue_items", "queued"),
        ("circuit_breaker_queue_items", "discarded"),
        ("circuit_breaker_queue_items", "refused"),
    ] {
        let has_label = |point: &&Point| point.labels.values().any(|value| value == label);
        assert!(seen.iter().any(|point| point.name == name && has_label(point)), "{name} {label}");
    }
}

#[test]
fn the_time_open_of_a_breaker_with_keys_is_the_sum_over_its_keys_everywhere() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = registry.register_keyed("host", Config::default(), 10).unwrap();
    for (key, time) in [("a", 74), ("b", 284)] {
        hosts.get(key).force_open();
        clock.advance(seconds(time));
        hosts.get(key).release();
    }
    assert_eq!(hosts.snapshot().time_open, seconds(358));
    let circuits = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let circuits = circuits.block_on(json_circuits(&registry));
    assert_eq!(circuits["host"]["time_open"], 358.0);
    assert_eq!(circuits["host"]["keys"]["worst"].as_array().unwrap().len(), 2);
    let text = prometheus::encode(&registry);
    assert!(text.contains("circuit_breaker_open_seconds_total{circuit=\"host\"} 358\n"), "{text}");
}

#[circuit_breaker(name = "figures: uncalled tenants", key = tenant)]
fn uncalled(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

#[test]
fn keys_are_counted_by_state_and_every_state_exists_from_the_first_scrape() {
    testing::scope(|scope| {
        let name = Registry::declared().map(Declaration::name).find(|it| it.contains("uncalled tenants"));
        let keys = |registry: &Registry| -> Vec<String> {
            let text = prometheus::encode(registry);
            let prefix = format!("circuit_breaker_keys{{circuit=\"{}\",state=", name.unwrap());
            text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
        };
        let states = ["closed", "open", "half_open", "forced_open", "disabled"];
        let none = states.map(|state| format!("\"{state}\"}} 0"));
        let sorted = |mut lines: Vec<String>| {
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(keys(scope.registry())), sorted(none.to_vec()));
        uncalled("acme").unwrap();
        uncalled("zeta").unwrap();
        scope.registry().get_keyed(name.unwrap()).unwrap().get("zeta").force_open();
        let found = keys(scope.registry());
        for line in ["\"closed\"} 1", "\"forced_open\"} 1", "\"open\"} 0"] {
            assert!(found.iter().any(|it| it == line), "{line} is not in {found:?}");
        }
    });
}

#[test]
fn the_overflow_circuit_is_counted_as_no_key() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("host", Config::default(), 1).unwrap();
    hosts.get("a").force_open();
    assert_eq!(hosts.get("no room").key(), None);
    hosts.overflow().force_open();
    let keys = hosts.snapshot().keys.unwrap();
    assert_eq!((keys.total(), keys.forced_open), (1, 1));
    assert_eq!(registry.register("plain", Config::default()).unwrap().snapshot().keys, None);
}
