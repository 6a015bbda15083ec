// Generated from the file beside it.
//! A registry of one's own, asked for at the first call.
use breaker_runtime::{BreakerError, Registry};
fn charge(registry: &Registry) -> Result<usize, BreakerError> {
    let __classifier = ::breaker_runtime::__private::returned::<
        Result<usize, BreakerError>,
    >()
        .__breaker_classifier();
    ::breaker_runtime::__private::protect(
        ::breaker_runtime::__private::Site::declared_in(
            {
                static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                        "charge",
                        ::breaker_runtime::__private::concat!(
                            ::breaker_runtime::__private::module_path!(), "::charge"
                        ),
                        || ::breaker_runtime::__private::SETTINGS,
                    )
                    .in_own_registry();
                ::breaker_runtime::__private::declare!(__BREAKER_SITE);
                &__BREAKER_SITE
            },
            || ::breaker_runtime::__private::registry(&(registry)),
        ),
        move || -> Result<usize, BreakerError> { Ok(registry.iter().count()) },
        __classifier,
    )
}
fn main() {
    assert_eq!(charge(& Registry::new()).unwrap(), 1);
}
