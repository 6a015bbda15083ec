//! Fragments that a `macro_rules!` macro passes to the attribute or to the signature (regression of syn#852).

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use breaker_runtime::{BreakerError, Config, Registry, circuit_breaker};

macro_rules! with_number {
    ($number:expr, $name:literal) => {
        #[circuit_breaker(
                            name = $name,
                            failure_threshold = $number * 2,
                            recovery_timeout = Duration::from_secs($number * 2),
                            key = $number * 2,
                            max_keys = 10 * $number,
                            failure_if = |result: &Result<u32, BreakerError>| *result == Ok($number * 2),
                            fallback = |_| Ok($number * 2)
                        )]
        fn number() -> Result<u32, BreakerError> {
            Ok($number * 2)
        }
    };
}

macro_rules! with_policy {
    ($number:expr) => {
        #[circuit_breaker(name = "macros/policy", config = Config::builder().failure_threshold($number * 2))]
        fn policy() -> Result<u32, BreakerError> {
            Ok($number)
        }
    };
}

#[test]
fn an_expression_of_a_macro_stays_one_value() {
    with_number!(1 + 2, "macros/number");
    let breakers = Registry::global().get_keyed("macros/number").unwrap();
    let config = breakers.config();
    assert_eq!((config.failure_threshold(), config.recovery_timeout()), (Some(6), Duration::from_secs(6)));
    assert_eq!(breakers.max_keys(), 30);
    for _ in 0..7 {
        assert_eq!(number(), Ok(6));
    }
    let circuit = breakers.find("6").unwrap();
    assert_eq!((circuit.snapshot().totals.failures, circuit.snapshot().totals.rejected), (6, 1));

    with_policy!(1 + 2);
    assert_eq!(policy(), Ok(3));
    let policy = Registry::global().get("macros/policy").unwrap().config();
    assert_eq!(policy.failure_threshold(), Some(6));
}

/// Calls each function with a number, and returns the failures that the breaker counted.
fn failures(name: &str, call: impl Fn(u8)) -> u64 {
    (0..8).for_each(call);
    Registry::global().get(name).unwrap().snapshot().totals.failures
}

#[test]
fn a_bitwise_or_of_a_macro_stays_one_value() {
    macro_rules! status {
        ($mask:expr, $bits:expr, $bit:ident) => {
            #[circuit_breaker(name = "macros/mask", failure_threshold = $mask * 2,
                                failure_if = |status: &u8| *status & $mask != 0, fallback = |_| 255)]
            fn mask(status: u8) -> u8 {
                status
            }
            #[circuit_breaker(name = "macros/guard", failure_threshold = 100,
                                failure_if(status if *status & $mask != 0), fallback = |_| 255)]
            fn guard(status: u8) -> u8 {
                status
            }
            #[circuit_breaker(name = "macros/bits", key = $bits << 4)]
            fn bits($bit: u8) -> Result<u8, BreakerError> {
                Ok($bits << 4)
            }
        };
    }
    status!(1 | 2, bit | 2, bit);
    assert_eq!(failures("macros/mask", |number| _ = mask(number)), 6);
    assert_eq!(failures("macros/guard", |number| _ = guard(number)), 6);
    let threshold = Registry::global().get("macros/mask").unwrap().config().failure_threshold();
    assert_eq!(threshold, Some((1 | 2) * 2));
    let body = bits(1).unwrap();
    assert!(Registry::global().get_keyed("macros/bits").unwrap().find(&body.to_string()).is_some());
}

#[derive(Debug, PartialEq)]
struct Answer {
    code: i32,
}

/// A crate that denies the warning about unnecessary parentheses can pass on every fragment.
#[deny(warnings)]
#[allow(clippy::unnested_or_patterns, reason = "a fragment is one pattern")]
mod silent {
    use super::{Answer, BreakerError, circuit_breaker};

    macro_rules! fragments {
        ($text:expr, $answer:expr, $fails:expr, $flag:expr, $failed:pat, $low:literal, $code:literal) => {
            #[circuit_breaker(name = "macros/text", fallback = |_| $text.clone())]
            pub(super) fn text() -> String {
                $text.clone()
            }
            #[circuit_breaker(name = "macros/answer", fallback = |_| $answer,
                                failure_if = |answer: &Answer| if *answer == $answer { true } else { false })]
            pub(super) fn answer(code: i32) -> Answer {
                Answer { code }
            }
            #[circuit_breaker(name = "macros/fails", failure_if = $fails, fallback = |_| $flag)]
            pub(super) fn fails(fails: bool) -> bool {
                fails
            }
            #[circuit_breaker(name = "macros/flag", critical = $flag, durations = !$flag)]
            pub(super) fn flag() -> Result<(), BreakerError> {
                Ok(())
            }
            #[circuit_breaker(name = "macros/failed", failure_if($failed), fallback = |_| None)]
            pub(super) fn failed(number: i32) -> Option<i32> {
                Some(number)
            }
            #[circuit_breaker(name = "macros/nested", fallback = |_| Some(None),
                                failure_if = |found| matches!(found, Some($failed) | None))]
            pub(super) fn nested(number: i32) -> Option<Option<i32>> {
                Some(Some(number))
            }
            #[circuit_breaker(name = "macros/range", fallback = |_| Some($low),
                                failure_if(Some($low..=$code)), ignore_if(Some(number) if *number == $low.abs()))]
            pub(super) fn range(number: i32) -> Option<i32> {
                Some(number)
            }
            #[circuit_breaker(name = "macros/parameters")]
            pub(super) fn parameters(($failed | Some(_)): Option<i32>) -> Result<(), BreakerError> {
                Ok(())
            }
        };
    }

    fragments!(
        &String::from("x"),
        Answer { code: 3 },
        |fails: &bool| *fails,
        2 > 1,
        None | Some(1..),
        -5_i32,
        -3
    );

    macro_rules! types {
        ($object:ty, $opaque:ty, $text:ty, $number:expr, $one:literal) => {
            #[circuit_breaker(name = "macros/object")]
            pub(super) fn object(object: &$object, text: $text) -> Result<String, BreakerError> {
                Ok(format!("{object} {text}"))
            }
            #[circuit_breaker(name = "macros/opaque")]
            pub(super) fn opaque(object: &$opaque) -> Result<Box<$object>, BreakerError> {
                Ok(object.to_string().into())
            }
            #[circuit_breaker(name = "macros/function")]
            pub(super) fn function(
                make: fn() -> Box<$object>,
                text: $text,
            ) -> Result<&'static $object, BreakerError> {
                let _ = (make, text);
                Ok(Box::leak(make()))
            }
            #[circuit_breaker(name = "macros/array")]
            pub(super) fn array() -> Result<[u8; $number * 2], BreakerError> {
                Ok([0; $number * 2])
            }
            #[circuit_breaker(name = "macros/generic")]
            pub(super) fn generic() -> Result<super::Numbers<{ $number * 2 }, $one>, BreakerError> {
                Ok(super::Numbers)
            }
        };
    }

    types!(dyn std::error::Error + Send + Sync, impl std::fmt::Display + Send, &'static str, 1 + 2, -1);
}

/// A type with numbers.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<const N: usize, const M: i32>;

const fn numbers<const N: usize, const M: i32>(_: Numbers<N, M>) -> (usize, i32) {
    (N, M)
}

#[test]
fn every_kind_of_fragment_stays_one_value_without_a_warning() {
    let is_failure = |name: &str, call: &dyn Fn()| {
        let totals = || Registry::global().get(name).unwrap().snapshot().totals;
        let before = totals();
        call();
        let after = totals();
        (after.failures - before.failures, after.ignored - before.ignored)
    };
    assert_eq!(silent::text(), "x");
    Registry::global().get("macros/text").unwrap().force_open();
    assert_eq!(silent::text(), "x");
    for (code, failures) in [(3, 1), (4, 0)] {
        assert_eq!(is_failure("macros/answer", &|| _ = silent::answer(code)), (failures, 0));
    }
    for fails in [true, false] {
        assert_eq!(is_failure("macros/fails", &|| _ = silent::fails(fails)), (u64::from(fails), 0));
    }
    silent::flag().unwrap();
    let config = Registry::global().get("macros/flag").unwrap().config();
    assert_eq!((config.critical(), config.durations()), (true, false));
    for (number, failures) in [(0, 0), (1, 1), (2, 1)] {
        assert_eq!(is_failure("macros/failed", &|| _ = silent::failed(number)), (failures, 0));
        assert_eq!(is_failure("macros/nested", &|| _ = silent::nested(number)), (failures, 0));
    }
    for (number, expected) in [(-4, (1, 0)), (-3, (1, 0)), (-2, (0, 0)), (5, (0, 1))] {
        assert_eq!(is_failure("macros/range", &|| _ = silent::range(number)), expected);
    }
    silent::parameters(None).unwrap();
}

#[test]
fn fragments_in_a_signature_stay_one_type_or_one_value() {
    assert_eq!(numbers(silent::generic().unwrap()), (6, -1));
    assert_eq!(silent::array().unwrap().len(), 6);
    let error: Box<dyn Error + Send + Sync> = silent::opaque(&"a text").unwrap();
    assert_eq!(silent::object(&*error, "x").unwrap(), "a text x");
    assert_eq!(silent::function(|| "made".into(), "x").unwrap().to_string(), "made");
}

macro_rules! boxed {
    ($name:ident, $body:block) => {
        #[circuit_breaker(name = "macros/boxed", fallback = |_| 0)]
        fn $name() -> Pin<Box<dyn Future<Output = u32> + Send>> $body
    };
}

#[tokio::test]
async fn the_body_of_a_macro_may_be_one_boxed_future() {
    boxed!(boxed, { Box::pin(async move { 4 }) });
    assert_eq!(boxed().await, 4);
    Registry::global().get("macros/boxed").unwrap().force_open();
    assert_eq!(boxed().await, 0);
}
