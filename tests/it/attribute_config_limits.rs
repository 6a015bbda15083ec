//! The limits of a policy that functions share with `config`: the attribute cannot see them, and they act nevertheless.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::testing::scope;
use breaker_runtime::{BreakerError, Config, ConfigBuilder, ErrorKind, Outcome, circuit_breaker};

use crate::support::{poll_once, seconds};

/// A policy without limits.
const DB: ConfigBuilder = Config::builder().failure_threshold(3);

/// A policy with the limits that the attribute cannot see.
const TIMED: ConfigBuilder = Config::builder()
    .call_timeout(Duration::from_secs(1))
    .max_concurrent(1)
    .max_wait(Duration::from_secs(3600));

async fn hang<T>(value: T) -> T {
    std::future::pending::<()>().await;
    value
}

#[circuit_breaker(name = "config/plain", config = TIMED)]
async fn plain() -> Result<u32, BreakerError> {
    hang(Ok(1)).await
}

#[circuit_breaker(name = "config/owned", config = TIMED, fallback = backup)]
async fn owned(text: String, mut list: Vec<u32>, number: &u32) -> usize {
    list.push(*number);
    hang(text.len()).await
}

#[expect(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "it gets the arguments as they are"
)]
fn backup(text: String, list: Vec<u32>, number: &u32) -> usize {
    text.len() + list.len() + usize::try_from(*number).unwrap()
}

#[circuit_breaker(name = "config/failure", config = TIMED, fallback = |_| text.len(), fallback_on = failure)]
async fn on_failure(text: String) -> usize {
    hang(text.len() + 1).await
}

#[test]
fn the_limits_of_a_config_stop_async_calls_and_run_the_fallback_with_its_arguments() {
    scope(|scope| {
        let number = 100;
        let mut first = pin!(plain());
        let mut second = pin!(owned("four".to_owned(), vec![1], &number));
        let mut third = pin!(on_failure("four".to_owned()));
        assert!(poll_once(first.as_mut()).is_pending());
        assert_eq!([poll_once(second.as_mut()), poll_once(third.as_mut())], [Poll::Pending; 2]);
        scope.advance(seconds(1));
        let Poll::Ready(Err(error)) = poll_once(first) else { panic!("the call has timed out") };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!([poll_once(second), poll_once(third)], [Poll::Ready(105), Poll::Ready(4)]);
        for name in ["config/plain", "config/owned", "config/failure"] {
            assert_eq!(scope.registry().get(name).unwrap().snapshot().totals.timeouts, 1, "{name}");
        }
    });
}

#[test]
fn calls_wait_for_a_slot_as_long_as_the_config_says() {
    scope(|scope| {
        let breaker = scope.registry().get("config/owned").unwrap();
        let permit = breaker.try_acquire().unwrap();
        let mut waits = pin!(owned("four".to_owned(), vec![], &7));
        assert_eq!(poll_once(waits.as_mut()), Poll::Pending);
        breaker.force_open();
        permit.settle(Outcome::Success);
        assert_eq!(poll_once(waits), Poll::Ready(11), "it waited, and the fallback has the arguments");
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.totals.rejected, snapshot.calls_in_flight), (1, Some(0)));
    });
}

/// An argument that cannot be cloned.
struct Unique(u32);

#[circuit_breaker(name = "config/unique", config = DB, fallback = |_| unique.0)]
async fn unique(unique: Unique) -> u32 {
    std::future::ready(unique.0 + 1).await
}

#[circuit_breaker(name = "config/exclusive", config = DB, fallback = |_| { *number += 10; *number })]
async fn exclusive(number: &mut u32) -> u32 {
    *number += 1;
    std::future::ready(*number).await
}

#[circuit_breaker(
    name = "config/waits first",
    config = DB.max_concurrent(1).max_wait(Duration::MAX),
    max_wait = "1h",
    fallback = |_| { *number += unique.0; *number }
)]
async fn waits_first(unique: Unique, number: &mut u32) -> u32 {
    *number += 1;
    std::future::ready(*number + unique.0).await
}

#[circuit_breaker(
    name = "config/unlimited",
    config = TIMED.call_timeout(Duration::MAX).max_wait(Duration::ZERO),
    fallback = |_| unique.0
)]
async fn unlimited(unique: Unique) -> u32 {
    std::future::ready(unique.0 + 1).await
}

#[test]
fn arguments_need_no_clone_if_the_config_has_no_limit_that_needs_them_later() {
    scope(|scope| {
        let mut number = 1;
        assert_eq!(poll_once(pin!(unique(Unique(7)))), Poll::Ready(8));
        assert_eq!(poll_once(pin!(exclusive(&mut number))), Poll::Ready(2));
        assert_eq!(poll_once(pin!(waits_first(Unique(7), &mut number))), Poll::Ready(10));
        assert_eq!(poll_once(pin!(unlimited(Unique(7)))), Poll::Ready(8));
        for breaker in scope.registry().iter() {
            breaker.force_open();
        }
        assert_eq!(poll_once(pin!(unique(Unique(7)))), Poll::Ready(7));
        assert_eq!(poll_once(pin!(exclusive(&mut number))), Poll::Ready(13));
        assert_eq!(poll_once(pin!(waits_first(Unique(7), &mut number))), Poll::Ready(20));
        assert_eq!(poll_once(pin!(unlimited(Unique(7)))), Poll::Ready(7));
    });
}

#[circuit_breaker(name = "config/sync", config = TIMED.call_timeout(Duration::MAX).cancelled_after(Duration::MAX))]
fn sync() -> Result<(), BreakerError> {
    Ok(())
}

#[test]
fn a_sync_function_can_share_the_limits_that_it_can_keep() {
    scope(|scope| {
        sync().unwrap();
        let config = scope.registry().get("config/sync").unwrap().config();
        assert_eq!((config.max_concurrent(), config.max_wait()), (Some(1), seconds(3600)));
    });
}

/// A policy with a time limit only.
const LIMITED: ConfigBuilder = Config::builder().call_timeout(Duration::from_secs(1));

#[circuit_breaker(name = "config/no limit", call_timeout = "unlimited", fallback = |_| unique.0)]
async fn no_limit(unique: Unique) -> u32 {
    std::future::ready(unique.0 + 1).await
}

#[circuit_breaker(name = "config/no limit, sync", config = LIMITED, call_timeout = "unlimited")]
fn no_limit_sync() -> Result<(), BreakerError> {
    Ok(())
}

#[circuit_breaker(
    name = "config/limit removed",
    config = LIMITED,
    call_timeout = "unlimited",
    fallback = |_| { *number += 10; *number }
)]
async fn limit_removed(number: &mut u32) -> u32 {
    *number += 1;
    std::future::ready(*number).await
}

#[circuit_breaker(
    name = "config/limit removed, waits",
    config = TIMED,
    call_timeout = "unlimited",
    max_wait = "1h",
    fallback = |_| unique.0
)]
async fn limit_removed_waits(unique: Unique) -> u32 {
    std::future::ready(unique.0 + 1).await
}

#[test]
fn an_unlimited_call_timeout_has_the_effect_of_leaving_the_key_out() {
    scope(|scope| {
        let mut number = 1;
        no_limit_sync().unwrap();
        assert_eq!(poll_once(pin!(no_limit(Unique(7)))), Poll::Ready(8));
        assert_eq!(poll_once(pin!(limit_removed(&mut number))), Poll::Ready(2));
        assert_eq!(poll_once(pin!(limit_removed_waits(Unique(7)))), Poll::Ready(8));
        assert_eq!(scope.registry().get("config/no limit, sync").unwrap().config().call_timeout(), None);
        for breaker in scope.registry().iter() {
            breaker.force_open();
        }
        assert_eq!(poll_once(pin!(no_limit(Unique(7)))), Poll::Ready(7));
        assert_eq!(poll_once(pin!(limit_removed(&mut number))), Poll::Ready(12));
        assert_eq!(poll_once(pin!(limit_removed_waits(Unique(7)))), Poll::Ready(7));
    });
}
