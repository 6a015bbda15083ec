// Generated from the file beside it.
//! A call that may take too long: the fallback gets clones of what the body had, and only of that.
use breaker_runtime::BreakerError;
async fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    let __clone_of_order = ::breaker_runtime::__private::clone_for_fallback(&order);
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<String, BreakerError>,
    >()
        .__breaker_classifier();
    let __result = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::DEFAULTS
                .call_timeout(::breaker_runtime::__private::Duration::new(2u64, 0u32)),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "charge",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::charge"
            ),
            || ::breaker_runtime::__private::clone_settings(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async_with_timeout(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                Result<String, BreakerError>,
                            >();
                        }
                        match () {
                            () => {
                                drop(order);
                                Ok(note.to_owned())
                            }
                        }
                    },
                    __classifier,
                    ::breaker_runtime::__private::outcome_of,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(__rejected)
        }
    };
    match __result {
        ::breaker_runtime::__private::Ok(__output) => __output,
        ::breaker_runtime::__private::Err(__rejected) => {
            let order = __clone_of_order;
            let _ = &order;
            let __value: Result<String, BreakerError> = ::breaker_runtime::__private::resolve(
                    cached(order, note),
                )
                .await;
            __classifier.record_fallback(__rejected, __value)
        }
    }
}
fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}
async fn price(mut sku: String, amount: Box<u32>) -> String {
    let __clone_of_sku = ::breaker_runtime::__private::clone_for_fallback(&sku);
    let __classifier = ::breaker_runtime::__private::classifier_for::<String>()
        .__breaker_classifier();
    let __result = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::DEFAULTS
                .call_timeout(::breaker_runtime::__private::Duration::new(2u64, 0u32)),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "price",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::price"
            ),
            || ::breaker_runtime::__private::clone_settings(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async_with_timeout(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                String,
                            >();
                        }
                        match () {
                            () => {
                                sku.push('x');
                                format!("{sku}{amount}")
                            }
                        }
                    },
                    __classifier,
                    ::breaker_runtime::__private::outcome_of,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(__rejected)
        }
    };
    match __result {
        ::breaker_runtime::__private::Ok(__output) => __output,
        ::breaker_runtime::__private::Err(__rejected) => {
            let mut sku = __clone_of_sku;
            let _ = &mut sku;
            let __value: String = ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::call_fallback(
                        __rejected,
                        move |error| format!("{sku}: {error}"),
                    ),
                )
                .await;
            __classifier.record_fallback(__rejected, __value)
        }
    }
}
async fn ping() -> Result<(), BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<(), BreakerError>,
    >()
        .__breaker_classifier();
    let __result = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::DEFAULTS
                .call_timeout(::breaker_runtime::__private::Duration::new(2u64, 0u32)),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "ping",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::ping"
            ),
            || ::breaker_runtime::__private::clone_settings(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted_async_with_timeout(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::fix_output_type::<
                                Result<(), BreakerError>,
                            >();
                        }
                        match () {
                            () => Ok(()),
                        }
                    },
                    __classifier,
                    ::breaker_runtime::__private::outcome_of,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(__rejected)
        }
    };
    match __result {
        ::breaker_runtime::__private::Ok(__output) => __output,
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::reject(__rejected)
        }
    }
}
fn main() {
    drop((charge("tea".to_owned(), ""), price("tea".to_owned(), Box::new(1)), ping()));
}
