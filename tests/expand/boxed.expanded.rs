// Generated from the file beside it.
//! A call in a box, as `#[async_trait]` writes it.
use std::pin::Pin;
use breaker_runtime::BreakerError;
type Answer = Result<u32, BreakerError>;
fn boxed<'a>(number: &'a u32) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
    Box::pin(async move {
        let __classifier = ::breaker_runtime::__private::classifier_for::<Answer>()
            .__breaker_classifier();
        match ::breaker_runtime::__private::AcquireNow::acquire_now({
            static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
                "boxed",
                ::breaker_runtime::__private::concat!(
                    ::breaker_runtime::__private::module_path!(), "::boxed"
                ),
                || ::breaker_runtime::__private::DEFAULTS,
            );
            ::breaker_runtime::__private::declare!(__BREAKER_SITE);
            &__BREAKER_SITE
        }) {
            ::breaker_runtime::__private::Ok(__admission) => {
                ::breaker_runtime::__private::run_admitted_async(
                        __admission,
                        async move {
                            if false {
                                return ::breaker_runtime::__private::fix_output_type::<
                                    Answer,
                                >();
                            }
                            match () {
                                () => Ok(*number),
                            }
                        },
                        __classifier,
                    )
                    .await
            }
            ::breaker_runtime::__private::Err(__rejected) => {
                __classifier.run_fallback(__rejected, move |_| Ok(0))
            }
        }
    })
}
#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(boxed(& 1). await .unwrap(), 1);
}
