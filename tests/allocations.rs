//! In steady state, no call allocates.

use std::fmt;
use std::pin::pin;
use std::task::{Context, Waker};

use breaker_runtime::{BreakerError, CircuitBreaker, Config, Outcome, Registry, circuit_breaker};

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
    assert_eq!(allocations(|| _ = breaker.try_acquire().map(|permit| permit.settle(Outcome::Ignored))), 0);
}

#[test]
fn only_a_call_that_holds_a_slot_inside_four_others_allocates_its_entry_in_the_list_of_slots() {
    fn nest(breakers: &[CircuitBreaker]) -> Result<(), BreakerError> {
        match breakers {
            [] => Ok(()),
            [first, inner @ ..] => first.call(|| nest(inner)),
        }
    }
    let config = Config::builder().max_concurrent(1).build().expect("valid");
    let breakers: Vec<_> = ["a", "b", "c", "d", "e"]
        .into_iter()
        .map(|name| CircuitBreaker::new(name, config.clone()).expect("valid"))
        .collect();
    let four = breakers.get(1..).expect("there are five");
    nest(&breakers).expect("all slots are free");
    assert_eq!(allocations(|| (0..100).for_each(|_| nest(four).expect("all slots are free"))), 0);
    assert_eq!(allocations(|| nest(&breakers).expect("all slots are free")), 1);
}

/// An error whose text has no end, with or without regard to the errors of the formatter.
struct Endless {
    stops_at_error: bool,
}

impl fmt::Display for Endless {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..100_000 {
            let written = out.write_str("0123456789 0123456789 0123456789");
            if self.stops_at_error {
                written?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Endless {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl std::error::Error for Endless {}

/// An error with nothing but `Debug`.
#[derive(Debug)]
struct DebugOnly {
    _text: Endless,
}

#[circuit_breaker(name = "allocations/display", failure_threshold = 1, fallback = |_| Ok(()))]
fn with_display(error: Endless) -> Result<(), Endless> {
    Err(error)
}

#[circuit_breaker(name = "allocations/box", failure_threshold = 1, fallback = |_| Ok(()))]
fn with_box(error: Endless) -> Result<(), Box<dyn std::error::Error>> {
    Err(error.into())
}

#[circuit_breaker(name = "allocations/debug", failure_threshold = 1, fallback = |_| Ok(()))]
fn with_debug(error: Endless) -> Result<(), DebugOnly> {
    Err(DebugOnly { _text: error })
}

/// The name of a breaker, and a call that fails with an endless error.
type Failing = (&'static str, fn(Endless));

#[test]
fn the_text_of_a_failure_takes_bounded_memory() {
    let calls: [Failing; 4] = [
        ("allocations/display", |error| _ = with_display(error)),
        ("allocations/box", |error| _ = with_box(error)),
        ("allocations/debug", |error| _ = with_debug(error)),
        ("allocations/permit", |error| {
            let config = Config::builder().failure_threshold(1).build().expect("valid");
            let breaker = Registry::global().register("allocations/permit", config).expect("valid");
            breaker.try_acquire().expect("the circuit is closed").fail(error);
        }),
    ];
    for (name, call) in calls {
        for stops_at_error in [true, false] {
            let most = allocation_counter::measure(|| call(Endless { stops_at_error })).bytes_max;
            assert!(most < 100_000, "{name}: {most} bytes");
            let breaker = Registry::global().get(name).expect("the function was called");
            let opened = breaker.snapshot().last_transition.expect("the circuit is open");
            assert_eq!(opened.last_failure.as_ref().map(|text| text.len()), Some(1024), "{name}");
            breaker.reset();
        }
    }
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
            let config = Config::builder().failure_threshold(1).build();
            let config = config.expect("the setting is in range");
            let breaker = CircuitBreaker::new(format!("dropped {number}"), config);
            let breaker = breaker.expect("the name is valid");
            breaker.try_acquire().expect("the circuit is closed").settle(Outcome::Failure);
            assert!(breaker.try_acquire().is_err());
        }
    });
    assert!(left.count_total >= 2000, "expected at least two allocations for each breaker");
    assert_eq!(left.count_current, 0);
}
