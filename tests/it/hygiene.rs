//! Hygiene: names in the scope of an annotated function do not affect the generated code.

#![deny(warnings)]

use breaker_runtime::{BreakerError, Registry};

type Answer<T> = Result<T, BreakerError>;

mod shadowed {
    #![allow(dead_code, non_upper_case_globals, reason = "only their names matter")]

    use breaker_runtime::circuit_breaker;

    const SITE: &str = "sync/site";

    static admission: u32 = 1;
    static rejected: u32 = 1;
    static out: u32 = 1;

    trait Classifier {
        fn outcome(&self) -> &'static str {
            "a user's classifier"
        }
    }

    impl<T> Classifier for T {}

    #[circuit_breaker(name = SITE)]
    pub(super) fn named() -> super::Answer<u32> {
        super::Answer::Ok(1)
    }

    struct Ok;
    struct Err;
    struct Some;
    struct None;
    enum Result {}
    mod core {}
    mod std {}
    #[circuit_breaker(name = "sync/shadowed")]
    pub(super) fn call() -> super::Answer<u32> {
        super::Answer::Ok(admission + rejected + out + 3)
    }

    #[circuit_breaker(fallback = |_| p)]
    pub(super) fn unnamed(p: u32) -> u32 {
        p
    }
}

mod methods_of_every_type {
    use std::time::Duration;

    use breaker_runtime::{CallError, Config, ConfigBuilder, circuit_breaker};

    use super::Answer;

    macro_rules! methods {
        ($($name:ident)*) => {
            /// Methods with the names of those in the generated code. They take every type by value.
            #[allow(dead_code, reason = "only their names matter")]
            trait Everything: Sized {
                $(fn $name(self) -> &'static str {
                    stringify!($name)
                })*
            }
        };
    }

    methods! {
        observe recall recall_after_failure unmatched declare run_fallback record_fallback checked circuit acquire
        verdict classifier clone poll get map settle
    }

    impl<T> Everything for T {}

    const POLICY: ConfigBuilder = Config::builder().failure_threshold(2);
    const MINUTE: Duration = Duration::from_secs(60);

    #[circuit_breaker(name = "methods/last", config = POLICY, fallback = last_good(max_age = MINUTE, key = sku))]
    pub(super) fn last(sku: &str) -> Answer<usize> {
        Ok(sku.len())
    }

    #[circuit_breaker(name = "methods/failed", fallback_on = failure, failure_if(Ok(4)), ignore_if = |_| false,
        fallback = last_good(max_age = "5m", key = sku))]
    pub(super) async fn failed(sku: String) -> Answer<usize> {
        Ok(sku.len())
    }

    #[circuit_breaker(name = "methods/unmatched", failure_if(Ok(0)), fallback = |error| Err(error))]
    pub(super) fn unmatched(sku: &str) -> Answer<usize> {
        Ok(sku.len())
    }

    #[circuit_breaker(name = "methods/keyed", key = sku, failure_if = |length| *length == 0, fallback = length)]
    pub(super) fn keyed(sku: &str) -> usize {
        sku.len()
    }

    fn length(sku: &str) -> usize {
        sku.len()
    }

    #[circuit_breaker(name = "methods/after", fallback_on = failure, fallback = |error| {
        drop::<CallError<_>>(error);
        Ok(2)
    })]
    pub(super) async fn after_failure(sku: &str) -> Answer<usize> {
        Ok(sku.len())
    }
}

#[tokio::test]
async fn methods_that_a_user_gives_every_type_are_not_called() {
    use methods_of_every_type as methods;

    assert_eq!((methods::last("tea").unwrap(), methods::unmatched("tea").unwrap()), (3, 3));
    assert_eq!((methods::failed("milk".to_owned()).await.unwrap(), methods::keyed("tea")), (4, 3));
    assert_eq!(methods::after_failure("tea").await.unwrap(), 3);
    let names = ["methods/last", "methods/failed", "methods/unmatched", "methods/after"];
    let registry = Registry::global();
    let totals = names.map(|name| registry.get(name).unwrap().snapshot().totals);
    assert_eq!(totals.map(|totals| (totals.successes, totals.failures)), [(1, 0), (0, 1), (1, 0), (1, 0)]);
}

#[test]
fn names_in_the_scope_of_the_user_do_not_affect_the_generated_code() {
    // Regression of cached#114 #230, tracing-test#15: names of the user collided with the generated code.
    assert_eq!(shadowed::call().unwrap(), 6);
    assert_eq!(shadowed::unnamed(1), 1);
    assert_eq!((shadowed::named().unwrap(), Registry::global().get("sync/site").is_some()), (1, true));
}
