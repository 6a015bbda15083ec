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

#[test]
fn names_in_the_scope_of_the_user_do_not_affect_the_generated_code() {
    // Regression of cached#114 #230, tracing-test#15: names of the user collided with the generated code.
    assert_eq!(shadowed::call().unwrap(), 6);
    assert_eq!(shadowed::unnamed(1), 1);
    assert_eq!((shadowed::named().unwrap(), Registry::global().get("sync/site").is_some()), (1, true));
}
