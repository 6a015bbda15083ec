//! Plays a trace through the circuit breaker of the library, with a clock that moves from call to call.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{
    CircuitBreaker, Config, Event, KeyedBreaker, Outcome, OwnedPermit, RegisterError, Registry, Setting,
    State,
};

use crate::trace::{Trace, TracedCall, TracedOutcome};

/// The results that one configuration would have had.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The times during which circuits were not closed, in the order of their starts.
    pub(crate) outages: Vec<Outage>,
    /// Rejected calls that failed when they were recorded.
    pub(crate) spared: u64,
    /// Rejected calls that succeeded when they were recorded.
    pub(crate) lost: u64,
    /// Other rejected calls: ignored and cancelled ones.
    pub(crate) other_rejected: u64,
    /// Failing calls that were admitted.
    pub(crate) admitted_failures: u64,
}

/// A time during which one circuit was open or half-open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outage {
    pub(crate) key: Option<String>,
    pub(crate) opened: Duration,
    /// `None` if the circuit was not closed at the end of the trace.
    pub(crate) closed: Option<Duration>,
    pub(crate) reason: String,
    /// The start of the first failing call of the incident, which is after the end of the outage before.
    pub(crate) first_failure: Option<Duration>,
}

/// Number of calls without a failure after which the next failure begins a new incident.
const QUIET_CALLS: u32 = 20;
/// The name of the circuit breaker that replays a trace.
const NAME: &str = "replay";
/// The largest number of keys that a breaker can have.
const MAX_KEYS: u32 = 1_000_000;

/// The breaker that replays a trace: one circuit, or one for each key.
enum Breaker {
    Single(CircuitBreaker),
    Keyed(KeyedBreaker),
}

/// A call that has been admitted and has not ended.
struct RunningCall {
    permit: OwnedPermit,
    outcome: TracedOutcome,
}

/// The changes of the state during a replay, at the time of the trace.
#[derive(Default)]
struct Log {
    now: Duration,
    outages: Vec<Outage>,
    /// The circuits by their keys. The one of the calls without a key has none.
    circuits: HashMap<Option<String>, CircuitLog>,
}

/// What is known about one circuit since it closed.
#[derive(Default)]
struct CircuitLog {
    /// The index of its outage, unless it is closed.
    outage: Option<usize>,
    /// The start of the first failing call of the latest incident.
    first_failure: Option<Duration>,
    /// Number of calls since the last failing one.
    quiet_calls: u32,
}

/// Plays a trace with these settings. `call_timeout` ends longer calls as failures, also those that it does not stop in a
/// service: a trace does not tell which calls are sync calls, streams or response bodies. `max_wait` and `hang` have no
/// effect, because a trace does not tell what callers would have done, and neither has a `retry_after` of a failure.
pub(crate) fn play(trace: &Trace, config: &Config) -> Result<Replay, RegisterError> {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let settings = without_hang(config);
    let breaker = if trace.has_keys() {
        Breaker::Keyed(registry.register_keyed(NAME, settings, MAX_KEYS)?)
    } else {
        Breaker::Single(registry.register(NAME, settings)?)
    };
    let log = Arc::new(Mutex::new(Log::default()));
    let subscription = registry.listen({
        let log = Arc::clone(&log);
        move |event: &Event| log.lock().unwrap_or_else(PoisonError::into_inner).record(event)
    });
    let mut player = Player {
        clock,
        log: Arc::clone(&log),
        now: Duration::ZERO,
        running: Vec::new(),
        ends: BinaryHeap::new(),
        replay: Replay::default(),
    };
    for call in &trace.calls {
        player.end_calls_until(call.start);
        player.advance_to(call.start);
        player.start(&breaker, call, config);
    }
    player.end_calls_until(Duration::MAX);
    drop(subscription);
    let outages = std::mem::take(&mut log.lock().unwrap_or_else(PoisonError::into_inner).outages);
    Ok(Replay { outages, ..player.replay })
}

/// Returns these settings without `hang`.
fn without_hang(config: &Config) -> Config {
    config.to_builder().unset(Setting::Hang).build().unwrap_or_else(|_| config.clone())
}

/// The state of a replay between two calls.
struct Player {
    clock: Clock,
    log: Arc<Mutex<Log>>,
    now: Duration,
    running: Vec<Option<RunningCall>>,
    /// The ends of the running calls, with their indices in `running`.
    ends: BinaryHeap<Reverse<CallEnd>>,
    replay: Replay,
}

/// The time at which a running call ends. The order is that of the ends, and of the starts for equal ends.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CallEnd {
    at: Duration,
    index: usize,
}

impl Player {
    fn start(&mut self, breaker: &Breaker, call: &TracedCall, config: &Config) {
        let limit = config.call_timeout().filter(|limit| *limit <= call.duration);
        let outcome = if limit.is_some() { TracedOutcome::Failure } else { call.outcome };
        let circuit = breaker.of(call.key.as_deref());
        self.log().of(circuit.key()).add_call(call.start, fails(outcome, call.duration, config));
        match circuit.try_acquire_owned() {
            Ok(permit) => {
                let at = call.start.saturating_add(limit.unwrap_or(call.duration));
                self.ends.push(Reverse(CallEnd { at, index: self.running.len() }));
                self.running.push(Some(RunningCall { permit, outcome }));
                self.replay.admitted_failures += u64::from(call.outcome == TracedOutcome::Failure);
            }
            Err(_) => match call.outcome {
                TracedOutcome::Failure => self.replay.spared += 1,
                TracedOutcome::Success => self.replay.lost += 1,
                TracedOutcome::Ignored | TracedOutcome::Cancelled | TracedOutcome::Rejected => {
                    self.replay.other_rejected += 1;
                }
            },
        }
    }

    /// Ends all running calls that end at this time or earlier.
    fn end_calls_until(&mut self, time: Duration) {
        while let Some(Reverse(next)) = self.ends.peek()
            && next.at <= time
        {
            let CallEnd { at, index } = CallEnd { at: next.at, index: next.index };
            self.ends.pop();
            self.advance_to(at);
            if let Some(call) = self.running.get_mut(index).and_then(Option::take) {
                call.end();
            }
        }
    }

    fn advance_to(&mut self, time: Duration) {
        self.clock.advance(time.saturating_sub(self.now));
        self.now = self.now.max(time);
        self.log().now = self.now;
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns `true` if the circuit counts a call with this outcome as a failure.
fn fails(outcome: TracedOutcome, duration: Duration, config: &Config) -> bool {
    match outcome {
        TracedOutcome::Failure => true,
        TracedOutcome::Cancelled => duration >= config.cancelled_after(),
        TracedOutcome::Success | TracedOutcome::Ignored | TracedOutcome::Rejected => false,
    }
}

impl RunningCall {
    fn end(self) {
        match self.outcome {
            TracedOutcome::Success => _ = self.permit.settle(Outcome::Success),
            TracedOutcome::Failure => _ = self.permit.settle(Outcome::Failure),
            TracedOutcome::Ignored => _ = self.permit.settle(Outcome::Ignored),
            // Dropping a permit is a cancellation.
            TracedOutcome::Cancelled | TracedOutcome::Rejected => drop(self.permit),
        }
    }
}

impl Breaker {
    /// Returns the circuit of a call. Among calls with keys, those without one were made in the overflow circuit.
    fn of(&self, key: Option<&str>) -> CircuitBreaker {
        match self {
            Self::Single(breaker) => breaker.clone(),
            Self::Keyed(breakers) => key.map_or_else(|| breakers.overflow(), |key| breakers.get(key)),
        }
    }
}

impl Log {
    fn of(&mut self, key: Option<&str>) -> &mut CircuitLog {
        self.circuits.entry(key.map(str::to_owned)).or_default()
    }

    fn record(&mut self, event: &Event) {
        let Event::StateChanged(change) = event else { return };
        let (transition, now, next) = (change.transition(), self.now, self.outages.len());
        let circuit = self.of(change.key());
        match (transition.to, circuit.outage) {
            (State::Closed, Some(index)) => {
                *circuit = CircuitLog::default();
                if let Some(outage) = self.outages.get_mut(index) {
                    outage.closed = Some(now);
                }
            }
            (State::Open, None) => {
                circuit.outage = Some(next);
                let first_failure = circuit.first_failure;
                let reason =
                    transition.trip.map_or_else(|| transition.cause.to_string(), |trip| trip.to_string());
                let key = change.key().map(str::to_owned);
                self.outages.push(Outage { key, opened: now, closed: None, reason, first_failure });
            }
            // Trial calls that fail reopen the circuit within one outage.
            _ => {}
        }
    }
}

impl CircuitLog {
    /// Adds a call that starts now.
    fn add_call(&mut self, start: Duration, fails: bool) {
        if !fails {
            self.quiet_calls = self.quiet_calls.saturating_add(1);
            return;
        }
        if self.first_failure.is_none() || self.quiet_calls >= QUIET_CALLS {
            self.first_failure = Some(start);
        }
        self.quiet_calls = 0;
    }
}
