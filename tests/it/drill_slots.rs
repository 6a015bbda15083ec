//! Calls of a circuit inside a call that a drill delays: they run in the slot of that call.

use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Event, Fault, Outcome,
};

use crate::drills::{Drilled, MINUTE, kind};
use crate::support::{NANO, poll_once, seconds};

/// The results of the calls that user code has made inside the calls of a circuit.
type Inner = Arc<Mutex<Vec<Option<ErrorKind>>>>;

/// Makes a call of its circuit when it is dropped.
struct CallsWhenDropped {
    breaker: CircuitBreaker,
    inner: Inner,
}

impl Drop for CallsWhenDropped {
    fn drop(&mut self) {
        let result = kind(self.breaker.call(|| Ok::<_, BreakerError>(1)));
        self.inner.lock().unwrap().push(result);
    }
}

/// Returns settings with one slot, so that a call is rejected inside another call unless it runs in the slot of that.
fn one_slot() -> ConfigBuilder {
    Config::builder().failure_threshold(1).max_concurrent(1)
}

/// Cancels a call during its delay, whose body makes a call of the circuit when it is dropped. Returns the result of
/// that call.
fn cancelled_during_its_delay(drilled: &Drilled) -> Option<ErrorKind> {
    let inner = Inner::default();
    let drill = drilled.start(Fault::slow(seconds(1)));
    {
        let dropped = CallsWhenDropped { breaker: drilled.breaker.clone(), inner: Arc::clone(&inner) };
        let mut call = pin!(drilled.breaker.call_async(async move {
            let _dropped = dropped;
            pending::<Result<u32, BreakerError>>().await
        }));
        assert!(poll_once(call.as_mut()).is_pending());
        // The inner call is not delayed.
        drill.stop();
    }
    let inner = inner.lock().unwrap();
    assert_eq!(inner.len(), 1);
    inner[0]
}

#[test]
fn a_call_in_the_drop_of_a_body_that_is_cancelled_during_its_delay_runs_in_the_slot_of_that_call() {
    let drilled = Drilled::with(one_slot());
    assert_eq!(cancelled_during_its_delay(&drilled), None);
    assert_eq!(drilled.breaker.snapshot().calls_in_flight, Some(0));
    assert_eq!(kind(drilled.call()), None);

    let drilled = Drilled::with(Config::builder().failure_threshold(1).half_open_max_calls(1));
    drilled.breaker.try_acquire().unwrap().settle(Outcome::Failure);
    drilled.clock.advance(seconds(30));
    assert_eq!(cancelled_during_its_delay(&drilled), None);
}

/// Starts a drill whose end is reported by the next call, to a listener that makes a call of the circuit.
fn with_listener_of_the_end(settings: ConfigBuilder) -> (Drilled, Inner) {
    let drilled = Drilled::with(settings);
    let (breaker, inner) = (drilled.breaker.clone(), Inner::default());
    let results = Arc::clone(&inner);
    let listener = move |event: &Event| {
        if let Event::DrillEnded(_) = event {
            let result = kind(breaker.call(|| Ok::<_, BreakerError>(1)));
            results.lock().unwrap().push(result);
        }
    };
    drilled.registry.listen(listener).detach();
    drop(drilled.start(Fault::slow(NANO)));
    drilled.clock.advance(MINUTE);
    (drilled, inner)
}

#[test]
fn a_call_of_a_listener_of_the_end_of_a_drill_runs_in_the_slot_of_the_call_that_reports_it() {
    let calls: [fn(&Drilled); 3] = [
        |drilled| assert_eq!(kind(drilled.call()), None),
        |drilled| drop(drilled.breaker.try_acquire().unwrap()),
        |drilled| {
            let call = pin!(drilled.breaker.call_async(async { Ok::<_, BreakerError>(1) }));
            assert!(poll_once(call).is_ready());
        },
    ];
    for call in calls {
        // The inner call would be rejected without a slot, or wait for the one of its own thread.
        for settings in [one_slot(), one_slot().max_wait(Duration::MAX)] {
            let (drilled, inner) = with_listener_of_the_end(settings);
            call(&drilled);
            assert_eq!(*inner.lock().unwrap(), [None]);
            assert_eq!(drilled.breaker.snapshot().calls_in_flight, Some(0));
        }
    }
}
