// Generated from the file beside it.
//! What counts as a failure, said by a function and by a closure.
use breaker_runtime::{BreakerError, Registry};
fn reply(text: &str) -> Result<usize, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<usize, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run_with_conditions(
        {
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "reply",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::reply"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        move || -> Result<usize, BreakerError> { Ok(text.len()) },
        __classifier,
        |__output, __classifier| {
            if ::breaker_runtime::__private::evaluate(__output, Result::is_err) {
                ::breaker_runtime::__private::Outcome::Ignored
            } else if ::breaker_runtime::__private::evaluate(__output, is_bad) {
                ::breaker_runtime::__private::Outcome::Failure
            } else {
                __classifier.unmatched(__output)
            }
        },
    )
}
fn is_bad(reply: &Result<usize, BreakerError>) -> bool {
    matches!(reply, Ok(0))
}
async fn status(code: u16) -> u16 {
    let __classifier = ::breaker_runtime::__private::classifier_for::<u16>()
        .__breaker_classifier();
    match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "status",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::status"
            ),
            || ::breaker_runtime::__private::DEFAULTS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async_with_conditions(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                u16,
                            >();
                        }
                        match () {
                            () => code,
                        }
                    },
                    __classifier,
                    |__output, __classifier| {
                        if ::breaker_runtime::__private::evaluate(
                            __output,
                            |status| *status >= 500,
                        ) {
                            ::breaker_runtime::__private::Outcome::Failure
                        } else {
                            __classifier.unmatched(__output)
                        }
                    },
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            __classifier.run_fallback(__rejected, move |_| 503)
        }
    }
}
fn main() {
    assert!(reply("").is_ok() && reply("hello").is_ok());
    let totals = Registry::global().get("reply").unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (1, 1));
    drop(status(500));
}
