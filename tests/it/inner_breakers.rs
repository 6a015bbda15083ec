//! Calls that end with the error of another breaker: they are ignored, and have no result for their caller.

use std::error::Error;
use std::fmt::{self, Display};
use std::ops::Deref;
use std::rc::Rc;

use anyhow::Context as _;
use breaker_runtime::{
    BreakerError, CallError, CircuitBreaker, Config, ErrorKind, Outcome, Registry, circuit_breaker,
};

/// Returns the successes, failures and ignored calls of a breaker.
fn counts(name: &str) -> (u64, u64, u64) {
    let totals = Registry::global().get(name).unwrap().snapshot().totals;
    (totals.successes, totals.failures, totals.ignored)
}

/// Returns the error of another breaker.
fn rejection() -> BreakerError {
    let breaker = CircuitBreaker::new("inner", Config::default()).unwrap();
    breaker.force_open();
    breaker.try_acquire().unwrap_err()
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("down")]
    Down,
    #[error("missing")]
    Missing,
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

#[circuit_breaker(name = "inner/failure_if", failure_if(Err(Fault::Down)))]
fn with_failure_if(answer: Result<u32, Fault>) -> Result<u32, Fault> {
    answer
}

#[test]
fn an_error_of_another_breaker_is_ignored_unless_failure_if_names_it() {
    #[circuit_breaker(name = "inner/named", failure_if(Err(Fault::Breaker(_))))]
    fn named(answer: Result<u32, Fault>) -> Result<u32, Fault> {
        answer
    }
    for function in [with_failure_if, named] {
        assert!(function(Ok(1)).is_ok());
        for fault in [Fault::Down, Fault::Missing, Fault::Breaker(rejection())] {
            assert!(function(Err(fault)).is_err());
        }
    }
    assert_eq!(counts("inner/failure_if"), (2, 1, 1));
    assert_eq!(counts("inner/named"), (3, 1, 0));
}

#[test]
fn an_error_of_another_breaker_is_ignored_beside_ignore_if() {
    #[circuit_breaker(name = "inner/ignore_if", ignore_if(Err(Fault::Missing)))]
    fn ignoring(answer: Result<u32, Fault>) -> Result<u32, Fault> {
        answer
    }
    for fault in [Fault::Down, Fault::Missing, Fault::Breaker(rejection())] {
        assert!(ignoring(Err(fault)).is_err());
    }
    assert_eq!(counts("inner/ignore_if"), (0, 1, 2));
}

/// A pointer to an error that implements neither `Error` nor `Display`.
struct Pointer(Box<dyn Error>);

impl Deref for Pointer {
    type Target = dyn Error;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// An error that borrows.
#[derive(Debug)]
struct Borrowing<'a>(&'a str, Option<BreakerError>);

impl Display for Borrowing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl Error for Borrowing<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_ref().map(|error| error as _)
    }
}

/// Defines a function that returns this error type, and checks that it sees a rejection and a failure.
macro_rules! sees {
    ($name:literal, $error:ty, $rejected:expr, $failed:expr, $text:literal) => {{
        #[circuit_breaker(name = $name, failure_threshold = 1, fallback = |_| Ok(()))]
        fn returns(answer: Result<(), $error>) -> Result<(), $error> {
            answer
        }
        assert!(returns(Err($rejected)).is_err());
        assert_eq!(counts($name), (0, 0, 1), $name);
        assert!(returns(Err($failed)).is_err());
        assert_eq!(counts($name), (0, 1, 1), $name);
        let opened = Registry::global().get($name).unwrap().snapshot().last_transition.unwrap();
        assert_eq!(opened.last_failure.as_deref(), Some($text), $name);
    }};
}

#[test]
fn an_error_of_another_breaker_is_found_in_errors_boxes_and_reports() {
    sees!("inner/transparent", Fault, rejection().into(), Fault::Down, "down");
    sees!(
        "inner/call error",
        CallError<Result<(), String>>,
        CallError::Breaker(rejection()),
        CallError::Failed(Ok(())),
        "the call returned a value that counts as a failure"
    );
    sees!("inner/box", Box<dyn Error + Send + Sync>, rejection().into(), "down".into(), "down");
    sees!("inner/local box", Box<dyn Error>, Fault::from(rejection()).into(), "down".into(), "down");
    sees!("inner/rc", Rc<dyn Error>, Rc::new(rejection()), Rc::new(Fault::Down), "down");
    sees!(
        "inner/arc",
        std::sync::Arc<dyn Error + Send + Sync>,
        std::sync::Arc::new(rejection()),
        std::sync::Arc::new(Fault::Down),
        "down"
    );
    sees!("inner/pointer", Pointer, Pointer(rejection().into()), Pointer("down".into()), "down");
    sees!(
        "inner/anyhow",
        anyhow::Error,
        rejection().into(),
        anyhow::anyhow!("down").context("while paying"),
        "while paying"
    );
    sees!(
        "inner/context",
        anyhow::Error,
        Err::<(), _>(Fault::from(rejection())).context("while paying").unwrap_err(),
        anyhow::anyhow!("down"),
        "down"
    );
    sees!(
        "inner/io",
        std::io::Error,
        std::io::Error::other(rejection()),
        std::io::ErrorKind::TimedOut.into(),
        "timed out"
    );
}

#[test]
fn an_error_that_borrows_is_inspected_too() {
    #[circuit_breaker(name = "inner/borrows", fallback = |_| Ok(0))]
    fn elided(text: &str, inner: Option<BreakerError>) -> Result<u32, Borrowing<'_>> {
        Err(Borrowing(text, inner))
    }
    #[circuit_breaker(name = "inner/box that borrows", fallback = |_| Ok(0))]
    async fn boxed<'a>(
        text: &'a str,
        inner: Option<BreakerError>,
    ) -> Result<u32, Box<dyn Error + Send + 'a>> {
        Err(Box::new(Borrowing(text, inner)))
    }
    #[circuit_breaker(name = "inner/generic", fallback = |_| Ok(0))]
    fn generic<E: Error>(error: E) -> Result<u32, E> {
        Err(error)
    }
    let text = "down".to_owned();
    for inner in [None, Some(rejection())] {
        assert!(elided(&text, inner.clone()).is_err());
        assert!(generic(Borrowing(&text, inner.clone())).is_err());
        assert!(pollster(boxed(&text, inner)).is_err());
    }
    for name in ["inner/borrows", "inner/box that borrows", "inner/generic"] {
        assert_eq!(counts(name), (0, 1, 1), "{name}");
    }
}

/// Returns the output of a future that does not wait.
fn pollster<F: Future>(future: F) -> F::Output {
    match crate::support::poll_once(std::pin::pin!(future)) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

/// An error without sources, as its author wrote no `Error` implementation.
#[derive(Debug)]
enum Opaque {
    Down,
    Breaker(BreakerError),
}

impl From<BreakerError> for Opaque {
    fn from(error: BreakerError) -> Self {
        Self::Breaker(error)
    }
}

#[test]
fn an_error_without_sources_is_ignored_by_the_documented_line() {
    #[circuit_breaker(name = "inner/opaque", ignore_if(Err(Opaque::Breaker(_))))]
    fn opaque(answer: Result<u32, Opaque>) -> Result<u32, Opaque> {
        answer
    }
    assert!(matches!(opaque(Err(Opaque::Down)), Err(Opaque::Down)));
    let rejected = opaque(Err(rejection().into()));
    assert!(matches!(rejected, Err(Opaque::Breaker(error)) if error.name() == "inner"));
    assert_eq!(counts("inner/opaque"), (0, 1, 1));
}

#[test]
fn call_with_ignores_the_error_of_another_breaker_by_the_documented_line() {
    let breaker = CircuitBreaker::new("outer", Config::default()).unwrap();
    let classify = |result: &Result<u32, Fault>| match result {
        Ok(_) => Outcome::Success,
        Err(error) if ErrorKind::find_in(error).is_some() => Outcome::Ignored,
        Err(_) => Outcome::Failure,
    };
    for answer in [Ok(1), Err(Fault::Down), Err(rejection().into())] {
        _ = breaker.call_with(classify, || answer).unwrap();
    }
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored), (1, 1, 1));
}

#[circuit_breaker(name = "inner/fallback", ignore_if(Err(Fault::Missing)), fallback = |_| Ok(9), fallback_on = failure)]
fn with_fallback(answer: Result<u32, Fault>) -> Result<u32, Fault> {
    answer
}

#[circuit_breaker(
    name = "inner/fallback, async",
    failure_if(Err(Fault::Down)),
    fallback = |error| match error {
        CallError::Failed(Err(error)) if ErrorKind::find_in(&error).is_some() => Ok(8),
        CallError::Failed(_) | CallError::Breaker(_) => Ok(9),
    },
    fallback_on = failure
)]
async fn with_fallback_async(answer: Result<u32, Fault>) -> Result<u32, Fault> {
    tokio::task::yield_now().await;
    answer
}

#[tokio::test]
async fn a_fallback_after_failures_also_runs_after_the_error_of_another_breaker() {
    assert!(matches!(with_fallback(Err(Fault::Missing)), Err(Fault::Missing)));
    assert_eq!(
        (with_fallback(Err(Fault::Down)).unwrap(), with_fallback(Err(rejection().into())).unwrap()),
        (9, 9)
    );
    assert_eq!(counts("inner/fallback"), (0, 1, 2));
    assert!(matches!(with_fallback_async(Err(Fault::Missing)).await, Err(Fault::Missing)));
    assert_eq!(with_fallback_async(Err(Fault::Down)).await.unwrap(), 9);
    assert_eq!(with_fallback_async(Err(rejection().into())).await.unwrap(), 8);
    assert_eq!(counts("inner/fallback, async"), (1, 1, 1));
    for name in ["inner/fallback", "inner/fallback, async"] {
        let fallbacks = Registry::global().get(name).unwrap().snapshot().totals.fallbacks;
        assert_eq!((fallbacks.successes, fallbacks.failures), (2, 0), "{name}");
    }
}

#[test]
fn no_fallback_runs_for_the_error_of_another_breaker_that_ignore_if_names() {
    #[circuit_breaker(name = "inner/no fallback", ignore_if(Err(Fault::Breaker(_))), fallback = |_| Ok(9), fallback_on = failure)]
    fn ignoring(answer: Result<u32, Fault>) -> Result<u32, Fault> {
        answer
    }
    assert!(matches!(ignoring(Err(rejection().into())), Err(Fault::Breaker(_))));
    assert_eq!(counts("inner/no fallback"), (0, 0, 1));
}

#[test]
fn a_fallback_that_returns_the_error_of_another_breaker_has_failed() {
    #[circuit_breaker(name = "inner/failed fallback", fallback = |_| Err(rejection()))]
    fn rejected() -> Result<u32, BreakerError> {
        Ok(1)
    }
    Registry::global().register("inner/failed fallback", Config::default()).unwrap().force_open();
    assert_eq!(rejected().unwrap_err().name(), "inner");
    let fallbacks = Registry::global().get("inner/failed fallback").unwrap().snapshot().totals.fallbacks;
    assert_eq!((fallbacks.successes, fallbacks.failures), (0, 1));
}

/// An error whose `source` does what the test wants.
#[derive(Debug)]
struct Hostile(fn(&Hostile) -> Option<&(dyn Error + 'static)>);

impl Display for Hostile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("hostile")
    }
}

impl Error for Hostile {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0(self)
    }
}

#[test]
fn a_source_that_panics_or_has_no_end_is_a_failure_of_the_call() {
    #[circuit_breaker(name = "inner/hostile", fallback = |_| Ok(0))]
    fn hostile(error: Hostile) -> Result<u32, Hostile> {
        Err(error)
    }
    assert!(hostile(Hostile(|error| Some(error))).is_err());
    assert!(hostile(Hostile(|_| panic!("source"))).is_err());
    assert!(hostile(Hostile(|_| std::panic::panic_any(PanicsOnDrop))).is_err());
    assert_eq!(counts("inner/hostile"), (0, 3, 0));
    assert_eq!(ErrorKind::find_in(&Hostile(|error| Some(error))), None);
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("drop of a payload")
    }
}

#[test]
fn a_report_of_a_rejection_adds_its_cause() {
    let error = anyhow::Error::from(Fault::from(rejection())).context("cannot pay");
    assert_eq!(
        format!("{error:#}"),
        "cannot pay: circuit breaker \"inner\" is forced open: \
         an operator forced the circuit open"
    );
}
