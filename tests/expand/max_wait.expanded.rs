// Generated from the file beside it.
//! A call that may have to wait for its turn, sync and async, and with a key.
use breaker_runtime::BreakerError;
fn now() -> Result<u32, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<u32, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run(
        {
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "sync",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::now"
                ),
                || {
                    ::breaker_runtime::__private::DEFAULTS
                        .max_concurrent(2)
                        .max_wait(
                            ::breaker_runtime::__private::Duration::new(1u64, 0u32),
                        )
                },
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        move || -> Result<u32, BreakerError> { Ok(1) },
        __classifier,
    )
}
async fn later() -> Result<u32, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<u32, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run_async(
            ::breaker_runtime::__private::Site::acquire_waiting({
                    static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked_waiting(
                        ::breaker_runtime::__private::DEFAULTS
                            .max_concurrent(2)
                            .max_wait(
                                ::breaker_runtime::__private::Duration::new(1u64, 0u32),
                            ),
                    );
                    static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                        "async",
                        ::breaker_runtime::__private::concat!(
                            ::breaker_runtime::__private::module_path!(), "::later"
                        ),
                        || ::breaker_runtime::__private::clone_settings(
                            &__BREAKER_SETTINGS,
                        ),
                    );
                    ::breaker_runtime::__private::declare!(__BREAKER_SITE);
                    &__BREAKER_SITE
                })
                .await,
            async move {
                if false {
                    return ::breaker_runtime::__private::fix_output_type::<
                        Result<u32, BreakerError>,
                    >();
                }
                match () {
                    () => Ok(1),
                }
            },
            __classifier,
        )
        .await
}
async fn each(tenant: u32) -> Result<u32, BreakerError> {
    let __circuit = ::breaker_runtime::__private::KeyedSite::circuit(
        {
            static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked_waiting(
                ::breaker_runtime::__private::DEFAULTS
                    .max_concurrent(2)
                    .max_wait(::breaker_runtime::__private::Duration::new(1u64, 0u32)),
            );
            static __BREAKER_SITE: ::breaker_runtime::__private::KeyedSite = ::breaker_runtime::__private::KeyedSite::named(
                "keyed",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::each"
                ),
                || ::breaker_runtime::__private::clone_settings(&__BREAKER_SETTINGS),
                ::breaker_runtime::__private::checked_keys(1024),
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        &::breaker_runtime::__private::Key(&(tenant)).__breaker_key(),
    );
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<u32, BreakerError>,
    >()
        .__breaker_classifier();
    let __output = ::breaker_runtime::__private::run_async(
            ::breaker_runtime::__private::KeyedCircuit::acquire_waiting(&__circuit)
                .await,
            async move {
                if false {
                    return ::breaker_runtime::__private::fix_output_type::<
                        Result<u32, BreakerError>,
                    >();
                }
                match () {
                    () => Ok(tenant),
                }
            },
            __classifier,
        )
        .await;
    __output
}
async fn never() -> Result<u32, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<u32, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run_async(
            ::breaker_runtime::__private::Site::acquire_waiting({
                    static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                        "never",
                        ::breaker_runtime::__private::concat!(
                            ::breaker_runtime::__private::module_path!(), "::never"
                        ),
                        || {
                            ::breaker_runtime::__private::DEFAULTS
                                .max_concurrent(2)
                                .max_wait(
                                    ::breaker_runtime::__private::Duration::new(0u64, 0u32),
                                )
                        },
                    );
                    ::breaker_runtime::__private::declare!(__BREAKER_SITE);
                    &__BREAKER_SITE
                })
                .await,
            async move {
                if false {
                    return ::breaker_runtime::__private::fix_output_type::<
                        Result<u32, BreakerError>,
                    >();
                }
                match () {
                    () => Ok(4),
                }
            },
            __classifier,
        )
        .await
}
fn main() {
    assert_eq!(now().unwrap(), 1);
    drop((later(), each(1), never()));
}
