//! Metrics through the facade of the crate `metrics`: which recorder gets them, and when.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use ::metrics::{NoopRecorder, Unit, with_local_recorder};
use breaker_runtime::integrations::metrics::Sampler;
use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, Outcome, Registry};

use crate::facade_recorder::MemoryRecorder;
use crate::support::{poll_once, seconds};

const SUCCESSES: &str = "circuit_breaker_calls_total";
const DURATIONS: &str = "circuit_breaker_call_duration_seconds_count";
const SUM: &str = "circuit_breaker_call_duration_seconds_sum";
const FAILURE_RATIO: &str = "circuit_breaker_failure_ratio";

/// A registry whose only circuit opens at the second failure of a window and records durations.
struct Shop {
    clock: Clock,
    registry: Registry,
    payment: CircuitBreaker,
}

impl Shop {
    fn new() -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let config = Config::builder().window_calls(10).failure_threshold(2).durations(true);
        let payment = registry.register("payment", config.build().unwrap()).unwrap();
        Self { clock, registry, payment }
    }

    /// Makes calls that take one second.
    fn call(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let permit = self.payment.try_acquire().unwrap();
            self.clock.advance(seconds(1));
            permit.settle(*outcome);
        }
    }
}

fn successes(recorder: &MemoryRecorder) -> Option<f64> {
    let points = recorder.read().points;
    let is_success = |label: &String| label == "success";
    let mut found =
        points.iter().filter(|(it, _)| it.name == SUCCESSES && it.labels.values().any(is_success));
    found.next().map(|(_, value)| *value)
}

#[test]
fn each_duration_is_recorded_once() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    let mut sampler = Sampler::new(&shop.registry);
    with_local_recorder(&recorder, || {
        sampler.sample();
        assert_eq!(recorder.value(DURATIONS, "payment"), Some(0.0), "it exists before the first call");
        for calls in [1.0, 2.0, 3.0] {
            shop.call(&[Outcome::Success]);
            sampler.sample();
            sampler.sample();
            assert_eq!(recorder.value(DURATIONS, "payment"), Some(calls));
            let error = recorder.value(SUM, "payment").unwrap() / calls - 1.0;
            assert!(error.abs() <= 0.0625, "{error}");
        }
    });
}

#[test]
fn a_recorder_that_is_installed_after_the_first_pass_gets_all_figures() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    let mut sampler = Sampler::new(&shop.registry);
    shop.call(&[Outcome::Success]);
    sampler.sample();
    shop.call(&[Outcome::Success]);
    with_local_recorder(&recorder, || sampler.sample());
    assert_eq!(successes(&recorder), Some(2.0));
    assert_eq!(recorder.value(DURATIONS, "payment"), Some(2.0));
}

#[test]
fn a_recorder_that_replaces_another_one_gets_all_figures() {
    let shop = Shop::new();
    let mut sampler = Sampler::new(&shop.registry);
    let recorders = [MemoryRecorder::default(), MemoryRecorder::default()];
    for recorder in &recorders {
        shop.call(&[Outcome::Success]);
        with_local_recorder(recorder, || sampler.sample());
    }
    let counts = recorders.each_ref().map(|it| (successes(it), it.value(DURATIONS, "payment")));
    assert_eq!(counts, [(Some(1.0), Some(1.0)), (Some(2.0), Some(2.0))]);
    let [old, new] = recorders.map(|it| it.read().descriptions);
    assert_eq!(old, new);
    // The gauges of the old recorder are not cleared in the new one.
    assert!(!new.is_empty());
}

// A sampler takes a recorder at the address of a dropped one for the old recorder; the documentation says so.
#[test]
fn a_new_sampler_gives_all_figures_to_a_recorder_at_the_address_of_a_dropped_one() {
    let shop = Shop::new();
    let mut recorder = Box::new(MemoryRecorder::default());
    for calls in [1.0, 2.0] {
        *recorder = MemoryRecorder::default();
        shop.call(&[Outcome::Success]);
        with_local_recorder(&*recorder, || Sampler::new(&shop.registry).sample());
        assert!(!recorder.read().descriptions.is_empty());
        assert_eq!(recorder.value(DURATIONS, "payment"), Some(calls));
    }
}

#[test]
fn every_metric_is_described_once_with_its_unit() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    let mut sampler = Sampler::new(&shop.registry);
    shop.call(&[Outcome::Success]);
    with_local_recorder(&recorder, || {
        sampler.sample();
        sampler.sample();
    });
    let record = recorder.read();
    let names: BTreeSet<&str> = record.descriptions.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), record.descriptions.len(), "{names:?}");
    for point in record.points.keys() {
        let name = point.name.strip_suffix("_count").or(point.name.strip_suffix("_sum"));
        assert!(names.contains(name.unwrap_or(&point.name)), "{point:?} has no description");
    }
    for (name, unit) in [
        ("circuit_breaker_calls_total", Some(Unit::Count)),
        ("circuit_breaker_open_seconds_total", Some(Unit::Seconds)),
        ("circuit_breaker_call_duration_seconds", Some(Unit::Seconds)),
        ("circuit_breaker_state", None),
    ] {
        let described = record.descriptions.iter().find(|it| it.name == name).unwrap();
        assert_eq!((described.unit, described.text.is_empty()), (unit, false), "{name}");
    }
}

#[test]
fn a_gauge_without_a_value_becomes_zero() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    let mut sampler = Sampler::new(&shop.registry);
    with_local_recorder(&recorder, || {
        sampler.sample();
        assert_eq!(recorder.value(FAILURE_RATIO, "payment"), None, "no call yet");
        shop.call(&[Outcome::Failure]);
        sampler.sample();
        assert_eq!(recorder.value(FAILURE_RATIO, "payment"), Some(1.0));
        shop.call(&[Outcome::Failure]);
        sampler.sample();
        assert_eq!(recorder.value("circuit_breaker_state", "payment"), Some(1.0));
        assert_eq!(
            recorder.value(FAILURE_RATIO, "payment"),
            Some(0.0),
            "the window of an open circuit is empty"
        );
    });
}

#[test]
fn the_time_open_is_rounded_down_to_seconds() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    shop.payment.force_open();
    shop.clock.advance(Duration::from_millis(2999));
    with_local_recorder(&recorder, || Sampler::new(&shop.registry).sample());
    assert_eq!(recorder.value("circuit_breaker_open_seconds_total", "payment"), Some(2.0));
}

#[test]
fn run_samples_at_once_and_after_each_interval_until_it_is_dropped() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    {
        let mut run = pin!(Sampler::new(&shop.registry).run(seconds(10)));
        for (time, expected) in [(0, 0.0), (9, 0.0), (1, 2.0), (9, 2.0), (1, 4.0)] {
            shop.clock.advance(seconds(time));
            with_local_recorder(&recorder, || assert!(poll_once(run.as_mut()).is_pending()));
            assert_eq!(successes(&recorder), Some(expected), "after {time} s");
            shop.payment.try_acquire().unwrap().settle(Outcome::Success);
        }
    }
    shop.clock.advance(seconds(100));
    assert_eq!(successes(&recorder), Some(4.0));
}

#[test]
fn an_interval_of_zero_is_a_millisecond() {
    let (shop, recorder) = (Shop::new(), MemoryRecorder::default());
    let mut run = pin!(Sampler::new(&shop.registry).run(Duration::ZERO));
    with_local_recorder(&recorder, || {
        assert!(poll_once(run.as_mut()).is_pending());
        shop.payment.try_acquire().unwrap().settle(Outcome::Success);
        assert!(poll_once(run.as_mut()).is_pending());
        assert_eq!(successes(&recorder), Some(0.0));
        shop.clock.advance(Duration::from_millis(1));
        assert!(poll_once(run.as_mut()).is_pending());
        assert_eq!(successes(&recorder), Some(1.0));
    });
}

#[test]
fn a_sampler_without_a_recorder_does_nothing() {
    let shop = Shop::new();
    let mut sampler = Sampler::new(&shop.registry);
    sampler.sample();
    with_local_recorder(&NoopRecorder, || sampler.sample());
    shop.call(&[Outcome::Success]);
    assert_eq!(shop.payment.snapshot().totals.successes, 1);
}
