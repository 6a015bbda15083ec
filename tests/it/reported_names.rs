//! Bugs of other attribute macros with names and with functions that macros generate. Each test is named
//! after the report.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use breaker_runtime::{CircuitBreaker, Registry, circuit_breaker};

fn breaker(name: &str) -> CircuitBreaker {
    Registry::global().get(name).unwrap()
}

macro_rules! whole {
    ($item:item) => {
        #[circuit_breaker(name = "reported/item", fallback = |_| 0)]
        $item
    };
}

whole! {
    /// The whole function is in an invisible group.
    fn whole(number: u32) -> u32 {
        number + 1
    }
}

macro_rules! parts {
    (
        $(#[$attribute:meta])* $visibility:vis $name:ident, $label:expr, $threshold:expr, $timeout:literal,
        $argument:ident: $input:ty, $pattern:pat => $output:ty, $fallback:path, $key:expr, $body:block
    ) => {
        $(#[$attribute])*
        #[circuit_breaker(
            name = $label,
            failure_threshold = $threshold,
            recovery_timeout = $timeout,
            failure_if($pattern),
            key = $key,
            fallback = $fallback
        )]
        $visibility async fn $name($argument: $input) -> $output $body
    };
}

parts! {
    /// Every part of the function is in an invisible group.
    pub(crate) parts, concat!("reported/", "parts"), 1 + 1, "7s",
    number: &'static u32, 0 | 9 => u32, std::clone::Clone::clone, *number > 5, {
        if *number == 3 {
            return 4;
        }
        *number
    }
}

macro_rules! method {
    ($owner:ty, $self:ident, $body:expr) => {
        impl $owner {
            #[circuit_breaker(name = "reported/method", fallback = |_| $self.1)]
            fn method(&$self) -> u32 {
                $body
            }
        }
    };
}

struct Pair(u32, u32);
method!(Pair, self, self.0);

#[tokio::test]
async fn syn_852_arguments_in_invisible_groups_are_accepted() {
    assert_eq!((whole(1), parts(&3).await, parts(&9).await, Pair(1, 2).method()), (2, 4, 9, 1));
    breaker("reported/method").force_open();
    assert_eq!(Pair(1, 2).method(), 2);
    let keyed = Registry::global().get_keyed("reported/parts").unwrap();
    assert_eq!((keyed.totals().successes, keyed.totals().failures), (1, 1));
    assert_eq!(keyed.get("true").config().recovery_timeout(), std::time::Duration::from_secs(7));
    keyed.get("false").force_open();
    assert_eq!(parts(&3).await, 3);
}

macro_rules! hygienic {
    ($name:ident, $argument:ident, $body:expr) => {
        #[circuit_breaker(name = "reported/hygiene", fallback = |error| hidden + error.name().len() + $argument)]
        fn $name(hidden: usize, $argument: usize) -> usize {
            let more = 1;
            hidden + more + $body
        }
    };
}

const fn more() -> usize {
    100
}

hygienic!(hygiene, hidden, hidden + more());

#[test]
fn rust_92654_equal_argument_names_of_different_macro_scopes_stay_distinct() {
    assert_eq!(hygiene(10, 20), 131);
    breaker("reported/hygiene").force_open();
    assert_eq!(hygiene(10, 20), 30 + "reported/hygiene".len());
}

mod shadowed {
    #![allow(dead_code, non_camel_case_types, unused_macros, reason = "only their names matter")]

    pub(super) use ::std::result::Result::{Err as Bad, Ok as Good};

    use ::breaker_runtime::{BreakerError as u32, circuit_breaker};

    type Result<T> = ::std::result::Result<T, u32>;
    struct Ok;
    struct Err;
    struct Some;
    struct None;
    enum Option {}
    struct Box;
    struct Send;
    struct String;
    struct Future;
    trait Fn {}
    trait Display {}
    trait Debug {}
    trait Clone {}
    mod core {}
    mod std {}
    mod alloc {}
    mod breaker_runtime {}

    macro_rules! panic {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }
    macro_rules! module_path {
        () => {};
    }

    #[circuit_breaker]
    pub(super) fn synchronous(good: bool) -> Result<bool> {
        if good { Good(good) } else { synchronous(true) }
    }

    #[circuit_breaker(
        failure_threshold = 5,
        failure_if(Good(false)),
        ignore_if = |_| false,
        key = good,
        call_timeout = "1h",
        max_concurrent = 5,
        max_wait = "1s",
        mode = "shadow",
        fallback = |error| Bad(error)
    )]
    pub(super) async fn asynchronous(good: bool) -> Result<bool> {
        Good(good)
    }
}

#[tokio::test]
async fn tracing_test_15_result_ok_and_std_can_be_shadowed() {
    assert!(shadowed::synchronous(false).unwrap() && shadowed::asynchronous(true).await.unwrap());
    assert!(matches!(shadowed::synchronous(true), shadowed::Good(true)));
}
