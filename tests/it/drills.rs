//! Drills: which calls they fail or delay, when they end, and what they show.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use breaker_runtime::chaos::{Drill, RunningDrill};
use breaker_runtime::testing::Clock;
use breaker_runtime::{
    BreakerError, CallEvent, CallEventKind, CallEvents, CircuitBreaker, Config, ConfigBuilder, DrillEnd,
    ErrorKind, Event, Fault, Outcome, Registry, State, Totals, circuit_breaker, testing,
};

use crate::support::{NANO, poll_once, seconds, settings};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const ALL: Fault = Fault::fail(1.0);

/// A registry with one breaker and a manual clock.
pub(crate) struct Drilled {
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) breaker: CircuitBreaker,
}

impl Drilled {
    pub(crate) fn with(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breaker = registry.register("payment", settings.build().unwrap()).unwrap();
        Self { clock, registry, breaker }
    }

    /// Returns a circuit that does not open, with a running drill of a minute.
    fn running(fault: Fault) -> Self {
        let drilled = Self::with(Config::builder().failure_threshold(1000));
        drop(drilled.start(fault));
        drilled
    }

    pub(crate) fn start(&self, fault: Fault) -> RunningDrill {
        Drill::new(fault, MINUTE).operator("alice").start(&self.registry, "payment").unwrap()
    }

    pub(crate) fn call(&self) -> Result<u32, BreakerError> {
        self.breaker.call(|| Ok(1))
    }

    fn totals(&self) -> Totals {
        self.breaker.snapshot().totals
    }

    /// Returns the ends of drills that listeners were notified of from now on.
    pub(crate) fn ends(&self) -> Arc<Mutex<Vec<DrillEnd>>> {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ends);
        let listener = move |event: &Event| {
            if let Event::DrillEnded(drill) = event {
                seen.lock().unwrap().push(drill.end());
            }
        };
        self.registry.listen(listener).detach();
        ends
    }
}

pub(crate) fn kind<T>(result: Result<T, BreakerError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn a_drill_fails_annotated_functions_and_their_fallbacks_run() {
    #[circuit_breaker(name = "drill/sync")]
    fn plain() -> Result<u32, BreakerError> {
        Ok(1)
    }
    #[circuit_breaker(name = "drill/sync", fallback = |error| Ok(if error.kind() == ErrorKind::Injected { 7 } else { 0 }))]
    fn with_fallback(argument: u32) -> Result<u32, String> {
        Ok(argument)
    }
    #[circuit_breaker(name = "drill/async")]
    async fn plain_async() -> Result<u32, BreakerError> {
        Ok(1)
    }
    #[circuit_breaker(name = "drill/async", fallback = |_| Ok(argument.len()))]
    async fn with_arguments(argument: String) -> Result<usize, String> {
        Ok(argument.len() + 100)
    }
    testing::scope(|_| {
        for name in ["drill/sync", "drill/async"] {
            _ = Drill::new(ALL, MINUTE).start(&Registry::global(), name).unwrap();
        }
        assert_eq!(kind(plain()), Some(ErrorKind::Injected));
        assert_eq!(with_fallback(3), Ok(7));
        assert_eq!(poll_once(pin!(plain_async())).map(kind), Poll::Ready(Some(ErrorKind::Injected)));
        assert_eq!(poll_once(pin!(with_arguments("abc".to_owned()))), Poll::Ready(Ok(3)));
        for name in ["drill/sync", "drill/async"] {
            let totals = Registry::global().get(name).unwrap().snapshot().totals;
            assert_eq!((totals.injected, totals.calls(), totals.fallbacks.successes), (2, 2, 1), "{name}");
        }
    });
}

#[test]
fn arguments_that_cannot_be_cloned_reach_the_fallback_of_a_failed_call_and_prevent_a_delay() {
    struct Unique(u32);
    #[circuit_breaker(name = "drill/unique", fallback = |_| unique.0)]
    async fn unique(unique: Unique) -> u32 {
        unique.0 + 1
    }
    testing::scope(|_| {
        let start = |fault| Drill::new(fault, MINUTE).start(&Registry::global(), "drill/unique").unwrap();
        start(ALL);
        assert_eq!(poll_once(pin!(unique(Unique(7)))), Poll::Ready(7));
        start(Fault::slow(seconds(2)));
        assert_eq!(poll_once(pin!(unique(Unique(7)))), Poll::Ready(8));
    });
}

#[test]
fn a_drill_fails_calls_through_the_breaker_and_permits() {
    let drilled = Drilled::running(ALL);
    let breaker = &drilled.breaker;
    assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
    assert_eq!(kind(breaker.call_with(|_| Outcome::Success, || 1)), Some(ErrorKind::Injected));
    assert_eq!(kind(breaker.try_acquire()), Some(ErrorKind::Injected));
    assert_eq!(kind(breaker.try_acquire_owned()), Some(ErrorKind::Injected));
    let call = pin!(breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert_eq!(poll_once(call).map(kind), Poll::Ready(Some(ErrorKind::Injected)));
    let totals = drilled.totals();
    assert_eq!((totals.injected, totals.failures, totals.rejected, totals.calls()), (5, 0, 0, 5));
}

#[test]
fn an_injected_failure_counts_in_the_rules_and_is_reported_as_a_failed_call() {
    let drilled = Drilled::with(settings().window_calls(10).minimum_calls(2).failure_rate(0.5));
    let texts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&texts);
    let listener = move |event: &CallEvent| {
        let CallEventKind::Failed { text } = event.kind() else { panic!("{event:?}") };
        seen.lock().unwrap().push(text.as_deref().map(str::to_owned));
    };
    drilled.registry.listen_to_calls(CallEvents::FAILED, listener).detach();
    drop(drilled.start(ALL));
    while drilled.breaker.state() == State::Closed {
        assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
    }
    let opened = drilled.breaker.snapshot().last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some("injected by a drill"));
    assert_eq!(*texts.lock().unwrap(), vec![Some("injected by a drill".to_owned()); 2]);
    assert_eq!(kind(drilled.call()), Some(ErrorKind::Open));
}

#[test]
fn a_drill_fails_trial_calls_and_releases_their_slots() {
    let drilled = Drilled::with(settings().half_open_max_calls(1).recovery_timeout(seconds(10)));
    drop(drilled.start(ALL));
    while drilled.breaker.state() == State::Closed {
        _ = drilled.call();
    }
    drilled.clock.advance(seconds(10));
    assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
    assert_eq!(drilled.breaker.state(), State::Open);
    drilled.clock.advance(MINUTE);
    assert_eq!(drilled.call().unwrap(), 1);
    assert_eq!(drilled.breaker.state(), State::HalfOpen);
}

#[test]
fn a_disabled_circuit_has_no_faults_and_its_drill_goes_on_afterwards() {
    let drilled = Drilled::running(ALL);
    drilled.breaker.disable();
    assert_eq!(drilled.call().unwrap(), 1);
    drilled.breaker.release();
    assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
}

#[test]
fn new_settings_do_not_end_a_drill() {
    let drilled = Drilled::running(ALL);
    for settings in [
        Config::builder(),
        settings().max_concurrent(1),
        settings().window_calls(10).durations(true),
        settings().hang(seconds(1)),
        Config::builder().failure_threshold(100),
    ] {
        drilled.breaker.set_config(settings.build().unwrap());
        assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
        drilled.breaker.reset();
    }
}

#[test]
fn the_share_of_failed_calls_is_that_of_the_fault_and_a_seed_repeats_it() {
    let pattern = |seed| {
        let drilled = Drilled::with(Config::builder().failure_threshold(1000));
        let drill = Drill::new(Fault::fail(0.3), MINUTE).seed(seed);
        drop(drill.start(&drilled.registry, "payment").unwrap());
        (0..1000).map(|_| drilled.call().is_err()).collect::<Vec<_>>()
    };
    let first = pattern(7);
    let failed = first.iter().filter(|failed| **failed).count();
    assert!((250..=350).contains(&failed), "{failed}");
    assert_eq!(first, pattern(7));
    assert_ne!(first, pattern(8));
}

#[test]
fn a_delayed_async_call_runs_after_the_delay() {
    let drilled = Drilled::running(Fault::slow(seconds(2)));
    let ran = Cell::new(false);
    let mut call = pin!(drilled.breaker.call_async(async {
        ran.set(true);
        Ok::<_, BreakerError>(1)
    }));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(2).checked_sub(NANO).unwrap());
    assert!(poll_once(call.as_mut()).is_pending() && !ran.get());
    drilled.clock.advance(NANO);
    assert_eq!(poll_once(call.as_mut()).map(Result::unwrap), Poll::Ready(1));
    let totals = drilled.totals();
    assert_eq!((totals.delayed, totals.successes, totals.calls()), (1, 1, 1));
}

#[test]
fn a_delayed_call_can_fail_after_its_delay() {
    let drilled = Drilled::running(ALL.delay(seconds(2)));
    let mut call = pin!(drilled.breaker.call_async(pending::<Result<u32, BreakerError>>()));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(2));
    assert_eq!(poll_once(call.as_mut()).map(kind), Poll::Ready(Some(ErrorKind::Injected)));
    let totals = drilled.totals();
    assert_eq!((totals.delayed, totals.injected, totals.calls()), (1, 1, 1));
}

#[test]
fn a_delay_is_a_part_of_call_timeout() {
    let limited = || Drilled::with(Config::builder().call_timeout(seconds(2)));
    // Longer than the limit: the call times out at the limit.
    let drilled = limited();
    drop(drilled.start(Fault::slow(seconds(9))));
    let mut call = pin!(drilled.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(2));
    assert_eq!(poll_once(call.as_mut()).map(kind), Poll::Ready(Some(ErrorKind::TimedOut)));
    assert_eq!((drilled.totals().timeouts, drilled.totals().calls()), (1, 1));
    // Shorter: the body has the rest of the time.
    let drilled = limited();
    drop(drilled.start(Fault::slow(seconds(1))));
    let mut call = pin!(drilled.breaker.call_async(pending::<Result<u32, BreakerError>>()));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(1));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(1));
    assert_eq!(poll_once(call.as_mut()).map(kind), Poll::Ready(Some(ErrorKind::TimedOut)));
}

#[test]
fn slow_call_and_hang_see_the_delay() {
    let slow = settings().window_calls(10).minimum_calls(1).slow_call(seconds(1)).slow_call_rate(1.0);
    let drilled = Drilled::with(slow);
    drop(drilled.start(Fault::slow(seconds(2))));
    let mut call = pin!(drilled.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(2));
    assert!(poll_once(call.as_mut()).is_ready());
    assert_eq!(drilled.breaker.state(), State::Open);

    let drilled = Drilled::with(settings().hang(seconds(1)));
    drop(drilled.start(Fault::slow(seconds(9))));
    let mut call = pin!(drilled.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(call.as_mut()).is_pending());
    drilled.clock.advance(seconds(1));
    assert_eq!(drilled.breaker.state(), State::Open);
}

#[test]
fn a_call_that_is_cancelled_during_its_delay_counts_like_any_cancelled_call_and_releases_its_slot() {
    for (advanced, ignored, failures) in [(seconds(0), 1, 0), (seconds(1), 0, 1)] {
        let drilled = Drilled::with(Config::builder().max_concurrent(1));
        let drill = drilled.start(Fault::slow(seconds(9)));
        {
            let mut call = pin!(drilled.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
            assert!(poll_once(call.as_mut()).is_pending());
            assert_eq!(drilled.breaker.snapshot().calls_in_flight, Some(1));
            drilled.clock.advance(advanced);
        }
        assert_eq!(drilled.breaker.snapshot().calls_in_flight, Some(0));
        let totals = drilled.totals();
        assert_eq!((totals.ignored, totals.failures, totals.calls()), (ignored, failures, 1));
        drill.stop();
        assert_eq!(drilled.call().unwrap(), 1);
    }
}

#[test]
fn a_call_that_waited_for_a_slot_is_delayed_afterwards() {
    let drilled = Drilled::with(Config::builder().max_concurrent(1).max_wait(seconds(30)));
    let running = drilled.breaker.try_acquire().unwrap();
    drop(drilled.start(Fault::slow(seconds(2))));
    let mut call = pin!(drilled.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(call.as_mut()).is_pending());
    running.settle(Outcome::Success);
    assert!(poll_once(call.as_mut()).is_pending());
    assert_eq!(drilled.totals().delayed, 1);
    drilled.clock.advance(seconds(2));
    assert!(poll_once(call.as_mut()).is_ready());
    assert_eq!(drilled.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn failed_calls_release_their_bulkhead_slots() {
    let drilled = Drilled::with(Config::builder().failure_threshold(1000).max_concurrent(2));
    drop(drilled.start(ALL));
    for _ in 0..10 {
        assert_eq!(kind(drilled.call()), Some(ErrorKind::Injected));
        assert_eq!(kind(drilled.breaker.try_acquire()), Some(ErrorKind::Injected));
    }
    assert_eq!(drilled.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn a_delayed_sync_call_blocks_its_thread() {
    let drilled = Arc::new(Drilled::running(Fault::slow(seconds(2))));
    let call = thread::spawn({
        let drilled = Arc::clone(&drilled);
        move || drilled.call()
    });
    while drilled.totals().delayed == 0 {
        thread::yield_now();
    }
    assert_eq!(drilled.totals().calls(), 0);
    // The delay may begin a moment after it was counted.
    while !call.is_finished() {
        drilled.clock.advance(seconds(2));
        thread::yield_now();
    }
    assert_eq!(call.join().unwrap().unwrap(), 1);
    assert_eq!(drilled.totals().successes, 1);
}

#[test]
fn permits_are_not_delayed() {
    let drilled = Drilled::running(Fault::slow(seconds(2)));
    drilled.breaker.try_acquire().unwrap().settle(Outcome::Success);
    assert_eq!((drilled.totals().delayed, drilled.totals().successes), (0, 1));
}

#[test]
fn threads_that_start_and_stop_drills_lose_no_call_and_no_slot() {
    let drilled = Drilled::with(Config::builder().failure_threshold(1_000_000).max_concurrent(8));
    let calls = thread::scope(|scope| {
        let operators: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let drill = drilled.start(Fault::fail(0.5));
                        drill.stop();
                    }
                })
            })
            .collect();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    (0..5000)
                        .map(|_| match drilled.call() {
                            Ok(_) => 0,
                            Err(error) => u64::from(error.kind() == ErrorKind::Injected),
                        })
                        .sum::<u64>()
                })
            })
            .collect();
        for operator in operators {
            operator.join().unwrap();
        }
        callers.into_iter().map(|caller| caller.join().unwrap()).sum::<u64>()
    });
    let snapshot = drilled.breaker.snapshot();
    assert_eq!((snapshot.totals.injected, snapshot.totals.calls()), (calls, 10_000));
    assert_eq!((snapshot.calls_in_flight, snapshot.drill), (Some(0), None));
}
