//! In steady state, no call allocates.

use std::pin::pin;
use std::task::{Context, Waker};

use breaker_runtime::{Outcome, Registry, circuit_breaker};

#[derive(Clone, Copy)]
struct CallFailed;

impl From<breaker_runtime::BreakerError> for CallFailed {
    fn from(_: breaker_runtime::BreakerError) -> Self {
        Self
    }
}

#[circuit_breaker(name = "allocations/sync", failure_threshold = 1000)]
fn call(fail: bool) -> Result<u32, CallFailed> {
    if fail { Err(CallFailed) } else { Ok(1) }
}

#[circuit_breaker(name = "allocations/async", failure_threshold = 1000)]
async fn call_async(fail: bool) -> Result<u32, CallFailed> {
    std::future::ready(()).await;
    if fail { Err(CallFailed) } else { Ok(1) }
}

fn allocations(action: impl FnMut()) -> u64 {
    allocation_counter::measure(action).count_total
}

fn both(fail: bool) {
    _ = call(fail);
    let mut future = pin!(call_async(fail));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn no_call_allocates_in_steady_state() {
    let before = allocations(|| both(false));
    assert!(before > 0, "the first call registers the breakers, so it must allocate");
    for (path, fail) in [("success", false), ("failure", true)] {
        assert_eq!(allocations(|| (0..100).for_each(|_| both(fail))), 0, "{path}");
    }
    for name in ["allocations/sync", "allocations/async"] {
        Registry::global().get(name).expect("the function was called").force_open();
    }
    // The first rejection allocates the counters of rare outcomes.
    both(false);
    assert_eq!(allocations(|| (0..100).for_each(|_| both(false))), 0, "rejected");
    let breaker = Registry::global().get("allocations/sync").expect("the function was called");
    breaker.reset();
    assert_eq!(allocations(|| breaker.try_acquire().map_or((), |permit| permit.settle(Outcome::Ignored))), 0);
}

struct Boxing;

#[async_trait::async_trait]
trait BoxedCall {
    async fn call(&self) -> Result<u32, CallFailed>;
}

#[async_trait::async_trait]
impl BoxedCall for Boxing {
    #[circuit_breaker(name = "allocations/async_trait")]
    async fn call(&self) -> Result<u32, CallFailed> {
        std::future::ready(()).await;
        Ok(1)
    }
}

#[test]
fn a_method_of_an_async_trait_is_boxed_once() {
    let call = || {
        let mut future = BoxedCall::call(&Boxing);
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    };
    call();
    assert_eq!(allocations(call), 1);
}

#[test]
fn dropped_breakers_leak_nothing() {
    // Regression of recloser: 50,000 dropped breakers leaked 53 MB.
    let left = allocation_counter::measure(|| {
        for number in 0..1000 {
            let config = breaker_runtime::Config::builder().failure_threshold(1).build();
            let config = config.expect("the setting is in range");
            let breaker = breaker_runtime::CircuitBreaker::new(format!("dropped {number}"), config);
            let breaker = breaker.expect("the name is valid");
            breaker.try_acquire().expect("the circuit is closed").settle(Outcome::Failure);
            assert!(breaker.try_acquire().is_err());
        }
    });
    assert!(left.count_total >= 2000, "expected at least two allocations for each breaker");
    assert_eq!(left.count_current, 0);
}
