//! The limits of a call apply also if its circuit admits it only because of `max_open`.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use breaker_runtime::{BreakerError, ErrorKind, Outcome, State};

use crate::max_open::{Hosts, settings};
use crate::support::poll_once;

#[test]
fn limits_apply_to_waived_calls() {
    let hosts = Hosts::with(settings(0.5).max_concurrent(1), &["a", "b"]);
    hosts.fail("a");
    hosts.fail("b");
    let b = hosts.breakers.get("b");
    let running = b.try_acquire().unwrap();
    for _ in 0..5 {
        assert_eq!(b.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
    }
    running.settle(Outcome::Failure);
    assert_eq!((b.snapshot().calls_in_flight, b.state()), (Some(0), State::Open));
    assert_eq!(b.snapshot().waived_rejections, 1, "only one call was admitted");
}

#[test]
fn limits_apply_to_waived_calls_that_have_waited() {
    let hosts = Hosts::with(settings(0.5).max_concurrent(1).max_wait(Duration::MAX), &["a", "b"]);
    hosts.fail("a");
    hosts.fail("b");
    let b = hosts.breakers.get("b");
    let running = b.try_acquire().unwrap();
    let mut waiting = pin!(b.call_async(pending::<Result<(), BreakerError>>()));
    assert!(poll_once(waiting.as_mut()).is_pending());
    running.settle(Outcome::Success);
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(b.snapshot().calls_in_flight, Some(1), "it runs in the slot");
    assert_eq!(b.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
    assert_eq!(b.snapshot().waived_rejections, 2);
}

#[test]
fn a_waived_call_that_is_rejected_or_cancelled_while_it_waits_was_not_admitted() {
    let config = settings(0.5).max_concurrent(1).max_wait(Duration::MAX);
    let hosts = Hosts::with(config.clone(), &["a", "b"]);
    hosts.fail("a");
    hosts.fail("b");
    let b = hosts.breakers.get("b");
    let running = b.try_acquire().unwrap();
    let mut cancelled = Box::pin(b.call_async(pending::<Result<(), BreakerError>>()));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    drop(cancelled);
    let mut rejected = pin!(b.call_async(pending::<Result<(), BreakerError>>()));
    assert!(poll_once(rejected.as_mut()).is_pending());
    b.set_config(config.max_wait(Duration::ZERO).build().unwrap());
    assert!(poll_once(rejected.as_mut()).is_ready());
    running.settle(Outcome::Success);
    assert_eq!(b.snapshot().waived_rejections, 1);
}
