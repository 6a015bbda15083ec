//! Parts of a call of a service that make a call of the same circuit when they are dropped, as a cleanup does. It runs in
//! the slot of the call that is ending, or after that slot has been released.

use std::convert::Infallible;
use std::future::{Pending, Ready, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use breaker_runtime::integrations::tower::{BreakerLayer, BreakerService};
use breaker_runtime::{BreakerError, CircuitBreaker, ConfigBuilder, ErrorKind, Outcome, State};
use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame};
use tower::{Layer as _, Service, service_fn};

use crate::services::{Fixture, poll_once, seconds, settings};

/// The results of the calls that were made in drops.
#[derive(Clone, Default)]
struct Results(Arc<Mutex<Vec<Result<(), ErrorKind>>>>);

/// Makes a call when it is dropped.
struct Cleanup {
    breaker: CircuitBreaker,
    results: Results,
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let result = self.breaker.call(|| Ok::<_, BreakerError>(()));
        self.results.0.lock().unwrap().push(result.map_err(|error| error.kind()));
    }
}

impl Results {
    fn cleanup(&self, breaker: &CircuitBreaker) -> Cleanup {
        Cleanup { breaker: breaker.clone(), results: self.clone() }
    }

    fn take(&self) -> Vec<Result<(), ErrorKind>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A circuit with one slot and one trial slot.
fn fixture(settings: ConfigBuilder) -> Fixture {
    Fixture::with(settings.failure_threshold(1).max_concurrent(1).half_open_max_calls(1).success_threshold(1))
}

/// Opens the circuit, and lets it admit a trial call.
fn make_half_open(fixture: &Fixture) {
    fixture.breaker.try_acquire().unwrap().settle(Outcome::Failure);
    fixture.clock.advance(seconds(30));
}

/// A service whose futures are pending and hold a cleanup.
fn hanging(
    fixture: &Fixture,
    results: &Results,
) -> BreakerService<impl Service<(), Response = (), Error = Infallible, Future: Send> + Clone + use<>> {
    let (breaker, results) = (fixture.breaker.clone(), results.clone());
    let inner = service_fn(move |(): ()| {
        let cleanup = results.cleanup(&breaker);
        async move {
            let _cleanup = cleanup;
            pending().await
        }
    });
    BreakerService::new(inner, &fixture.breaker)
}

#[test]
fn the_drop_of_a_cancelled_future_runs_in_the_slot_of_its_call() {
    let (fixture, results) = (fixture(settings()), Results::default());
    let mut service = hanging(&fixture, &results);
    let call = service.call(());
    drop(call);
    assert_eq!(results.take(), [Ok(())]);
    make_half_open(&fixture);
    let mut call = Box::pin(service.call(()));
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    assert_eq!((results.take(), fixture.breaker.state()), (vec![Ok(())], State::HalfOpen));
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}

#[test]
fn the_drop_of_a_future_at_call_timeout_runs_in_the_slot_of_its_call() {
    let (fixture, results) = (fixture(settings().call_timeout(seconds(3))), Results::default());
    let mut service = hanging(&fixture, &results);
    let mut call = Box::pin(service.call(()));
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(seconds(3));
    assert!(matches!(poll_once(call.as_mut()), Poll::Ready(Err(_))));
    assert_eq!(results.take(), [Ok(())]);
    assert_eq!(fixture.breaker.snapshot().totals.timeouts, 1);
}

/// A body without end that makes a call when it is dropped.
struct CleaningBody {
    _cleanup: Cleanup,
}

impl Body for CleaningBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Pending
    }
}

#[test]
fn the_drops_of_a_completed_future_and_of_its_body_make_calls_of_the_circuit() {
    let (fixture, results) = (fixture(settings()), Results::default());
    let inner = service_fn(|(): ()| {
        let cleanup = results.cleanup(&fixture.breaker);
        let mut body = Some(CleaningBody { _cleanup: results.cleanup(&fixture.breaker) });
        poll_fn(move |_| {
            let _held = &cleanup;
            Poll::Ready(Ok::<_, Infallible>(Response::new(body.take().unwrap())))
        })
    });
    let mut service = BreakerLayer::new(&fixture.breaker).until_body_end().layer(inner);
    let Poll::Ready(Ok(response)) = poll_once(pin!(service.call(()))) else { panic!("it is ready") };
    assert_eq!((results.take(), fixture.breaker.snapshot().calls_in_flight), (vec![Ok(())], Some(1)));
    drop(response);
    assert_eq!((results.take(), fixture.breaker.snapshot().calls_in_flight), (vec![Ok(())], Some(0)));
}

/// A service that makes a call when it is dropped, and whose futures are ready.
struct CleaningService {
    cleanup: Cleanup,
}

impl Clone for CleaningService {
    fn clone(&self) -> Self {
        Self { cleanup: self.cleanup.results.cleanup(&self.cleanup.breaker) }
    }
}

impl Service<()> for CleaningService {
    type Response = u16;
    type Error = Infallible;
    type Future = Ready<Result<u16, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(1))
    }
}

#[test]
fn the_drop_of_a_service_that_was_kept_for_a_waiting_call_runs_in_the_slot_of_that_call() {
    let (fixture, results) = (fixture(settings().max_wait(seconds(9))), Results::default());
    let inner = CleaningService { cleanup: results.cleanup(&fixture.breaker) };
    let mut service = BreakerService::new(inner, &fixture.breaker);
    let running = fixture.breaker.try_acquire().unwrap();
    let mut call = pin!(service.call(()));
    assert!(poll_once(call.as_mut()).is_pending());
    results.take();
    running.settle(Outcome::Success);
    assert!(matches!(poll_once(call.as_mut()), Poll::Ready(Ok(1))));
    assert_eq!((results.take(), fixture.breaker.snapshot().calls_in_flight), (vec![Ok(())], Some(0)));
}

/// A future that is ready and panics when it is dropped.
struct PanicsOnDrop(Pending<()>);

impl Future for PanicsOnDrop {
    type Output = Result<u16, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(1))
    }
}

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("in drop of {:?}", self.0);
    }
}

#[test]
fn a_completed_future_that_panics_when_it_is_dropped_is_a_failure() {
    let fixture = fixture(settings());
    let mut service = BreakerService::new(service_fn(|(): ()| PanicsOnDrop(pending())), &fixture.breaker);
    let mut call = Box::pin(service.call(()));
    let poll = std::panic::AssertUnwindSafe(|| poll_once(call.as_mut()).is_ready());
    assert!(std::panic::catch_unwind(poll).is_err());
    let snapshot = fixture.breaker.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.totals.failures, snapshot.calls_in_flight),
        (State::Open, 1, Some(0))
    );
}
