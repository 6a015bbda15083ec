// Generated from the file beside it.
//! A fallback that runs after failed calls too: it stands once, and gets clones of what the body had.
use breaker_runtime::{BreakerError, CallError};
fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    let __clone_of_order = ::breaker_runtime::__private::clone_for_fallback(&order);
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<String, BreakerError>,
    >()
        .__breaker_classifier();
    let __result = match ::breaker_runtime::__private::Acquire::acquire({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "charge",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::charge"
            ),
            || ::breaker_runtime::__private::DEFAULTS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_or_fallback(
                __admission,
                move || -> Result<String, BreakerError> {
                    drop(order);
                    Ok(note.to_owned())
                },
                __classifier,
                ::breaker_runtime::__private::outcome_of,
            )
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(
                ::breaker_runtime::__private::NoResult::Rejected(__rejected),
            )
        }
    };
    match __result {
        ::breaker_runtime::__private::Ok(__output) => __output,
        ::breaker_runtime::__private::Err(ref __no_result) => {
            let order = __clone_of_order;
            let _ = &order;
            let __circuit_ref = ::breaker_runtime::__private::NoResult::circuit(
                __no_result,
            );
            let __value: Result<String, BreakerError> = if let ::breaker_runtime::__private::Some(
                __value,
            ) = ::breaker_runtime::__private::None {
                __value
            } else {
                cached(order, note)
            };
            __classifier.record_fallback(__circuit_ref, __value)
        }
    }
}
fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}
async fn stock(sku: String) -> Option<usize> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<Option<usize>>()
        .__breaker_classifier();
    let __result = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "stock",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::stock"
            ),
            || ::breaker_runtime::__private::DEFAULTS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async_or_fallback(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                Option<usize>,
                            >();
                        }
                        match () {
                            () => Some(sku.len()),
                        }
                    },
                    __classifier,
                    |__output, __classifier| {
                        if ::breaker_runtime::__private::evaluate(
                            __output,
                            Option::is_none,
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
            ::breaker_runtime::__private::Err(
                ::breaker_runtime::__private::NoResult::Rejected(__rejected),
            )
        }
    };
    match __result {
        ::breaker_runtime::__private::Ok(__output) => __output,
        ::breaker_runtime::__private::Err(__no_result) => {
            let __circuit_ref = ::breaker_runtime::__private::NoResult::circuit(
                &__no_result,
            );
            let __value: Option<usize> = ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::call_fallback_on_failure(
                        __no_result,
                        move |error| match error {
                            CallError::Failed(none) => none,
                            CallError::Breaker(_) => Some(0),
                        },
                    ),
                )
                .await;
            __classifier.record_fallback(__circuit_ref, __value)
        }
    }
}
fn main() {
    assert_eq!(charge("tea".to_owned(), "now").unwrap(), "now");
    drop(stock("tea".to_owned()));
}
