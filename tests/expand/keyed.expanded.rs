// Generated from the file beside it.
//! One circuit for each value of an expression over the arguments.
use breaker_runtime::BreakerError;
struct Shop {
    region: String,
}
impl Shop {
    fn price(&self, sku: String) -> Result<String, BreakerError> {
        let __circuit = ::breaker_runtime::__private::KeyedSite::circuit(
            {
                static __BREAKER_SITE: ::breaker_runtime::__private::KeyedSite = ::breaker_runtime::__private::KeyedSite::named(
                    "price",
                    ::breaker_runtime::__private::concat!(
                        ::breaker_runtime::__private::module_path!(), "::price"
                    ),
                    || ::breaker_runtime::__private::DEFAULTS,
                    ::breaker_runtime::__private::checked_keys(16),
                );
                ::breaker_runtime::__private::declare!(__BREAKER_SITE);
                &__BREAKER_SITE
            },
            &::breaker_runtime::__private::Key(&(self.region)).__breaker_key(),
        );
        let __classifier = ::breaker_runtime::__private::classifier_for::<
            Result<String, BreakerError>,
        >()
            .__breaker_classifier();
        ::breaker_runtime::__private::run(
            &__circuit,
            move || -> Result<String, BreakerError> { Ok(sku) },
            __classifier,
        )
    }
}
async fn stock(tenant: u32, sku: &str) -> Result<usize, BreakerError> {
    let __circuit = ::breaker_runtime::__private::KeyedSite::circuit(
        {
            static __BREAKER_SITE: ::breaker_runtime::__private::KeyedSite = ::breaker_runtime::__private::KeyedSite::unnamed(
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::stock"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
                ::breaker_runtime::__private::checked_keys(1024),
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        },
        &::breaker_runtime::__private::Key(&(format!("{tenant}/{}", sku.len())))
            .__breaker_key(),
    );
    let __classifier = ::breaker_runtime::__private::classifier_for::<
        Result<usize, BreakerError>,
    >()
        .__breaker_classifier();
    let __output = ::breaker_runtime::__private::run_async(
            &__circuit,
            async move {
                if false {
                    return ::breaker_runtime::__private::fix_output_type::<
                        Result<usize, BreakerError>,
                    >();
                }
                match () {
                    () => Ok(sku.len()),
                }
            },
            __classifier,
        )
        .await;
    __output
}
fn main() {
    let shop = Shop { region: "eu".to_owned() };
    assert_eq!(shop.price("tea".to_owned()).unwrap(), "tea");
    drop(stock(1, "tea"));
}
