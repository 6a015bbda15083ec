//! The classifiers `failure_if` and `ignore_if`.

use breaker_runtime::testing::{assert_state, scope_async};
use breaker_runtime::{BreakerError, Registry, State, circuit_breaker};

use crate::support::RECOVERY;

/// Returns the successes, failures and ignored calls of a breaker.
fn counts(name: &str) -> (u64, u64, u64) {
    let totals = Registry::global().get(name).unwrap().snapshot().totals;
    (totals.successes, totals.failures, totals.ignored)
}

#[derive(Debug)]
enum Fault {
    Status(u16),
    Cancelled,
    Rejected,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}

fn answer(status: u16) -> Result<u16, Fault> {
    match status {
        0 => Err(Fault::Cancelled),
        200..400 => Ok(status),
        _ => Err(Fault::Status(status)),
    }
}

#[circuit_breaker(name = "results/pattern", failure_if(Err(Fault::Status(500..) | Fault::Rejected)))]
fn pattern(status: u16) -> Result<u16, Fault> {
    answer(status)
}

#[test]
fn an_error_that_failure_if_does_not_match_is_a_success() {
    for status in [200, 503, 404, 0] {
        _ = pattern(status);
    }
    assert_eq!(counts("results/pattern"), (3, 1, 0));
}

#[circuit_breaker(
    name = "results/answers",
    failure_if(Err(Fault::Status(503))),
    window = 1000,
    failure_rate = 0.5,
    minimum_calls = 10
)]
fn answers(status: u16) -> Result<u16, Fault> {
    answer(status)
}

// Regression of erpc PR#1118: 10 of 600 calls failed, and the circuit opened because 10 of 10 counted calls had.
#[test]
fn answers_that_failure_if_does_not_match_count_in_the_failure_rate() {
    for call in 0..600 {
        _ = answers(if call % 60 == 0 { 503 } else { 404 });
    }
    let snapshot = Registry::global().get("results/answers").unwrap().snapshot();
    assert_eq!(snapshot.state, State::Closed);
    let window = snapshot.window.unwrap();
    assert_eq!((window.calls, window.failures), (600, 10));
}

#[circuit_breaker(
    name = "results/recovers",
    failure_if(Err(Fault::Status(503))),
    failure_threshold = 1,
    success_threshold = 2
)]
async fn recovers(status: u16) -> Result<u16, Fault> {
    answer(status)
}

#[tokio::test]
async fn answers_that_failure_if_does_not_match_close_a_half_open_circuit() {
    scope_async(async |scope| {
        assert!(recovers(503).await.is_err());
        assert_state("results/recovers", State::Open);
        scope.advance(RECOVERY);
        assert!(recovers(404).await.is_err());
        assert_state("results/recovers", State::HalfOpen);
        assert!(recovers(0).await.is_err());
        assert_state("results/recovers", State::Closed);
    })
    .await;
}

#[circuit_breaker(name = "results/guard", failure_if(Ok(status) | Err(Fault::Status(status)) if *status >= 300,))]
async fn guarded(status: u16) -> Result<u16, Fault> {
    answer(status)
}

#[tokio::test]
async fn a_guard_can_use_the_bindings_of_its_pattern_and_turn_a_success_into_a_failure() {
    for status in [200, 301, 404, 0] {
        _ = guarded(status).await;
    }
    assert_eq!(counts("results/guard"), (2, 2, 0));
}

#[circuit_breaker(name = "results/ignore", ignore_if(Err(Fault::Cancelled)))]
fn ignoring(status: u16) -> Result<u16, Fault> {
    answer(status)
}

#[test]
fn without_failure_if_every_error_that_is_not_ignored_is_a_failure() {
    for status in [200, 404, 0] {
        _ = ignoring(status);
    }
    assert_eq!(counts("results/ignore"), (1, 1, 1));
}

#[circuit_breaker(name = "results/both", failure_if(Err(Fault::Status(_))), ignore_if = |answer| matches!(answer, Err(Fault::Status(404))))]
fn both(status: u16) -> Result<u16, Fault> {
    answer(status)
}

#[test]
fn ignore_if_takes_precedence_over_failure_if_and_every_other_result_is_a_success() {
    for status in [200, 404, 503, 0] {
        _ = both(status);
    }
    assert_eq!(counts("results/both"), (2, 1, 1));
}

#[circuit_breaker(name = "results/option", failure_if(None), fallback = |_| None)]
fn found(number: u32) -> Option<u32> {
    number.checked_sub(1)
}

#[circuit_breaker(name = "results/plain", failure_if = is_bad, ignore_if(204), fallback = |_| 0)]
async fn plain(status: u16) -> u16 {
    status
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a predicate takes a reference")]
fn is_bad(status: &u16) -> bool {
    *status >= 500
}

#[circuit_breaker(name = "results/impl", failure_if(Err(_)))]
fn evens(most: u32) -> Result<impl Iterator<Item = u32>, Fault> {
    if most == 0 { Err(Fault::Cancelled) } else { Ok((0..most).filter(|number| number % 2 == 0)) }
}

#[circuit_breaker(name = "results/reference", failure_if = |word| word.is_empty(), ignore_if(&"x"), fallback = |_| "")]
fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

#[tokio::test]
async fn a_classifier_accepts_any_return_type() {
    assert_eq!((found(1), found(0)), (Some(0), None));
    assert_eq!(counts("results/option"), (1, 1, 0));
    assert_eq!((plain(200).await, plain(500).await, plain(204).await), (200, 500, 204));
    assert_eq!(counts("results/plain"), (1, 1, 1));
    assert!(evens(0).is_err() && evens(2).is_ok());
    assert_eq!(counts("results/impl"), (1, 1, 0));
    assert_eq!((first_word("a b"), first_word(""), first_word("x")), ("a", "", "x"));
    assert_eq!(counts("results/reference"), (1, 1, 1));
}

#[circuit_breaker(name = "results/arguments", failure_if(length if *length > most), ignore_if = |_| text.is_empty(), fallback = |_| 0)]
async fn length(text: &str, most: usize) -> usize {
    text.len()
}

#[tokio::test]
async fn a_classifier_can_use_arguments_that_the_body_does_not_consume() {
    assert_eq!((length("abc", 2).await, length("abc", 3).await, length("", 0).await), (3, 3, 0));
    assert_eq!(counts("results/arguments"), (1, 1, 1));
}

struct Shop<T> {
    bad: T,
}

impl<T: PartialEq + Copy> Shop<T> {
    #[circuit_breaker(name = "results/method", failure_if = Self::is_bad, ignore_if(Ok(Self { .. })))]
    fn open(self, fail: bool) -> Result<Self, Fault> {
        if fail { Err(Fault::Cancelled) } else { Ok(self) }
    }

    fn is_bad(answer: &Result<Self, Fault>) -> bool {
        answer.as_ref().is_ok_and(|shop| shop.bad != same(shop.bad)) || answer.is_err()
    }
}

fn same<T>(value: T) -> T {
    value
}

#[test]
fn a_classifier_can_use_self_and_its_type_parameters() {
    assert!(Shop { bad: 1 }.open(true).is_err() && Shop { bad: '1' }.open(false).is_ok());
    assert_eq!(counts("results/method"), (0, 1, 1));
}

macro_rules! classified {
    ($name:ident, $label:literal, $pattern:pat, $guard:expr, $predicate:expr) => {
        #[circuit_breaker(name = $label, failure_if($pattern if $guard), ignore_if = $predicate)]
        fn $name(status: u16) -> Result<u16, Fault> {
            answer(status)
        }
    };
}

classified!(by_macro, "results/macro", Err(Fault::Status(_)) | Ok(300), "x".len() == 1, |it| matches!(
    it,
    Ok(301)
));

#[test]
fn a_classifier_can_come_from_a_macro() {
    for status in [200, 300, 301, 404, 0] {
        _ = by_macro(status);
    }
    assert_eq!(counts("results/macro"), (2, 2, 1));
}

#[circuit_breaker(name = "results/hygiene", failure_if(__out if *__out == 3), fallback = |_| 0)]
fn own_names(number: u32) -> u32 {
    number
}

#[test]
fn a_pattern_can_bind_names_that_start_with_two_underscores() {
    assert_eq!((own_names(3), own_names(4)), (3, 4));
    assert_eq!(counts("results/hygiene"), (1, 1, 0));
}
