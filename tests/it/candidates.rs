//! Candidates: other settings beside those of a circuit, on its live calls.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use breaker_runtime::shadow::{CandidateReport, ShadowError};
use breaker_runtime::testing::Clock;
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, ConfigLayer, ConfigSection, Event, Mode, Outcome,
    Registry, Setting, State, circuit_breaker,
};

const SECOND: Duration = Duration::from_secs(1);

struct Scene {
    clock: Clock,
    registry: Registry,
    live: CircuitBreaker,
}

impl Scene {
    fn new(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let live = registry.register("payment", settings.build().unwrap()).unwrap();
        Self { clock, registry, live }
    }

    /// Makes a call that takes this long.
    fn call(&self, outcome: Outcome, duration: Duration) {
        if let Ok(permit) = self.live.try_acquire() {
            self.clock.advance(duration);
            permit.settle(outcome);
        }
    }

    /// Makes an async call that is pending for this long, and succeeds.
    fn wait(&self, duration: Duration) {
        let mut is_due = false;
        let body = poll_fn(|_| {
            if std::mem::replace(&mut is_due, true) {
                Poll::Ready(Ok::<_, BreakerError>(()))
            } else {
                Poll::Pending
            }
        });
        let mut call = pin!(self.live.call_async(body));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
        self.clock.advance(duration);
        assert!(call.poll(&mut context).is_ready());
    }

    fn calls(&self, outcomes: &str) {
        for outcome in outcomes.chars() {
            self.call(if outcome == 'x' { Outcome::Failure } else { Outcome::Success }, Duration::ZERO);
        }
    }
}

fn thresholds(failures: u32, recovery: Duration) -> ConfigBuilder {
    Config::builder().failure_threshold(failures).recovery_timeout(recovery).success_threshold(1)
}

/// Returns the failures that the candidate spares, and the successes that it loses.
fn judged(report: &CandidateReport) -> (u64, u64) {
    (report.spared_failures, report.lost_successes)
}

#[test]
fn a_candidate_counts_the_calls_that_it_would_have_rejected_by_their_outcome() {
    let scene = Scene::new(thresholds(100, 5 * SECOND));
    let candidate =
        scene.registry.shadow("payment", "strict", Config::builder().failure_threshold(2)).unwrap();
    scene.calls("xx" /* opens */);
    scene.calls("xxx..");
    scene.clock.advance(5 * SECOND);
    scene.calls(".x"); // a trial call closes it
    let report = candidate.report();
    assert_eq!(judged(&report), (3, 2));
    assert_eq!((report.successes, report.failures, report.unseen), (3, 6, 0));
    assert_eq!((report.shadow.opened, report.shadow.closed, report.shadow.rejected), (1, 1, 5));
    assert_eq!((report.shadow.time_open, report.running_for), (5 * SECOND, 5 * SECOND));
    assert_eq!((report.live.opened, report.live.state, report.live.rejected), (0, State::Closed, 0));
}

#[test]
fn a_candidate_decides_as_a_circuit_with_its_settings_would_have_decided() {
    let strict = || thresholds(2, 3 * SECOND).window_calls(10);
    let scene = Scene::new(thresholds(1000, SECOND));
    let candidate = scene.registry.shadow("payment", "strict", strict()).unwrap();
    let real = Scene::new(strict());
    let mut rejected = 0;
    for step in 0..500_u32 {
        let outcome = if step * 7 % 5 < 2 { 'x' } else { '.' };
        scene.calls(&outcome.to_string());
        let before = real.live.snapshot().totals.rejected;
        real.calls(&outcome.to_string());
        rejected += real.live.snapshot().totals.rejected - before;
        scene.clock.advance(SECOND / 4);
        real.clock.advance(SECOND / 4);
    }
    let report = candidate.report();
    assert!(rejected > 100);
    assert_eq!(report.shadow.rejected, rejected);
    assert_eq!(report.shadow.opened, real.live.snapshot().changes.to(State::Open));
    assert_eq!(report.shadow.time_open, real.live.snapshot().time_open);
}

#[test]
fn slow_calls_and_timeouts_are_judged_by_the_settings_of_the_candidate() {
    let scene = Scene::new(thresholds(100, SECOND));
    let slow = Config::builder()
        .failure_threshold(4)
        .window_calls(4)
        .slow_call(SECOND)
        .slow_call_rate(0.5)
        .minimum_calls(2);
    let by_rate = scene.registry.shadow("payment", "slow", slow).unwrap();
    let limited = Config::builder().failure_threshold(2).call_timeout(2 * SECOND);
    let by_timeout = scene.registry.shadow("payment", "limited", limited).unwrap();
    scene.call(Outcome::Success, SECOND);
    scene.call(Outcome::Success, SECOND);
    assert_eq!(by_rate.report().shadow.state, State::Open);
    assert_eq!(by_timeout.report().shadow.state, State::Closed);
    scene.wait(2 * SECOND);
    scene.wait(2 * SECOND);
    let report = by_timeout.report();
    assert_eq!((report.shadow.state, report.successes), (State::Open, 4));
}

#[test]
fn calls_that_the_live_circuit_rejects_are_unseen() {
    let scene = Scene::new(thresholds(2, 5 * SECOND));
    let candidate =
        scene.registry.shadow("payment", "patient", Config::builder().failure_threshold(9)).unwrap();
    scene.calls("xxxxx");
    let report = candidate.report();
    assert_eq!((report.failures, report.unseen), (2, 3));
    assert_eq!((report.live.opened, report.live.rejected), (1, 3));
    assert_eq!((report.shadow.opened, report.shadow.rejected), (0, 0));
}

#[test]
fn a_candidate_sees_all_calls_of_a_circuit_in_shadow_mode() {
    let scene = Scene::new(thresholds(2, 5 * SECOND).mode(Mode::Shadow));
    let candidate =
        scene.registry.shadow("payment", "strict", Config::builder().failure_threshold(1)).unwrap();
    scene.calls("xxxx.");
    let report = candidate.report();
    assert_eq!((report.failures, report.successes, report.unseen), (4, 1, 0));
    assert_eq!(judged(&report), (3, 1));
    // Both sides would have rejected calls: the live circuit after the second failure, the candidate after the first.
    assert_eq!((report.live.rejected, report.shadow.rejected), (3, 4));
}

#[test]
fn a_candidate_affects_no_call_and_sees_none_after_its_end() {
    let scene = Scene::new(thresholds(100, SECOND));
    let candidate =
        scene.registry.shadow("payment", "strict", Config::builder().failure_threshold(1)).unwrap();
    scene.calls("xxx");
    assert_eq!(scene.live.snapshot().totals.failures, 3);
    let last = candidate.stop();
    scene.clock.advance(SECOND);
    scene.calls("xxx");
    assert_eq!(judged(&last), (2, 0));
    assert!(scene.registry.candidates("payment").is_empty());

    let dropped = scene.registry.shadow("payment", "strict", Config::builder().failure_threshold(1));
    drop(dropped);
    assert!(scene.registry.candidates("payment").is_empty());
    assert_eq!(scene.live.snapshot().durations, None);
}

#[test]
fn the_last_report_of_a_candidate_is_that_of_its_end_and_does_not_change() {
    let scene = Scene::new(thresholds(100, SECOND));
    let strict = || Config::builder().failure_threshold(1);
    let stopped = scene.registry.shadow("payment", "strict", strict()).unwrap();
    scene.calls("x..");
    let before = stopped.report();
    assert_eq!((before.shadow.state, before.shadow.opened, before.settings.len()), (State::Open, 1, 1));
    assert_eq!(stopped.stop(), before);

    let promoted = scene.registry.shadow("payment", "strict", strict()).unwrap();
    scene.calls("x.");
    let before = promoted.report();
    promoted.promote("alice").unwrap();
    assert_eq!(promoted.report(), before);
    scene.live.set_config(thresholds(7, SECOND).build().unwrap());
    scene.clock.advance(SECOND);
    scene.calls("x.");
    assert_eq!(promoted.report(), before);
    assert_eq!(promoted.stop(), before);
}

#[test]
fn promoting_a_candidate_changes_the_settings_as_the_command_of_an_operator() {
    let scene = Scene::new(thresholds(100, SECOND));
    scene.calls("xxx");
    let mut events = scene.registry.subscribe();
    scene.registry.shadow("payment", "strict", Config::builder().failure_threshold(4)).unwrap().detach();
    let candidate =
        scene.registry.shadow("payment", "other", Config::builder().failure_threshold(5)).unwrap();
    let report = candidate.promote("alice").unwrap();
    assert_eq!(report.changes().count(), 1);
    let settings = scene.live.snapshot().settings;
    assert_eq!((settings.failure_threshold(), settings.recovery_timeout()), (Some(5), SECOND));
    assert_eq!(settings.source(Setting::FailureThreshold).to_string(), "operator alice");
    let Some(Ok(Event::SettingsChanged(change))) = events.try_next() else { panic!("no event") };
    assert_eq!(
        change.to_string(),
        r#"circuit breaker "payment": failure_threshold 100 -> 5 (operator alice)"#
    );
    let remaining: Vec<_> =
        scene.registry.candidates("payment").into_iter().map(|report| report.candidate).collect();
    assert_eq!(remaining.iter().map(|name| &**name).collect::<Vec<_>>(), ["strict"]);
    scene.calls("xx"); // the run of three failures was kept
    assert_eq!(scene.live.state(), State::Open);
}

#[test]
fn a_candidate_of_a_breaker_with_keys_has_one_circuit_per_key_and_keeps_the_totals_of_evicted_ones() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let live = registry.register_keyed("hosts", thresholds(100, SECOND).build().unwrap(), 2).unwrap();
    let fail = |key: &str| live.get(key).try_acquire().unwrap().settle(Outcome::Failure);
    fail("a");
    let candidate = registry.shadow("hosts", "strict", Config::builder().failure_threshold(2)).unwrap();
    for key in ["a", "b"] {
        fail(key);
        fail(key);
        fail(key); // rejected by the candidate
    }
    let report = candidate.report();
    assert_eq!((report.failures, report.spared_failures, report.shadow.opened), (6, 2, 2));
    live.retain(|key, _| key == "b");
    fail("c");
    let report = candidate.report();
    assert_eq!((report.failures, report.spared_failures, report.shadow.opened), (7, 2, 2));
    assert_eq!((report.shadow.state, live.len()), (State::Open, 2));
}

#[test]
fn candidates_are_refused_with_the_reason() {
    let scene = Scene::new(thresholds(100, SECOND));
    let start = |circuit: &str, name: &str, settings| scene.registry.shadow(circuit, name, settings);
    let error = start("paymnt", "a", Config::builder()).unwrap_err();
    assert_eq!(error.to_string(), r#"the registry has no circuit breaker "paymnt"; register it first"#);
    assert!(matches!(start("payment", "", Config::builder()), Err(ShadowError::InvalidName { .. })));
    let error = start("payment", "a", Config::builder().failure_rate(0.5)).unwrap_err();
    assert!(error.to_string().starts_with(r#"circuit breaker "payment": failure_rate"#), "{error}");
    let all: Vec<_> =
        (0..8).map(|number| start("payment", &number.to_string(), Config::builder()).unwrap()).collect();
    assert!(matches!(start("payment", "3", Config::builder()), Err(ShadowError::NameInUse { .. })));
    assert!(matches!(start("payment", "9", Config::builder()), Err(ShadowError::TooMany { .. })));
    drop(all);
    assert!(start("payment", "9", Config::builder()).is_ok());
}

#[test]
fn a_candidate_of_an_annotated_function_sees_its_first_call() {
    #[circuit_breaker(name = "candidates of functions")]
    fn parcel(number: u32) -> Result<u32, BreakerError> {
        Ok(number)
    }

    let settings = Config::builder().failure_threshold(3);
    let candidate = Registry::global().shadow("candidates of functions", "strict", settings).unwrap();
    assert_eq!(parcel(1).unwrap(), 1);
    assert_eq!(candidate.report().successes, 1);
}

#[test]
fn calls_of_many_threads_are_each_counted_once_while_candidates_start_and_end() {
    const THREADS: u64 = 4;
    const CALLS: u64 = 2_000;
    let registry = Registry::new();
    let live = registry
        .register("payment", Config::builder().failure_threshold(1_000_000).build().unwrap())
        .unwrap();
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(3)).unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let live = &live;
            scope.spawn(move || {
                for call in 0..CALLS {
                    let outcome = if (thread + call) % 4 == 0 { Outcome::Failure } else { Outcome::Success };
                    live.try_acquire().unwrap().settle(outcome);
                }
            });
        }
        for round in 0..50 {
            let other = registry.shadow("payment", round.to_string(), Config::builder()).unwrap();
            assert!(other.stop().successes <= THREADS * CALLS);
        }
    });
    let report = candidate.report();
    assert_eq!(report.failures, THREADS * CALLS / 4);
    assert_eq!(report.successes, THREADS * CALLS * 3 / 4);
    assert_eq!(report.shadow.rejected, report.spared_failures + report.lost_successes);
}

/// Makes successful calls in many threads at the same time.
fn overlapping_calls(live: &CircuitBreaker) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50_000 {
                    live.try_acquire().unwrap().settle(Outcome::Success);
                }
            });
        }
    });
}

#[test]
fn limits_of_calls_that_overlap_have_no_effect_in_a_candidate_and_are_promoted() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    let settings = Config::builder().max_concurrent(1).max_wait(SECOND).hang(SECOND);
    let candidate = registry.shadow("payment", "narrow", settings).unwrap();
    overlapping_calls(&live);
    let report = candidate.report();
    assert_eq!((report.successes, report.shadow.rejected), (200_000, 0));
    candidate.promote("alice").unwrap();
    let config = live.config();
    assert_eq!((config.max_concurrent(), config.max_wait(), config.hang()), (Some(1), SECOND, Some(SECOND)));
}

#[test]
fn calls_that_end_at_the_same_time_do_not_compete_for_the_trial_slots_of_a_candidate() {
    let scene = Scene::new(thresholds(100, SECOND));
    let settings = thresholds(1, SECOND).success_threshold(1_000_000).half_open_max_calls(1);
    let candidate = scene.registry.shadow("payment", "careful", settings).unwrap();
    scene.calls("x");
    scene.clock.advance(SECOND);
    overlapping_calls(&scene.live);
    let report = candidate.report();
    assert_eq!(
        (report.successes, report.shadow.state, report.shadow.rejected),
        (200_000, State::HalfOpen, 0)
    );
}

#[test]
fn a_candidate_of_a_breaker_whose_settings_were_replaced_by_hand_is_not_promoted() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    live.set_config(Config::builder().failure_threshold(9).build().unwrap());
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(3)).unwrap();
    let error = candidate.promote("alice").unwrap_err();
    assert!(error.to_string().contains("its settings were replaced by set_config"), "{error}");
    assert_eq!(live.config().failure_threshold(), Some(9));
    assert_eq!(registry.candidates("payment").len(), 1);
}

#[test]
fn a_candidate_adds_no_calls_to_a_histogram_that_the_settings_no_longer_record() {
    let registry = Registry::new();
    let recorded = Config::builder().durations(true).build().unwrap();
    let live = registry.register("payment", recorded.clone()).unwrap();
    let call = || live.try_acquire().unwrap().settle(Outcome::Success);
    call();
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(3)).unwrap();
    call();
    let count = || live.snapshot().durations.unwrap().count();
    assert_eq!(count(), 2);
    live.set_config(Config::default());
    call();
    let timed = live.try_acquire().unwrap();
    assert_eq!(candidate.stop().successes, 2);
    timed.settle(Outcome::Success);
    call();
    assert_eq!(count(), 2);
    live.set_config(recorded);
    call();
    assert_eq!(count(), 3);
}

#[test]
fn a_candidate_that_is_not_promoted_leaves_the_settings_of_operators() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    registry.shadow("payment", "jitter", Config::builder().jitter(0.25)).unwrap().promote("alice").unwrap();
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(3)).unwrap();
    let before = live.config();
    live.set_config(Config::builder().failure_threshold(9).build().unwrap());
    candidate.promote("alice").unwrap_err();
    live.set_config(before);
    registry.configure("payment", Config::builder().backoff(2.0)).unwrap();
    let config = live.config();
    assert_eq!((config.jitter(), config.backoff(), config.failure_threshold()), (0.25, 2.0, Some(5)));
}

#[test]
fn promoting_a_candidate_keeps_the_other_settings_of_operators() {
    let registry = Registry::new();
    let live = registry.register("payment", Config::default()).unwrap();
    let promote = |settings, operator| {
        registry.shadow("payment", "next", settings).unwrap().promote(operator).unwrap();
    };
    promote(Config::builder().success_threshold(7).max_concurrent(4), "alice");
    promote(Config::builder().failure_threshold(2), "bob");
    promote(Config::builder().max_concurrent(6).unset(Setting::SuccessThreshold), "carol");
    let settings = live.snapshot().settings;
    assert_eq!((settings.failure_threshold(), settings.success_threshold()), (Some(2), 3));
    assert_eq!(settings.max_concurrent(), Some(6));
    let sources = [Setting::FailureThreshold, Setting::SuccessThreshold, Setting::MaxConcurrent]
        .map(|setting| settings.source(setting).to_string());
    assert_eq!(sources, ["operator bob", "operator carol", "operator carol"]);
}

#[test]
fn promoting_a_candidate_keeps_the_settings_that_an_operator_has_given_to_one_key() {
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let patient = ConfigSection::new("hosts", Config::builder().failure_threshold(50)).for_key("eu");
    registry.apply_section(ConfigLayer::Operator, patient).unwrap();
    let settings = Config::builder().failure_threshold(2).success_threshold(9);
    registry.shadow("hosts", "strict", settings).unwrap().promote("alice").unwrap();
    let live = |key: &str| {
        let config = hosts.get(key).config();
        (config.failure_threshold(), config.success_threshold())
    };
    assert_eq!((live("eu"), live("us")), ((Some(50), 9), (Some(2), 9)));
}

#[test]
fn promoting_a_candidate_changes_no_breaker_whose_name_only_looks_like_a_pattern() {
    let registry = Registry::new();
    let live = registry.register("pay*", Config::default()).unwrap();
    let other = registry.register("payment", Config::default()).unwrap();
    let candidate = registry.shadow("pay*", "strict", Config::builder().failure_threshold(3)).unwrap();
    candidate.promote("alice").unwrap();
    let thresholds = [live, other].map(|breaker| breaker.config().failure_threshold());
    assert_eq!(thresholds, [Some(3), Some(5)]);
}
