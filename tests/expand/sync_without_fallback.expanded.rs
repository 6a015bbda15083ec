// Generated from the file beside it.
//! A plain function that returns a `Result` and has no fallback.
use breaker_runtime::BreakerError;
fn price(sku: &str) -> Result<usize, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<usize, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run(
        {
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::unnamed(
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::price"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        move || -> Result<usize, BreakerError> { Ok(sku.len()) },
        __classifier,
    )
}
fn main() {
    assert_eq!(price("tea").unwrap(), 3);
}
