//! Every change is told once, in order, by whichever thread.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{Config, Event, State, Transition};

use crate::{any_outcome, any_settings, breaker, order, storm};

#[test]
fn every_change_is_told_once_and_in_an_unbroken_order() {
    let (clock, breaker) = breaker(Config::builder().failure_threshold(2));
    let told = Arc::new(Mutex::new(Vec::<Transition>::new()));
    let listening = breaker.listen({
        let told = Arc::clone(&told);
        move |event: &Event| {
            if let Event::StateChanged(change) = event {
                told.lock().unwrap().push(change.transition().clone());
            }
        }
    });
    storm(
        |mut dice, _| {
            for _ in 0..3000 {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.settle(any_outcome(&mut dice));
                }
                if dice.u8(0..10) == 0 {
                    order(&breaker, &mut dice);
                }
            }
        },
        |dice| {
            clock.advance(Duration::from_millis(dice.u64(0..100)));
            breaker.set_config(any_settings(dice).build().unwrap());
        },
    );
    drop(listening);
    let told = told.lock().unwrap();
    let snapshot = breaker.snapshot();
    assert!(told.len() > 1000, "{} changes prove little", told.len());
    assert_eq!(snapshot.generation, told.len() as u64);
    let mut before = State::Closed;
    for (number, change) in (1..).zip(&*told) {
        assert_eq!((change.from, change.generation), (before, number));
        before = change.to;
    }
    assert_eq!(snapshot.state, before);
    let states = [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];
    let sum: u64 = states.map(|state| snapshot.changes.to(state)).into_iter().sum();
    assert_eq!(sum, told.len() as u64);
}
