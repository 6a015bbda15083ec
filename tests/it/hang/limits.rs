//! `hang` beside other limits, modes and keys.

use std::future::pending;
use std::mem::forget;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{BreakerError, ErrorKind, Mode, Outcome, Registry, Settled, State, testing};

use super::{ALMOST_HANG, Call, HANG, assert_hung, hanging, watched};
use crate::support::{Fixture, NANO, RECOVERY, poll_once, seconds, settings};

#[test]
fn the_time_of_waiting_for_a_slot_is_not_included() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    let first = fixture.permit();
    let mut second: Call<'_> = Box::pin(fixture.breaker.call_async(pending()));
    assert!(poll_once(second.as_mut()).is_pending());
    fixture.set_config(watched().max_concurrent(1).max_wait(Duration::MAX));
    fixture.clock.advance(HANG);
    first.settle(Outcome::Success);
    assert!(poll_once(second.as_mut()).is_pending());
    fixture.clock.advance(ALMOST_HANG);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.clock.advance(NANO);
    assert_hung(&fixture);
    drop(second);
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_call_that_waits_is_rejected_when_another_one_hangs() {
    let fixture = Fixture::with(watched().max_concurrent(2).max_wait(Duration::MAX));
    let hung = hanging(&fixture);
    fixture.clock.advance(HANG - seconds(1));
    let other = fixture.permit();
    let mut waiting: Call<'_> = Box::pin(fixture.breaker.call_async(async { Ok(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    other.settle(Outcome::Success);
    fixture.clock.advance(seconds(1));
    let Poll::Ready(Err(error)) = poll_once(waiting.as_mut()) else { panic!("the call was not rejected") };
    assert_eq!((error.kind(), fixture.calls_in_flight()), (ErrorKind::Open, 1));
    drop(hung);
}

#[test]
fn a_call_that_waits_notices_by_itself_that_another_one_hangs() {
    let fixture = Fixture::with(watched().max_concurrent(1).max_wait(Duration::MAX));
    let hung = hanging(&fixture);
    let mut waiting: Call<'_> = Box::pin(fixture.breaker.call_async(async { Ok(()) }));
    assert!(poll_once(waiting.as_mut()).is_pending());
    fixture.clock.advance(ALMOST_HANG);
    assert!(poll_once(waiting.as_mut()).is_pending());
    fixture.clock.advance(NANO);
    let Poll::Ready(Err(error)) = poll_once(waiting.as_mut()) else { panic!("the call still waits") };
    assert_eq!(error.kind(), ErrorKind::Open);
    drop(hung);
}

#[test]
fn a_thread_that_waits_is_rejected_when_a_running_call_hangs_although_no_other_call_arrives() {
    let fixture = Fixture::with(watched().max_concurrent(1).max_wait(Duration::MAX));
    forget(fixture.permit());
    let kind = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fixture.breaker.call(|| Ok::<_, BreakerError>(())).unwrap_err().kind());
        while !waiting.is_finished() {
            fixture.clock.advance(HANG);
            std::thread::yield_now();
        }
        waiting.join().unwrap()
    });
    assert_eq!(kind, ErrorKind::Open);
}

#[test]
fn a_call_that_hung_in_an_earlier_generation_does_not_stop_a_load_balancer() {
    let fixture = Fixture::with(watched());
    let hung = hanging(&fixture);
    fixture.breaker.reset();
    fixture.clock.advance(HANG + HANG);
    assert_eq!((fixture.breaker.state(), fixture.breaker.would_admit()), (State::Closed, true));
    drop(hung);

    let fixture = Fixture::with(watched());
    let hung = hanging(&fixture);
    fixture.clock.advance(HANG);
    assert_eq!((fixture.breaker.state(), fixture.breaker.would_admit()), (State::Open, false));
    fixture.clock.advance(RECOVERY);
    assert!(fixture.breaker.would_admit(), "a trial call is due");
    assert!(fixture.permit().is_trial());
    drop(hung);
}

#[test]
fn shadow_mode_opens_and_rejects_nothing() {
    let fixture = Fixture::with(watched().mode(Mode::Shadow));
    let call = hanging(&fixture);
    fixture.clock.advance(HANG);
    assert!(!fixture.rejects());
    assert_hung(&fixture);
    assert_eq!(fixture.breaker.snapshot().shadow_rejections, 1);
    drop(call);
}

#[test]
fn a_hanging_call_reopens_a_ramp_with_backoff() {
    let fixture = Fixture::with(watched().ramp(seconds(1000)).backoff(2.0));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture.call_times(Outcome::Success, 2);
    let call = std::iter::repeat_with(|| fixture.breaker.try_acquire()).flatten().next().unwrap();
    fixture.clock.advance(HANG);
    assert_hung(&fixture);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(2 * RECOVERY));
    drop(call);
}

#[test]
fn a_call_with_a_time_limit_is_stopped_before_it_hangs() {
    let fixture = Fixture::with(watched().call_timeout(seconds(5)));
    let mut call = hanging(&fixture);
    fixture.clock.advance(seconds(5));
    assert!(poll_once(call.as_mut()).is_ready());
    drop(call);
    fixture.clock.advance(HANG);
    assert_eq!(fixture.breaker.state(), State::Closed);
    assert_eq!(fixture.breaker.snapshot().totals.timeouts, 1);
}

#[test]
fn a_hanging_call_of_one_key_opens_only_its_circuit() {
    let clock = testing::Clock::new();
    let hosts = Registry::with_clock(&clock).register_keyed("host", watched().build().unwrap(), 9).unwrap();
    let (eu, us) = (hosts.get("eu"), hosts.get("us"));
    let hung = eu.try_acquire().unwrap();
    clock.advance(HANG);
    assert!(eu.try_acquire().is_err() && us.try_acquire().is_ok());
    assert_eq!(hosts.snapshot().state, State::Open);
    drop(hung);
}

#[test]
fn a_circuit_in_which_a_call_hangs_is_not_evicted_as_a_clean_one() {
    let clock = testing::Clock::new();
    let hosts = Registry::with_clock(&clock).register_keyed("host", watched().build().unwrap(), 1).unwrap();
    forget(hosts.get("eu").try_acquire());
    clock.advance(HANG);
    assert_eq!(hosts.get("us").key(), None);
    assert_eq!(hosts.find("eu").unwrap().state(), State::Open);
}

#[test]
fn the_late_success_of_an_older_trial_notices_that_a_call_hangs() {
    let fixture = Fixture::with(watched().success_threshold(1).half_open_timeout(NANO));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let (late, passed) = (fixture.permit(), fixture.permit());
    passed.settle(Outcome::Success);
    let hung = hanging(&fixture);
    fixture.clock.advance(HANG);
    assert_eq!(late.settle(Outcome::Success), Settled::Late);
    assert_hung(&fixture);
    drop(hung);
}
