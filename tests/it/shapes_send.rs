//! Futures of functions whose results cannot be sent to another thread. The futures themselves can.

#![deny(warnings)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "the tests are about the shapes of functions"
)]

use breaker_runtime::circuit_breaker;

type Unsendable<T> = Result<T, Box<dyn std::error::Error>>;

fn cached(_: &str) -> Unsendable<usize> {
    Ok(0)
}

async fn loaded(text: &str) -> Unsendable<usize> {
    tokio::task::yield_now().await;
    cached(text)
}

macro_rules! sent {
    ($text:ident; $($name:ident($($setting:tt)*);)+) => {
        $(
            #[circuit_breaker(failure_threshold = 1, $($setting)*)]
            async fn $name($text: &str) -> Unsendable<usize> {
                tokio::task::yield_now().await;
                $text.parse::<usize>().map_err(Into::into)
            }
        )+

        #[tokio::test]
        async fn a_future_is_send_with_every_fallback_if_only_its_result_is_not() {
            $(
                let task = tokio::spawn(async {
                    [$name("7").await.ok(), $name("x").await.ok(), $name("7").await.ok()]
                });
                let after_failure = stringify!($($setting)*).contains("fallback_on").then_some(0);
                assert_eq!(task.await.unwrap(), [Some(7), after_failure, Some(0)], stringify!($name));
            )+
        }
    };
}

sent! {
    text;
    closure(fallback = |_| Ok(0));
    async_closure(fallback = |_| async move { loaded(text).await });
    sync_path(fallback = cached);
    async_path(fallback = loaded);
    timed_path(fallback = cached, call_timeout = "1h");
    waiting_path(fallback = loaded, max_concurrent = 2, max_wait = "1h");
    keyed_path(fallback = cached, key = text.len());
    closure_after_failure(fallback = |_| Ok(0), fallback_on = failure);
    async_closure_after_failure(fallback = |_| async move { loaded(text).await }, fallback_on = failure);
    async_closure_with_error(fallback = |error| { drop(error); loaded(text) }, fallback_on = failure);
    sync_path_after_failure(fallback = cached, fallback_on = failure);
    async_path_after_failure(fallback = loaded, fallback_on = failure, call_timeout = "1h");
    keyed_path_after_failure(fallback = loaded, fallback_on = failure, key = text.len());
}
