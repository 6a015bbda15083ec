//! Calls of annotated functions keep the circuit of their key until they end, on any thread.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use breaker_runtime::{BreakerError, KeyedBreaker, Registry, circuit_breaker, testing};

use crate::support::catch_panic;

type Answer = Result<usize, BreakerError>;

fn keys_of(name: &str) -> KeyedBreaker {
    Registry::global().get_keyed(name).unwrap()
}

/// Calls `inside` within a call of `key`.
#[circuit_breaker(name = "in use/sync", key = key, max_keys = 1)]
fn run_inside(key: &str, inside: &dyn Fn() -> usize) -> Answer {
    Ok(inside())
}

#[circuit_breaker(name = "in use/async", key = key, max_keys = 1)]
async fn wait_once(key: &str) -> Answer {
    tokio::task::yield_now().await;
    Ok(key.len())
}

#[test]
fn the_circuit_of_a_running_call_is_not_evicted_and_that_of_an_ended_one_is() {
    let answer = run_inside("a", &|| {
        run_inside("b", &|| 7).unwrap();
        assert!(keys_of("in use/sync").find("b").is_none());
        keys_of("in use/sync").len()
    });
    assert_eq!(answer.unwrap(), 1);
    let breakers = keys_of("in use/sync");
    assert_eq!(breakers.find("a").unwrap().snapshot().totals.successes, 1);
    assert_eq!(breakers.overflow().snapshot().totals.successes, 1);
    run_inside("c", &|| 0).unwrap();
    assert!(breakers.find("a").is_none() && breakers.find("c").is_some());
    assert_eq!(breakers.totals().calls(), 3);
}

#[circuit_breaker(name = "in use/nested", key = key, max_keys = 1)]
fn nest(key: &str, depth: usize) -> Answer {
    if depth == 0 { Ok(0) } else { Ok(nest(key, depth - 1)? + 1) }
}

#[test]
fn calls_of_one_key_inside_each_other_share_its_circuit_and_keep_it_until_the_last_one_ends() {
    assert_eq!(nest("a", 30).unwrap(), 30);
    let breakers = keys_of("in use/nested");
    assert_eq!(breakers.find("a").unwrap().snapshot().totals.successes, 31);
    assert_eq!(nest("b", 0).unwrap(), 0);
    assert!(breakers.find("a").is_none());
    assert_eq!(breakers.totals().successes, 32);
}

#[test]
fn an_async_call_keeps_its_circuit_after_its_thread_has_ended_and_until_it_ends_on_another_one() {
    fn poll(future: std::pin::Pin<&mut impl Future<Output = Answer>>) -> Poll<Answer> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    let start = || {
        let mut call = Box::pin(wait_once("a"));
        assert!(poll(call.as_mut()).is_pending());
        call
    };
    let mut calls: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let breakers = keys_of("in use/async");
    while let Some(mut call) = calls.pop() {
        let mut other = pin!(wait_once("b"));
        assert!(poll(other.as_mut()).is_pending() && poll(other.as_mut()).is_ready());
        assert!(breakers.find("b").is_none(), "{} calls are running", calls.len() + 1);
        assert!(poll(call.as_mut()).is_ready());
    }
    assert_eq!(breakers.find("a").unwrap().snapshot().totals.successes, 20);
    let mut other = pin!(wait_once("b"));
    assert!(
        poll(other.as_mut()).is_pending() && breakers.find("b").is_some() && breakers.find("a").is_none()
    );
}

#[circuit_breaker(name = "in use/panics", key = key, max_keys = 1)]
fn panic_with(key: &str) -> Answer {
    panic!("{key}")
}

#[test]
fn a_panic_ends_the_use_of_the_circuit() {
    for _ in 0..20 {
        assert!(catch_panic(|| panic_with("a")).is_err());
        keys_of("in use/panics").find("a").unwrap().reset();
    }
    assert!(catch_panic(|| panic_with("b")).is_err());
    let breakers = keys_of("in use/panics");
    assert!(breakers.find("a").is_none() && breakers.find("b").is_some());
    assert_eq!(breakers.totals().failures, 21);
}

#[circuit_breaker(name = "in use/removed", key = key)]
fn remove_inside(key: &str, depth: usize) -> Answer {
    let breakers = keys_of("in use/removed");
    if depth > 0 {
        breakers.remove(key);
        remove_inside(key, depth - 1)?;
    }
    breakers.retain(|_, _| false);
    assert!(breakers.is_empty());
    Ok(depth)
}

#[test]
fn a_circuit_that_is_removed_during_its_calls_counts_them() {
    assert_eq!(remove_inside("a", 12).unwrap(), 12);
    assert_eq!(keys_of("in use/removed").totals().successes, 13);
    assert_eq!(remove_inside("a", 0).unwrap(), 0);
    assert_eq!(keys_of("in use/removed").totals().successes, 14);
}

#[test]
fn calls_in_a_scope_keep_the_circuit_of_the_scope() {
    run_scoped("a").unwrap();
    testing::scope(|_| {
        run_scoped("a").unwrap();
        run_scoped("a").unwrap();
        assert_eq!(keys_of("in use/scoped").find("a").unwrap().snapshot().totals.successes, 2);
    });
    assert_eq!(keys_of("in use/scoped").find("a").unwrap().snapshot().totals.successes, 1);
}

#[circuit_breaker(name = "in use/scoped", key = key)]
fn run_scoped(key: &str) -> Answer {
    Ok(key.len())
}
