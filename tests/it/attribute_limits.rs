//! The limits `call_timeout`, `max_concurrent` and `max_wait`, and the arguments of a fallback that runs
//! because of them.

use std::pin::pin;

use breaker_runtime::{BreakerError, ErrorKind, Outcome, Registry, Snapshot, State, circuit_breaker};

use crate::support::{catch_panic, poll_once};

fn snapshot(name: &str) -> Snapshot {
    Registry::global().get(name).unwrap().snapshot()
}

#[circuit_breaker(name = "limits/concurrent", max_concurrent = 1, fallback = |_| 0)]
fn alone() -> u32 {
    1
}

#[test]
fn a_call_that_finds_the_bulkhead_full_is_rejected_and_not_a_failure() {
    assert_eq!(alone(), 1);
    let breaker = Registry::global().get("limits/concurrent").unwrap();
    let running = breaker.try_acquire().unwrap();
    assert_eq!(alone(), 0);
    running.settle(Outcome::Success);
    assert_eq!(alone(), 1);
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.rejections.bulkhead), (3, 0, 1));
}

#[circuit_breaker(name = "limits/waits", max_concurrent = 1, max_wait = "1h")]
async fn one_by_one(number: u32) -> Result<u32, BreakerError> {
    tokio::task::yield_now().await;
    Ok(number)
}

#[tokio::test]
async fn a_call_can_wait_for_a_slot() {
    let (one, two) = tokio::join!(one_by_one(1), one_by_one(2));
    assert_eq!((one.unwrap(), two.unwrap()), (1, 2));
}

#[derive(Debug, PartialEq)]
struct Kind(ErrorKind);

impl From<BreakerError> for Kind {
    fn from(error: BreakerError) -> Self {
        Self(error.kind())
    }
}

#[circuit_breaker(name = "limits/timeout", call_timeout = "1ms", failure_threshold = 2)]
async fn hangs(hang: bool) -> Result<u32, Kind> {
    if hang {
        std::future::pending::<()>().await;
    }
    Ok(1)
}

#[tokio::test]
async fn a_call_that_exceeds_call_timeout_is_stopped_and_counts_as_a_failure() {
    assert_eq!(hangs(false).await, Ok(1));
    assert_eq!(hangs(true).await, Err(Kind(ErrorKind::TimedOut)));
    assert_eq!(hangs(true).await, Err(Kind(ErrorKind::TimedOut)));
    assert_eq!(hangs(false).await, Err(Kind(ErrorKind::Open)));
    assert_eq!(Registry::global().get("limits/timeout").unwrap().snapshot().totals.timeouts, 2);
}

struct Shop {
    region: &'static str,
}

impl Shop {
    #[circuit_breaker(name = "limits/path", call_timeout = "1ms", fallback = Self::cached)]
    async fn price(&self, order: String, note: &str, mut times: Vec<u32>) -> String {
        times.push(order.len().try_into().unwrap());
        drop(order);
        std::future::pending::<()>().await;
        format!("{}{note}{times:?}", self.region)
    }

    async fn cached(&self, order: String, note: &str, times: Vec<u32>) -> String {
        tokio::task::yield_now().await;
        format!("{} {order} {note} {times:?}", self.region)
    }
}

#[tokio::test]
async fn a_path_fallback_receives_the_original_arguments() {
    let shop = Shop { region: "eu" };
    let call = || shop.price("tea".to_owned(), "now", vec![1]);
    assert_eq!(call().await, "eu tea now [1]");
    Registry::global().get("limits/path").unwrap().force_open();
    assert_eq!(call().await, "eu tea now [1]");
}

/// A value that cannot be cloned.
struct Unique(u32);

#[circuit_breaker(
    name = "limits/closure",
    call_timeout = "1ms",
    fallback = |error| {
        left.push('!');
        (format!("{left}{type}{:>width$}", error.kind() == ErrorKind::TimedOut), unique)
    }
)]
async fn closure(
    (mut left, right): (String, Unique),
    r#type: Box<str>,
    unique: u32,
    #[cfg(not(any()))] width: usize,
    #[cfg(any())] nowhere: u32,
    other: &mut Unique,
) -> (String, u32) {
    left.push_str(&r#type);
    drop(r#type);
    other.0 += right.0;
    std::future::pending::<()>().await;
    (left, unique + u32::try_from(width).unwrap())
}

#[tokio::test]
async fn a_closure_fallback_clones_only_the_arguments_it_names() {
    let mut other = Unique(1);
    let result = closure(("a".to_owned(), Unique(2)), "b".into(), 7, 5, &mut other).await;
    assert_eq!((result, other.0), (("a!b true".to_owned(), 7), 3));
}

#[circuit_breaker(name = "limits/shadowed", call_timeout = "1ms", fallback = |unique| unique.name().len())]
async fn shadowed(unique: Unique, name: Unique) -> usize {
    std::future::pending::<()>().await;
    usize::try_from(unique.0 + name.0).unwrap()
}

#[tokio::test]
async fn a_closure_parameter_or_method_name_is_not_mistaken_for_an_argument() {
    assert_eq!(shadowed(Unique(1), Unique(2)).await, "limits/shadowed".len());
}

#[circuit_breaker(name = "limits/never", call_timeout = "1ms", fallback = |error| panic!("{error}"))]
async fn never(text: String) -> ! {
    std::future::pending::<()>().await;
    panic!("{text}")
}

#[circuit_breaker(name = "limits/dyn", call_timeout = "1ms", fallback = |_| Box::new(text.clone()))]
async fn boxed(text: impl std::fmt::Display + Clone + Send + 'static) -> Box<dyn std::fmt::Display + Send> {
    std::future::pending::<()>().await;
    Box::new(text)
}

#[tokio::test]
async fn a_call_of_every_return_type_can_time_out() {
    assert!(tokio::spawn(never(String::new())).await.is_err());
    assert_eq!(tokio::spawn(boxed('x')).await.unwrap().to_string(), "x");
}

struct Fragile(String);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(self.0 != "broken", "Clone of an argument");
        Self(self.0.clone())
    }
}

#[circuit_breaker(name = "limits/fragile", call_timeout = "1h", max_concurrent = 1, fallback = kept)]
async fn fragile(order: Fragile) -> u32 {
    drop(order.0);
    1
}

fn kept(_order: Fragile) -> u32 {
    0
}

#[tokio::test]
async fn a_panicking_clone_of_an_argument_leaks_no_slot() {
    let call = |order: &str| tokio::spawn(fragile(Fragile(order.to_owned())));
    assert_eq!(call("whole").await.unwrap(), 1);
    for ignored in 1..=3 {
        assert!(call("broken").await.is_err());
        let snapshot = snapshot("limits/fragile");
        assert_eq!((snapshot.calls_in_flight, snapshot.totals.calls()), (Some(0), 1 + ignored));
        assert_eq!((snapshot.totals.successes, snapshot.totals.ignored), (1, ignored));
    }
    assert_eq!(call("whole").await.unwrap(), 1);
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a predicate takes a reference")]
fn panics_at_seven(number: &u32) -> bool {
    assert!(*number != 7, "seven");
    false
}

#[circuit_breaker(name = "limits/classified", max_concurrent = 1, failure_if = panics_at_seven, fallback = |_| 0)]
fn classified(number: u32) -> u32 {
    number
}

#[circuit_breaker(name = "limits/classified, async", max_concurrent = 1, ignore_if(it if panics_at_seven(it)), fallback = |_| 0)]
async fn classified_async(number: u32) -> u32 {
    number
}

#[circuit_breaker(
    name = "limits/classified, timeout",
    max_concurrent = 1,
    max_wait = "1ns",
    call_timeout = "1h",
    failure_if = |number| *number > 9 || panics_at_seven(number),
    fallback = |_| 0
)]
async fn classified_with_timeout(number: u32) -> u32 {
    number
}

#[tokio::test]
async fn a_panicking_classifier_leaks_no_slot() {
    for _ in 0..3 {
        assert!(catch_panic(|| classified(7)).is_err());
        assert!(
            tokio::spawn(classified_async(7)).await.is_err()
                && tokio::spawn(classified_with_timeout(7)).await.is_err()
        );
    }
    for name in ["limits/classified", "limits/classified, async", "limits/classified, timeout"] {
        let snapshot = snapshot(name);
        assert_eq!((snapshot.totals.failures, snapshot.calls_in_flight), (3, Some(0)), "{name}");
    }
    assert_eq!((classified(1), classified_async(2).await, classified_with_timeout(3).await), (1, 2, 3));
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct PanickingError;

impl std::fmt::Display for PanickingError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("Display of an error")
    }
}

impl From<BreakerError> for PanickingError {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[circuit_breaker(name = "limits/panicking_error", max_concurrent = 1, failure_threshold = 1)]
fn panicking_error() -> Result<(), PanickingError> {
    Err(PanickingError)
}

#[test]
fn a_panicking_display_of_an_error_opens_the_circuit_and_leaks_no_slot() {
    panicking_error().unwrap_err();
    let snapshot = snapshot("limits/panicking_error");
    assert_eq!((snapshot.state, snapshot.calls_in_flight), (State::Open, Some(0)));
}

/// A value that panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("Drop of an argument");
    }
}

#[circuit_breaker(name = "limits/drop", max_concurrent = 1, fallback = |_| 0)]
fn dropped(argument: Option<PanicsOnDrop>) -> u32 {
    u32::from(argument.is_none())
}

#[circuit_breaker(name = "limits/drop, async", max_concurrent = 1, fallback = |_| 0)]
async fn cancelled(argument: Option<PanicsOnDrop>) -> u32 {
    tokio::task::yield_now().await;
    u32::from(argument.is_none())
}

#[tokio::test]
async fn a_panicking_drop_of_an_argument_leaks_no_slot() {
    for _ in 0..3 {
        assert!(catch_panic(|| dropped(Some(PanicsOnDrop))).is_err());
        let cancel = || assert!(poll_once(pin!(cancelled(Some(PanicsOnDrop)))).is_pending());
        assert!(catch_panic(cancel).is_err());
    }
    let (run, cancelled_run) = (snapshot("limits/drop"), snapshot("limits/drop, async"));
    assert_eq!((run.totals.failures, run.calls_in_flight), (3, Some(0)));
    assert_eq!((cancelled_run.totals.ignored, cancelled_run.calls_in_flight), (3, Some(0)));
    assert_eq!((dropped(None), cancelled(None).await), (1, 1));
}
