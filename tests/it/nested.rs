//! Calls inside a call of the same circuit: they run in the slot of the outer call.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Barrier;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CallEvent, CallEvents, Cause, CircuitBreaker, Config, ErrorKind, Outcome, Registry, State,
    circuit_breaker,
};

use crate::support::{Fixture, RECOVERY, catch_panic, poll_once, seconds, settings};

type Answer = Result<u32, BreakerError>;

/// Returns a fixture whose circuit admits one trial call and closes after it succeeded.
fn one_trial() -> Fixture {
    let fixture = Fixture::with(settings().half_open_max_calls(1).success_threshold(1));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture
}

/// Calls the breaker within a call of the breaker, to this depth.
fn recurse(breaker: &CircuitBreaker, depth: u32) -> Answer {
    breaker.call(|| if depth == 0 { Ok(0) } else { recurse(breaker, depth - 1).map(|inner| inner + 1) })
}

fn recurse_async(breaker: &CircuitBreaker, depth: u32) -> Pin<Box<dyn Future<Output = Answer> + '_>> {
    Box::pin(breaker.call_async(async move {
        tokio::task::yield_now().await;
        if depth == 0 { Ok(0) } else { recurse_async(breaker, depth - 1).await.map(|inner| inner + 1) }
    }))
}

#[test]
fn a_call_inside_a_trial_runs_in_its_slot() {
    let fixture = one_trial();
    assert_eq!(recurse(&fixture.breaker, 5).unwrap(), 5);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.successes, snapshot.totals.rejected), (State::Closed, 6, 0));
}

#[tokio::test]
async fn an_async_call_inside_a_trial_runs_in_its_slot() {
    let fixture = one_trial();
    assert_eq!(recurse_async(&fixture.breaker, 5).await.unwrap(), 5);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.successes, snapshot.totals.rejected), (State::Closed, 6, 0));
}

#[circuit_breaker(name = "nested/shop", recovery_timeout = "1ns", half_open_timeout = "1h")]
fn user() -> Answer {
    raw()
}

#[circuit_breaker(name = "nested/shop", recovery_timeout = "1ns", half_open_timeout = "1h")]
fn raw() -> Answer {
    std::thread::yield_now();
    Ok(1)
}

#[test]
fn a_healthy_circuit_closes_under_any_number_of_threads_that_nest_their_calls() {
    for threads in [1, 2, 8] {
        assert_eq!(user().unwrap(), 1);
        let breaker = Registry::global().get("nested/shop").unwrap();
        while breaker.state() == State::Closed {
            breaker.try_acquire().unwrap().settle(Outcome::Failure);
        }
        let start = Barrier::new(threads);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..100 {
                        _ = user();
                    }
                });
            }
        });
        assert_eq!(breaker.state(), State::Closed, "{threads} threads");
        assert_eq!(breaker.snapshot().changes.count(State::HalfOpen, State::Open), 0, "{threads} threads");
    }
}

#[test]
fn recursion_under_max_concurrent_does_not_wait_for_itself() {
    let fixture = Fixture::with(settings().max_concurrent(2).max_wait(Duration::MAX));
    assert_eq!(recurse(&fixture.breaker, 10).unwrap(), 10);
    assert_eq!((fixture.calls_in_flight(), fixture.breaker.snapshot().totals.successes), (0, 11));
}

#[tokio::test]
async fn async_recursion_under_max_concurrent_does_not_wait_for_itself() {
    let fixture = Fixture::with(settings().max_concurrent(2).max_wait(Duration::MAX));
    assert_eq!(recurse_async(&fixture.breaker, 10).await.unwrap(), 10);
    assert_eq!((fixture.calls_in_flight(), fixture.breaker.snapshot().totals.successes), (0, 11));
}

#[test]
fn a_circuit_that_is_called_back_through_another_circuit_does_not_wait_for_itself() {
    let limited = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    let other = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    let answer = limited.breaker.call(|| other.breaker.call(|| recurse(&limited.breaker, 1)));
    assert_eq!(answer.unwrap(), 1);
}

#[test]
fn an_inner_call_of_a_trial_decides_nothing() {
    let fixture = one_trial();
    let answer = fixture.breaker.call(|| {
        let inner: Result<u32, BreakerError> =
            fixture.breaker.call_with(|_| Outcome::Failure, || 0).map(|_| 0);
        assert!(inner.is_ok());
        assert_eq!(fixture.breaker.snapshot().trials_in_flight, 1);
        Ok::<_, BreakerError>(1)
    });
    assert_eq!(answer.unwrap(), 1);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures, snapshot.totals.successes), (State::Closed, 3, 1));
}

#[test]
fn a_trial_that_fails_with_its_inner_call_reopens_the_circuit_once() {
    let fixture = one_trial();
    let fail = || fixture.breaker.call_with(|_| Outcome::Failure, || 0);
    _ = fixture.breaker.call_with(|_| Outcome::Failure, fail);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.generation), (State::Open, 3));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::TrialFailed);
}

#[test]
fn an_inner_call_is_rejected_once_the_lease_of_the_outer_trial_has_ended() {
    let fixture = one_trial();
    let answer = fixture.breaker.call(|| {
        fixture.clock.advance(RECOVERY);
        assert_eq!(fixture.breaker.state(), State::Open);
        recurse(&fixture.breaker, 0)
    });
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Open);
}

#[test]
fn an_inner_call_is_rejected_when_an_operator_opens_the_circuit_during_the_outer_call() {
    let fixture = one_trial();
    let answer = fixture.breaker.call(|| {
        fixture.breaker.force_open();
        recurse(&fixture.breaker, 0)
    });
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::ForcedOpen);
}

#[test]
fn a_permit_is_not_an_outer_call() {
    let fixture = one_trial();
    let permit = fixture.permit();
    assert_eq!(recurse(&fixture.breaker, 0).unwrap_err().kind(), ErrorKind::HalfOpen);
    permit.settle(Outcome::Success);
    assert_eq!(recurse(&fixture.breaker, 0).unwrap(), 0);
}

#[test]
fn a_call_beside_a_pending_trial_is_not_inside_it() {
    let fixture = one_trial();
    let mut trial = pin!(fixture.breaker.call_async(pending::<Answer>()));
    assert!(poll_once(trial.as_mut()).is_pending());
    assert_eq!(recurse(&fixture.breaker, 0).unwrap_err().kind(), ErrorKind::HalfOpen);
    assert!(poll_once(trial.as_mut()).is_pending());
    assert!(fixture.rejects());
}

#[test]
fn calls_of_one_task_that_do_not_contain_each_other_need_a_slot_each() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let mut first = pin!(fixture.breaker.call_async(pending::<Answer>()));
    let mut second = pin!(fixture.breaker.call_async(pending::<Answer>()));
    let mut both = pin!(std::future::poll_fn(|context| {
        assert!(first.as_mut().poll(context).is_pending());
        second.as_mut().poll(context)
    }));
    let std::task::Poll::Ready(Err(error)) = poll_once(both.as_mut()) else { panic!("it has no slot") };
    assert_eq!(error.kind(), ErrorKind::BulkheadFull);
}

#[test]
fn a_call_on_another_thread_is_not_inside_the_trial() {
    let fixture = one_trial();
    let answer = fixture
        .breaker
        .call(|| std::thread::scope(|scope| scope.spawn(|| recurse(&fixture.breaker, 0)).join().unwrap()));
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::HalfOpen);
}

#[test]
fn a_panic_in_an_inner_call_ends_both_calls() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let breaker = &fixture.breaker;
    let panics = || -> Answer { breaker.call(|| panic!("user code")) };
    assert!(catch_panic(|| breaker.call(panics)).is_err());
    assert_eq!((fixture.calls_in_flight(), breaker.snapshot().totals.failures), (0, 2));
    breaker.reset();
    let _permit = fixture.permit();
    assert_eq!(recurse(breaker, 0).unwrap_err().kind(), ErrorKind::BulkheadFull);
}

#[test]
fn an_inner_call_of_a_trial_times_out() {
    let fixture = Fixture::with(
        settings().half_open_max_calls(1).call_timeout(seconds(2)).half_open_timeout(seconds(60)),
    );
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let mut outer = pin!(fixture.breaker.call_async(async {
        // The outer call has the same limit, so the error of the inner call is observed first.
        let mut inner = pin!(fixture.breaker.call_async(pending::<Answer>()));
        assert!(poll_once(inner.as_mut()).is_pending());
        fixture.clock.advance(seconds(2));
        inner.await
    }));
    let std::task::Poll::Ready(Err(error)) = poll_once(outer.as_mut()) else { panic!("it has no limit") };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn circuits_of_other_keys_are_not_inside_the_trial() {
    let config = Config::builder().failure_threshold(1).half_open_max_calls(1).recovery_timeout(RECOVERY);
    let clock = breaker_runtime::testing::Clock::new();
    let registry = Registry::with_clock(&clock);
    let shops = registry.register_keyed("shop", config.build().unwrap(), 10).unwrap();
    for key in ["one", "two"] {
        shops.get(key).try_acquire().unwrap().settle(Outcome::Failure);
    }
    clock.advance(RECOVERY);
    let (one, two) = (shops.get("one"), shops.get("two"));
    let _trial = two.try_acquire().unwrap();
    let answer = one.call(|| recurse(&shops.get("one"), 1).and_then(|_| recurse(&two, 0)));
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::HalfOpen);
}

#[test]
fn a_failure_that_passes_through_two_calls_of_a_closed_circuit_counts_twice() {
    let fixture = Fixture::with(settings().failure_threshold(5));
    let fail = || fixture.breaker.call_with(|_| Outcome::Failure, || 0);
    _ = fixture.breaker.call_with(|_| Outcome::Failure, fail);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 2);
}

/// Makes a call of the breaker when it is dropped, like a transaction that is rolled back.
struct CallsOnDrop<'a> {
    breaker: &'a CircuitBreaker,
    answers: &'a std::sync::Mutex<Vec<Option<ErrorKind>>>,
}

impl Drop for CallsOnDrop<'_> {
    fn drop(&mut self) {
        let answer = recurse(self.breaker, 0).err().map(|error| error.kind());
        self.answers.lock().unwrap().push(answer);
    }
}

#[test]
fn a_call_made_while_a_cancelled_or_timed_out_call_is_dropped_runs_in_its_slot() {
    let limited = settings().max_concurrent(1).max_wait(Duration::MAX);
    for settings in [limited.clone(), limited.call_timeout(seconds(2))] {
        let (fixture, answers) = (Fixture::with(settings), std::sync::Mutex::default());
        let breaker = &fixture.breaker;
        let transaction = || {
            breaker.call_async(async {
                let _rolls_back = CallsOnDrop { breaker, answers: &answers };
                pending::<Answer>().await
            })
        };
        let mut cancelled = Box::pin(transaction());
        assert!(poll_once(cancelled.as_mut()).is_pending());
        drop(cancelled);
        let mut timed_out = Box::pin(transaction());
        assert!(poll_once(timed_out.as_mut()).is_pending());
        fixture.clock.advance(seconds(2));
        _ = poll_once(timed_out.as_mut());
        drop(timed_out);
        assert_eq!(*answers.lock().unwrap(), [None, None]);
        assert_eq!(fixture.calls_in_flight(), 0);
        // Nothing is left in scope: the next call needs a slot of its own.
        let _permit = fixture.permit();
        assert_eq!(breaker.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
    }
}

#[tokio::test]
async fn a_call_made_while_an_annotated_call_is_dropped_runs_in_its_slot() {
    #[circuit_breaker(name = "nested/transaction", max_concurrent = 1, max_wait = "1h")]
    async fn transaction() -> Answer {
        struct RollsBack;
        impl Drop for RollsBack {
            fn drop(&mut self) {
                assert_eq!(rollback().unwrap(), 7);
            }
        }
        let _rolls_back = RollsBack;
        pending().await
    }
    #[circuit_breaker(name = "nested/transaction", max_concurrent = 1, max_wait = "1h")]
    fn rollback() -> Answer {
        Ok(7)
    }
    #[circuit_breaker(name = "nested/transaction", max_concurrent = 1, max_wait = "1h", fallback = cached)]
    async fn with_fallback(number: u32) -> Answer {
        _ = number;
        transaction().await
    }
    async fn cached(number: u32) -> Answer {
        tokio::task::yield_now().await;
        Ok(number)
    }
    {
        let mut call = pin!(transaction());
        assert!(poll_once(call.as_mut()).is_pending());
    }
    {
        let mut call = pin!(with_fallback(1));
        assert!(poll_once(call.as_mut()).is_pending());
    }
    assert_eq!(Registry::global().get("nested/transaction").unwrap().snapshot().totals.successes, 2);
}

#[test]
fn a_permit_acquired_inside_a_call_needs_a_slot_of_its_own() {
    let full = Fixture::with(settings().max_concurrent(1));
    let answer = full.breaker.call(|| full.breaker.try_acquire().map(drop));
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::BulkheadFull);
    let fixture = one_trial();
    let answer = fixture.breaker.call(|| fixture.breaker.try_acquire().map(drop));
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::HalfOpen);
}

#[test]
fn a_listener_that_runs_while_a_waiting_call_gets_its_slot_can_call_the_circuit() {
    let settings = settings().failure_threshold(1).max_concurrent(1).max_wait(Duration::MAX);
    let fixture = Fixture::with(settings);
    let running = fixture.permit();
    let mut waiting = pin!(fixture.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    running.settle(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    let clone = fixture.breaker.clone();
    let _subscription = fixture.breaker.listen(move |_: &breaker_runtime::Event| {
        assert_eq!(recurse(&clone, 0).unwrap(), 0);
    });
    // The waiting call becomes a trial call, and the listener is notified while it holds the only slot.
    assert!(poll_once(waiting.as_mut()).is_ready());
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.successes, snapshot.calls_in_flight), (2, Some(0)));
}

#[test]
fn a_listener_of_a_waiting_call_that_a_ramp_rejects_can_call_the_circuit() {
    let settings = settings().failure_threshold(1).max_concurrent(1).max_wait(Duration::MAX);
    let settings = settings.half_open_max_calls(2).success_threshold(1).ramp(Duration::from_secs(1_000_000));
    let fixture = Fixture::with(settings);
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    let mut waiting = pin!(fixture.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    trial.settle(Outcome::Success);
    let clone = fixture.breaker.clone();
    let _subscription = fixture.breaker.listen_to_calls(CallEvents::REJECTED, move |_: &CallEvent| {
        clone.force_close();
        assert_eq!(recurse(&clone, 0).unwrap(), 0);
    });
    let Poll::Ready(Err(rejected)) = poll_once(waiting.as_mut()) else {
        panic!("the ramp admits almost no call");
    };
    assert_eq!(rejected.kind(), ErrorKind::Ramping);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.successes, snapshot.calls_in_flight), (2, Some(0)));
}
