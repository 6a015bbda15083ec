//! Every change is notified once and in order, whichever threads cause it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{Config, Event, State, Transition};

use crate::{any_outcome, any_settings, breaker, command, run_threads};

#[test]
fn every_change_is_notified_once_and_in_order() {
    let (clock, breaker) = breaker(Config::builder().failure_threshold(2));
    let changes = Arc::new(Mutex::new(Vec::<Transition>::new()));
    let subscription = breaker.listen({
        let changes = Arc::clone(&changes);
        move |event: &Event| {
            if let Event::StateChanged(change) = event {
                changes.lock().unwrap().push(change.transition().clone());
            }
        }
    });
    run_threads(
        |mut random, _| {
            for _ in 0..3000 {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.settle(any_outcome(&mut random));
                }
                if random.u8(0..10) == 0 {
                    command(&breaker, &mut random);
                }
            }
        },
        |random| {
            clock.advance(Duration::from_millis(random.u64(0..100)));
            breaker.set_config(any_settings(random).build().unwrap());
        },
    );
    drop(subscription);
    let changes = changes.lock().unwrap();
    let snapshot = breaker.snapshot();
    assert!(changes.len() > 1000, "only {} changes", changes.len());
    assert_eq!(snapshot.generation, changes.len() as u64);
    let mut before = State::Closed;
    for (number, change) in (1..).zip(&*changes) {
        assert_eq!((change.from, change.generation), (before, number));
        before = change.to;
    }
    assert_eq!(snapshot.state, before);
    let states = [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];
    let sum: u64 = states.map(|state| snapshot.changes.to(state)).into_iter().sum();
    assert_eq!(sum, changes.len() as u64);
}
