//! The fallback `last_good`: which value a rejected or failed call returns, and until when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breaker_runtime::fallback::MaybeStale;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Registry, circuit_breaker, testing};

use crate::support::{Fault, catch_panic};

type Answer = Result<u32, Fault>;

/// Returns the successes and failures of the fallbacks of a breaker.
fn counted(name: &str) -> (u64, u64) {
    let fallbacks = Registry::global().get(name).unwrap().snapshot().totals.fallbacks;
    (fallbacks.successes, fallbacks.failures)
}

fn force_open(name: &str) {
    Registry::global().get(name).unwrap().force_open();
}

#[circuit_breaker(name = "last_good/price", fallback = last_good(max_age = "5m", max_keys = 2, key = sku))]
fn price(sku: &str, answer: Answer) -> Answer {
    _ = sku;
    answer
}

#[test]
fn a_rejected_call_returns_the_last_good_value_of_its_key() {
    testing::scope(|_| {
        for (sku, answer) in [("tea", Ok(1)), ("tea", Ok(2)), ("milk", Ok(3)), ("tea", Err(Fault::Down))] {
            assert_eq!(price(sku, answer), answer);
        }
        force_open("last_good/price");
        assert_eq!([price("tea", Ok(9)), price("milk", Ok(9))], [Ok(2), Ok(3)]);
        assert_eq!(price("salt", Ok(9)), Err(Fault::Rejected));
        assert_eq!(counted("last_good/price"), (2, 1), "a call without a value is a failed fallback");
    });
}

#[test]
fn a_value_is_returned_up_to_exactly_its_maximum_age() {
    testing::scope(|scope| {
        assert_eq!(price("tea", Ok(1)), Ok(1));
        force_open("last_good/price");
        scope.advance(Duration::from_secs(300));
        assert_eq!(price("tea", Ok(9)), Ok(1));
        scope.advance(Duration::from_nanos(1));
        assert_eq!(price("tea", Ok(9)), Err(Fault::Rejected));
    });
}

#[test]
fn the_value_that_was_refreshed_longest_ago_is_forgotten_first() {
    testing::scope(|_| {
        for (sku, answer) in [("tea", 1), ("milk", 2), ("tea", 3), ("salt", 4)] {
            assert_eq!(price(sku, Ok(answer)), Ok(answer));
        }
        force_open("last_good/price");
        let answers = ["tea", "milk", "salt"].map(|sku| price(sku, Ok(9)));
        assert_eq!(answers, [Ok(3), Err(Fault::Rejected), Ok(4)]);
    });
}

#[test]
fn a_key_of_more_than_255_bytes_has_no_value() {
    testing::scope(|_| {
        let [longest, too_long] = [255, 256].map(|length| "k".repeat(length));
        for sku in [&longest, &too_long] {
            assert_eq!(price(sku, Ok(1)), Ok(1));
        }
        force_open("last_good/price");
        assert_eq!([price(&longest, Ok(9)), price(&too_long, Ok(9))], [Ok(1), Err(Fault::Rejected)]);
    });
}

#[test]
fn a_failed_call_returns_the_last_good_value_or_its_own_error() {
    #[circuit_breaker(
        name = "last_good/on_failure",
        fallback = last_good(max_age = "5m", key = ()),
        fallback_on = failure
    )]
    fn price(answer: Answer) -> Answer {
        answer
    }
    testing::scope(|_| {
        assert_eq!(price(Err(Fault::Down)), Err(Fault::Down));
        assert_eq!([price(Ok(1)), price(Err(Fault::Down))], [Ok(1), Ok(1)]);
        force_open("last_good/on_failure");
        assert_eq!(price(Ok(9)), Ok(1));
        assert_eq!(counted("last_good/on_failure"), (2, 1));
    });
}

#[test]
fn only_values_of_successful_calls_are_remembered() {
    #[circuit_breaker(
        name = "last_good/classified",
        failure_if(Ok(0)),
        ignore_if(Ok(1)),
        fallback = last_good(max_age = "5m", key = ())
    )]
    fn price(answer: Answer) -> Answer {
        answer
    }
    testing::scope(|_| {
        for answer in [Ok(5), Ok(0), Ok(1), Err(Fault::Down)] {
            assert_eq!(price(answer), answer);
        }
        force_open("last_good/classified");
        assert_eq!(price(Ok(9)), Ok(5));
    });
}

#[test]
fn a_late_success_is_remembered() {
    #[circuit_breaker(name = "last_good/late", fallback = last_good(max_age = "5m"))]
    fn price() -> Answer {
        force_open("last_good/late");
        Ok(1)
    }
    testing::scope(|_| assert_eq!([price(), price()], [Ok(1), Ok(1)]));
}

#[test]
fn a_stale_value_has_its_age_and_a_new_one_has_none() {
    #[circuit_breaker(name = "last_good/marked", fallback = last_good(max_age = "5m"))]
    fn price() -> Result<MaybeStale<u32>, Fault> {
        Ok(1.into())
    }
    testing::scope(|scope| {
        assert_eq!(price().unwrap(), MaybeStale::from(1));
        force_open("last_good/marked");
        scope.advance(Duration::from_secs(2));
        let stale = price().unwrap();
        assert_eq!((*stale, stale.age(), stale.is_stale()), (1, Some(Duration::from_secs(2)), true));
    });
}

#[test]
fn the_stale_value_of_an_inner_function_is_not_remembered_as_a_new_one() {
    #[circuit_breaker(name = "last_good/inner", fallback = last_good(max_age = "5m"))]
    fn inner() -> Result<MaybeStale<u32>, Fault> {
        Ok(1.into())
    }
    #[circuit_breaker(name = "last_good/outer", fallback = last_good(max_age = "5m"))]
    fn outer() -> Result<MaybeStale<u32>, Fault> {
        inner()
    }
    testing::scope(|scope| {
        assert!(!outer().unwrap().is_stale());
        force_open("last_good/inner");
        scope.advance(Duration::from_secs(200));
        assert_eq!(outer().unwrap().age(), Some(Duration::from_secs(200)));
        force_open("last_good/outer");
        scope.advance(Duration::from_secs(100));
        assert_eq!(outer().unwrap().age(), Some(Duration::from_secs(300)));
        scope.advance(Duration::from_nanos(1));
        assert_eq!(outer(), Err(Fault::Rejected));
    });
}

#[test]
fn on_stale_receives_each_stale_value_and_its_age() {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "`on_stale` passes a reference")]
    fn note(price: &u32, age: Duration) {
        NOTED.fetch_add(price + u32::try_from(age.as_secs()).unwrap(), Ordering::Relaxed);
    }
    static NOTED: AtomicU32 = AtomicU32::new(0);
    #[circuit_breaker(name = "last_good/path", fallback = last_good(max_age = "5m", on_stale = note))]
    fn price() -> Answer {
        Ok(100)
    }
    #[circuit_breaker(
        name = "last_good/closure",
        fallback = last_good(max_age = "5m", key = (), on_stale = |price, age| noted.push(format!("{price} {age:?}")))
    )]
    fn listed(noted: &mut Vec<String>) -> Answer {
        noted.push("called".to_owned());
        Ok(5)
    }
    testing::scope(|scope| {
        let mut noted = Vec::new();
        assert_eq!((price(), listed(&mut noted)), (Ok(100), Ok(5)));
        force_open("last_good/path");
        force_open("last_good/closure");
        scope.advance(Duration::from_secs(7));
        assert_eq!((price(), listed(&mut noted)), (Ok(100), Ok(5)));
        assert_eq!(NOTED.load(Ordering::Relaxed), 107);
        assert_eq!(noted, ["called", "5 7s"]);
    });
}

#[test]
fn two_functions_with_one_circuit_have_separate_values() {
    #[circuit_breaker(name = "last_good/shared", fallback = last_good(max_age = "5m"))]
    fn first() -> Answer {
        Ok(1)
    }
    #[circuit_breaker(name = "last_good/shared", fallback = last_good(max_age = "5m"))]
    fn second() -> Answer {
        Ok(2)
    }
    testing::scope(|_| {
        assert_eq!(first(), Ok(1));
        force_open("last_good/shared");
        assert_eq!([first(), second()], [Ok(1), Err(Fault::Rejected)]);
    });
}

#[test]
fn each_circuit_of_a_keyed_breaker_has_values_of_its_own_and_the_overflow_circuit_has_none() {
    #[circuit_breaker(name = "last_good/keyed", key = host, fallback = last_good(max_age = "5m", key = sku))]
    fn price(host: &str, sku: &str, answer: Answer) -> Answer {
        _ = (host, sku);
        answer
    }
    testing::scope(|_| {
        let long = "h".repeat(256);
        for (host, answer) in [("eu", 1), ("us", 2), (&long, 3)] {
            assert_eq!(price(host, "tea", Ok(answer)), Ok(answer));
        }
        Registry::global()
            .get_keyed("last_good/keyed")
            .unwrap()
            .iter()
            .for_each(|circuit| circuit.force_open());
        let answers = ["eu", "us", &long].map(|host| price(host, "tea", Ok(9)));
        assert_eq!(answers, [Ok(1), Ok(2), Err(Fault::Rejected)]);
    });
}

#[test]
fn the_values_are_dropped_with_their_circuit() {
    struct Shop(CircuitBreaker);
    impl Shop {
        #[circuit_breaker(breaker = self.0, fallback = last_good(max_age = "5m", key = ()))]
        fn stock(&self, answer: &Arc<u32>) -> Result<Arc<u32>, Fault> {
            Ok(Arc::clone(answer))
        }
    }
    let answer = Arc::new(1);
    let shop = Shop(CircuitBreaker::new("last_good/dropped", Config::default()).unwrap());
    assert!(shop.stock(&answer).is_ok());
    assert_eq!(Arc::strong_count(&answer), 2);
    drop(shop);
    assert_eq!(Arc::strong_count(&answer), 1);
}

#[test]
fn a_panicking_clone_is_a_failed_call_and_keeps_the_earlier_value() {
    #[derive(Debug, PartialEq)]
    struct Price(u32);
    impl Clone for Price {
        fn clone(&self) -> Self {
            assert_ne!(self.0, 13, "this price cannot be cloned");
            Self(self.0)
        }
    }
    #[circuit_breaker(name = "last_good/clone", fallback = last_good(max_age = "5m", key = ()))]
    fn price(answer: u32) -> Result<Price, Fault> {
        Ok(Price(answer))
    }
    testing::scope(|_| {
        assert_eq!(price(1), Ok(Price(1)));
        assert!(catch_panic(|| price(13)).is_err());
        assert_eq!(Registry::global().get("last_good/clone").unwrap().snapshot().totals.failures, 1);
        force_open("last_good/clone");
        assert_eq!(price(9), Ok(Price(1)));
    });
}

// A lock that is held during the inner call would deadlock.
#[test]
fn a_value_can_call_the_function_while_it_is_cloned_and_dropped() {
    #[derive(Debug)]
    struct Price(u32);
    impl Clone for Price {
        fn clone(&self) -> Self {
            if self.0 > 0 {
                _ = price(self.0 - 1);
            }
            Self(self.0)
        }
    }
    impl Drop for Price {
        fn drop(&mut self) {
            if self.0 > 0 {
                _ = price(0);
            }
        }
    }
    #[circuit_breaker(name = "last_good/reentrant", fallback = last_good(max_age = "5m", key = ()))]
    fn price(answer: u32) -> Result<Price, Fault> {
        Ok(Price(answer))
    }
    testing::scope(|_| {
        for answer in [2, 1] {
            assert_eq!(price(answer).unwrap().0, answer);
        }
        force_open("last_good/reentrant");
        assert_eq!(price(9).unwrap().0, 0);
    });
}

#[test]
fn a_fallback_function_can_have_the_name_last_good() {
    #[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the protected function returns")]
    fn last_good(_: &str) -> Answer {
        Ok(5)
    }
    #[circuit_breaker(name = "last_good/named", fallback = last_good)]
    fn price(sku: &str) -> Answer {
        Ok(sku.len().try_into().unwrap_or(1))
    }
    testing::scope(|_| {
        _ = price("tea");
        force_open("last_good/named");
        assert_eq!(price("tea"), Ok(5));
    });
}

#[test]
fn a_rejection_by_the_alternative_service_reaches_the_caller_as_a_failed_fallback() {
    #[circuit_breaker(name = "last_good/first", fallback = second)]
    fn first() -> Result<u32, BreakerError> {
        Ok(1)
    }
    #[circuit_breaker(name = "last_good/second")]
    fn second() -> Result<u32, BreakerError> {
        Ok(2)
    }
    testing::scope(|_| {
        assert_eq!(first().unwrap(), 1);
        force_open("last_good/first");
        assert_eq!(first().unwrap(), 2);
        force_open("last_good/second");
        assert_eq!(first().unwrap_err().name(), "last_good/second");
        assert_eq!(counted("last_good/first"), (1, 1));
    });
}

#[test]
fn threads_never_see_the_value_of_another_key_or_an_older_value_than_their_own() {
    #[circuit_breaker(name = "last_good/threads", fallback = last_good(max_age = "5m", max_keys = 8, key = sku))]
    fn price(sku: u32, answer: Answer) -> Answer {
        _ = sku;
        answer
    }
    testing::scope(|scope| {
        let run = |sku: u32| {
            scope.enter(|| {
                for round in 0..500 {
                    let answer = sku * 1000 + round;
                    assert_eq!(price(sku, Ok(answer)), Ok(answer));
                    assert_eq!(price(100 + round % 8, Err(Fault::Down)), Err(Fault::Down));
                }
            });
        };
        std::thread::scope(|threads| {
            for sku in 0..4 {
                threads.spawn(move || run(sku));
            }
        });
        force_open("last_good/threads");
        for sku in 0..4 {
            assert_eq!(price(sku, Ok(9)), Ok(sku * 1000 + 499));
        }
    });
}
