//! No lock is held while user code runs: listeners, wakers and destructors.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{BreakerError, ConfigBuilder, Event, KeyedBreaker, Outcome, Registry, State};

use crate::support::{RECOVERY, settings};

fn keyed(clock: &Clock, settings: ConfigBuilder, max_keys: u32) -> KeyedBreaker {
    Registry::with_clock(clock).register_keyed("locks", settings.build().unwrap(), max_keys).unwrap()
}

/// Uses a registry when it is dropped.
struct UsesOnDrop(KeyedBreaker, mpsc::Sender<u64>);

impl Drop for UsesOnDrop {
    fn drop(&mut self) {
        _ = self.0.get("from drop");
        _ = self.1.send(self.0.totals().calls());
    }
}

#[test]
fn a_listener_that_uses_the_breaker_when_it_is_dropped_with_its_circuit_does_not_deadlock() {
    let breakers = keyed(&Clock::new(), settings(), 2);
    let (sender, dropped) = mpsc::channel();
    let on_drop = UsesOnDrop(breakers.clone(), sender);
    breakers.get("a").listen(move |_: &Event| _ = &on_drop).detach();
    breakers.get("a").try_acquire().unwrap().settle(Outcome::Success);
    drop(breakers.remove("a").unwrap());
    for host in 0..1000 {
        breakers.get(&host.to_string()).try_acquire().unwrap().settle(Outcome::Success);
    }
    assert!(dropped.try_recv().unwrap() > 0);
}

#[test]
fn a_listener_that_counts_when_a_count_drops_its_circuit_does_not_deadlock() {
    type Count = fn(&KeyedBreaker) -> u64;
    let counts: [Count; 2] = [|keyed| keyed.totals().calls(), |keyed| keyed.snapshot().totals.calls()];
    for count in counts {
        let breakers = keyed(&Clock::new(), settings(), 1000);
        let (sender, dropped) = mpsc::channel();
        let on_drop = UsesOnDrop(breakers.clone(), sender);
        let running = breakers.get("a");
        running.listen(move |_: &Event| _ = &on_drop).detach();
        let permit = running.try_acquire().unwrap();
        drop(breakers.remove("a"));
        // The map frees a removed circuit later, when others have been removed as well.
        for host in 0..1000 {
            drop(breakers.get(&host.to_string()));
            drop(breakers.remove(&host.to_string()));
        }
        permit.settle(Outcome::Success);
        drop(running);
        assert!(dropped.try_recv().is_err(), "a count drops the circuit");
        let (finished, is_finished) = mpsc::channel();
        std::thread::spawn(move || finished.send(count(&breakers)));
        assert_eq!(is_finished.recv_timeout(Duration::from_secs(60)), Ok(1));
        assert_eq!(dropped.recv(), Ok(1));
    }
}

#[test]
fn a_listener_of_a_lease_expiry_can_change_the_settings_of_all_keys() {
    let clock = Clock::new();
    let breakers = keyed(&clock, settings().half_open_max_calls(1), 10);
    let circuit = breakers.get("a");
    let listened = breakers.clone();
    let _subscription = circuit.listen(move |event: &Event| {
        if let Event::StateChanged(change) = event
            && change.transition().to == State::Open
            && change.transition().from == State::HalfOpen
        {
            listened.set_config(settings().failure_threshold(9).build().unwrap());
            _ = listened.get("from listener");
        }
    });
    (0..2).for_each(|_| _ = circuit.try_acquire().unwrap().settle(Outcome::Failure));
    clock.advance(RECOVERY);
    let _hanging = circuit.try_acquire().unwrap();
    clock.advance(RECOVERY);
    // Replacing the settings finds the expired lease.
    breakers.set_config(settings().failure_threshold(3).build().unwrap());
    assert_eq!(breakers.config().failure_threshold(), Some(9));
    assert_eq!(circuit.config().failure_threshold(), Some(9));
    assert!(breakers.find("from listener").is_some());
}

/// A waker that uses the breaker when it is woken.
struct UsesOnWake {
    breakers: KeyedBreaker,
    wakes: AtomicU32,
}

impl Wake for UsesOnWake {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.breakers.set_config(limited(3).build().unwrap());
        _ = self.breakers.get("from waker");
        _ = self.breakers.snapshot();
    }
}

fn limited(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls).max_wait(Duration::MAX)
}

#[test]
fn a_waiting_call_of_a_key_that_new_settings_wake_can_use_the_breaker() {
    let breakers = keyed(&Clock::new(), limited(1), 10);
    let circuit = breakers.get("a");
    let _running = circuit.try_acquire().unwrap();
    let mut waiting = Box::pin(circuit.call_async(pending::<Result<(), BreakerError>>()));
    let wake = Arc::new(UsesOnWake { breakers: breakers.clone(), wakes: AtomicU32::new(0) });
    let waker = Waker::from(Arc::clone(&wake));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    breakers.set_config(limited(2).build().unwrap());
    assert!(wake.wakes.load(Ordering::Relaxed) > 0);
    assert!(breakers.find("from waker").is_some());
    assert_eq!(circuit.config().max_concurrent(), Some(3));
}
