//! Drills: fail or delay a share of the calls of a circuit on purpose, for a limited time (feature `chaos`).
//!
//! A drill shows whether a circuit opens when it should, and what users see then, before the dependency fails. The real
//! function, its real fallback and its real settings take part; the dependency is spared.
//!
//! ```
//! use std::time::Duration;
//! use breaker_runtime::chaos::Drill;
//! use breaker_runtime::{BreakerError, ErrorKind, Fault, Registry, State, circuit_breaker};
//!
//! #[circuit_breaker(name = "payment", failure_threshold = 5)]
//! fn pay(cents: u64) -> Result<u64, BreakerError> {
//!     Ok(cents) // the real call
//! }
//!
//! // For one minute, every call fails.
//! let drill = Drill::new(Fault::fail(1.0), Duration::from_secs(60)).operator("alice");
//! let running = drill.start(&Registry::global(), "payment")?;
//! for _ in 0..5 {
//!     assert_eq!(pay(500).unwrap_err().kind(), ErrorKind::Injected);
//! }
//! let payment = Registry::global().get("payment").unwrap();
//! assert_eq!(payment.state(), State::Open);
//! assert_eq!(payment.snapshot().totals.injected, 5);
//!
//! running.stop();
//! payment.reset();
//! assert_eq!(pay(500)?, 500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a drill does to a call
//!
//! It acts on calls that the circuit admits, whether they are calls of annotated functions, calls through
//! [`CircuitBreaker`], calls of services of tower, or permits:
//!
//! * A failed call does not run. Its caller gets a [`BreakerError`](crate::BreakerError) of the kind
//!   [`ErrorKind::Injected`](crate::ErrorKind), like the error of a rejected call: the fallback handles it, and without
//!   a fallback it becomes the error of the function. The rules count it as a failure, a trial call fails, and its text
//!   is `injected by a drill`. In the [totals](crate::Totals) it is counted in `injected` and not in `failures`.
//! * A delayed call waits before it runs or fails. The delay is a part of the call: the call holds its slot,
//!   `slow_call` and `hang` see it, and a delay that is longer than `call_timeout` times out. If the caller cancels the
//!   call meanwhile, the call counts like any cancelled call. An async call waits on a timer of tokio, and is not
//!   delayed outside a runtime with timers; a program that aborts when it panics must not have a runtime without them,
//!   because a panic of tokio cannot be caught there. A sync call blocks its thread, as a slow dependency does. Permits
//!   are never delayed. A call of an async function whose fallback uses arguments that cannot be cloned is not delayed if it
//!   would have to save them, which a warning reports.
//!
//! A call that the circuit rejects, and a call of a [disabled](crate::Operator::disable) circuit, is left alone. In
//! shadow mode a drill injects faults all the same. The failures of a circuit that a fleet shares count in the fleet.
//!
//! # When a drill ends
//!
//! Every drill has an end, at most 24 hours after its start. It ends exactly then by the clock of the circuit, without
//! a task. Dropping [`RunningDrill`] does not end it, [`RunningDrill::stop`] and [`stop`] do. A delay that has begun
//! goes on. A new drill of a circuit replaces the one before. If one of a single key replaces that of all keys, the
//! circuit of this key has no drill afterwards. The drill of a single key ends when the circuit of the key is evicted
//! or removed.
//!
//! A drill is visible: in [`Snapshot::drill`](crate::Snapshot::drill), in the JSON and on the dashboard, in the metrics
//! `circuit_breaker_drill` and `circuit_breaker_injected_total`, as [`Event`] at its start and end, and as a
//! warning at its start.
//!
//! A circuit that has had a drill leaves the fast path for good: its calls cost about as much as those of a circuit
//! with `hang`. A circuit without one pays nothing.
//!
//! # Over HTTP
//!
//! With the feature `axum`, `POST /circuits/{name}/drill?fail=0.3&delay=2s&for=60s` starts a drill, and
//! `POST /circuits/{name}/stop-drill` stops it; see `integrations::axum`.
//!
//! # In a configuration file
//!
//! With the feature `config`, the section `[drills.payment]` of a file starts a drill when the file is loaded; see
//! `integrations::config`.
//!
//! | file | contents |
//! |---|---|
//! | `error.rs` | the reason why a drill does not start |
//! | `running_drill.rs` | a drill that was started |
//! | `similar.rs` | names that are similar to a misspelled one, or some others |
//! | `target.rs` | the circuits of a drill |

mod error;
mod running_drill;
mod similar;
mod target;

use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

pub use self::error::DrillError;
pub use self::running_drill::RunningDrill;
use self::running_drill::UnannouncedDrill;
use self::target::Target;
#[cfg(doc)]
use crate::breaker::CircuitBreaker;
use crate::breaker::{Gate, escaped_initiator};
use crate::config::SettingDuration;
use crate::drill::{ActiveDrill, DrillEnd, Fault};
use crate::event::{Announcement, DrillStarted, Event};
use crate::registry::Registry;
use crate::warning::warn;

/// The description of a drill: what it injects and for how long.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::chaos::Drill;
/// use breaker_runtime::{BreakerError, Config, Fault, Registry};
///
/// let registry = Registry::new();
/// let patient = Config::builder().failure_threshold(100).build()?;
/// let search = registry.register("search", patient)?;
/// // Three calls of ten fail. With a seed, they are the same in each run.
/// let drill = Drill::new(Fault::fail(0.3), Duration::from_secs(60)).seed(7);
/// drill.start(&registry, "search")?;
/// let failed = (0..100).filter(|_| search.call(|| Ok::<_, BreakerError>(())).is_err()).count();
/// assert!((20..=40).contains(&failed));
///
/// let endless = Drill::new(Fault::fail(0.3), Duration::MAX).start(&registry, "search");
/// assert_eq!(endless.unwrap_err().to_string(), "a drill must end: for must be between 1ms and 24h");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a drill has no effect until it is started"]
pub struct Drill {
    fault: Fault,
    /// `None` until it is set.
    length: Option<Duration>,
    seed: Option<u64>,
    operator: Option<String>,
}

/// Maximum length of a drill.
const MAX_LENGTH: Duration = Duration::from_secs(24 * 60 * 60);
const MIN_LENGTH: Duration = Duration::from_millis(1);

impl Drill {
    /// Describes a drill that lasts from 1 ms to 24 hours. The values are checked when it starts.
    pub const fn new(fault: Fault, lasting: Duration) -> Self {
        Self { fault, length: Some(lasting), seed: None, operator: None }
    }

    /// Sets the operator who starts the drill. By default this is the location of the code that starts it. The name is
    /// recorded like that of [`CircuitBreaker::operator`](crate::CircuitBreaker::operator).
    pub fn operator(self, name: impl Into<String>) -> Self {
        Self { operator: Some(name.into()), ..self }
    }

    /// Sets the seed of the random decisions, so that in each run the same calls fail and are delayed, counted from the
    /// start of the drill. By default the seed is random.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Parses a drill from names and texts, such as those of a configuration file: `fail`, `delay`, `delay_share`,
    /// `for` and `seed`. `for` is required. A duration is a text like `90s` or `1m30s`.
    ///
    /// With the feature `serde`, a drill implements `Deserialize` with the same names.
    ///
    /// # Errors
    ///
    /// Returns what is accepted, if a name is unknown or repeated, or if a value is out of its range or missing.
    ///
    /// ```
    /// use breaker_runtime::chaos::Drill;
    ///
    /// let drill = Drill::parse([("fail", "0.3"), ("delay", "2s"), ("for", "1m")])?;
    /// assert_eq!(drill.to_string(), "fails 30% of the calls, delays 100% by 2s, for 1m");
    ///
    /// let error = Drill::parse([("fail", "30%"), ("for", "1m")]).unwrap_err();
    /// assert_eq!(error.to_string(), "fail must be between 0 and 1");
    /// # Ok::<(), breaker_runtime::chaos::DrillError>(())
    /// ```
    pub fn parse<N, V>(values: impl IntoIterator<Item = (N, V)>) -> Result<Self, DrillError>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut drill = Self::empty();
        let mut names = BTreeSet::new();
        for (name, value) in values {
            drill.set(name.as_ref(), value.as_ref()).map_err(DrillError::Invalid)?;
            if !names.insert(name.as_ref().to_owned()) {
                return Err(DrillError::Invalid(
                    "duplicate value; set each of fail, delay, delay_share, for and seed once",
                ));
            }
        }
        drill.checked()
    }

    /// Starts the drill on the breaker with this name: on its circuit, or on the circuits of all its keys, also of
    /// those that are first used later. Like [`Registry::get`], it registers the breaker of an annotated function that
    /// has not been called yet. Replaces the drills that the breaker has.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is out of its range, or if the registry has no breaker with this name. Nothing is
    /// changed then.
    #[track_caller]
    pub fn start(&self, registry: &Registry, name: &str) -> Result<RunningDrill, DrillError> {
        let target = Target::find(registry, name)?;
        Ok(self.start_on(registry, target, &self.initiator(Location::caller()))?.announce())
    }

    /// Starts the drill on the circuit of one key, like [`start`](Self::start). Creates the circuit if the key has
    /// none.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is out of its range, if the registry has no breaker with this name, if the breaker
    /// has no keys, or if the key has no circuit of its own, because it has more than 255 bytes or all circuits are in
    /// use. Nothing is changed then.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::chaos::Drill;
    /// use breaker_runtime::{Config, Fault, Registry};
    ///
    /// let registry = Registry::new();
    /// let shops = registry.register_keyed("shop", Config::default(), 1000)?;
    /// Drill::new(Fault::fail(1.0), Duration::from_secs(60)).start_key(&registry, "shop", "eu-1")?;
    /// assert!(shops.get("eu-1").try_acquire().is_err());
    /// assert!(shops.get("eu-2").try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn start_key(&self, registry: &Registry, name: &str, key: &str) -> Result<RunningDrill, DrillError> {
        let target = Target::find_key(registry, name, key)?;
        Ok(self.start_on(registry, target, &self.initiator(Location::caller()))?.announce())
    }

    /// Starts the drill for an operator, on the circuit of `key` or on all circuits of a breaker. Runs no listener.
    #[allow(dead_code, reason = "only the feature `axum` has commands of operators")]
    pub(crate) fn start_unannounced(
        &self,
        registry: &Registry,
        name: &str,
        key: Option<&str>,
        operator: &str,
    ) -> Result<Announcement, DrillError> {
        let target = match key {
            None => Target::find(registry, name)?,
            // Creating a circuit can evict another one, whose listeners would run.
            Some(key) => Target::find_existing_key(registry, name, key)?
                .ok_or_else(|| DrillError::NoCircuitForKey { name: name.to_owned(), key: key.to_owned() })?,
        };
        Ok(self.start_on(registry, target, operator)?.announcement)
    }

    /// Returns the operator, or otherwise the code that starts the drill.
    fn initiator(&self, location: &Location<'_>) -> String {
        self.operator.clone().unwrap_or_else(|| location.to_string())
    }

    fn start_on(
        &self,
        registry: &Registry,
        target: Target,
        initiator: &str,
    ) -> Result<UnannouncedDrill, DrillError> {
        let drill = self.clone().checked()?;
        let length = drill.length();
        let Self { fault, seed, .. } = drill;
        let initiator = escaped_initiator(initiator);
        let clock = registry.clock();
        let gate = Arc::new(Gate::new(
            target.gated(),
            fault,
            clock.now().after(length),
            Arc::clone(&initiator),
            seed,
        ));
        let replaced = target.set_gate(&gate);
        let mut events = target.end(replaced, DrillEnd::Replaced);
        let started = DrillStarted::new(target.id(), ActiveDrill { fault, remaining: length, initiator });
        warn(&started);
        events.push(Event::DrillStarted(started));
        // The removal has not seen the gate if it ran meanwhile.
        if target.is_removed() {
            events.extend(target.end(vec![Arc::clone(&gate)], DrillEnd::Removed));
        }
        let announcement = target.announcement(events);
        Ok(UnannouncedDrill { drill: RunningDrill { target, gate }, announcement })
    }

    /// Sets one value.
    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let number = || value.trim().parse::<f64>();
        let duration = || value.parse::<SettingDuration>().map(|duration| duration.0);
        match name {
            "fail" => self.fault.fail = number().map_err(|_| "fail must be between 0 and 1")?,
            "delay" => {
                self.fault.delay =
                    duration().map_err(|_| "delay must be a duration like \"2s\", at most 1h")?;
            }
            "delay_share" => {
                self.fault.delay_share = number().map_err(|_| "delay_share must be between 0 and 1")?;
            }
            "for" => self.length = Some(duration().map_err(|_| LENGTH_NOTATION)?),
            "seed" => {
                let seed = value.parse().map_err(|_| "seed must be a whole number of at least 0")?;
                self.seed = Some(seed);
            }
            _ => return Err("unknown value; use fail, delay, delay_share, for or seed"),
        }
        Ok(())
    }

    /// Returns a drill without values, which cannot start.
    pub(crate) const fn empty() -> Self {
        Self { fault: Fault::fail(0.0), length: None, seed: None, operator: None }
    }

    /// Returns the drill with the time that remained of it, which is at least 1 ms.
    #[allow(dead_code, reason = "only the feature `config` continues a drill")]
    pub(crate) fn for_rest(self, remaining: Duration) -> Self {
        Self { length: Some(remaining.max(MIN_LENGTH)), ..self }
    }

    /// Sets one value, unless it is out of its range.
    ///
    /// # Errors
    ///
    /// Returns what is accepted.
    #[allow(dead_code, reason = "only the feature `config` locates each value")]
    pub(crate) fn set_in_range(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let mut changed = self.clone();
        changed.set(name, value)?;
        changed.fault.check_ranges()?;
        if let Some(length) = changed.length {
            check_length(length)?;
        }
        *self = changed;
        Ok(())
    }

    pub(crate) fn checked(self) -> Result<Self, DrillError> {
        let check = || {
            self.fault.check()?;
            check_length(self.length())
        };
        check().map_err(DrillError::Invalid)?;
        Ok(self)
    }

    /// Returns the length, which is zero until it is set.
    fn length(&self) -> Duration {
        self.length.unwrap_or_default()
    }
}

fn check_length(length: Duration) -> Result<(), &'static str> {
    if (MIN_LENGTH..=MAX_LENGTH).contains(&length) {
        Ok(())
    } else {
        Err("a drill must end: for must be between 1ms and 24h")
    }
}

const LENGTH_NOTATION: &str = "for must be a duration like \"60s\", between 1ms and 24h";

/// Stops all drills of the breaker with this name, also those of single keys. With `key`, only that of this key; one of
/// all keys goes on, also for this key. Returns `true` if a drill was running that is stopped now.
///
/// # Errors
///
/// Returns an error if the registry has no such breaker, or if `key` is given and the breaker has no keys.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::chaos::{self, Drill};
/// use breaker_runtime::{Config, Fault, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// Drill::new(Fault::fail(0.3), Duration::from_secs(60)).start(&registry, "search")?;
/// assert!(chaos::stop(&registry, "search", None)?);
/// assert!(!chaos::stop(&registry, "search", None)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stop(registry: &Registry, name: &str, key: Option<&str>) -> Result<bool, DrillError> {
    let Some(target) = find_existing(registry, name, key)? else { return Ok(false) };
    let ended = target.end(target.take_gates(), DrillEnd::Stopped);
    let was_running = ended.iter().any(has_stopped);
    drop(target.announcement(ended));
    Ok(was_running)
}

/// Stops drills like [`stop`], and runs no listener.
#[allow(dead_code, reason = "only the feature `axum` has commands of operators")]
pub(crate) fn stop_unannounced(
    registry: &Registry,
    name: &str,
    key: Option<&str>,
) -> Result<Option<Announcement>, DrillError> {
    let Some(target) = find_existing(registry, name, key)? else { return Ok(None) };
    let ended = target.end(target.take_gates(), DrillEnd::Stopped);
    Ok(Some(target.announcement(ended)))
}

/// Finds a breaker, or the circuit of a key. A key without a circuit has no drill of its own.
fn find_existing(registry: &Registry, name: &str, key: Option<&str>) -> Result<Option<Target>, DrillError> {
    match key {
        None => Target::find(registry, name).map(Some),
        Some(key) => Target::find_existing_key(registry, name, key),
    }
}

/// Returns `true` for the end of a drill that was running, unlike one whose time had elapsed.
fn has_stopped(event: &Event) -> bool {
    matches!(event, Event::DrillEnded(ended) if ended.end() == DrillEnd::Stopped)
}

impl fmt::Display for Drill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, for {}", self.fault, SettingDuration(self.length()))
    }
}
