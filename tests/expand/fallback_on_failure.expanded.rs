// Generated from the file beside it.
//! A fallback that runs after failed calls too: it stands once, and gets clones of what the body had.
use breaker_runtime::{BreakerError, CallError};
fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    let __again_order = ::breaker_runtime::__private::again(&order);
    let __classifier = ::breaker_runtime::__private::returned::<
        Result<String, BreakerError>,
    >()
        .__breaker_classifier();
    let __ended = match ::breaker_runtime::__private::Acquire::acquire({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "charge",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::charge"
            ),
            || ::breaker_runtime::__private::SETTINGS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::call_or_fail(
                __admission,
                move || -> Result<String, BreakerError> {
                    drop(order);
                    Ok(note.to_owned())
                },
                __classifier,
                ::breaker_runtime::__private::judged,
            )
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(
                ::breaker_runtime::__private::Unserved::Rejected(__rejected),
            )
        }
    };
    match __ended {
        ::breaker_runtime::__private::Ok(__out) => __out,
        ::breaker_runtime::__private::Err(ref __rejected) => {
            let order = __again_order;
            let _ = &order;
            let __asking = ::breaker_runtime::__private::Unserved::asking(__rejected);
            let __answer: Result<String, BreakerError> = if let ::breaker_runtime::__private::Some(
                __answer,
            ) = ::breaker_runtime::__private::None {
                __answer
            } else {
                cached(order, note)
            };
            __classifier.answered(__asking, __answer)
        }
    }
}
fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}
async fn stock(sku: String) -> Option<usize> {
    let __classifier = ::breaker_runtime::__private::returned::<Option<usize>>()
        .__breaker_classifier();
    let __ended = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "stock",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::stock"
            ),
            || ::breaker_runtime::__private::SETTINGS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::call_async_or_fail(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::pin::<Option<usize>>();
                        }
                        match () {
                            () => Some(sku.len()),
                        }
                    },
                    __classifier,
                    |__out, __classifier| {
                        if ::breaker_runtime::__private::ask(__out, Option::is_none) {
                            ::breaker_runtime::__private::Outcome::Failure
                        } else {
                            __classifier.unnamed(__out)
                        }
                    },
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(
                ::breaker_runtime::__private::Unserved::Rejected(__rejected),
            )
        }
    };
    match __ended {
        ::breaker_runtime::__private::Ok(__out) => __out,
        ::breaker_runtime::__private::Err(__rejected) => {
            let __asking = ::breaker_runtime::__private::Unserved::asking(&__rejected);
            let __answer: Option<usize> = ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::fallback_or_fail(
                        __rejected,
                        move |error| match error {
                            CallError::Failed(none) => none,
                            CallError::Breaker(_) => Some(0),
                        },
                    ),
                )
                .await;
            __classifier.answered(__asking, __answer)
        }
    }
}
fn main() {
    assert_eq!(charge("tea".to_owned(), "now").unwrap(), "now");
    drop(stock("tea".to_owned()));
}
