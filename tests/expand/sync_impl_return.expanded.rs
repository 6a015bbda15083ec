// Generated from the file beside it.
//! A return type that cannot be named.
use breaker_runtime::BreakerError;
fn evens(most: u32) -> Result<impl Iterator<Item = u32>, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<_, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::run(
        {
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "evens",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::evens"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        move || -> Result<_, BreakerError> {
            Ok((0..most).filter(|number| number % 2 == 0))
        },
        __classifier,
    )
}
fn main() {
    assert_eq!(evens(4).unwrap().collect::< Vec < _ >> (), [0, 2]);
}
