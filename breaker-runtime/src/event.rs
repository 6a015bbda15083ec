//! The events of circuit breakers, and the listeners that receive them.
//!
//! Listeners run after the state has changed, without a lock, on the thread that changed it or on one that is
//! already notifying them. This module does not know what listeners do with events.
//!
//! | file | contents |
//! |---|---|
//! | `announcement.rs` | a change of which listeners are notified later |
//! | `call_event.rs` | events of single calls |
//! | `call_listeners.rs` | the listeners of these events |
//! | `drill_events.rs` | the events of drills |
//! | `hub.rs` | the listeners of a registry or breaker, and how they are notified |
//! | `settings_change.rs` | the event of new settings |
//! | `stream.rs` | events for async code |
//! | `waiters.rs` | the tasks that wait for a state change |

mod announcement;
mod call_event;
mod call_listeners;
mod drill_events;
mod hub;
mod settings_change;
mod stream;
mod waiters;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use announcement::Announcement;
pub use call_event::{CallEvent, CallEventKind, CallEvents, FallbackCause};
pub(crate) use call_listeners::{call_listeners_exist, unless_reporting};
pub use drill_events::{DrillEnded, DrillStarted};
pub use hub::Subscription;
pub(crate) use hub::{Audience, Hub};
pub use settings_change::{SettingDifference, SettingsChange};
pub use stream::{Events, Lagged};

use crate::clock::Moment;
use crate::config::{CircuitId, Conflict};
use crate::printable::Counted;
use crate::state::{State, Transition};

/// An event of a circuit breaker. Clones are cheap.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use breaker_runtime::{Config, Event, Registry};
///
/// let registry = Registry::new();
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let subscription = registry.listen({
///     let log = Arc::clone(&log);
///     move |event: &Event| log.lock().unwrap().push(event.to_string())
/// });
/// registry.register("search", Config::default())?.operator("alice").force_open();
/// drop(subscription);
///
/// let lines = log.lock().unwrap();
/// assert_eq!(*lines, [r#"circuit breaker "search": closed -> forced open: forced open by alice"#]);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A circuit changed its state, or an operator restarted its current state. The changes of one circuit
    /// arrive in the order in which they happened.
    StateChanged(StateChange),
    /// State changes of one circuit were lost because a listener did not return for too long.
    ChangesLost(ChangesLost),
    /// Two declarations of one name do not agree. The first one stays in effect. While the registry has neither a
    /// listener nor a reader of its events, the conflict of an annotated function is written to stderr.
    Conflict(Arc<Conflict>),
    /// A breaker with one circuit per key evicted an open or half-open circuit that had not been used for a long time,
    /// because a new key needed a circuit. The evicted key gets a new, closed circuit when it is used again.
    /// Closed circuits are evicted without an event.
    Evicted(Eviction),
    /// A circuit opened, but admits calls because of [`max_open`](crate::ConfigBuilder::max_open). It is reported
    /// once, until the circuit rejects calls or closes.
    Waived(Waiver),
    /// The settings of a breaker changed, by a configuration or by a call of
    /// [`set_config`](crate::CircuitBreaker::set_config). For a breaker with keys there is one event without a key, and
    /// one for each key whose own settings changed otherwise. The events of changes that different threads make at the
    /// same time may arrive in either order; [`config`](crate::CircuitBreaker::config) returns the settings in effect.
    SettingsChanged(SettingsChange),
    /// A drill began to inject faults; see `breaker_runtime::chaos` (feature `chaos`). The events of drills that
    /// different threads start or stop at the same time may arrive in any order;
    /// [`Snapshot::drill`](crate::Snapshot) shows the one that is running.
    DrillStarted(DrillStarted),
    /// A drill ended, and the calls are untouched again.
    DrillEnded(DrillEnded),
}

/// The eviction of an open or half-open circuit; see [`KeyedBreaker`](crate::KeyedBreaker). It always has a key.
///
/// ```
/// use breaker_runtime::{Event, Registry};
///
/// let registry = Registry::new();
/// let subscription = registry.listen(|event: &Event| {
///     if let Event::Evicted(eviction) = event {
///         println!("{:?} was unused for {:?}", eviction.key(), eviction.unused_for());
///     }
/// });
/// # drop(subscription);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eviction {
    id: CircuitId,
    state: State,
    unused_for: Duration,
}

/// A circuit of a keyed breaker that is open, but admits the calls that it would reject, because
/// [`max_open`](crate::ConfigBuilder::max_open) lets no more circuits reject calls.
///
/// ```
/// use breaker_runtime::{Config, Event, Outcome, Registry};
///
/// let registry = Registry::new();
/// let config = Config::builder().failure_threshold(1).max_open(0.5).build()?;
/// let hosts = registry.register_keyed("hosts", config, 1000)?;
/// let mut events = registry.subscribe();
/// for host in ["a", "b"] {
///     hosts.get(host).try_acquire()?.settle(Outcome::Failure);
/// }
/// assert!(hosts.get("a").try_acquire().is_err());
/// assert!(hosts.get("b").try_acquire().is_ok());
///
/// let events = std::iter::from_fn(|| events.try_next()).map(|event| event.unwrap());
/// let waived = events.filter_map(|event| if let Event::Waived(waiver) = event { Some(waiver) } else { None });
/// let waived: Vec<_> = waived.collect();
/// assert_eq!((waived.len(), waived[0].key()), (1, Some("b")));
/// assert_eq!((waived[0].open(), waived[0].keys()), (1, 2)); // one of two circuits rejects calls
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    id: CircuitId,
    open: u64,
    keys: u64,
}

/// A state change of one circuit.
///
/// ```
/// use breaker_runtime::{Cause, Config, Event, Registry};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// let shops = registry.register_keyed("shop", Config::default(), 100)?;
/// shops.get("eu-1").operator("alice").force_open();
///
/// let Some(Ok(Event::StateChanged(change))) = events.try_next() else { panic!("no state change") };
/// assert_eq!((change.name(), change.key()), ("shop", Some("eu-1")));
/// assert_eq!(change.transition().cause, Cause::ForcedOpen);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StateChange {
    pub(crate) id: CircuitId,
    pub(crate) transition: Arc<Transition>,
    /// The moment of the transition, which may have been noticed later.
    pub(crate) at: Moment,
}

/// The number of state changes of one circuit that listeners did not receive.
///
/// While a listener runs, up to 1,024 further changes of the same circuit wait for it. If there are more, the
/// oldest ones are lost, and this event takes their place.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use breaker_runtime::{CircuitBreaker, Config, Event};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// let lost = Arc::new(Mutex::new(Vec::new()));
/// let subscription = breaker.listen({
///     let (breaker, lost) = (breaker.clone(), Arc::clone(&lost));
///     move |event: &Event| match event {
///         // Causes 1,030 changes while the first one is being delivered.
///         Event::StateChanged(change) if change.transition().generation == 1 => {
///             (0..1030).for_each(|_| breaker.reset());
///         }
///         Event::ChangesLost(changes) => lost.lock().unwrap().push(changes.count()),
///         _ => {}
///     }
/// });
/// breaker.reset();
/// drop(subscription);
/// assert_eq!(*lost.lock().unwrap(), [6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesLost {
    id: CircuitId,
    count: NonZeroU64,
}

/// A receiver of events.
///
/// Closures `Fn(&Event)` are listeners. A listener runs after the state has changed and without a lock, so it
/// may use the breaker. If it changes the state of the same circuit, that event is delivered after it returns. Other events
/// that it causes, such as those of settings and of other circuits, are delivered before the method that causes them
/// returns: the listener is called while it runs. It must therefore not hold a lock that it also takes for these events.
///
/// A listener runs on the thread that caused the event. If another thread is already notifying listeners of
/// the same circuit, that thread delivers the event instead, in order, and the call that caused it continues
/// at once. Under a constant stream of state changes, one call may therefore deliver events for as long as the
/// stream lasts.
///
/// A listener should return quickly, because the caller of a protected function waits for it. It must not
/// block when the breaker is called from async code, because it would block a thread of the executor. While it
/// runs, at most 1,024 further changes of the same circuit wait for it; older ones are replaced by
/// [`Event::ChangesLost`]. A fleet (feature `redis`) does not wait for it. A listener that does not return also
/// withholds the events of all later commands over HTTP (feature `axum`), for any breaker of the registry. A panic in a
/// listener is caught and affects neither the caller nor other listeners.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use breaker_runtime::{Config, Event, Listener, Registry, State};
///
/// /// Counts outages.
/// struct Outages(Arc<AtomicU32>);
///
/// impl Listener for Outages {
///     fn on_event(&self, event: &Event) {
///         if let Event::StateChanged(change) = event
///             && matches!(change.transition().to, State::Open | State::ForcedOpen)
///         {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let registry = Registry::new();
/// let count = Arc::new(AtomicU32::new(0));
/// registry.listen(Outages(Arc::clone(&count))).detach();
///
/// let breaker = registry.register("search", Config::default())?;
/// breaker.force_open();
/// breaker.release();
/// assert_eq!(count.load(Ordering::Relaxed), 1);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
pub trait Listener: Send + Sync {
    /// Handles an event.
    fn on_event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Listener for F {
    fn on_event(&self, event: &Event) {
        self(event);
    }
}

/// Adds the methods that all events of one circuit have.
macro_rules! events_of_a_circuit {
    ($($event:ident)+) => {
        $(impl $event {
            /// Returns the name of the circuit breaker.
            #[must_use]
            pub fn name(&self) -> &str {
                self.id.name()
            }

            /// Returns the key of the circuit; `None` for a breaker without keys and for the overflow circuit.
            #[must_use]
            pub fn key(&self) -> Option<&str> {
                self.id.key()
            }
        })+
    };
}

events_of_a_circuit! { StateChange ChangesLost Eviction Waiver SettingsChange CallEvent DrillStarted DrillEnded }

impl StateChange {
    pub(crate) const fn new(id: CircuitId, transition: Arc<Transition>, at: Moment) -> Self {
        Self { id, transition, at }
    }

    /// Returns the transition: both states, the cause and its details.
    #[must_use]
    pub fn transition(&self) -> &Transition {
        &self.transition
    }
}

impl ChangesLost {
    pub(crate) const fn new(id: CircuitId, count: NonZeroU64) -> Self {
        Self { id, count }
    }

    /// Returns the number of lost changes.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count.get()
    }
}

impl fmt::Display for ChangesLost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}: {} {} lost because a listener was too slow; return from it sooner",
            self.id,
            Counted(self.count(), "state change"),
            if self.count() == 1 { "was" } else { "were" }
        )
    }
}

impl Eviction {
    pub(crate) const fn new(id: CircuitId, state: State, unused_for: Duration) -> Self {
        Self { id, state, unused_for }
    }

    /// Returns the time since the circuit admitted a trial call and none arrived: since one was due in an open circuit, or
    /// since the last one ended in a half-open circuit.
    #[must_use]
    pub const fn unused_for(&self) -> Duration {
        self.unused_for
    }
}

impl fmt::Display for Eviction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, since) = match self.state {
            State::HalfOpen => ("half-open", "the last trial call"),
            State::Open | State::Closed | State::ForcedOpen | State::Disabled => {
                ("open", "a trial call was due")
            }
        };
        write!(
            out,
            "{}: evicted while {state}, because no call arrived for {:?} after {since}",
            self.id, self.unused_for
        )
    }
}

impl Waiver {
    pub(crate) const fn new(id: CircuitId, open: u64, keys: u64) -> Self {
        Self { id, open, keys }
    }

    /// Returns the number of circuits of the breaker that rejected calls.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.open
    }

    /// Returns the number of circuits of the breaker.
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.keys
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}: open, but it admits calls because of max_open: {} of {} {} calls already",
            self.id,
            self.open,
            Counted(self.keys, "circuit"),
            if self.open == 1 { "rejects" } else { "reject" }
        )
    }
}

impl fmt::Display for StateChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.id, self.transition)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StateChanged(change) => change.fmt(out),
            Self::ChangesLost(changes) => changes.fmt(out),
            Self::Conflict(conflict) => conflict.fmt(out),
            Self::Evicted(eviction) => eviction.fmt(out),
            Self::Waived(waiver) => waiver.fmt(out),
            Self::SettingsChanged(change) => change.fmt(out),
            Self::DrillStarted(drill) => drill.fmt(out),
            Self::DrillEnded(drill) => drill.fmt(out),
        }
    }
}
