//! The state and figures of a circuit at one moment, and of all circuits of one name together.
//!
//! A snapshot is plain data. It does not know where its figures come from or who reads them.

mod combination;
mod key_counts;
mod queue_counts;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::combination::Combination;
pub use self::key_counts::KeyCounts;
pub use self::queue_counts::QueueCounts;
use crate::clock::Moment;
use crate::config::{CircuitId, EffectiveConfig, Mode, SharedConfig};
use crate::drill::ActiveDrill;
use crate::durations::CallDurations;
use crate::state::{Observation, Ramp, State, Transition, TransitionCounts};
use crate::totals::Totals;
use crate::window::WindowCounts;

/// The state and counters of a circuit at one moment.
///
/// Taking a snapshot changes nothing. The state, its times, the generation, the changes and the last
/// transition are read together and agree. Totals, window, durations and in-flight counts are read right
/// after them, so they may be a few calls ahead while calls are running.
///
/// ```
/// use breaker_runtime::{Cause, CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.force_open();
///
/// let snapshot = breaker.snapshot();
/// assert_eq!(snapshot.name(), "search");
/// assert_eq!(snapshot.state, State::ForcedOpen);
/// assert_eq!(snapshot.last_transition.unwrap().cause, Cause::ForcedOpen);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the feature `serde`, a snapshot implements `Serialize`; see `integrations::serde` for the format.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name of the circuit breaker.
    pub name: Arc<str>,
    /// The key of the circuit; `None` for a breaker without keys, for the overflow circuit, and for a
    /// combined snapshot.
    pub key: Option<Arc<str>>,
    /// The state. An open circuit stays [`Open`](State::Open) until a call arrives, even after its recovery
    /// time; a circuit whose trial call exceeded its lease is `Open` as soon as the lease ends, and one in which a
    /// call runs for longer than [`hang`](crate::ConfigBuilder::hang) as soon as that time has passed.
    pub state: State,
    /// `true` if the circuit would reject a call that arrives now, but admits it because of
    /// [`max_open`](crate::ConfigBuilder::max_open). `false` while the call would be a trial call, and in a combined
    /// snapshot, because other circuits may reject calls.
    pub waives: bool,
    /// Time since the current generation began.
    pub time_in_state: Duration,
    /// The moment at which the current generation began.
    pub(crate) since: Moment,
    /// Time until an open circuit admits a trial call; zero once a trial call is due. `None` in any other
    /// state, and if the recovery timeout is [`Duration::MAX`].
    pub retry_after: Option<Duration>,
    /// The gradual closing of a `Closed` circuit. `None` in any other state, and while every call is admitted.
    pub ramp: Option<Ramp>,
    /// The generation. It grows by one with every state change, and when an operator restarts the current
    /// state. A result counts only in the generation that admitted its call.
    pub generation: u64,
    /// Consecutive failures while `Closed`; zero in any other state, and if no rule evaluates them, unless the circuit is
    /// shared.
    pub consecutive_failures: u32,
    /// The counts of the window, all zero unless `Closed`; `None` without a window.
    pub window: Option<WindowCounts>,
    /// Running trial calls while `HalfOpen`; zero in any other state.
    pub trials_in_flight: usize,
    /// Running calls; `None` without `max_concurrent`.
    pub calls_in_flight: Option<u32>,
    /// Calls and fallbacks by result, since the breaker was created.
    pub totals: Totals,
    /// Calls that shadow mode admitted although the circuit would have rejected them.
    pub shadow_rejections: u64,
    /// Number of calls that were admitted only because of [`max_open`](crate::ConfigBuilder::max_open).
    pub waived_rejections: u64,
    /// Durations of calls; `None` if they have never been recorded.
    pub durations: Option<CallDurations>,
    /// State changes by origin and target state.
    pub changes: TransitionCounts,
    /// Total time in `Open` and `ForcedOpen`.
    pub time_open: Duration,
    /// The number of keys in each state; `None` unless the snapshot combines the circuits of a breaker with
    /// keys. The circuits are read one after another, so while keys are evicted the sum can exceed `max_keys`.
    pub keys: Option<KeyCounts>,
    /// The queues for rejected calls; `None` if the circuit has never had one. See `breaker_runtime::queue` (feature
    /// `queue`).
    pub queue: Option<QueueCounts>,
    /// The drill that injects faults, if one is running. In a combined snapshot, that of the breaker or of one of its
    /// circuits. See `breaker_runtime::chaos` (feature `chaos`).
    pub drill: Option<ActiveDrill>,
    /// The transition that began this generation; `None` before the first.
    pub last_transition: Option<Arc<Transition>>,
    /// The mode: [`Enforce`](Mode::Enforce) rejects calls, [`Shadow`](Mode::Shadow) only counts the calls it
    /// would have rejected.
    pub mode: Mode,
    /// `true` if the circuit is marked as [critical](crate::ConfigBuilder::critical).
    pub critical: bool,
    /// The settings that are in effect, and where each of them comes from. In a combined snapshot, those that all
    /// circuits share.
    pub settings: EffectiveConfig,
}

/// The parts of a snapshot that only some circuits have.
#[derive(Debug, Default)]
pub(crate) struct OptionalParts {
    pub(crate) window: Option<WindowCounts>,
    pub(crate) calls_in_flight: Option<u32>,
    pub(crate) shadow_rejections: u64,
    pub(crate) waived_rejections: u64,
    pub(crate) waives: bool,
    pub(crate) durations: Option<CallDurations>,
    pub(crate) queue: Option<QueueCounts>,
    pub(crate) drill: Option<ActiveDrill>,
}

/// The parts of a snapshot that remain when a circuit is removed, added up over several circuits.
#[derive(Clone, Debug, Default)]
pub(crate) struct CumulativeParts {
    totals: Totals,
    shadow_rejections: u64,
    waived_rejections: u64,
    durations: Option<CallDurations>,
    changes: TransitionCounts,
    time_open: Duration,
    /// Time that circuits were counted as open after their removal.
    excess_open: Duration,
    queue: Option<QueueCounts>,
}

impl Snapshot {
    pub(crate) fn new(
        CircuitId { name, key }: CircuitId,
        observation: Observation,
        totals: Totals,
        parts: OptionalParts,
        settings: SharedConfig,
    ) -> Self {
        let window = parts.window.map(|counts| match observation.state {
            State::Closed => counts,
            State::Open | State::HalfOpen | State::ForcedOpen | State::Disabled => WindowCounts::default(),
        });
        Self {
            name: name.into(),
            key,
            state: observation.state,
            waives: parts.waives,
            time_in_state: observation.time_in_state,
            since: observation.since,
            retry_after: observation.retry_after,
            ramp: observation.ramp,
            generation: observation.generation,
            consecutive_failures: observation.consecutive_failures,
            window,
            trials_in_flight: observation.trials,
            calls_in_flight: parts.calls_in_flight,
            totals,
            shadow_rejections: parts.shadow_rejections,
            waived_rejections: parts.waived_rejections,
            durations: parts.durations,
            changes: observation.history.changes,
            time_open: observation.history.time_open,
            keys: None,
            queue: parts.queue,
            drill: parts.drill,
            last_transition: observation.history.last,
            mode: settings.mode(),
            critical: settings.critical(),
            settings: EffectiveConfig::new(settings),
        }
    }

    /// Returns the name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key of the circuit; `None` for a breaker without keys, for the overflow circuit, and for a
    /// combined snapshot.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns `true` if the circuit rejects every call and no trial call is due. In shadow mode it returns
    /// `false`.
    pub(crate) fn rejects(&self) -> bool {
        let admits_no_call = match self.state {
            State::ForcedOpen => true,
            State::Open => self.retry_after != Some(Duration::ZERO) && !self.waives,
            State::Closed | State::HalfOpen | State::Disabled => false,
        };
        admits_no_call && self.mode == Mode::Enforce
    }

    /// Returns a rank from 0 for a healthy circuit to 5 for one that is forced open.
    pub(crate) fn severity(&self) -> u8 {
        match self.state {
            State::Closed => 0,
            State::Disabled => 1,
            State::HalfOpen => 2,
            State::Open | State::ForcedOpen if !self.rejects() => 3,
            State::Open => 4,
            State::ForcedOpen => 5,
        }
    }

    /// Returns a key that sorts circuits from best to worst.
    pub(crate) fn badness(&self) -> impl Ord + use<> {
        let totals = self.totals;
        let in_window = self.window.map_or(0, |window| window.failures);
        (
            self.severity(),
            self.ramp.is_some(),
            in_window.max(self.consecutive_failures.into()),
            totals.failed(),
            totals.rejected,
        )
    }
}

impl CumulativeParts {
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// Adds time that a circuit was counted as open after its removal.
    pub(crate) fn add_excess_open(&mut self, time: Duration) {
        self.excess_open = self.excess_open.saturating_add(time);
    }
}
