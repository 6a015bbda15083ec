//! Values that a `macro_rules!` macro passes to the attribute (regression of syn#852).

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
