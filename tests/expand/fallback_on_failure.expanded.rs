// Generated from the file beside it.
//! A fallback that runs after failed calls too: it stands once, and gets clones of what the body had.
use breaker_runtime::{BreakerError, CallError};
fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    let __again_order = ::breaker_runtime::__private::again(&order);
    let __ended = match ::breaker_runtime::__private::Site::acquire({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "charge",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::charge"
            ),
            ::breaker_runtime::__private::settings(),
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
                |__out| ::breaker_runtime::__private::Output(__out).__breaker_outcome(),
                |__out| ::breaker_runtime::__private::Output(__out).__breaker_text(),
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
        ::breaker_runtime::__private::Err(_) => {
            let order = __again_order;
            let _ = &order;
            cached(order, note)
        }
    }
}
fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}
async fn stock(sku: String) -> Option<usize> {
    let __ended = match ::breaker_runtime::__private::Site::acquire_now({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "stock",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::stock"
            ),
            ::breaker_runtime::__private::settings(),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::call_async_or_fail(
                    __admission,
                    async move {
                        if let ::breaker_runtime::__private::Some(__out) = ::breaker_runtime::__private::None::<
                            Option<usize>,
                        > {
                            return __out;
                        }
                        match () {
                            () => Some(sku.len()),
                        }
                    },
                    |__out| {
                        if ::breaker_runtime::__private::ask(__out, Option::is_none) {
                            ::breaker_runtime::__private::Outcome::Failure
                        } else {
                            ::breaker_runtime::__private::Output(__out)
                                .__breaker_outcome_unnamed()
                        }
                    },
                    |__out| ::breaker_runtime::__private::Output(__out).__breaker_text(),
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
            ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::fallback_or_fail(
                        __rejected,
                        move |error| match error {
                            CallError::Failed(none) => none,
                            CallError::Rejected(_) => Some(0),
                        },
                    ),
                )
                .await
        }
    }
}
fn main() {
    assert_eq!(charge("tea".to_owned(), "now").unwrap(), "now");
    drop(stock("tea".to_owned()));
}
