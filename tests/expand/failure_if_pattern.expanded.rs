// Generated from the file beside it.
//! What counts as a failure, and what counts as nothing, said by patterns.
use breaker_runtime::{BreakerError, Registry};
#[derive(Debug)]
enum Fault {
    Status(u16),
    Rejected,
}
impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}
fn price(code: u16) -> Result<u16, Fault> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<u16, Fault>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run_with_conditions(
        {
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "price",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::price"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        move || -> Result<u16, Fault> {
            if code < 400 { Ok(code) } else { Err(Fault::Status(code)) }
        },
        __classifier,
        |__output, __classifier| {
            if match __output {
                Ok(0) | Err(Fault::Rejected) => true,
                _ => false,
            } {
                ::breaker_runtime::__private::Outcome::Ignored
            } else if match __output {
                Err(Fault::Status(code)) if *code >= 500 => true,
                _ => false,
            } {
                ::breaker_runtime::__private::Outcome::Failure
            } else {
                __classifier.unmatched(__output)
            }
        },
    )
}
fn found(number: u32) -> Option<u32> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<Option<u32>>()
        .__breaker_classifier();
    match ::breaker_runtime::__private::Acquire::acquire({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "found",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::found"
            ),
            || ::breaker_runtime::__private::DEFAULTS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_with_conditions(
                __admission,
                move || -> Option<u32> { number.checked_sub(1) },
                __classifier,
                |__output, __classifier| {
                    if match __output {
                        None => true,
                        _ => false,
                    } {
                        ::breaker_runtime::__private::Outcome::Ignored
                    } else {
                        ::breaker_runtime::__private::outcome_of(__output, __classifier)
                    }
                },
            )
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            __classifier.run_fallback(__rejected, move |_| None)
        }
    }
}
fn main() {
    assert!(price(200).is_ok() && price(0).is_ok());
    assert!(price(404).is_err() && price(503).is_err());
    let totals = Registry::global().get("price").unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored), (1, 1, 2));
    assert!(found(1).is_some() && found(0).is_none());
    let totals = Registry::global().get("found").unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.ignored), (1, 1));
}
