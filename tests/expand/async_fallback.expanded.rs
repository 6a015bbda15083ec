// Generated from the file beside it.
//! Async functions whose fallbacks are plain and async.
use breaker_runtime::Registry;
async fn plain(number: u32) -> u32 {
    match ::breaker_runtime::__private::Site::acquire({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "plain",
            ::breaker_runtime::__private::settings(),
        );
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(admission) => {
            ::breaker_runtime::__private::call_async(
                    admission,
                    async move {
                        if let ::breaker_runtime::__private::Some(out) = ::breaker_runtime::__private::None::<
                            u32,
                        > {
                            return out;
                        }
                        match () {
                            () => number,
                        }
                    },
                    |out| ::breaker_runtime::__private::Output(out).outcome(),
                )
                .await
        }
        ::breaker_runtime::__private::Err(_) => {
            ::breaker_runtime::__private::resolve(cached(number)).await
        }
    }
}
fn cached(number: u32) -> u32 {
    number + 1
}
async fn deferred(number: u32) -> u32 {
    match ::breaker_runtime::__private::Site::acquire({
        static __BREAKER_SITE: ::breaker_runtime::__private::Site = ::breaker_runtime::__private::Site::named(
            "deferred",
            ::breaker_runtime::__private::settings(),
        );
        &__BREAKER_SITE
    }) {
        ::breaker_runtime::__private::Ok(admission) => {
            ::breaker_runtime::__private::call_async(
                    admission,
                    async move {
                        if let ::breaker_runtime::__private::Some(out) = ::breaker_runtime::__private::None::<
                            u32,
                        > {
                            return out;
                        }
                        match () {
                            () => number,
                        }
                    },
                    |out| ::breaker_runtime::__private::Output(out).outcome(),
                )
                .await
        }
        ::breaker_runtime::__private::Err(rejected) => {
            ::breaker_runtime::__private::resolve(
                    ::breaker_runtime::__private::fallback(
                        rejected,
                        move |_| async move { number + 2 },
                    ),
                )
                .await
        }
    }
}
#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!((plain(1). await, deferred(1). await), (1, 1));
    for name in ["plain", "deferred"] {
        Registry::global().get(name).unwrap().force_open();
    }
    assert_eq!((plain(1). await, deferred(1). await), (2, 3));
}
