// Generated from the file beside it.
//! A plain function with settings and the path of a fallback, which gets the same arguments.
use std::time::Duration;
use breaker_runtime::{BreakerError, Registry};
const WAIT: Duration = Duration::from_secs(5);
pub fn charge(order: String, mut times: u32) -> Result<String, BreakerError> {
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<String, BreakerError>,
    >()
        .__breaker_classifier();
    match ::breaker_runtime::__private::Acquire::acquire({
        static __BREAKER_SETTINGS: ::breaker_runtime::__private::ConfigBuilder = ::breaker_runtime::__private::checked(
            ::breaker_runtime::__private::DEFAULTS
                .failure_threshold(5)
                .recovery_timeout(WAIT),
        );
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "payment",
            ::breaker_runtime::__private::concat!(
                ::breaker_runtime::__private::module_path!(), "::charge"
            ),
            || ::breaker_runtime::__private::clone_settings(&__BREAKER_SETTINGS),
        );
        ::breaker_runtime::__private::declare!(__BREAKER_SITE);
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(__admission) => {
            ::breaker_runtime::__private::run_admitted(
                __admission,
                move || -> Result<String, BreakerError> {
                    times += 1;
                    Ok(format!("{order} x {times}"))
                },
                __classifier,
            )
        }
        ::breaker_runtime::__private::Err(__rejected) => {
            let __value: Result<String, BreakerError> = if let ::breaker_runtime::__private::Some(
                __value,
            ) = ::breaker_runtime::__private::None {
                __value
            } else {
                cached(order, times)
            };
            __classifier.record_fallback(__rejected, __value)
        }
    }
}
fn cached(order: String, times: u32) -> Result<String, BreakerError> {
    Ok(format!("{order} cached {times}"))
}
fn main() {
    assert_eq!(charge("tea".into(), 1).unwrap(), "tea x 2");
    Registry::global().get("payment").unwrap().force_open();
    assert_eq!(charge("tea".into(), 1).unwrap(), "tea cached 1");
}
