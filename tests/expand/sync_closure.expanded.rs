// Generated from the file beside it.
//! Methods with a closure as fallback, a plain value, and a returned reference.
use breaker_runtime::Registry;
struct Shop {
    price: u32,
}
impl Shop {
    fn price(&self, more: u32) -> u32 {
        let __classifier = ::breaker_runtime::__private::classifier_for::<u32>()
            .__breaker_classifier();
        match ::breaker_runtime::__private::Acquire::acquire({
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "price",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::price"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        }) {
            ::breaker_runtime::__private::Ok(__admission) => {
                ::breaker_runtime::__private::run_admitted(
                    __admission,
                    move || -> u32 { self.price + more },
                    __classifier,
                )
            }
            ::breaker_runtime::__private::Err(__rejected) => {
                __classifier
                    .run_fallback(
                        __rejected,
                        move |error| error.name().len() as u32 + more,
                    )
            }
        }
    }
    fn slot(&mut self) -> Option<&mut u32> {
        let __classifier = ::breaker_runtime::__private::classifier_for::<
            Option<&mut u32>,
        >()
            .__breaker_classifier();
        match ::breaker_runtime::__private::Acquire::acquire({
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "slot",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::slot"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        }) {
            ::breaker_runtime::__private::Ok(__admission) => {
                ::breaker_runtime::__private::run_admitted(
                    __admission,
                    move || -> Option<&mut u32> { Some(&mut self.price) },
                    __classifier,
                )
            }
            ::breaker_runtime::__private::Err(__rejected) => {
                __classifier.run_fallback(__rejected, move |_| None)
            }
        }
    }
}
fn main() {
    let mut shop = Shop { price: 1 };
    *shop.slot().unwrap() += 1;
    assert_eq!(shop.price(1), 3);
    Registry::global().get("price").unwrap().force_open();
    assert_eq!(shop.price(1), 6);
}
