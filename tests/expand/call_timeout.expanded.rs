// Generated from the file beside it.
//! A call that may take too long: the fallback gets clones of what the body had, and only of that.
use breaker_runtime::BreakerError;
async fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    let __again_order = ::breaker_runtime::__private::again(&order);
    let __classifier = ::breaker_runtime::__private::returned::<
        Result<String, BreakerError>,
    >()
        .__breaker_classifier();
    let __ended = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::SETTINGS
                .call_timeout(::breaker_runtime::__private::Duration::new(2u64, 0u32)),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "charge",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::charge"
            ),
            || ::breaker_runtime::__private::copied(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::call_async_within(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::pin::<
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
                    ::breaker_runtime::__private::judged,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(__rejected)
        }
    };
    match __ended {
        ::breaker_runtime::__private::Ok(__out) => __out,
        ::breaker_runtime::__private::Err(__rejected) => {
            let order = __again_order;
            let _ = &order;
            let __answer: Result<String, BreakerError> = ::breaker_runtime::__private::resolve(
                    cached(order, note),
                )
                .await;
            __classifier.answered(__rejected, __answer)
        }
    }
}
fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}
async fn price(mut sku: String, amount: Box<u32>) -> String {
    let __again_sku = ::breaker_runtime::__private::again(&sku);
    let __classifier = ::breaker_runtime::__private::returned::<String>()
        .__breaker_classifier();
    let __ended = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::SETTINGS
                .call_timeout(::breaker_runtime::__private::Duration::new(2u64, 0u32)),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "price",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::price"
            ),
            || ::breaker_runtime::__private::copied(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::call_async_within(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::pin::<String>();
                        }
                        match () {
                            () => {
                                sku.push('x');
                                format!("{sku}{amount}")
                            }
                        }
                    },
                    __classifier,
                    ::breaker_runtime::__private::judged,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(__rejected)
        }
    };
    match __ended {
        ::breaker_runtime::__private::Ok(__out) => __out,
        ::breaker_runtime::__private::Err(__rejected) => {
            let mut sku = __again_sku;
            let _ = &mut sku;
            let __answer: String = ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::fallback(
                        __rejected,
                        move |error| format!("{sku}: {error}"),
                    ),
                )
                .await;
            __classifier.answered(__rejected, __answer)
        }
    }
}
async fn ping() -> Result<(), BreakerError> {
    let __classifier = ::breaker_runtime::__private::returned::<
        Result<(), BreakerError>,
    >()
        .__breaker_classifier();
    let __ended = match ::breaker_runtime::__private::AcquireNow::acquire_now({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::SETTINGS
                .call_timeout(::breaker_runtime::__private::Duration::new(2u64, 0u32)),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "ping",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::ping"
            ),
            || ::breaker_runtime::__private::copied(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::call_async_within(
                    __admission,
                    async move {
                        if false {
                            return ::breaker_runtime::__private::pin::<
                                Result<(), BreakerError>,
                            >();
                        }
                        match () {
                            () => Ok(()),
                        }
                    },
                    __classifier,
                    ::breaker_runtime::__private::judged,
                )
                .await
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::Err(__rejected)
        }
    };
    match __ended {
        ::breaker_runtime::__private::Ok(__out) => __out,
        ::breaker_runtime::__private::Err(__rejected) => {
            ::breaker_runtime::__private::reject(__rejected)
        }
    }
}
fn main() {
    drop((charge("tea".to_owned(), ""), price("tea".to_owned(), Box::new(1)), ping()));
}
