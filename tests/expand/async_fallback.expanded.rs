// Generated from the file beside it.
//! Async functions whose fallbacks are plain and async.
use breaker_runtime::Registry;
async fn plain(number: u32) -> u32 {
    let __classifier = ::breaker_runtime::__private::classifier_for::<u32>()
        .__breaker_classifier();
    match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "plain",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::plain"
            ),
            || ::breaker_runtime::__private::DEFAULTS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                u32,
                            >();
                        }
                        match () {
                            () => number,
                        }
                    },
                    __classifier,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            let __value: u32 = ::breaker_runtime::__private::resolve(cached(number))
                .await;
            __classifier.record_fallback(__rejected, __value)
        }
    }
}
fn cached(number: u32) -> u32 {
    number + 1
}
async fn deferred(number: u32) -> u32 {
    let __classifier = ::breaker_runtime::__private::classifier_for::<u32>()
        .__breaker_classifier();
    match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "deferred",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::deferred"
            ),
            || ::breaker_runtime::__private::DEFAULTS,
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                u32,
                            >();
                        }
                        match () {
                            () => number,
                        }
                    },
                    __classifier,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            let __value: u32 = ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::call_fallback(
                        __rejected,
                        move |_| async move { number + 2 },
                    ),
                )
                .await;
            __classifier.record_fallback(__rejected, __value)
        }
    }
}
#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!((plain(1). await, deferred(1). await), (1, 1));
    for name in ["plain", "deferred"] {
        Registry::global().get(name).unwrap().force_open();
    }
    assert_eq!((plain(1). await, deferred(1). await), (2, 3));
}
