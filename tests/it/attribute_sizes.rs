//! The difference in size between the future of an annotated function and that of its body.

use breaker_runtime::{BreakerError, CircuitBreaker, Config, circuit_breaker};

#[test]
fn a_future_grows_by_at_most_48_bytes() {
    async fn raw(text: &str, block: [u8; 256]) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + block.len())
    }
    #[circuit_breaker(name = "async/size", fallback = |_| Ok(text.len() + block.len()))]
    async fn guarded(text: &str, block: [u8; 256]) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + block.len())
    }
    #[circuit_breaker(name = "async/size without a fallback")]
    async fn bare(text: &str, block: [u8; 256]) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + block.len())
    }
    #[circuit_breaker(name = "async/size without arguments", fallback = |_| Ok(0))]
    async fn constant(text: &str, block: [u8; 256]) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + block.len())
    }
    #[circuit_breaker(name = "async/size with two references", fallback = |_| Ok(text.len() + other.len()))]
    async fn two(text: &str, other: &str, block: [u8; 256]) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + other.len() + block.len())
    }
    let raw = size_of_val(&raw("", [0; 256]));
    let two = size_of_val(&two("", "", [0; 256])) - 2 * size_of::<&str>() - raw;
    assert!(two <= 48, "it grew by {two} bytes");
    let grown = [
        size_of_val(&guarded("", [0; 256])) - raw,
        size_of_val(&constant("", [0; 256])) - raw,
        size_of_val(&bare("", [0; 256])) - raw,
    ];
    assert!(grown[0] <= 48 && grown[1] <= 40 && grown[2] <= 40, "they grew by {grown:?} bytes");
}

#[test]
fn an_argument_that_is_moved_before_the_first_await_is_stored_twice() {
    async fn raw(block: [u8; 256]) -> Result<usize, BreakerError> {
        drop(vec![block]);
        tokio::task::yield_now().await;
        Ok(0)
    }
    #[circuit_breaker(name = "async/moved")]
    async fn guarded(block: [u8; 256]) -> Result<usize, BreakerError> {
        drop(vec![block]);
        tokio::task::yield_now().await;
        Ok(0)
    }
    let grown = size_of_val(&guarded([0; 256])) - size_of_val(&raw([0; 256]));
    assert!(grown <= 256 + 40, "it grew by {grown} bytes");
}

#[test]
fn a_future_with_limits_grows_by_at_most_the_documented_size() {
    async fn raw(text: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len())
    }
    #[circuit_breaker(name = "limits/keyed size", key = text)]
    async fn keyed(text: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len())
    }
    #[circuit_breaker(name = "limits/limited size", call_timeout = "1s")]
    async fn limited(text: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len())
    }
    #[circuit_breaker(name = "limits/fallback size", fallback = |_| Ok(0), fallback_on = failure)]
    async fn with_fallback(text: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len())
    }
    #[circuit_breaker(breaker = breaker)]
    async fn given(text: &str, breaker: &CircuitBreaker) -> Result<usize, BreakerError> {
        _ = breaker;
        tokio::task::yield_now().await;
        Ok(text.len())
    }
    #[circuit_breaker(name = "limits/waiting size", max_concurrent = 5, max_wait = "1s")]
    async fn waiting(text: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len())
    }
    let raw = size_of_val(&raw(""));
    let grown = size_of_val(&waiting("")) - raw;
    assert!(grown <= 40, "it grew by {grown} bytes");
    let grown = (size_of_val(&keyed("")) - raw, size_of_val(&limited("")) - raw);
    assert!(grown.0 <= 48 + 32 && grown.1 <= 40, "they grew by {grown:?} bytes");
    let breaker = CircuitBreaker::new("limits/given size", Config::default()).unwrap();
    let grown = (size_of_val(&with_fallback("")) - raw, size_of_val(&given("", &breaker)) - raw);
    let arguments = size_of_val(&("", &breaker));
    assert!(grown.0 <= 48 && grown.1 <= 48 + arguments, "they grew by {grown:?} bytes");
}

#[test]
fn copy_arguments_of_a_fallback_or_a_condition_are_stored_once_more() {
    async fn raw(text: &str, other: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + other.len())
    }
    #[circuit_breaker(name = "limits/unused size", fallback = |_| Ok(0))]
    async fn unused(text: &str, other: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + other.len())
    }
    #[circuit_breaker(name = "limits/used size", fallback = |_| Ok(text.len()))]
    async fn used(text: &str, other: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + other.len())
    }
    #[circuit_breaker(name = "limits/condition size", failure_if = |result| result.is_err() && text.len() + other.len() > 0)]
    async fn condition(text: &str, other: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + other.len())
    }
    #[circuit_breaker(name = "limits/hint size", retry_after = |_| other.parse().ok().map(std::time::Duration::from_secs))]
    async fn hint(text: &str, other: &str) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(text.len() + other.len())
    }
    let raw = size_of_val(&raw("", ""));
    let sizes = [size_of_val(&unused("", "")), size_of_val(&used("", "")), size_of_val(&condition("", ""))];
    let [unused, used, condition] = sizes.map(|size| size - raw);
    let hint = size_of_val(&hint("", "")) - raw;
    let text = size_of::<&str>();
    assert!(
        unused <= 48 && used <= 48 + text && condition <= 48 + 2 * text && hint <= 48 + text,
        "{sizes:?}"
    );
}

// A future keeps the storage of an argument that was borrowed before its first await, although the argument
// is moved into the body afterwards.
#[test]
fn an_argument_is_stored_once_more_for_a_key_that_borrows_it_and_for_a_fallback_after_failures() {
    type Order = [u8; 256];
    #[circuit_breaker(name = "limits/owned size")]
    async fn plain(order: Order) -> Result<u8, BreakerError> {
        tokio::task::yield_now().await;
        Ok(order[0])
    }
    #[circuit_breaker(name = "limits/owned key size", key = order[0])]
    async fn keyed(order: Order) -> Result<u8, BreakerError> {
        tokio::task::yield_now().await;
        Ok(order[0])
    }
    #[circuit_breaker(name = "limits/owned fallback size", fallback = |_| Ok(order[1]), fallback_on = failure)]
    async fn with_fallback(order: Order) -> Result<u8, BreakerError> {
        tokio::task::yield_now().await;
        Ok(order[0])
    }
    let order = size_of::<Order>();
    let sizes =
        (size_of_val(&plain([0; 256])), size_of_val(&keyed([0; 256])), size_of_val(&with_fallback([0; 256])));
    assert!(
        sizes.0 <= 2 * order + 64 && sizes.1 <= 3 * order + 80 && sizes.2 <= 4 * order + 200,
        "{sizes:?}"
    );
}

#[test]
#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what its function returns")]
fn the_result_of_a_fallback_is_not_stored_in_the_future() {
    type Order = [u8; 1000];
    async fn raw(order: u8) -> Result<Order, BreakerError> {
        tokio::task::yield_now().await;
        Ok([order; 1000])
    }
    const fn cached(order: u8) -> Result<Order, BreakerError> {
        Ok([order; 1000])
    }
    #[circuit_breaker(name = "limits/closure size", fallback = |_| Ok([0; 1000]))]
    async fn with_closure(order: u8) -> Result<Order, BreakerError> {
        raw(order).await
    }
    #[circuit_breaker(name = "limits/path size", fallback = cached)]
    async fn with_path(order: u8) -> Result<Order, BreakerError> {
        raw(order).await
    }
    #[circuit_breaker(name = "limits/closure for a failure size", fallback = |_| Ok([0; 1000]), fallback_on = failure)]
    async fn closure_for_failure(order: u8) -> Result<Order, BreakerError> {
        raw(order).await
    }
    #[circuit_breaker(name = "limits/path for a failure size", fallback = cached, fallback_on = failure)]
    async fn path_for_failure(order: u8) -> Result<Order, BreakerError> {
        raw(order).await
    }
    async fn inner(order: u8) -> Result<Order, BreakerError> {
        raw(order).await
    }
    let grown = [
        size_of_val(&with_closure(0)),
        size_of_val(&with_path(0)),
        size_of_val(&closure_for_failure(0)),
        size_of_val(&path_for_failure(0)),
    ]
    .map(|size| size - size_of_val(&inner(0)));
    assert!(grown.iter().all(|grown| *grown <= 64), "they grew by {grown:?} bytes");
}

#[test]
#[expect(
    clippy::large_types_passed_by_value,
    clippy::unnecessary_wraps,
    reason = "a fallback has the signature of its function, which moves a large value"
)]
fn clones_for_a_fallback_after_failures_need_144_bytes_more() {
    type Order = [u8; 1000];
    async fn raw(order: Order) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(order.len())
    }
    fn length(order: Order) -> Result<usize, BreakerError> {
        Ok(order.len())
    }
    #[circuit_breaker(name = "limits/path after failures size", fallback = length, fallback_on = failure)]
    async fn with_path(order: Order) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(order.len())
    }
    #[circuit_breaker(name = "limits/closure after failures size", fallback = |_| length(order), fallback_on = failure)]
    async fn with_closure(order: Order) -> Result<usize, BreakerError> {
        tokio::task::yield_now().await;
        Ok(order.len())
    }
    let raw = size_of_val(&raw([0; 1000]));
    let grown = [size_of_val(&with_path([0; 1000])) - raw, size_of_val(&with_closure([0; 1000])) - raw];
    assert!(
        grown.iter().all(|grown| *grown <= 2 * size_of::<Order>() + 48 + 144),
        "they grew by {grown:?} bytes"
    );
}
