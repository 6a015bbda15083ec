// Generated from the file beside it.
//! An async method of a trait, generic over everything.
use breaker_runtime::BreakerError;
struct Shop;
trait Quotes {
    async fn quote<T, const N: usize>(
        &self,
        key: T,
        items: [u8; N],
    ) -> Result<usize, BreakerError>
    where
        T: AsRef<str>;
}
impl Quotes for Shop {
    async fn quote<T, const N: usize>(
        &self,
        key: T,
        items: [u8; N],
    ) -> Result<usize, BreakerError>
    where
        T: AsRef<str>,
    {
        let __classifier = ::breaker_runtime::__private::classifier_for::<
            Result<usize, BreakerError>,
        >()
            .__breaker_classifier();
        ::breaker_runtime::__private::run_async(
                {
                    static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                        "quote",
                        ::breaker_runtime::__private::concat!(
                            ::breaker_runtime::__private::module_path!(), "::quote"
                        ),
                        || {
                            ::breaker_runtime::__private::DEFAULTS
                                .half_open_timeout(
                                    ::breaker_runtime::__private::Duration::new(
                                        0u64,
                                        500000000u32,
                                    ),
                                )
                        },
                    );
                    ::breaker_runtime::__private::declare!(__BREAKER_SITE);
                    &__BREAKER_SITE
                },
                async move {
                    if false {
                        return ::breaker_runtime::__private::fix_output_type::<
                            Result<usize, BreakerError>,
                        >();
                    }
                    match () {
                        () => {
                            if items.is_empty() {
                                return Ok(0);
                            }
                            Ok(key.as_ref().len() + items.len())
                        }
                    }
                },
                __classifier,
            )
            .await
    }
}
#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(Shop.quote("tea", [1, 2]). await .unwrap(), 5);
}
