//! Fallbacks that also run after failed calls: `fallback_on = failure`.

use std::fmt::Display;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};

use breaker_runtime::{BreakerError, CallError, ErrorKind, Registry, Totals, circuit_breaker};
use tokio::sync::oneshot::{Receiver, channel};

use crate::support::{catch_panic, poll_once};

fn totals(name: &str) -> Totals {
    Registry::global().get(name).unwrap().snapshot().totals
}

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

#[derive(Clone, Debug, PartialEq)]
enum Fault {
    Down,
    Invalid,
}

impl Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{self:?}")
    }
}

type Answer = Result<u32, Fault>;

#[circuit_breaker(name = "on/path", ignore_if(Err(Fault::Invalid)), fallback = cached, fallback_on = failure)]
fn price(answer: Answer, note: &str, by: u32) -> Answer {
    _ = note;
    Ok(answer? * by)
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "a fallback has the signature of its function"
)]
fn cached(answer: Answer, note: &str, by: u32) -> Answer {
    Ok(100 + by + u32::try_from(note.len()).unwrap() + u32::from(answer.is_err()))
}

#[test]
fn a_path_fallback_runs_after_failures_and_rejections_with_the_original_arguments() {
    assert_eq!(price(Ok(2), "note", 3), Ok(6));
    assert_eq!(price(Err(Fault::Down), "note", 3), Ok(108));
    assert_eq!(price(Err(Fault::Invalid), "note", 3), Err(Fault::Invalid));
    force_open("on/path");
    assert_eq!(price(Ok(2), "note", 3), Ok(107));
    let totals = totals("on/path");
    assert_eq!((totals.successes, totals.failures, totals.rejected), (1, 1, 1));
}

// Regression of resilience4j#780 #804 #1800 #2274: the fallback ran for ignored errors.
#[test]
fn no_fallback_runs_for_ignored_errors() {
    #[circuit_breaker(
        name = "on/ignored",
        ignore_if = |answer| *answer == Err(Fault::Invalid),
        fallback = |_| Ok(0),
        fallback_on = failure
    )]
    fn ignored(answer: Answer) -> Answer {
        answer
    }
    assert_eq!(ignored(Err(Fault::Invalid)), Err(Fault::Invalid));
    assert_eq!((ignored(Err(Fault::Down)), ignored(Ok(1))), (Ok(0), Ok(1)));
    assert_eq!((totals("on/ignored").ignored, totals("on/ignored").failures), (1, 1));
}

#[test]
fn no_fallback_runs_for_an_error_that_failure_if_leaves_as_a_success() {
    #[circuit_breaker(name = "on/unnamed", failure_if(Err(Fault::Down)), fallback = |_| Ok(0), fallback_on = failure)]
    fn unnamed(answer: Answer) -> Answer {
        answer
    }
    assert_eq!(unnamed(Err(Fault::Invalid)), Err(Fault::Invalid));
    assert_eq!((unnamed(Err(Fault::Down)), unnamed(Ok(1))), (Ok(0), Ok(1)));
    assert_eq!((totals("on/unnamed").successes, totals("on/unnamed").failures), (2, 1));
}

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Fails as soon as `signal` is sent.
#[circuit_breaker(
    name = "on/twice",
    call_timeout = "1s",
    fallback = |error| {
        RUNS.fetch_add(1, Ordering::Relaxed);
        Err(error.to_string())
    },
    fallback_on = failure
)]
async fn fails_on_signal(signal: Receiver<()>) -> Result<String, String> {
    signal.await.map_err(|error| error.to_string())?;
    Err("signalled".to_owned())
}

// Regression of opossum#198: the fallback ran for the timeout and again for the late error.
#[tokio::test(start_paused = true)]
async fn no_fallback_runs_twice_for_a_timeout_and_a_late_error() {
    for (seconds, is_signalled, text) in
        [(1, false, "exceeded"), (1, true, "signalled"), (0, true, "signalled")]
    {
        let (sender, signal) = channel();
        let mut call = pin!(fails_on_signal(signal));
        assert!(poll_once(call.as_mut()).is_pending());
        tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
        if is_signalled {
            sender.send(()).unwrap();
            assert!(call.await.unwrap_err().contains(text));
        } else {
            assert!(call.await.unwrap_err().contains(text));
            sender.send(()).unwrap_err();
        }
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 3);
    assert_eq!((totals("on/twice").timeouts, totals("on/twice").failures), (1, 2));
}

struct Shop {
    region: &'static str,
}

/// A value that cannot be cloned.
struct Unique(u32);

impl Shop {
    #[circuit_breaker(
        name = "on/method",
        failure_if = Option::is_none,
        fallback = |error| match error {
            CallError::Failed(nothing) => nothing.or(Some(format!("{} {sku}", self.region))),
            CallError::Breaker(error) => Some(format!("{:?} {sku}", error.kind())),
        },
        fallback_on = failure
    )]
    async fn find<T: Display>(&self, sku: String, shown: Option<T>, unique: Unique) -> Option<String> {
        tokio::task::yield_now().await;
        drop((sku, unique));
        Some(shown?.to_string())
    }

    #[circuit_breaker(name = "on/impl", failure_if(_), fallback = |_| other.0, fallback_on = failure)]
    fn count(self, other: &Unique, left: &mut u32) -> impl Display {
        *left -= 1;
        *left + other.0 + u32::from(self.region.is_empty())
    }
}

#[tokio::test]
async fn a_fallback_of_an_async_method_receives_the_failed_value_and_clones_only_the_arguments_it_uses() {
    let shop = Shop { region: "eu" };
    let find = |shown: Option<u32>| shop.find("tea".to_owned(), shown, Unique(1));
    assert_eq!((find(Some(5)).await.unwrap(), find(None).await.unwrap()), ("5".into(), "eu tea".into()));
    force_open("on/method");
    assert_eq!(find(Some(5)).await.unwrap(), "ForcedOpen tea");
}

#[test]
fn a_value_of_an_opaque_type_can_be_a_failure() {
    let mut left = 3;
    assert_eq!(Shop { region: "" }.count(&Unique(40), &mut left).to_string(), "40");
    assert_eq!((left, totals("on/impl").failures), (2, 1));
}

#[circuit_breaker(name = "on/panics", fallback = |_| 0, fallback_on = failure)]
fn panics() -> u32 {
    panic!("user code")
}

#[circuit_breaker(name = "on/panics, async", fallback = |_| 0, fallback_on = failure)]
async fn panics_async() -> u32 {
    tokio::task::yield_now().await;
    panic!("user code")
}

#[circuit_breaker(
    name = "on/cancelled",
    fallback = |_| FALLBACKS.fetch_add(1, Ordering::Relaxed),
    fallback_on = failure
)]
async fn cancelled() -> u32 {
    std::future::pending().await
}

static FALLBACKS: AtomicU32 = AtomicU32::new(0);

#[tokio::test]
async fn a_panic_keeps_unwinding_and_a_cancelled_call_runs_no_fallback() {
    assert!(catch_panic(panics).is_err());
    assert!(tokio::spawn(panics_async()).await.unwrap_err().is_panic());
    assert_eq!((totals("on/panics").failures, totals("on/panics, async").failures), (1, 1));
    assert!(poll_once(pin!(cancelled())).is_pending());
    assert_eq!((totals("on/cancelled").ignored, FALLBACKS.load(Ordering::Relaxed)), (1, 0));
}

#[circuit_breaker(
    name = "on/keyed",
    key = tenant,
    failure_threshold = 1,
    fallback = async |error| Err(format!("{tenant}: {error}")),
    fallback_on = failure
)]
async fn keyed(tenant: String, fail: bool) -> Result<usize, String> {
    if fail { Err("down".to_owned()) } else { Ok(tenant.len()) }
}

#[tokio::test]
async fn failures_of_one_key_do_not_affect_another_key() {
    let call = |tenant: &str, fail| keyed(tenant.to_owned(), fail);
    assert_eq!((call("a", true).await, call("b", false).await), (Err("a: down".to_owned()), Ok(1)));
    assert!(
        call("a", false).await.unwrap_err().starts_with("a: circuit breaker \"on/keyed\" for \"a\" is open")
    );
}

#[test]
fn the_error_describes_the_rejection_or_the_failed_value() {
    type Error = CallError<Result<u32, String>>;
    let breaker =
        breaker_runtime::CircuitBreaker::new("on/text", breaker_runtime::Config::default()).unwrap();
    breaker.force_open();
    let error: BreakerError = breaker.try_acquire().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForcedOpen);
    assert_eq!(Error::Breaker(error.clone()).to_string(), error.to_string());
    assert_eq!(Error::Failed(Err("down".to_owned())).to_string(), "down");
    assert_eq!(Error::Failed(Ok(0)).to_string(), "the call returned a value that counts as a failure");
}

#[test]
fn a_fallback_for_rejections_only_clones_no_argument() {
    #[circuit_breaker(name = "on/rejected", fallback = kept, fallback_on = rejected)]
    fn taken(unique: Unique) -> Result<u32, BreakerError> {
        Ok(unique.0)
    }
    #[expect(
        clippy::unnecessary_wraps,
        clippy::needless_pass_by_value,
        reason = "a fallback has the signature of its function"
    )]
    fn kept(unique: Unique) -> Result<u32, BreakerError> {
        Ok(unique.0 + 1)
    }
    assert_eq!(taken(Unique(1)).unwrap(), 1);
    force_open("on/rejected");
    assert_eq!(taken(Unique(1)).unwrap(), 2);
}
