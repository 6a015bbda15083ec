//! The attribute's basic settings, its fallbacks, and the registration of annotated functions.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, ErrorKind, Registry, State, circuit_breaker};

fn breaker(name: &str) -> CircuitBreaker {
    Registry::global().get(name).unwrap()
}

#[derive(Debug, PartialEq)]
enum Fault {
    Down,
    Rejected(ErrorKind),
}

impl From<BreakerError> for Fault {
    fn from(error: BreakerError) -> Self {
        Self::Rejected(error.kind())
    }
}

#[circuit_breaker(name = "attribute/threshold", failure_threshold = 2)]
fn always_down() -> Result<u32, Fault> {
    Err(Fault::Down)
}

#[test]
fn without_a_fallback_a_rejection_is_converted_into_the_error_type() {
    assert_eq!(always_down(), Err(Fault::Down));
    assert_eq!(always_down(), Err(Fault::Down));
    assert_eq!(always_down(), Err(Fault::Rejected(ErrorKind::Open)));
    assert_eq!(breaker("attribute/threshold").state(), State::Open);
}

#[circuit_breaker]
fn bare() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn without_arguments_the_breaker_is_named_by_the_function_path_and_uses_the_defaults() {
    bare().unwrap();
    let breaker = breaker("it::attribute::bare");
    assert_eq!(breaker.config(), breaker_runtime::Config::default());
}

mod settings {
    use super::*;

    pub(super) const NAME: &str = "attribute/consts";
    pub(super) const LIMIT: u32 = 4;
    pub(super) const WAIT: Duration = Duration::from_millis(1500);
}

#[circuit_breaker(
    name = settings::NAME,
    failure_threshold = settings::LIMIT * 2,
    recovery_timeout = settings::WAIT,
    half_open_max_calls = 1 + 1,
    success_threshold = 7,
    half_open_timeout = "1m30s",
)]
fn configured() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn every_setting_accepts_a_const_expression() {
    configured().unwrap();
    let breaker = breaker("attribute/consts");
    let config = breaker.config();
    assert_eq!(config.failure_threshold(), Some(8));
    assert_eq!(config.recovery_timeout(), Duration::from_millis(1500));
    assert_eq!(config.half_open_max_calls(), 2);
    assert_eq!(config.success_threshold(), 7);
    assert_eq!(config.half_open_timeout(), Duration::from_secs(90));
}

#[circuit_breaker(
    name = "attribute/largest",
    failure_threshold = 16_777_215,
    half_open_max_calls = 1024,
    success_threshold = 4_294_967_295
)]
fn largest() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn the_largest_count_literals_equal_the_limits_of_the_runtime() {
    // The builder rejects one more. The attribute rejects such a literal: see ui/fail/count_out_of_range.rs.
    largest().unwrap();
    assert!(breaker_runtime::Config::builder().failure_threshold(16_777_216).build().is_err());
    assert!(breaker_runtime::Config::builder().half_open_max_calls(1025).build().is_err());
}

macro_rules! recovery_timeouts {
    ($($name:ident $text:literal $nanos:literal;)*) => {
        $(#[circuit_breaker(recovery_timeout = $text)]
        fn $name() -> Result<(), BreakerError> {
            Ok(())
        })*

        #[test]
        fn every_unit_of_time_is_parsed() {
            $($name().unwrap();
            let name = concat!(module_path!(), "::", stringify!($name));
            assert_eq!(breaker(name).config().recovery_timeout().as_nanos(), $nanos, $text);)*
        }
    };
}

recovery_timeouts! {
    nanoseconds "7ns" 7;
    microseconds "7us" 7_000;
    milliseconds "7ms" 7_000_000;
    seconds "7s" 7_000_000_000;
    minutes "7m" 420_000_000_000;
    hours "7h" 25_200_000_000_000;
    days "7d" 604_800_000_000_000;
    mixed "1h 30m" 5_400_000_000_000;
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[circuit_breaker(name = "attribute/path", failure_threshold = 1, fallback = backup)]
fn with_path(text: String, number: u32) -> Result<String, Fault> {
    RUNS.fetch_add(1, Ordering::Relaxed);
    drop((text, number));
    Err(Fault::Down)
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "a fallback has the signature of its function"
)]
fn backup(text: String, number: u32) -> Result<String, Fault> {
    Ok(format!("{text}{number}"))
}

#[test]
fn a_path_fallback_receives_the_arguments_and_runs_only_for_rejected_calls() {
    assert_eq!(with_path("a".into(), 1), Err(Fault::Down));
    assert_eq!(with_path("b".into(), 2), Ok("b2".into()));
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

#[circuit_breaker(name = "attribute/closure", failure_threshold = 1, fallback = |error| Ok(format!("{text}: {error}")))]
fn with_closure(text: &str) -> Result<String, Fault> {
    Err(if text.is_empty() { Fault::Rejected(ErrorKind::Open) } else { Fault::Down })
}

#[test]
fn a_closure_fallback_can_use_the_error_and_the_arguments() {
    assert_eq!(with_closure("x"), Err(Fault::Down));
    let text = with_closure("x").unwrap();
    let reason = "x: circuit breaker \"attribute/closure\" is open (1 failure in a row; last: ";
    assert!(text.starts_with(reason) && text.contains("); call again in "), "{text}");
}

#[circuit_breaker(name = "attribute/plain", fallback = |_| 0)]
fn plain(number: u32) -> u32 {
    number + 1
}

#[test]
fn a_value_that_is_no_result_counts_as_a_success() {
    assert_eq!(plain(1), 2);
    breaker("attribute/plain").force_open();
    assert_eq!(plain(1), 0);
    let totals = breaker("attribute/plain").snapshot().totals;
    assert_eq!((totals.successes, totals.rejected), (1, 1));
}

type Aliased<T> = std::io::Result<T>;

#[circuit_breaker(name = "attribute/alias", failure_threshold = 1, fallback = |_| Ok(0))]
fn aliased(fail: bool) -> Aliased<u32> {
    if fail { Err(std::io::ErrorKind::TimedOut.into()) } else { Ok(1) }
}

#[test]
fn an_alias_of_result_is_treated_as_a_result() {
    assert_eq!(aliased(false).unwrap(), 1);
    assert!(aliased(true).is_err());
    assert_eq!(breaker("attribute/alias").state(), State::Open);
    assert_eq!(aliased(false).unwrap(), 0);
}

#[circuit_breaker(
    name = "attribute/recovers",
    failure_threshold = 1,
    recovery_timeout = "1ns",
    half_open_timeout = "1h",
    success_threshold = 1
)]
fn recovers(fail: bool) -> Result<u32, Fault> {
    if fail { Err(Fault::Down) } else { Ok(1) }
}

#[test]
fn a_function_recovers_after_its_circuit_opened() {
    assert_eq!(recovers(true), Err(Fault::Down));
    assert_eq!(recovers(true), Err(Fault::Down));
    assert_eq!(recovers(false), Ok(1));
    assert_eq!(breaker("attribute/recovers").state(), State::Closed);
}

#[circuit_breaker(name = "attribute/panics", failure_threshold = 1, fallback = |_| 0)]
fn panics(number: u32) -> u32 {
    assert!(number != 7, "seven");
    number
}

#[test]
fn a_panic_in_the_body_counts_as_a_failure_and_keeps_unwinding() {
    assert!(std::panic::catch_unwind(|| panics(7)).is_err());
    assert_eq!(panics(1), 0);
}

fn call_one_of_two(first: bool) -> u32 {
    #[circuit_breaker(name = "attribute/shared", failure_threshold = 1, fallback = |_| 10)]
    fn one() -> u32 {
        1
    }
    #[circuit_breaker(name = "attribute/shared", failure_threshold = 1, fallback = |_| 20)]
    fn two() -> u32 {
        2
    }
    if first { one() } else { two() }
}

#[test]
fn functions_with_equal_declarations_share_a_breaker() {
    assert_eq!((call_one_of_two(true), call_one_of_two(false)), (1, 2));
    breaker("attribute/shared").force_open();
    assert_eq!((call_one_of_two(true), call_one_of_two(false)), (10, 20));
}

#[circuit_breaker(name = "attribute/conflict", failure_threshold = 1, fallback = |_| 0)]
fn strict() -> u32 {
    1
}

#[circuit_breaker(name = "attribute/conflict", failure_threshold = 99, fallback = |_| 0)]
fn lenient() -> u32 {
    2
}

struct Left;
struct Right;

macro_rules! methods_of_one_name {
    ($($owner:ty => $value:literal),*) => {
        $(impl $owner {
            #[circuit_breaker(fallback = |_| 0)]
            fn same_name() -> u32 {
                $value
            }
        })*
    };
}

methods_of_one_name!(Left => 1, Right => 2);

#[test]
fn conflicting_declarations_are_reported_and_the_first_one_wins() {
    assert_eq!((strict(), lenient()), (1, 2));
    assert_eq!((Left::same_name(), Right::same_name()), (1, 2));
    let conflicts = Registry::global().check().unwrap_err();
    let names: Vec<_> = conflicts.iter().map(breaker_runtime::Conflict::name).collect();
    assert!(names.contains(&"attribute/conflict"), "{conflicts}");
    // Two methods of one name in one module share a circuit by accident.
    assert!(names.contains(&"it::attribute::same_name"), "{conflicts}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_conflict_does_not_panic_when_stderr_cannot_be_written() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "attribute::conflicting_declarations_are_reported_and_the_first_one_wins",
        ])
        .stdout(std::process::Stdio::null())
        .stderr(full)
        .status()
        .unwrap();
    assert!(status.success());
}

mod facade {
    pub(crate) mod inner {
        pub(crate) use breaker_runtime::__private;
    }
}

#[circuit_breaker(name = "attribute/crate", crate = crate::attribute::facade::inner)]
fn through_a_facade() -> Result<u32, BreakerError> {
    Ok(3)
}

#[test]
fn the_runtime_can_be_reached_through_another_crate() {
    assert_eq!(through_a_facade().unwrap(), 3);
}

#[circuit_breaker(name = "stacked/upper")]
#[circuit_breaker(name = "stacked/lower")]
fn stacked() -> Result<u32, BreakerError> {
    Ok(1)
}

#[test]
fn of_two_attributes_the_lower_one_is_the_outermost() {
    assert_eq!(stacked().unwrap(), 1);
    let [upper, lower] = ["stacked/upper", "stacked/lower"].map(breaker);
    upper.force_open();
    assert_eq!(stacked().unwrap_err().name(), "stacked/upper");
    // The outer circuit ignores the rejection of the inner one.
    assert_eq!((lower.snapshot().totals.successes, lower.snapshot().totals.ignored), (1, 1));
    lower.force_open();
    assert_eq!(stacked().unwrap_err().name(), "stacked/lower");
    assert_eq!((upper.snapshot().totals.rejected, lower.snapshot().totals.rejected), (1, 1));
}
