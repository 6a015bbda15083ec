//! `retry_after`: the failure that opens a circuit says how long it stays open.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use breaker_runtime::testing::{Scope, scope, scope_async};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Registry, State, circuit_breaker};

use crate::support::{Fixture, RECOVERY, poll_once, seconds, settings};

/// The answer of a service that may say when to call again.
#[derive(Debug)]
enum Answer {
    Busy(u64),
    Down,
    Breaker(BreakerError),
}

impl From<BreakerError> for Answer {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

fn hint<T>(result: &Result<T, Answer>) -> Option<Duration> {
    match result {
        Err(Answer::Busy(wait)) => Some(seconds(*wait)),
        Err(Answer::Down | Answer::Breaker(_)) | Ok(_) => None,
    }
}

/// Returns how long the circuit of `name` stays open from now.
fn open_time(name: &str) -> Option<Duration> {
    let breaker = Registry::global().get(name).unwrap();
    assert_eq!(breaker.state(), State::Open);
    breaker.snapshot().retry_after
}

#[test]
fn only_the_failure_that_opens_the_circuit_is_evaluated_and_sets_the_open_time() {
    thread_local! {
        static EVALUATED: Cell<u32> = const { Cell::new(0) };
    }

    #[circuit_breaker(
        name = "hints/opening",
        failure_threshold = 3,
        retry_after = |result: &Result<u64, Answer>| {
            EVALUATED.set(EVALUATED.get() + 1);
            hint(result)
        }
    )]
    fn get(wait: u64) -> Result<u64, Answer> {
        if wait == 0 { Ok(1) } else { Err(Answer::Busy(wait)) }
    }

    scope(|_| {
        for wait in [0, 250, 0, 90, 80, 120] {
            _ = get(wait);
        }
        assert_eq!(open_time("hints/opening"), Some(seconds(120)));
        assert_eq!(EVALUATED.get(), 1);
        let opened = Registry::global().get("hints/opening").unwrap().snapshot().last_transition.unwrap();
        assert_eq!(opened.retry_after, Some(seconds(120)));
        assert!(opened.to_string().ends_with("; retry after 120s"), "{opened}");
        let Err(Answer::Breaker(error)) = get(0) else { panic!("the circuit is open") };
        assert_eq!(error.retry_after(), Some(seconds(120)));
    });
}

#[circuit_breaker(
    name = "hints/limits",
    failure_threshold = 1,
    recovery_timeout = "10s",
    backoff = 2.0,
    max_recovery_timeout = "60s",
    retry_after = hint
)]
fn limited(wait: u64) -> Result<u64, Answer> {
    match wait {
        0 => Err(Answer::Down),
        _ => Err(Answer::Busy(wait)),
    }
}

#[test]
fn a_hint_is_at_least_the_recovery_timeout_with_backoff_and_at_most_its_maximum() {
    for (wait, expected) in [(0, 10), (3, 10), (30, 30), (60, 60), (61, 60), (u64::MAX, 60)] {
        scope(|_| {
            _ = limited(wait);
            assert_eq!(open_time("hints/limits"), Some(seconds(expected)), "{wait}");
        });
    }
}

#[test]
fn the_hint_of_a_failed_trial_sets_the_open_time_too() {
    scope(|scope: Scope| {
        _ = limited(30);
        scope.advance(seconds(30));
        _ = limited(45);
        assert_eq!(open_time("hints/limits"), Some(seconds(45)));
        scope.advance(seconds(45));
        _ = limited(15); // shorter than the recovery timeout after two reopenings
        assert_eq!(open_time("hints/limits"), Some(seconds(40)));
        scope.advance(seconds(40));
        _ = limited(0);
        assert_eq!(open_time("hints/limits"), Some(seconds(60)));
    });
}

#[test]
fn jitter_does_not_shorten_a_hint() {
    for _ in 0..20 {
        let fixture = Fixture::with(settings().failure_threshold(1).jitter(1.0));
        fixture.permit().fail_with_retry_after("429", seconds(100));
        assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(100)));
    }
}

#[circuit_breaker(name = "hints/maximum", failure_threshold = 1, max_recovery_timeout = "100s", retry_after = hint)]
fn with_maximum(wait: u64) -> Result<u64, Answer> {
    Err(Answer::Busy(wait))
}

#[test]
fn max_recovery_timeout_limits_hints_without_a_backoff() {
    scope(|_| {
        _ = with_maximum(9999);
        assert_eq!(open_time("hints/maximum"), Some(seconds(100)));
    });
    let fixture = Fixture::with(settings().failure_threshold(1).max_recovery_timeout(seconds(40)));
    fixture.permit().fail_with_retry_after("429", Duration::MAX);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(40)));
}

#[circuit_breaker(name = "hints/async", failure_threshold = 1, retry_after = hint)]
async fn get_async(wait: u64) -> Result<u64, Answer> {
    tokio::task::yield_now().await;
    Err(Answer::Busy(wait))
}

#[circuit_breaker(name = "hints/key", failure_threshold = 1, key = host, retry_after = hint)]
async fn get_keyed(host: &str, wait: u64) -> Result<usize, Answer> {
    if wait == 0 { Ok(host.len()) } else { Err(Answer::Busy(wait)) }
}

#[circuit_breaker(
    name = "hints/conditions",
    failure_threshold = 1,
    failure_if(Err(Answer::Busy(seconds)) if *seconds > least),
    ignore_if = |result| matches!(result, Err(Answer::Down)),
    retry_after = |result| hint(result).map(|wait| wait * factor)
)]
async fn get_with_conditions(wait: u64, least: u64, factor: u32) -> Result<u64, Answer> {
    match wait {
        0 => Err(Answer::Down),
        _ => Err(Answer::Busy(wait)),
    }
}

#[circuit_breaker(name = "hints/fallback", failure_threshold = 1, retry_after = hint, fallback = cached)]
fn get_or_cached(wait: u64) -> Result<u64, Answer> {
    Err(Answer::Busy(wait))
}

#[circuit_breaker(name = "hints/async fallback", failure_threshold = 1, retry_after = hint, fallback = cached,
    call_timeout = "9s")]
async fn get_or_cached_async(wait: u64) -> Result<u64, Answer> {
    Err(Answer::Busy(wait))
}

#[circuit_breaker(name = "hints/short fallback", failure_threshold = 1, retry_after = hint, fallback = |_| Ok(7))]
async fn get_or_seven(wait: u64) -> Result<u64, Answer> {
    Err(Answer::Busy(wait))
}

#[circuit_breaker(name = "hints/on failure", failure_threshold = 1, retry_after = hint, fallback = |_| Ok(7),
    fallback_on = failure)]
fn get_or_seven_on_failure(wait: u64) -> Result<u64, Answer> {
    Err(Answer::Busy(wait))
}

#[circuit_breaker(name = "hints/async on failure", failure_threshold = 1, retry_after = hint, fallback = cached,
    fallback_on = failure)]
async fn get_or_cached_on_failure(wait: u64) -> Result<u64, Answer> {
    Err(Answer::Busy(wait))
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback has the return type of its function")]
fn cached(wait: u64) -> Result<u64, Answer> {
    Ok(wait)
}

#[circuit_breaker(name = "hints/option", failure_threshold = 1, failure_if = Option::is_none,
    retry_after = |found| found.is_none().then_some(wait), fallback = |_| None)]
fn find(wait: Duration) -> Option<u32> {
    None
}

#[async_trait]
trait Api {
    async fn get(&self, wait: u64) -> Result<u64, Answer>;
}

struct Remote;

#[async_trait]
impl Api for Remote {
    #[circuit_breaker(name = "hints/async_trait", failure_threshold = 1, retry_after = hint)]
    async fn get(&self, wait: u64) -> Result<u64, Answer> {
        Err(Answer::Busy(wait))
    }
}

#[tokio::test]
async fn every_form_of_a_function_takes_the_hint() {
    scope_async(async |_| {
        _ = get_async(101).await;
        _ = get_with_conditions(0, 0, 2).await;
        _ = get_with_conditions(3, 4, 2).await;
        _ = get_with_conditions(51, 4, 2).await;
        _ = get_or_cached(103);
        _ = get_or_cached_async(104).await;
        _ = get_or_seven(105).await;
        assert_eq!(get_or_seven_on_failure(106).unwrap(), 7);
        assert_eq!(get_or_cached_on_failure(107).await.unwrap(), 107);
        _ = find(seconds(108));
        _ = Remote.get(109).await;
        for (name, expected) in [
            ("hints/async", 101),
            ("hints/conditions", 102),
            ("hints/fallback", 103),
            ("hints/async fallback", 104),
            ("hints/short fallback", 105),
            ("hints/on failure", 106),
            ("hints/async on failure", 107),
            ("hints/option", 108),
            ("hints/async_trait", 109),
        ] {
            assert_eq!(open_time(name), Some(seconds(expected)), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_key_has_its_own_hint() {
    scope_async(async |_| {
        _ = get_keyed("a", 50).await;
        _ = get_keyed("b", 70).await;
        assert_eq!(get_keyed("long", 0).await.unwrap(), 4);
        let keyed = Registry::global().get_keyed("hints/key").unwrap();
        let waits = ["a", "b", "long"].map(|key| keyed.find(key).unwrap().snapshot().retry_after);
        assert_eq!(waits, [Some(seconds(50)), Some(seconds(70)), None]);
    })
    .await;
}

#[test]
fn a_function_of_an_existing_breaker_takes_the_hint() {
    #[circuit_breaker(breaker = breaker, retry_after = hint)]
    fn get(breaker: &CircuitBreaker, wait: u64) -> Result<u64, Answer> {
        Err(Answer::Busy(wait))
    }

    let fixture = Fixture::with(settings().failure_threshold(1));
    _ = get(&fixture.breaker, 64);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(64)));
}

#[test]
fn a_hint_that_panics_counts_as_a_failure_opens_the_circuit_and_unwinds() {
    #[circuit_breaker(name = "hints/panic", failure_threshold = 2, retry_after = |_| panic!("no header"))]
    fn get() -> Result<u64, Answer> {
        Err(Answer::Down)
    }

    scope(|_| {
        assert!(matches!(get(), Err(Answer::Down)));
        let payload = catch_unwind(AssertUnwindSafe(get)).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"no header"));
        assert_eq!(open_time("hints/panic"), Some(RECOVERY));
        let totals = Registry::global().get("hints/panic").unwrap().snapshot().totals;
        assert_eq!((totals.failures, totals.successes), (2, 0));
    });
}

#[test]
fn a_hint_that_panics_in_a_future_leaves_a_future_that_has_ended() {
    #[circuit_breaker(name = "hints/async panic", failure_threshold = 1, retry_after = |_| panic!("no header"))]
    async fn get() -> Result<u64, Answer> {
        Err(Answer::Down)
    }

    scope(|_| {
        let mut call = Box::pin(get());
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(call.as_mut()))).is_err());
        drop(call);
        let totals = Registry::global().get("hints/async panic").unwrap().snapshot().totals;
        assert_eq!((totals.failures, totals.ignored), (1, 0));
    });
}

#[test]
fn a_hint_runs_without_a_lock() {
    static EVALUATED: AtomicU32 = AtomicU32::new(0);

    #[circuit_breaker(breaker = breaker, retry_after = |_| {
        EVALUATED.fetch_add(1, Ordering::Relaxed);
        breaker.reset();
        drop(breaker.snapshot());
        None
    })]
    fn get(breaker: &CircuitBreaker) -> Result<u64, Answer> {
        Err(Answer::Down)
    }

    let breaker =
        CircuitBreaker::new("hints/lock", Config::builder().failure_threshold(1).build().unwrap()).unwrap();
    _ = get(&breaker);
    assert_eq!(EVALUATED.load(Ordering::Relaxed), 1);
    // The reset began another generation, so the failure no longer opens the circuit.
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_permit_fails_with_a_hint() {
    let fixture = Fixture::new();
    fixture.permit().fail_with_retry_after("503", seconds(200));
    fixture.permit().fail_with_retry_after("429\nslow down", seconds(100));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(seconds(100))));
    let opened = snapshot.last_transition.unwrap();
    assert_eq!(
        (opened.last_failure.as_deref(), opened.retry_after),
        (Some("429 slow down"), Some(seconds(100)))
    );

    fixture.clock.advance(seconds(100));
    fixture.permit().fail_with_retry_after("429", seconds(50));
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(50)));
}

#[test]
fn a_late_failure_has_no_effect_whatever_its_hint() {
    let fixture = Fixture::new();
    let late = fixture.permit();
    fixture.trip();
    late.fail_with_retry_after("429", seconds(250));
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(RECOVERY));
}
