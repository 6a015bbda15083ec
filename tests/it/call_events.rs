//! Events of single calls: which calls cause them, what they contain, and what a listener can do.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use breaker_runtime::testing::{Clock, Scope, scope};
use breaker_runtime::{
    BreakerError, CallEvent, CallEventKind, CallEvents, CircuitBreaker, ErrorKind, Event, FallbackCause,
    Outcome, Registry, State, Subscription, circuit_breaker,
};

use crate::support::{Fixture, RECOVERY, catch_panic, poll_once, seconds, settings};

/// The events that a listener received, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<CallEvent>>>);

impl Log {
    fn of(breaker: &CircuitBreaker, events: CallEvents) -> (Self, Subscription) {
        let log = Self::default();
        let subscription = breaker.listen_to_calls(events, log.listener());
        (log, subscription)
    }

    fn listener(&self) -> impl Fn(&CallEvent) + Send + Sync + 'static {
        let log = self.clone();
        move |event| log.0.lock().unwrap().push(event.clone())
    }

    fn take(&self) -> Vec<CallEventKind> {
        std::mem::take(&mut *self.0.lock().unwrap()).iter().map(|event| event.kind().clone()).collect()
    }
}

/// An error that a protected function can return.
#[derive(Debug)]
struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("unreachable")
    }
}

impl From<BreakerError> for Unreachable {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

fn failed(text: &str) -> CallEventKind {
    CallEventKind::Failed { text: Some(text.into()) }
}

fn rejected(kind: ErrorKind) -> CallEventKind {
    CallEventKind::Rejected(BreakerError::new("bench", kind))
}

#[test]
fn every_rejection_is_reported_with_its_error() {
    let Fixture { clock, breaker } = Fixture::with(settings().half_open_max_calls(1).max_concurrent(1));
    let (log, _subscription) = Log::of(&breaker, CallEvents::ALL);
    let running = breaker.try_acquire().unwrap();
    breaker.try_acquire().unwrap_err();
    running.settle(Outcome::Success);
    assert_eq!(log.take(), [rejected(ErrorKind::BulkheadFull)]);

    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().fail("down"));
    breaker.call(|| Ok::<_, BreakerError>(1)).unwrap_err();
    let mut events = log.take();
    let Some(CallEventKind::Rejected(error)) = events.pop() else { panic!("{events:?}") };
    assert!(error.to_string().contains("(2 failures in a row; last: down); call again in 30.0s"), "{error}");
    assert_eq!(events, [failed("down"), failed("down")]);

    clock.advance(RECOVERY);
    let trial = breaker.try_acquire().unwrap();
    let mut call = pin!(breaker.call_async(async { Ok::<_, BreakerError>(1) }));
    assert!(poll_once(call.as_mut()).is_ready());
    breaker.force_open();
    breaker.call_with(|_| Outcome::Success, || 1).unwrap_err();
    assert_eq!(log.take(), [rejected(ErrorKind::HalfOpen), rejected(ErrorKind::ForcedOpen)]);
    drop(trial);
}

#[test]
fn every_way_to_fail_is_reported_with_its_text() {
    let breaker = Fixture::with(settings().failure_threshold(100)).breaker;
    let (log, _subscription) = Log::of(&breaker, CallEvents::FAILED);
    breaker.try_acquire().unwrap().fail("the disk\nis full");
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    breaker.call(|| Err::<(), _>(BreakerError::new("other", ErrorKind::Open))).unwrap_err();
    let classify = |_: &u16| Outcome::Failure;
    breaker.call_with(classify, || 503).unwrap();
    breaker.call_with_text(classify, |status| format!("status {status}"), || 503).unwrap();
    catch_panic(|| breaker.call(|| -> Result<(), BreakerError> { panic!("in the body") })).unwrap_err();
    let mut future =
        pin!(breaker.call_async_with_text(classify, |status| format!("{status}!"), async { 500 }));
    assert!(poll_once(future.as_mut()).is_ready());
    let expected = [
        failed("the disk is full"),
        CallEventKind::Failed { text: None },
        failed("breaker_runtime::error::BreakerError"),
        CallEventKind::Failed { text: None },
        failed("status 503"),
        failed("the call panicked"),
        failed("500!"),
    ];
    assert_eq!(log.take(), expected);
    // Other outcomes are not.
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    drop(breaker.try_acquire().unwrap());
    assert_eq!(log.take(), []);
}

#[test]
fn a_call_whose_retry_after_panics_is_reported_before_the_panic_continues() {
    #[circuit_breaker(name = "events/hint", failure_threshold = 1, window = 10, slow_call = "1ms",
        retry_after = |_| panic!("no header"), half_open_max_calls = 1)]
    fn get(clock: &Clock) -> Result<u8, Unreachable> {
        clock.advance(seconds(1));
        Err(Unreachable)
    }

    scope(|scope: Scope| {
        let (log, clock) = (Log::default(), scope.clock());
        let events = CallEvents::FAILED | CallEvents::SLOW;
        let subscription = Registry::global().listen_to_calls(events, log.listener());
        let slow = CallEventKind::Slow { duration: seconds(1), outcome: Outcome::Failure };
        for _trip_and_failed_trial in 0..2 {
            let payload = catch_panic(|| get(clock)).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"no header"));
            assert_eq!(log.take(), [slow.clone(), failed("unreachable")]);
            assert_eq!(Registry::global().get("events/hint").unwrap().state(), State::Open);
            clock.advance(RECOVERY);
        }
        drop(subscription);
        let slow_only = Registry::global().listen_to_calls(CallEvents::SLOW, log.listener());
        assert!(catch_panic(|| get(clock)).is_err());
        assert_eq!(log.take(), [slow]);
        drop(slow_only);
    });
}

#[test]
fn a_text_function_sets_the_last_failure_and_runs_only_if_it_is_needed() {
    let breaker = Fixture::new().breaker;
    let formatted = Cell::new(0);
    let call = || {
        let text = |status: &u16| {
            formatted.set(formatted.get() + 1);
            format!("status {status}\n")
        };
        breaker.call_with_text(|_| Outcome::Failure, text, || 503).unwrap();
    };
    call();
    assert_eq!(formatted.get(), 0, "the failure changed nothing");
    call();
    assert_eq!(formatted.get(), 1);
    let opened = breaker.snapshot().last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some("status 503 "));

    breaker.reset();
    let (log, _subscription) = Log::of(&breaker, CallEvents::FAILED);
    call();
    call();
    assert_eq!(
        (formatted.get(), log.take().len()),
        (3, 2),
        "once for each failure, also for the one that opens"
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_and_a_late_cancellation_are_failures() {
    let registry = Registry::new();
    let config = settings().failure_threshold(100).call_timeout(seconds(5)).build().unwrap();
    let breaker = registry.register("bench", config).unwrap();
    let log = Log::default();
    let _subscription = registry.listen_to_calls(CallEvents::ALL, log.listener());
    let hang = || breaker.call_async(std::future::pending::<Result<(), BreakerError>>());
    hang().await.unwrap_err();
    tokio::time::timeout(seconds(2), hang()).await.unwrap_err();
    let expected = [
        failed("the call took longer than call_timeout"),
        failed("the caller cancelled the call after 2.0s"),
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_slow_call_is_reported_with_its_duration_and_outcome() {
    let config = settings().window_calls(100).slow_call(seconds(2)).slow_call_rate(1.0);
    let fixture = Fixture::with(config);
    let (log, _subscription) = Log::of(&fixture.breaker, CallEvents::ALL);
    fixture.call_taking(seconds(1), Outcome::Success);
    fixture.call_taking(seconds(2), Outcome::Success);
    fixture.call_taking(seconds(3), Outcome::Failure);
    let slow = |duration, outcome| CallEventKind::Slow { duration: seconds(duration), outcome };
    let none = CallEventKind::Failed { text: None };
    assert_eq!(log.take(), [slow(2, Outcome::Success), slow(3, Outcome::Failure), none]);
}

#[circuit_breaker(name = "call-events/rejected", fallback = |_| Err("also down"))]
fn with_fallback() -> Result<u8, &'static str> {
    Err("down")
}

#[circuit_breaker(name = "call-events/failure", fallback = cached, fallback_on = failure)]
async fn with_fallback_on_failure(text: &'static str) -> Result<u8, &'static str> {
    Err(text)
}

async fn cached(_: &'static str) -> Result<u8, &'static str> {
    std::future::ready(Ok(3)).await
}

#[circuit_breaker(name = "call-events/keyed", key = host, fallback = |_| 0)]
fn of_host(host: &str) -> usize {
    host.len()
}

#[test]
fn a_fallback_is_reported_with_its_cause_and_outcome() {
    let log = Log::default();
    let _subscription = Registry::global().listen_to_calls(CallEvents::FALLBACK_USED, {
        let add = log.listener();
        move |event: &CallEvent| {
            if event.name().starts_with("call-events/") {
                add(event);
            }
        }
    });
    let used = |cause, outcome| CallEventKind::FallbackUsed { cause, outcome };
    with_fallback().unwrap_err();
    assert_eq!(log.take(), [], "it runs for rejections only");
    Registry::global().get("call-events/rejected").unwrap().force_open();
    with_fallback().unwrap_err();
    let forced_open = FallbackCause::Breaker(ErrorKind::ForcedOpen);
    assert_eq!(log.take(), [used(forced_open, Outcome::Failure)]);

    let call = || {
        let mut call = pin!(with_fallback_on_failure("down"));
        assert!(poll_once(call.as_mut()).is_ready());
    };
    call();
    assert_eq!(log.take(), [used(FallbackCause::Failed, Outcome::Success)]);
    Registry::global().get("call-events/failure").unwrap().force_open();
    call();
    assert_eq!(log.take(), [used(forced_open, Outcome::Success)]);
    let totals = Registry::global().get("call-events/failure").unwrap().snapshot().totals;
    assert_eq!(totals.fallbacks.successes, 2, "each fallback leaves a trace in the totals as well");

    assert_eq!(of_host("eu-1"), 4);
    Registry::global().get_keyed("call-events/keyed").unwrap().get("eu-1").force_open();
    assert_eq!(of_host("eu-1"), 0);
    let event = log.0.lock().unwrap().pop().unwrap();
    assert_eq!((event.name(), event.key()), ("call-events/keyed", Some("eu-1")));
    let text = "circuit breaker \"call-events/keyed\" for \"eu-1\": a fallback was used because an operator forced the \
                circuit open: success";
    assert_eq!(event.to_string(), text);
}

#[test]
fn a_listener_receives_what_it_asks_for_until_its_subscription_is_dropped() {
    let registry = Registry::new();
    let [one, other] =
        ["one", "other"].map(|name| registry.register(name, settings().build().unwrap()).unwrap());
    let (all, of_one) = (Log::default(), Log::default());
    let subscription = registry.listen_to_calls(CallEvents::REJECTED, all.listener());
    one.listen_to_calls(CallEvents::FAILED | CallEvents::REJECTED, of_one.listener()).detach();
    let work = |breaker: &CircuitBreaker| {
        breaker.reset();
        breaker.try_acquire().unwrap().fail("down");
        breaker.force_open();
        breaker.try_acquire().unwrap_err();
    };
    [&one, &other].into_iter().for_each(work);
    assert_eq!((all.take().len(), of_one.take().len()), (2, 2));
    drop(subscription);
    [&one, &other].into_iter().for_each(work);
    assert_eq!((all.take().len(), of_one.take().len()), (0, 2));
    assert_eq!(format!("{:?}", CallEvents::FAILED | CallEvents::SLOW), "CallEvents(FAILED | SLOW)");
}

#[test]
fn a_call_is_counted_and_recorded_before_it_is_reported() {
    let breaker = Fixture::with(settings().failure_threshold(1)).breaker;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let _subscription = breaker.listen_to_calls(CallEvents::ALL, {
        let (breaker, seen) = (breaker.clone(), Arc::clone(&seen));
        move |_: &CallEvent| {
            let snapshot = breaker.snapshot();
            seen.lock().unwrap().push((snapshot.state, snapshot.totals.failures, snapshot.totals.rejected));
        }
    });
    breaker.try_acquire().unwrap().fail("down");
    breaker.try_acquire().unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [(State::Open, 1, 0), (State::Open, 1, 1)]);
}

#[test]
fn a_listener_that_panics_affects_neither_the_call_nor_other_listeners() {
    struct Bomb(Arc<AtomicU32>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("dropped");
        }
    }
    let breaker = Fixture::with(settings().max_concurrent(1)).breaker;
    let dropped = Arc::new(AtomicU32::new(0));
    let bomb = Bomb(Arc::clone(&dropped));
    let panics = breaker.listen_to_calls(CallEvents::ALL, move |_: &CallEvent| {
        std::panic::panic_any(Bomb(Arc::clone(&bomb.0)));
    });
    let (log, _subscription) = Log::of(&breaker, CallEvents::ALL);
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().fail("down"));
    breaker.try_acquire().unwrap_err();
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.failures, snapshot.totals.rejected), (2, 1));
    assert_eq!((snapshot.calls_in_flight, log.take().len()), (Some(0), 3));
    assert_eq!(dropped.load(Ordering::Relaxed), 3, "the payload of each panic is dropped");
    catch_panic(|| drop(panics)).unwrap_err();
    assert_eq!(dropped.load(Ordering::Relaxed), 4);
}

#[test]
fn calls_that_a_listener_makes_are_counted_and_not_reported() {
    let breaker = Fixture::with(settings().failure_threshold(100)).breaker;
    let count = Arc::new(AtomicU32::new(0));
    let _subscription = breaker.listen_to_calls(CallEvents::ALL, {
        let (breaker, count) = (breaker.clone(), Arc::clone(&count));
        move |_: &CallEvent| {
            count.fetch_add(1, Ordering::Relaxed);
            breaker.try_acquire().unwrap().fail("in the listener");
            breaker.force_open();
            breaker.try_acquire().unwrap_err();
            breaker.release();
        }
    });
    breaker.try_acquire().unwrap().fail("first");
    breaker.try_acquire().unwrap().fail("second");
    let totals = breaker.snapshot().totals;
    assert_eq!((count.load(Ordering::Relaxed), totals.failures, totals.rejected), (2, 4, 2));
}

#[test]
fn the_text_of_a_failure_can_use_the_breaker_while_failures_are_reported() {
    struct Caller(CircuitBreaker);
    impl fmt::Display for Caller {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.try_acquire().unwrap().fail(Self(self.0.clone()));
            out.write_str("nested")
        }
    }
    let breaker = Fixture::with(settings().failure_threshold(100)).breaker;
    let (log, _subscription) = Log::of(&breaker, CallEvents::ALL);
    breaker.try_acquire().unwrap().fail(Caller(breaker.clone()));
    assert_eq!(log.take(), [failed("nested")]);
    assert_eq!(breaker.snapshot().totals.failures, 2);
}

#[test]
fn a_listener_that_blocks_delays_no_call_of_another_thread() {
    let breaker = Fixture::with(settings().failure_threshold(100).max_concurrent(1)).breaker;
    let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let _subscription = breaker.listen_to_calls(CallEvents::FAILED, {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        move |event: &CallEvent| {
            if matches!(event.kind(), CallEventKind::Failed { text: Some(text) } if &**text == "blocks") {
                entered.wait();
                leave.wait();
            }
        }
    });
    let other = breaker.clone();
    let blocked = thread::spawn(move || other.try_acquire().unwrap().fail("blocks"));
    entered.wait();
    breaker.try_acquire().unwrap().fail("does not block");
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    breaker.force_open();
    assert_eq!(breaker.snapshot().totals.failures, 2);
    breaker.listen(|_: &Event| {}).detach();
    leave.wait();
    blocked.join().unwrap();
}

#[test]
fn the_circuit_of_a_key_with_a_listener_of_calls_is_not_evicted() {
    let hosts = Registry::new().register_keyed("hosts", settings().build().unwrap(), 1).unwrap();
    let subscription = hosts.get("a").listen_to_calls(CallEvents::ALL, |_: &CallEvent| {});
    assert_eq!(hosts.get("b").key(), None);
    drop(subscription);
    assert_eq!(hosts.get("b").key(), Some("b"));
}
