//! Traces that the feature `recorder` has written are read back as they were, and open the same circuits at the same
//! times.

#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::recorder::{Recorder, Recording};
use breaker_runtime::testing::Clock;
use breaker_runtime::{
    CircuitBreaker, Config, ConfigBuilder, Event, Mode, Outcome, OwnedPermit, Registry, State,
};
use fastrand::Rng;

use crate::csv_trace::read_csv;
use crate::play::play;
use crate::trace::Trace;

/// A service whose calls are recorded.
struct Service {
    clock: Clock,
    registry: Registry,
    recording: Recording,
    now: Arc<Mutex<Duration>>,
    outages: Arc<Mutex<Vec<LiveOutage>>>,
    running: Vec<LiveCall>,
}

/// A time during which a live circuit was open or half-open.
#[derive(Clone, Debug, PartialEq)]
struct LiveOutage {
    key: Option<String>,
    opened: Duration,
    closed: Option<Duration>,
}

/// A call that has not ended.
struct LiveCall {
    ends: Duration,
    permit: OwnedPermit,
    /// `None` if it is cancelled.
    outcome: Option<Outcome>,
}

impl Service {
    fn new<T>(register: impl FnOnce(&Registry) -> T) -> (Self, T) {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breakers = register(&registry);
        let recording = Recorder::builder("service").start(&registry).unwrap();
        let (now, outages) = (Arc::default(), Arc::default());
        let service = Self { clock, registry, recording, now, outages, running: Vec::new() };
        service.log_outages();
        (service, breakers)
    }

    fn log_outages(&self) {
        let (now, outages) = (Arc::clone(&self.now), Arc::clone(&self.outages));
        let log = move |event: &Event| {
            let Event::StateChanged(change) = event else { return };
            let (now, mut outages) = (*now.lock().unwrap(), outages.lock().unwrap());
            let key = change.key().map(str::to_owned);
            let current = outages.iter_mut().find(|outage| outage.key == key && outage.closed.is_none());
            match (change.transition().to, current) {
                (State::Open, None) => outages.push(LiveOutage { key, opened: now, closed: None }),
                (State::Closed, Some(outage)) => outage.closed = Some(now),
                _ => {}
            }
        };
        self.registry.listen(log).detach();
    }

    /// Makes calls of random length, several at once, whose failures come in bursts.
    fn work(&mut self, seed: u64, breakers: &[CircuitBreaker]) {
        let mut random = Rng::with_seed(seed);
        let (mut failing, mut time) = (0.0, Duration::ZERO);
        for call in 0..3000 {
            if call % 100 == 0 {
                failing = random.choice([0.0, 0.1, 0.4, 0.9]).unwrap();
            }
            self.end_calls_until(time);
            self.advance_to(time);
            let outcome = match random.f64() {
                draw if draw < failing => Some(Outcome::Failure),
                draw if draw > 0.98 => Some(Outcome::Ignored),
                draw if draw > 0.96 => None,
                _ => Some(Outcome::Success),
            };
            let ends = time + Duration::from_nanos(random.u64(1..2_000_000_000));
            let breaker = random.choice(breakers).unwrap();
            if let Ok(permit) = breaker.try_acquire_owned() {
                self.running.push(LiveCall { ends, permit, outcome });
            }
            time += Duration::from_nanos(random.u64(1..200_000_000));
        }
        self.end_calls_until(Duration::MAX);
    }

    fn end_calls_until(&mut self, time: Duration) {
        self.running.sort_by_key(|call| call.ends);
        let due = self.running.partition_point(|call| call.ends <= time);
        for LiveCall { ends, permit, outcome } in self.running.drain(..due).collect::<Vec<_>>() {
            self.advance_to(ends);
            match outcome {
                Some(outcome) => _ = permit.settle(outcome),
                None => drop(permit),
            }
        }
    }

    fn advance_to(&self, time: Duration) {
        let mut now = self.now.lock().unwrap();
        self.clock.advance(time.saturating_sub(*now));
        *now = time;
    }

    fn into_trace(self) -> Trace {
        let Recording { recorder, writer } = self.recording;
        drop(recorder);
        let mut csv = Vec::new();
        let totals = writer.run(&mut csv).unwrap();
        let trace = read_csv(csv.as_slice());
        assert_eq!(trace.broken.to_string(), "", "{}", String::from_utf8_lossy(&csv));
        assert_eq!((totals.lost_calls, totals.lost_rejections), (0, 0));
        assert_eq!((totals.calls, totals.rejections), (trace.calls.len() as u64, trace.rejected as u64));
        trace
    }
}

/// Returns the outages of a replay.
fn replayed(trace: &Trace, config: &Config) -> Vec<LiveOutage> {
    let outages = play(trace, config).unwrap().outages.into_iter();
    outages.map(|it| LiveOutage { key: it.key, opened: it.opened, closed: it.closed }).collect()
}

fn policies() -> [ConfigBuilder; 4] {
    let second = Duration::from_secs(1);
    let quick = || Config::builder().recovery_timeout(3 * second).success_threshold(2);
    [
        quick().failure_threshold(3),
        quick().failure_rate(0.5).window_calls(30),
        quick().failure_rate(0.4).window_time(5 * second).minimum_calls(10),
        quick().slow_call(second).slow_call_rate(0.6).window_calls(20),
    ]
}

#[test]
fn a_replay_opens_and_closes_the_circuit_when_the_live_one_did() {
    for (seed, policy) in (0..).zip(policies()) {
        let config = policy.build().unwrap();
        let register = |registry: &Registry| registry.register("service", config.clone()).unwrap();
        let (mut service, breaker) = Service::new(register);
        service.work(seed, std::slice::from_ref(&breaker));
        let live = service.outages.lock().unwrap().clone();
        let trace = service.into_trace();
        assert!(live.len() >= 5, "{live:?}");
        assert_eq!(replayed(&trace, &config), live);
        let totals = breaker.snapshot().totals;
        assert_eq!(trace.rejected as u64, totals.rejected);
        assert_eq!(trace.calls.len() as u64, totals.calls() - totals.rejected);
        assert!(trace.rejected > 0);
    }
}

#[test]
fn a_replay_of_a_trace_with_keys_opens_the_circuit_of_each_key_when_the_live_one_opened() {
    for (seed, policy) in (0..).zip(policies()) {
        let config = policy.build().unwrap();
        let register = |registry: &Registry| registry.register_keyed("service", config.clone(), 10).unwrap();
        let (mut service, breaker) = Service::new(register);
        service.work(seed, &["eu", "us, \"east\"", "ap\n1"].map(|key| breaker.get(key)));
        let live = service.outages.lock().unwrap().clone();
        let trace = service.into_trace();
        assert!(live.iter().any(|outage| outage.key != live.first().unwrap().key), "{live:?}");
        assert_eq!(replayed(&trace, &config), live);
    }
}

#[test]
fn a_replay_of_calls_without_a_circuit_for_their_key_opens_the_overflow_circuit_when_the_live_one_opened() {
    let config =
        Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(3)).build().unwrap();
    let register = |registry: &Registry| registry.register_keyed("service", config.clone(), 1).unwrap();
    let (mut service, breaker) = Service::new(register);
    service.work(0, &[breaker.get("eu"), breaker.overflow()]);
    let live = service.outages.lock().unwrap().clone();
    let trace = service.into_trace();
    assert!(live.iter().any(|outage| outage.key.is_none()), "{live:?}");
    assert_eq!(replayed(&trace, &config), live);
    let outages = play(&trace, &config).unwrap().outages;
    assert!(outages.iter().all(|outage| outage.first_failure.is_some()), "{outages:?}");
}

#[test]
fn a_replay_opens_the_circuit_of_the_empty_key_and_the_overflow_circuit_when_the_live_ones_opened() {
    let config =
        Config::builder().failure_threshold(3).recovery_timeout(Duration::from_secs(3)).build().unwrap();
    let register = |registry: &Registry| registry.register_keyed("service", config.clone(), 10).unwrap();
    let (mut service, breaker) = Service::new(register);
    service.work(0, &[breaker.get(""), breaker.overflow()]);
    let live = service.outages.lock().unwrap().clone();
    let trace = service.into_trace();
    assert!(live.iter().any(|outage| outage.key.is_none()), "{live:?}");
    assert!(live.iter().any(|outage| outage.key.as_deref() == Some("")), "{live:?}");
    assert_eq!(replayed(&trace, &config), live);
}

#[test]
fn a_trace_from_shadow_mode_has_all_calls_and_opens_the_circuit_when_the_live_one_did() {
    for (seed, policy) in (0..).zip(policies()) {
        let config = policy.clone().mode(Mode::Shadow).build().unwrap();
        let (mut service, breaker) = Service::new(|registry| registry.register("service", config).unwrap());
        service.work(seed, std::slice::from_ref(&breaker));
        let live = service.outages.lock().unwrap().clone();
        let trace = service.into_trace();
        assert_eq!((trace.calls.len(), trace.rejected), (3000, 0));
        assert!(live.len() >= 5, "{live:?}");
        assert_eq!(replayed(&trace, &policy.build().unwrap()), live);
    }
}

const HOSTILE: [char; 9] = ['"', ',', '\n', '\r', ' ', '\t', '#', 'x', '\u{feff}'];

#[test]
fn every_key_is_read_back_as_it_was() {
    let mut keys: Vec<String> = [
        "", "plain", " ", "a,b", "\"", "\"\"", "a\nb", "\n", "\r\n", "\u{feff}", "#", "\0", "time", "\\n",
        "é\u{85}",
    ]
    .map(str::to_owned)
    .into();
    keys.push("\"\n".repeat(127));
    let mut random = Rng::with_seed(1);
    for _ in 0..500 {
        let length = random.usize(1..20);
        keys.push(std::iter::repeat_with(|| random.choice(HOSTILE).unwrap()).take(length).collect());
    }
    let (service, breaker) =
        Service::new(|registry| registry.register_keyed("service", Config::default(), 1000).unwrap());
    for key in &keys {
        breaker.get(key).try_acquire().unwrap().settle(Outcome::Success);
    }
    let trace = service.into_trace();
    let read: Vec<_> = trace.calls.iter().map(|call| call.key.as_deref()).collect();
    let expected: Vec<_> = keys.iter().map(|key| Some(key.as_str())).collect();
    assert_eq!(read, expected);
}
