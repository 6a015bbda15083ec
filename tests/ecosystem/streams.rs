//! `guard_stream`: the call of a permit lasts until its stream ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::integrations::stream::{GuardedStream, guard_stream};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Outcome, State, Totals, testing,
};

use crate::scripted_stream::Step::{self, Item, Panic, Pending};
use crate::scripted_stream::{Scripted, poll, scripted};

type Token = Result<u8, &'static str>;

const SECOND: Duration = Duration::from_secs(1);

fn circuit(settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("chat", settings.build().expect("settings in range")).expect("a valid name")
}

fn guarded<const N: usize>(
    breaker: &CircuitBreaker,
    steps: [Step<Token>; N],
) -> GuardedStream<Scripted<Token>> {
    guard_stream(breaker.try_acquire_owned().expect("the circuit is closed"), scripted(steps))
}

fn totals(breaker: &CircuitBreaker) -> Totals {
    breaker.snapshot().totals
}

/// Returns the successes, failures and ignored calls.
fn counts(breaker: &CircuitBreaker) -> [u64; 3] {
    let Totals { successes, failures, ignored, .. } = totals(breaker);
    [successes, failures, ignored]
}

fn last_failure(breaker: &CircuitBreaker) -> Option<String> {
    breaker.snapshot().last_transition?.last_failure.as_deref().map(ToOwned::to_owned)
}

#[test]
fn the_end_of_a_stream_is_a_success_of_its_call() {
    let breaker = circuit(Config::builder().max_concurrent(1));
    let mut stream = guarded(&breaker, [Item(Ok(1)), Pending, Item(Ok(2))]);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll(&mut stream), Poll::Pending);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(2))));
    assert_eq!((counts(&breaker), breaker.snapshot().calls_in_flight), ([0; 3], Some(1)));
    assert!(breaker.try_acquire().is_err(), "the stream has the only slot");
    assert_eq!(poll(&mut stream), Poll::Ready(None));
    assert_eq!((counts(&breaker), breaker.snapshot().calls_in_flight), ([1, 0, 0], Some(0)));
    drop(stream);
    assert_eq!(counts(&breaker), [1, 0, 0]);
}

#[test]
fn the_first_error_of_a_stream_is_a_failure_and_later_items_pass_through() {
    let breaker = circuit(Config::builder().failure_threshold(1));
    let mut stream = guarded(&breaker, [Item(Ok(1)), Item(Err("reset")), Item(Ok(2)), Item(Err("again"))]);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Err("reset"))));
    assert_eq!((breaker.state(), counts(&breaker)), (State::Open, [0, 1, 0]));
    assert_eq!(last_failure(&breaker).as_deref(), Some("&str"), "the type of the error");
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(2))));
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Err("again"))));
    assert_eq!(poll(&mut stream), Poll::Ready(None));
    drop(stream);
    assert_eq!(counts(&breaker), [0, 1, 0]);
}

#[test]
fn a_stream_that_is_dropped_while_its_consumer_handles_an_item_is_a_success() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().max_concurrent(1));
        let mut stream = guarded(&breaker, [Pending, Item(Ok(1))]);
        assert_eq!(poll(&mut stream), Poll::Pending);
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
        scope.advance(SECOND * 60);
        drop(stream);
        assert_eq!((counts(&breaker), breaker.snapshot().calls_in_flight), ([1, 0, 0], Some(0)));
        let unused = guarded(&breaker, [Item(Ok(1))]);
        scope.advance(SECOND * 60);
        drop(unused);
        assert_eq!(counts(&breaker), [1, 0, 1], "it was never polled");
    });
}

#[test]
fn a_stream_that_is_dropped_while_its_consumer_waits_fails_after_cancelled_after() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().failure_threshold(1).cancelled_after(SECOND * 5));
        let mut healthy = guarded(&breaker, [Pending, Item(Ok(1)), Pending]);
        assert_eq!(poll(&mut healthy), Poll::Pending);
        scope.advance(SECOND * 60);
        assert_eq!(poll(&mut healthy), Poll::Ready(Some(Ok(1))));
        assert_eq!(poll(&mut healthy), Poll::Pending);
        scope.advance(SECOND * 4);
        drop(healthy);
        assert_eq!(counts(&breaker), [0, 0, 1], "its last item was recent");
        let mut silent = guarded(&breaker, [Item(Ok(1)), Pending, Pending]);
        assert_eq!(poll(&mut silent), Poll::Ready(Some(Ok(1))));
        assert_eq!(poll(&mut silent), Poll::Pending);
        scope.advance(SECOND * 3);
        assert_eq!(poll(&mut silent), Poll::Pending);
        scope.advance(SECOND * 2);
        drop(silent);
        assert_eq!((counts(&breaker), breaker.state()), ([0, 1, 1], State::Open));
        let text = last_failure(&breaker).expect("a text");
        assert_eq!(text, "the caller cancelled the call after it had waited 5.0s for the next part");
    });
}

#[test]
fn a_stream_that_is_dropped_before_it_was_polled_is_a_cancelled_call_that_is_ignored() {
    let breaker = circuit(Config::builder().cancelled_after(Duration::from_nanos(1)));
    drop(guarded(&breaker, [Pending]));
    let cancellations = totals(&breaker).cancellations;
    assert_eq!((cancellations.ignored, cancellations.failures), (1, 0));
    assert_eq!(counts(&breaker), [0, 0, 1]);
}

#[test]
fn a_panic_of_a_stream_is_a_failure_and_one_of_its_consumer_is_not() {
    let breaker = circuit(Config::builder().failure_threshold(1).max_concurrent(1));
    let mut stream = guarded(&breaker, [Item(Ok(1)), Item(Ok(2)), Panic, Item(Ok(3))]);
    let consumer = catch_unwind(AssertUnwindSafe(|| {
        let mut stream = guarded(&circuit(Config::builder()), [Item(Ok(1))]);
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
        panic!("the consumer panics");
    }));
    assert!(consumer.is_err());
    let other = circuit(Config::builder());
    let consumer = catch_unwind(AssertUnwindSafe(|| {
        let mut stream = guarded(&other, [Item(Ok(1))]);
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
        panic!("the consumer panics");
    }));
    assert_eq!((consumer.is_err(), counts(&other)), (true, [1, 0, 0]));
    for item in [1, 2] {
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(item))));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut stream))).is_err());
    assert_eq!((counts(&breaker), breaker.state()), ([0, 1, 0], State::Open));
    assert_eq!(last_failure(&breaker).as_deref(), Some("the call panicked"));
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(3))), "later items pass through");
}

#[test]
fn errors_that_can_be_inspected_have_a_text_and_those_of_other_breakers_are_ignored() {
    let breaker = circuit(Config::builder().failure_threshold(1));
    let rejection = || BreakerError::new("search", ErrorKind::Open);
    let permit = || breaker.try_acquire_owned().expect("the circuit is closed");
    let mut plain = guard_stream(permit(), scripted([Item(Err::<(), _>(rejection()))])).inspect_errors();
    assert!(matches!(poll(&mut plain), Poll::Ready(Some(Err(_)))));
    assert_eq!(counts(&breaker), [0, 0, 1]);
    let wrapped = std::io::Error::other(rejection());
    let mut wrapped = guard_stream(permit(), scripted([Item(Err::<(), _>(wrapped))])).inspect_errors();
    assert!(matches!(poll(&mut wrapped), Poll::Ready(Some(Err(_)))));
    assert_eq!(counts(&breaker), [0, 0, 2]);
    let reset = std::io::Error::other("connection reset");
    let mut failed = guard_stream(permit(), scripted([Item(Err::<(), _>(reset))])).inspect_errors();
    assert!(matches!(poll(&mut failed), Poll::Ready(Some(Err(_)))));
    assert_eq!((counts(&breaker), breaker.state()), ([0, 1, 2], State::Open));
    assert_eq!(last_failure(&breaker).as_deref(), Some("connection reset"));
}

#[test]
fn a_classifier_decides_about_every_item_and_a_description_is_the_text() {
    let breaker = circuit(Config::builder().failure_threshold(1));
    let classify = |item: &Token| match item {
        Ok(0) => Outcome::Failure,
        Ok(9) => Outcome::Ignored,
        Ok(_) | Err(_) => Outcome::Success,
    };
    let mut stream = guarded(&breaker, [Item(Err("moderated")), Item(Ok(1))]).classify(classify);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Err("moderated"))));
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll(&mut stream), Poll::Ready(None));
    assert_eq!(counts(&breaker), [1, 0, 0]);
    let mut stream = guarded(&breaker, [Item(Ok(9)), Item(Ok(0))]).classify(classify);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(9))));
    assert_eq!(counts(&breaker), [1, 0, 1]);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(0))));
    assert_eq!(counts(&breaker), [1, 0, 1], "the call is settled");
    let mut stream =
        guarded(&breaker, [Item(Ok(0))]).classify(classify).describe(|item| format!("status {item:?}"));
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(0))));
    assert_eq!((counts(&breaker), breaker.state()), ([1, 1, 1], State::Open));
    assert_eq!(last_failure(&breaker).as_deref(), Some("status Ok(0)"));
}

#[test]
fn the_text_of_a_failure_does_not_depend_on_the_order_of_describe_and_classify() {
    let texts = |item: Token| {
        let breaker = circuit(Config::builder().failure_threshold(1));
        let text_after = |fail: &dyn Fn(GuardedStream<Scripted<Token>>)| {
            breaker.reset();
            fail(guarded(&breaker, [Item(item)]));
            assert_eq!(breaker.state(), State::Open);
            last_failure(&breaker)
        };
        let every = |_: &Token| Outcome::Failure;
        let text = |item: &Token| format!("{item:?}");
        [
            text_after(&|stream| _ = poll(&mut stream.describe(text).classify(every))),
            text_after(&|stream| _ = poll(&mut stream.classify(every).describe(text))),
            text_after(&|stream| _ = poll(&mut stream.classify(every))),
        ]
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(texts(Err("reset")), [some(r#"Err("reset")"#), some(r#"Err("reset")"#), some("&str")]);
    assert_eq!(texts(Ok(1)), [some("Ok(1)"), some("Ok(1)"), None]);
    let breaker = circuit(Config::builder().failure_threshold(1));
    let reset = scripted([Item(Err::<(), _>(std::io::Error::other("connection reset")))]);
    let permit = breaker.try_acquire_owned().expect("the circuit is closed");
    _ = poll(&mut guard_stream(permit, reset).inspect_errors().classify(|_| Outcome::Failure));
    assert_eq!(last_failure(&breaker).as_deref(), Some("connection reset"));
}

#[test]
fn a_panic_of_a_classifier_is_a_failure() {
    let breaker = circuit(Config::builder());
    let mut stream = guarded(&breaker, [Item(Ok(1))]).classify(|_| panic!("the classifier panics"));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut stream))).is_err());
    assert_eq!(counts(&breaker), [0, 1, 0]);
}

#[test]
fn a_stream_hangs_when_its_consumer_waits_too_long_for_one_item() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().hang(SECOND * 10));
        let mut stream =
            guarded(&breaker, [Pending, Item(Ok(1)), Pending, Item(Ok(2)), Pending, Item(Ok(3))]);
        for item in [1, 2] {
            assert_eq!(poll(&mut stream), Poll::Pending);
            scope.advance(SECOND * 9);
            assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(item))));
            scope.advance(SECOND * 60);
            assert_eq!(breaker.state(), State::Closed, "the consumer handles an item");
        }
        assert_eq!(poll(&mut stream), Poll::Pending);
        scope.advance(SECOND * 10);
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(3))));
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!((counts(&breaker), breaker.state()), ([1, 0, 0], State::Open));
    });
}

#[test]
fn the_duration_of_a_stream_is_the_time_for_which_its_consumer_waits() {
    testing::scope(|scope| {
        let slow = Config::builder().slow_call(SECOND * 5).window_calls(4).minimum_calls(4);
        let breaker = circuit(slow.durations(true));
        let slow_calls = || breaker.snapshot().window.map(|window| window.slow);
        let mut stream = guarded(&breaker, [Pending, Item(Ok(1)), Pending, Item(Ok(2)), Item(Ok(3))]);
        scope.advance(SECOND * 60);
        for item in [1, 2] {
            assert_eq!(poll(&mut stream), Poll::Pending);
            scope.advance(SECOND * 2);
            assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(item))));
            scope.advance(SECOND * 60);
        }
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(3))));
        scope.advance(SECOND * 60);
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!((counts(&breaker), slow_calls()), ([1, 0, 0], Some(0)), "four seconds");
        let durations = breaker.snapshot().durations.expect("durations are recorded");
        assert_eq!(durations.sum(), SECOND * 4);
        let mut stream = guarded(&breaker, [Pending]);
        assert_eq!(poll(&mut stream), Poll::Pending);
        scope.advance(SECOND * 5);
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!((counts(&breaker), slow_calls()), ([2, 0, 0], Some(1)));
    });
}

#[test]
fn a_trial_call_keeps_its_slot_until_its_stream_ends() {
    testing::scope(|scope| {
        let settings = Config::builder().failure_threshold(1).half_open_max_calls(1).success_threshold(1);
        let breaker = circuit(settings.recovery_timeout(SECOND).half_open_timeout(SECOND * 30));
        assert_eq!(poll(&mut guarded(&breaker, [Item(Err("down"))])), Poll::Ready(Some(Err("down"))));
        scope.advance(SECOND);
        let mut trial = guarded(&breaker, [Item(Ok(1))]);
        assert_eq!(poll(&mut trial), Poll::Ready(Some(Ok(1))));
        assert_eq!((breaker.state(), breaker.try_acquire().is_err()), (State::HalfOpen, true));
        scope.advance(SECOND * 29);
        assert_eq!(poll(&mut trial), Poll::Ready(None));
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn a_guarded_stream_has_the_size_hint_of_the_inner_stream_and_is_dropped_after_its_call() {
    use futures_util::Stream as _;
    use std::sync::atomic::Ordering;

    let breaker = circuit(Config::builder());
    let stream = guarded(&breaker, [Item(Ok(1)), Item(Ok(2))]);
    assert_eq!(stream.size_hint(), (1, Some(2)));
    assert_eq!(
        format!("{stream:?}"),
        r#"GuardedStream { call: Some(StreamedCall { name: "chat", is_trial: false }), .. }"#
    );
    let inner = scripted([Item(Ok::<u8, &str>(1))]);
    let is_dropped = inner.is_dropped.clone();
    let mut stream = guard_stream(breaker.try_acquire_owned().expect("closed"), inner);
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll(&mut stream), Poll::Ready(None));
    assert!(!is_dropped.load(Ordering::Relaxed));
    drop(stream);
    assert!(is_dropped.load(Ordering::Relaxed));
}

#[test]
fn a_guarded_stream_can_move_to_another_thread() {
    fn assert_free<T: Send + Sync + Unpin + 'static>(_: &T) {}

    let breaker = circuit(Config::builder());
    let mut stream = guarded(&breaker, [Item(Err("reset"))]);
    assert_free(&stream);
    let item = std::thread::spawn(move || poll(&mut stream)).join().expect("no panic");
    assert_eq!((item, counts(&breaker)), (Poll::Ready(Some(Err("reset"))), [0, 1, 0]));
}
