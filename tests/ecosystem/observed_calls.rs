//! Recorders and candidates see all calls of a breaker, in every way to make calls and with every setting.

use std::thread;
use std::time::Duration;

use breaker_runtime::recorder::{Recorder, Recording, TraceTotals};
use breaker_runtime::shadow::{Candidate, CandidateReport};
use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Mode, Outcome, Registry, Totals};
use futures_util::FutureExt as _;

const RECOVERY: Duration = Duration::from_secs(5);

/// The breaker that is observed.
const NAME: &str = "payment";

/// A way to make a call.
type MakeCall = fn(&CircuitBreaker, Outcome);

const WAYS: [MakeCall; 3] = [
    |breaker, outcome| {
        if let Ok(permit) = breaker.try_acquire() {
            permit.settle(outcome);
        }
    },
    |breaker, outcome| _ = breaker.call(|| result_of(outcome)),
    |breaker, outcome| {
        let called = breaker.call_async(async { result_of(outcome) }).now_or_never();
        assert!(called.is_some(), "a call that waits for nothing is ready");
    },
];

fn result_of(outcome: Outcome) -> anyhow::Result<()> {
    if outcome == Outcome::Success { Ok(()) } else { Err(anyhow::Error::msg("no route to host")) }
}

/// A recorder and a candidate of one breaker.
struct Observers {
    recording: Recording,
    candidate: Candidate,
}

/// The figures of both observers.
struct Observed {
    trace: TraceTotals,
    report: CandidateReport,
}

impl Observers {
    fn start(registry: &Registry) -> Self {
        let recording = Recorder::builder(NAME).start(registry).unwrap();
        let name = registry.candidates(NAME).len().to_string();
        let candidate = registry.shadow(NAME, name, failure_threshold(10)).unwrap();
        Self { recording, candidate }
    }

    fn stop(self) -> Observed {
        let Recording { recorder, writer } = self.recording;
        drop(recorder);
        Observed { trace: writer.run(std::io::sink()).unwrap(), report: self.candidate.stop() }
    }
}

impl Observed {
    /// Asserts that both observers have seen these calls.
    #[track_caller]
    fn assert_are(&self, Totals { successes, failures, ignored, rejected, .. }: Totals) {
        let Self { trace, report } = self;
        assert_eq!(trace.calls + trace.lost_calls, successes + failures + ignored, "{trace}");
        assert_eq!(trace.rejections + trace.lost_rejections, rejected, "{trace}");
        assert_eq!((report.successes, report.failures, report.unseen), (successes, failures, rejected));
    }
}

fn failure_threshold(failures: u32) -> ConfigBuilder {
    Config::builder().failure_threshold(failures)
}

/// The settings with which the calls of a bulkhead are made, among them every one with which slots are acquired in
/// another way.
fn bounded() -> Vec<ConfigBuilder> {
    let bounded = || failure_threshold(3).recovery_timeout(RECOVERY).max_concurrent(10);
    vec![
        bounded(),
        bounded().max_wait(RECOVERY),
        bounded().window_calls(10),
        bounded().window_time(RECOVERY),
        bounded().ramp(RECOVERY),
        bounded().hang(RECOVERY),
        bounded().durations(true),
        bounded().mode(Mode::Shadow),
        bounded().mode(Mode::Shadow).window_calls(10),
    ]
}

/// Makes calls until the circuit has opened, has recovered and has closed, with a ramp if it has one.
fn live_through_all_states(clock: &Clock, breaker: &CircuitBreaker, call: MakeCall) {
    call(breaker, Outcome::Success);
    for _ in 0..5 {
        call(breaker, Outcome::Failure);
    }
    clock.advance(RECOVERY);
    for _ in 0..20 {
        call(breaker, Outcome::Success);
        clock.advance(RECOVERY / 10);
    }
    call(breaker, Outcome::Failure);
    call(breaker, Outcome::Success);
}

#[test]
fn calls_that_hold_only_a_bulkhead_slot_are_observed() {
    for call in WAYS {
        let registry = Registry::new();
        let breaker = registry.register(NAME, Config::builder().max_concurrent(10).build().unwrap()).unwrap();
        let observers = Observers::start(&registry);
        for _ in 0..4 {
            call(&breaker, Outcome::Failure);
        }
        let observed = observers.stop();
        assert_eq!((observed.trace.calls, observed.report.failures), (4, 4));
    }
}

#[test]
fn every_call_with_a_bulkhead_slot_is_observed_until_the_observers_stop() {
    for settings in bounded() {
        for call in WAYS {
            let clock = Clock::new();
            let registry = Registry::with_clock(&clock);
            let breaker = registry.register(NAME, settings.clone().build().unwrap()).unwrap();
            let observers = Observers::start(&registry);
            live_through_all_states(&clock, &breaker, call);
            let observed = observers.stop();
            observed.assert_are(breaker.snapshot().totals);
            assert!(observed.trace.calls > 5, "{}", observed.trace);
            call(&breaker, Outcome::Success);
        }
    }
}

#[test]
fn every_call_of_a_key_with_a_bulkhead_slot_is_observed() {
    for settings in bounded() {
        for call in WAYS {
            let clock = Clock::new();
            let registry = Registry::with_clock(&clock);
            let breaker = registry.register_keyed(NAME, settings.clone().build().unwrap(), 2).unwrap();
            drop(breaker.get("early"));
            let observers = Observers::start(&registry);
            for key in ["early", "late", "in the overflow circuit"] {
                live_through_all_states(&clock, &breaker.get(key), call);
            }
            observers.stop().assert_are(breaker.totals());
        }
    }
}

#[test]
fn calls_are_observed_after_settings_add_a_bulkhead_and_after_they_change_it() {
    for call in WAYS {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breaker = registry.register(NAME, Config::default()).unwrap();
        let observers = Observers::start(&registry);
        for settings in bounded().into_iter().chain([Config::builder()]).chain(bounded()) {
            breaker.set_config(settings.build().unwrap());
            live_through_all_states(&clock, &breaker, call);
        }
        observers.stop().assert_are(breaker.snapshot().totals);
    }
}

#[test]
fn one_observer_that_stops_does_not_affect_the_other() {
    for call in WAYS {
        let registry = Registry::new();
        let breaker = registry.register(NAME, Config::builder().max_concurrent(1).build().unwrap()).unwrap();
        let [first, second] = [(); 2].map(|()| Observers::start(&registry));
        call(&breaker, Outcome::Success);
        first.stop();
        call(&breaker, Outcome::Success);
        second.stop().assert_are(breaker.snapshot().totals);
    }
}

#[test]
fn calls_that_run_while_observers_start_and_stop_keep_their_slots_and_are_seen_from_their_beginning() {
    let registry = Registry::new();
    let config = Config::builder().max_concurrent(2).build().unwrap();
    let breaker = registry.register(NAME, config).unwrap();
    let early = breaker.try_acquire().unwrap();
    let observers = Observers::start(&registry);
    let running = breaker.try_acquire().unwrap();
    assert!(breaker.try_acquire().is_err());
    early.settle(Outcome::Failure);
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    let observed = observers.stop();
    running.settle(Outcome::Failure);
    assert_eq!((observed.trace.calls, observed.trace.rejections), (1, 1));
    assert_eq!((observed.report.successes, observed.report.failures, observed.report.unseen), (1, 0, 1));
    let both = [breaker.try_acquire(), breaker.try_acquire()];
    assert!(both.iter().all(Result::is_ok) && breaker.try_acquire().is_err());
}

#[test]
fn a_call_that_has_waited_for_its_slot_is_observed() {
    let registry = Registry::new();
    let config = Config::builder().max_concurrent(1).max_wait(Duration::MAX).build().unwrap();
    let breaker = registry.register(NAME, config).unwrap();
    let observers = Observers::start(&registry);
    let running = breaker.try_acquire().unwrap();
    let mut waiting = Box::pin(breaker.call_async(async { result_of(Outcome::Failure) }));
    assert!(waiting.as_mut().now_or_never().is_none());
    running.settle(Outcome::Success);
    assert!(waiting.now_or_never().is_some_and(|result| result.is_err()));
    assert_eq!(breaker.snapshot().totals.failures, 1);
    observers.stop().assert_are(breaker.snapshot().totals);
}

#[test]
fn calls_of_threads_that_contend_for_slots_are_observed() {
    for max_wait in [Duration::ZERO, Duration::MAX] {
        let registry = Registry::new();
        let config = failure_threshold(1_000_000).max_concurrent(2).max_wait(max_wait).build().unwrap();
        let breaker = registry.register(NAME, config).unwrap();
        let observers = Observers::start(&registry);
        thread::scope(|scope| {
            for thread in 0..4 {
                let breaker = &breaker;
                scope.spawn(move || {
                    for call in 0..2000 {
                        let is_failure = (thread + call) % 4 == 0;
                        WAYS[1](breaker, if is_failure { Outcome::Failure } else { Outcome::Success });
                    }
                });
            }
        });
        assert_eq!(breaker.snapshot().totals.calls(), 8000);
        observers.stop().assert_are(breaker.snapshot().totals);
    }
}

#[test]
fn calls_that_only_max_open_admits_are_observed() {
    for settings in [failure_threshold(1), failure_threshold(1).max_concurrent(10)] {
        for call in WAYS {
            let registry = Registry::new();
            let config = settings.clone().max_open(0.5).build().unwrap();
            let hosts = registry.register_keyed(NAME, config, 10).unwrap();
            call(&hosts.get("a"), Outcome::Failure);
            call(&hosts.get("b"), Outcome::Failure);
            let candidate = registry.shadow(NAME, "next", failure_threshold(3)).unwrap();
            let observers = Observers::start(&registry);
            for _ in 0..5 {
                call(&hosts.get("a"), Outcome::Failure);
                call(&hosts.get("b"), Outcome::Failure);
            }
            let snapshot = hosts.get("b").snapshot();
            assert_eq!((snapshot.waived_rejections, snapshot.totals.rejected), (5, 0));
            let observed = observers.stop();
            assert_eq!((observed.trace.calls, observed.trace.rejections), (5, 5));
            assert_eq!((observed.report.failures, observed.report.unseen), (5, 5));
            let report = candidate.stop();
            assert_eq!((report.failures, report.spared_failures, report.shadow.opened), (5, 2, 1));
        }
    }
}
