//! A circuit with `hang` opens because of a call that is still running.

mod limits;

use std::cell::RefCell;
use std::fmt;
use std::future::pending;
use std::mem::forget;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    BreakerError, Cause, Config, ConfigBuilder, ErrorKind, Event, Outcome, OwnedPermit, Registry, Settled,
    State, TripReason, circuit_breaker, testing,
};

use crate::support::{Fixture, NANO, RECOVERY, poll_once, seconds, settings};

const HANG: Duration = Duration::from_secs(10);
const ALMOST_HANG: Duration = Duration::from_nanos(9_999_999_999);

fn watched() -> ConfigBuilder {
    settings().hang(HANG)
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), BreakerError>> + 'a>>;

/// Returns an async call that has begun and never ends.
fn hanging(fixture: &Fixture) -> Call<'_> {
    let mut call: Call<'_> = Box::pin(fixture.breaker.call_async(pending()));
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

/// Checks that the circuit is open because of a hanging call.
fn assert_hung(fixture: &Fixture) {
    assert_eq!(fixture.breaker.state(), State::Open);
    let last = fixture.last_transition();
    assert_eq!(
        (last.cause, last.trip),
        (Cause::ThresholdReached, Some(TripReason::HangingCall { limit: HANG }))
    );
    assert_eq!(last.to_string(), "closed -> open: a call has been running for more than 10s");
}

#[test]
fn a_running_call_opens_the_circuit_at_exactly_its_time_limit() {
    let fixture = Fixture::with(watched());
    let call = hanging(&fixture);
    fixture.clock.advance(ALMOST_HANG);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.clock.advance(NANO);
    let error = fixture.breaker.try_acquire().unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Open, Some(RECOVERY)));
    assert_hung(&fixture);
    drop(call);
    assert_hung(&fixture);
}

#[test]
fn a_permit_and_a_sync_call_are_watched_too() {
    let fixture = Fixture::with(watched());
    let permit = fixture.permit();
    fixture.clock.advance(HANG);
    assert!(fixture.rejects());
    assert_hung(&fixture);
    permit.settle(Outcome::Success);

    let fixture = Fixture::with(watched());
    let inside = fixture.breaker.call_with(
        |_| Outcome::Success,
        || {
            fixture.clock.advance(HANG);
            fixture.breaker.try_acquire().map(drop).map_err(|error| error.kind())
        },
    );
    assert_eq!(inside.unwrap(), Err(ErrorKind::Open));
    assert_hung(&fixture);
}

#[test]
fn the_result_of_a_call_that_hung_counts_in_the_totals_only() {
    for outcome in [Outcome::Success, Outcome::Failure] {
        let fixture = Fixture::with(watched());
        let permit = fixture.permit();
        fixture.clock.advance(HANG);
        permit.settle(outcome);
        assert_hung(&fixture);
        let snapshot = fixture.breaker.snapshot();
        assert_eq!((snapshot.generation, snapshot.totals.successes + snapshot.totals.failures), (1, 1));
        fixture.clock.advance(RECOVERY);
        fixture.call_times(Outcome::Success, 2);
        assert_eq!(fixture.breaker.state(), State::Closed);
    }
}

#[test]
fn the_end_of_any_call_notices_a_hanging_one_and_is_late() {
    let fixture = Fixture::with(watched().failure_threshold(1));
    let old = hanging(&fixture);
    fixture.clock.advance(HANG - seconds(1));
    let young = fixture.permit();
    fixture.clock.advance(seconds(1));
    let changes = changes(&fixture);
    young.settle(Outcome::Failure);
    assert_hung(&fixture);
    assert_eq!(*changes.lock().unwrap(), ["closed -> open: a call has been running for more than 10s"]);
    drop(old);
}

/// Returns the changes that a listener receives.
fn changes(fixture: &Fixture) -> Arc<Mutex<Vec<String>>> {
    let changes = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&changes);
    let subscription = fixture.breaker.listen(move |event: &Event| {
        if let Event::StateChanged(change) = event {
            received.lock().unwrap().push(change.transition().to_string());
        }
    });
    forget(subscription);
    changes
}

#[test]
fn calls_that_end_in_time_open_nothing_however_many_overlap() {
    let fixture = Fixture::with(watched());
    let mut running = vec![fixture.permit()];
    for _ in 0..20 {
        fixture.clock.advance(HANG - seconds(5));
        running.push(fixture.permit());
        running.remove(0).settle(Outcome::Success);
    }
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.clock.advance(HANG);
    assert_hung(&fixture);
}

#[test]
fn cancelled_and_panicked_calls_are_no_longer_watched() {
    let fixture = Fixture::with(watched().failure_threshold(9));
    drop(hanging(&fixture));
    drop(fixture.permit());
    let panicking =
        crate::support::catch_panic(|| fixture.breaker.call_with(|()| Outcome::Success, || panic!("down")));
    assert!(panicking.is_err());
    fixture.call(Outcome::Ignored);
    fixture.clock.advance(seconds(100));
    assert_eq!(fixture.breaker.state(), State::Closed);
    assert!(!fixture.rejects());
}

#[test]
fn a_forgotten_permit_opens_the_circuit_once() {
    let fixture = Fixture::with(watched());
    forget(fixture.permit());
    fixture.clock.advance(HANG);
    assert!(fixture.rejects());
    assert_hung(&fixture);
    fixture.clock.advance(RECOVERY);
    fixture.call_times(Outcome::Success, 2);
    for _ in 0..10 {
        fixture.clock.advance(HANG);
        fixture.call(Outcome::Success);
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.changes.to(State::Open)), (State::Closed, 1));
}

#[test]
fn a_call_of_an_earlier_generation_does_not_open_a_later_one() {
    let fixture = Fixture::with(watched());
    let old = fixture.permit();
    fixture.breaker.force_close();
    fixture.clock.advance(HANG);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Success);
    let new = fixture.permit();
    old.settle(Outcome::Success);
    fixture.clock.advance(HANG);
    assert_hung(&fixture);
    drop(new);
}

#[test]
fn the_circuit_opens_when_the_call_has_run_too_long_and_not_when_that_is_noticed() {
    let fixture = Fixture::with(watched());
    let call = hanging(&fixture);
    fixture.clock.advance(HANG + RECOVERY - seconds(4));
    let changes = changes(&fixture);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(seconds(4))));
    assert_eq!((snapshot.time_in_state, snapshot.time_open), (RECOVERY - seconds(4), RECOVERY - seconds(4)));
    assert!(changes.lock().unwrap().is_empty(), "reading notifies no listener");
    assert_eq!(fixture.breaker.try_acquire().unwrap_err().retry_after(), Some(seconds(4)));
    assert_eq!(changes.lock().unwrap().len(), 1);
    drop(call);

    let fixture = Fixture::with(watched());
    let call = hanging(&fixture);
    fixture.clock.advance(HANG + RECOVERY);
    assert!(fixture.permit().is_trial(), "the recovery timeout has passed as well");
    drop(call);
}

#[test]
fn reading_shows_what_the_next_call_finds_and_changes_nothing() {
    let fixture = Fixture::with(watched().jitter(1.0).window_calls(9));
    fixture.call(Outcome::Failure);
    let call = hanging(&fixture);
    fixture.clock.advance(HANG);
    let read = [fixture.breaker.snapshot(), fixture.breaker.snapshot()];
    assert_eq!(read[0], read[1]);
    assert_eq!((read[0].generation, read[0].consecutive_failures, read[0].window.unwrap().calls), (1, 0, 0));
    _ = fixture.breaker.try_acquire();
    let found = fixture.breaker.snapshot();
    assert_eq!(
        (found.retry_after, found.generation, found.last_transition),
        (read[0].retry_after, read[0].generation, read[0].last_transition.clone())
    );
    drop(call);
}

#[test]
fn an_operator_finds_the_circuit_open() {
    let fixture = Fixture::with(watched());
    let call = hanging(&fixture);
    fixture.clock.advance(HANG);
    let changes = changes(&fixture);
    fixture.breaker.release();
    assert_hung(&fixture);
    fixture.breaker.operator("alice").force_close();
    let expected = [
        "closed -> open: a call has been running for more than 10s",
        "open -> closed: forced closed by alice",
    ];
    assert_eq!(*changes.lock().unwrap(), expected);
    assert_eq!(fixture.breaker.state(), State::Closed);
    drop(call);
}

#[test]
fn a_trial_call_has_its_lease_instead() {
    let fixture = Fixture::with(watched().half_open_timeout(seconds(25)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    fixture.clock.advance(seconds(24));
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.clock.advance(seconds(1));
    assert_eq!(
        (fixture.breaker.state(), fixture.last_transition().cause),
        (State::Open, Cause::LeaseExpired)
    );
    drop(trial);
}

#[test]
fn the_first_hang_applies_to_later_calls_and_a_new_one_to_running_calls() {
    let fixture = Fixture::with(settings());
    let unknown = fixture.permit();
    fixture.set_config(watched());
    fixture.clock.advance(HANG);
    assert_eq!(fixture.breaker.state(), State::Closed, "the call began before its time was limited");
    unknown.settle(Outcome::Success);

    let known = fixture.permit();
    fixture.set_config(settings().hang(seconds(60)));
    fixture.clock.advance(seconds(30));
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.set_config(watched());
    assert_hung(&fixture);
    assert_eq!(
        fixture.breaker.snapshot().time_in_state,
        Duration::ZERO,
        "it did not open before the new setting"
    );
    known.settle(Outcome::Success);
}

#[test]
fn the_failure_of_a_call_that_began_before_the_setting_does_not_hide_that_another_one_hung() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let unknown = fixture.permit();
    fixture.set_config(watched().failure_threshold(1));
    let hung = hanging(&fixture);
    fixture.clock.advance(HANG + seconds(5));
    let changes = changes(&fixture);
    assert_eq!(unknown.settle(Outcome::Failure), Settled::Late);
    assert_hung(&fixture);
    assert_eq!(fixture.breaker.snapshot().time_in_state, seconds(5));
    assert_eq!(*changes.lock().unwrap(), ["closed -> open: a call has been running for more than 10s"]);
    drop(hung);
}

#[test]
fn without_the_setting_running_calls_open_nothing_and_unlimited_ones_neither() {
    let unlimited = settings().hang(Duration::MAX).build().unwrap();
    assert_eq!((unlimited.hang(), &unlimited), (None, &settings().build().unwrap()));
    for config in [settings(), settings().hang(Duration::MAX)] {
        let fixture = Fixture::with(watched());
        let call = hanging(&fixture);
        fixture.set_config(config);
        let other = fixture.permit();
        fixture.clock.advance(Duration::MAX);
        fixture.call(Outcome::Success);
        assert_eq!(fixture.breaker.state(), State::Closed);
        drop((call, other));
    }
}

#[test]
fn calls_that_began_before_the_setting_was_removed_and_set_again_are_watched_correctly() {
    let fixture = Fixture::with(watched());
    let ended = fixture.permit();
    let running = fixture.permit();
    fixture.set_config(settings());
    ended.settle(Outcome::Success);
    let unknown = fixture.permit();
    fixture.clock.advance(ALMOST_HANG);
    fixture.set_config(watched());
    running.settle(Outcome::Success);
    fixture.clock.advance(seconds(100));
    assert_eq!(fixture.breaker.state(), State::Closed, "no watched call is running");
    unknown.settle(Outcome::Success);
}

#[test]
fn many_threads_leave_no_call_watched() {
    let breaker = breaker_runtime::CircuitBreaker::new(
        "threads",
        Config::builder().hang(seconds(3600)).build().unwrap(),
    );
    let breaker = breaker.unwrap();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..2000 {
                    let outer = breaker.try_acquire().unwrap();
                    breaker.try_acquire().unwrap().settle(Outcome::Success);
                    outer.settle(Outcome::Success);
                }
            });
        }
    });
    breaker.set_config(Config::builder().hang(NANO).build().unwrap());
    assert_eq!((breaker.state(), breaker.snapshot().totals.successes), (State::Closed, 16_000));
}

#[circuit_breaker(name = "hang/report", hang = "10s")]
async fn report(hangs: bool) -> Result<u32, BreakerError> {
    if hangs {
        pending::<()>().await;
    }
    Ok(1)
}

#[circuit_breaker(name = "hang/sync", hang = "10s", fallback = |_| 0)]
fn nested(depth: u32, scope: &testing::Scope) -> u32 {
    scope.advance(seconds(6));
    if depth == 0 { 1 } else { nested(depth - 1, scope) }
}

#[test]
fn annotated_functions_are_watched() {
    testing::scope(|scope| {
        let mut call = Box::pin(report(true));
        assert!(poll_once(call.as_mut()).is_pending());
        scope.advance(HANG);
        let Poll::Ready(Err(error)) = poll_once(Box::pin(report(false)).as_mut()) else {
            panic!("it is closed")
        };
        assert_eq!(error.kind(), ErrorKind::Open);
        testing::assert_state("hang/report", State::Open);
        assert_eq!(nested(0, &scope), 1);
        assert_eq!(nested(1, &scope), 1);
        // The outer call has run for twelve seconds when the innermost one begins.
        assert_eq!(nested(2, &scope), 0);
        testing::assert_state("hang/sync", State::Open);
    });
}

#[test]
fn an_opening_that_snapshots_have_shown_is_not_undone_by_another_limit() {
    let limit = |nanos| settings().hang(Duration::from_nanos(nanos)).build().unwrap();
    let breaker = Registry::new().register("payment", limit(1_000_000_000)).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for nanos in 0..4000 {
                let permit = breaker.try_acquire().unwrap();
                breaker.set_config(limit(1 + nanos % 500 * 40));
                breaker.set_config(limit(1_000_000_000));
                drop(permit);
                breaker.force_close();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let mut before = 0;
        while !is_over.load(Ordering::Relaxed) {
            let generation = breaker.snapshot().generation;
            assert!(generation >= before, "generation {generation} after {before}");
            before = generation;
        }
    });
}

#[test]
fn a_late_failure_does_not_hide_a_call_that_hangs_since_a_reset() {
    struct SlowText<'a> {
        fixture: &'a Fixture,
        hanging: RefCell<Vec<OwnedPermit>>,
    }
    impl fmt::Display for SlowText<'_> {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.fixture.breaker.reset();
            self.hanging.borrow_mut().extend(self.fixture.breaker.try_acquire_owned());
            self.fixture.clock.advance(HANG);
            out.write_str("down")
        }
    }
    let fixture = Fixture::with(watched().failure_threshold(1));
    let error = SlowText { fixture: &fixture, hanging: RefCell::default() };
    fixture.permit().fail(&error);
    assert_eq!(error.hanging.borrow().len(), 1);
    assert_hung(&fixture);
}
