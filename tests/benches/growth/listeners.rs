//! The number of listeners.

use std::hint::black_box;

use breaker_runtime::{CallEvent, CallEvents, CircuitBreaker, Config, Event, Registry, Subscription};

use super::curves::{Chart, Curve, Order, Probe, Unit, seconds_per_call};
use super::work::{work, work_or_fail};

const LISTENERS: [u32; 5] = [0, 1, 10, 100, 1000];
const CALLS: u32 = 50_000;
const CHANGES: u32 = 100;

/// A breaker whose registry has listeners.
struct Listened {
    listeners: u32,
    breaker: CircuitBreaker,
    /// Kept, because dropping one removes its listener.
    #[expect(dead_code, reason = "it is only dropped")]
    subscriptions: Vec<Subscription>,
}

pub(crate) fn charts() -> Vec<Chart> {
    let curves = vec![
        curve("success, listeners of events", Order::Constant, &events(), success),
        curve("failure, listeners of events", Order::Constant, &events(), failure),
        curve("state change, listeners of events", Order::Linear, &events(), state_change),
        curve("success, listeners of calls", Order::Constant, &calls(), success),
        curve("failure, listeners of calls", Order::Linear, &calls(), failure),
    ];
    vec![Chart { title: "Listeners", axis: "listeners", unit: Unit::Seconds, curves }]
}

fn curve(
    name: &'static str,
    order: Order,
    listened: &[Listened],
    measure: fn(&CircuitBreaker) -> f64,
) -> Curve {
    let probes =
        listened.iter().map(|listened| Probe::new(listened.listeners, move || measure(&listened.breaker)));
    Curve::measure(name, order, probes.collect())
}

fn events() -> Vec<Listened> {
    listened(|registry| registry.listen(|event: &Event| _ = black_box(event)))
}

fn calls() -> Vec<Listened> {
    let wanted = CallEvents::FAILED | CallEvents::REJECTED;
    listened(|registry| registry.listen_to_calls(wanted, |event: &CallEvent| _ = black_box(event)))
}

fn listened(listen: impl Fn(&Registry) -> Subscription) -> Vec<Listened> {
    let listened = LISTENERS.map(|listeners| {
        let registry = Registry::new();
        let config = Config::builder().failure_threshold(10_000_000).build().expect("the settings are valid");
        let breaker = registry.register("growth", config).expect("the name is new");
        let subscriptions = (0..listeners).map(|_| listen(&registry)).collect();
        Listened { listeners, breaker, subscriptions }
    });
    listened.into()
}

fn success(breaker: &CircuitBreaker) -> f64 {
    seconds_per_call(CALLS, |number| _ = black_box(breaker.call(|| work(u64::from(number)))))
}

fn failure(breaker: &CircuitBreaker) -> f64 {
    seconds_per_call(CALLS / 50, |_| _ = black_box(breaker.call(|| work_or_fail(1, 0))))
}

fn state_change(breaker: &CircuitBreaker) -> f64 {
    seconds_per_call(CHANGES / 2, |_| {
        breaker.force_open();
        breaker.release();
    }) / 2.0
}
