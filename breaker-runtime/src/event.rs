//! What circuits tell those who listen. Nobody listens on the path of a call: news are told after the
//! state has changed, under no lock, by the thread that changed it.
//!
//! | file | |
//! |---|---|
//! | `hub.rs` | who listens, and how they are told |
//! | `stream.rs` | events for async code |

mod hub;
mod stream;

use std::fmt;
use std::sync::Arc;

pub(crate) use hub::Hub;
pub use hub::Subscription;
pub use stream::{Events, Lagged};

use crate::config::{CircuitId, Conflict};
use crate::state::Transition;

/// Something that happened to a circuit breaker. Clones are cheap.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use breaker_runtime::{Config, Event, Registry};
///
/// let registry = Registry::new();
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let listening = registry.listen({
///     let log = Arc::clone(&log);
///     move |event: &Event| log.lock().unwrap().push(event.to_string())
/// });
/// registry.register("search", Config::default())?.operator("alice").force_open();
/// drop(listening);
///
/// let told = log.lock().unwrap();
/// assert_eq!(*told, [r#"circuit breaker "search": closed -> forced open: forced open by alice"#]);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A circuit changed its state, or an operator began it anew. Each circuit tells its changes in the order
    /// in which they happened.
    StateChanged(StateChange),
    /// A name was declared in two ways; the first declaration stands.
    Conflict(Arc<Conflict>),
}

/// A change of a circuit's state, and whose it was.
///
/// ```
/// use breaker_runtime::{Cause, Config, Event, Registry};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// let shops = registry.register_keyed("shop", Config::default(), 100)?;
/// shops.get("eu-1").operator("alice").force_open();
///
/// let Some(Ok(Event::StateChanged(change))) = events.try_next() else { panic!("it changed") };
/// assert_eq!((change.name(), change.key()), ("shop", Some("eu-1")));
/// assert_eq!(change.transition().cause, Cause::ForcedOpen);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateChange {
    pub(crate) id: CircuitId,
    pub(crate) transition: Arc<Transition>,
}

/// Somebody who wants to know.
///
/// Closures `Fn(&Event)` are listeners. A listener is called after the change and under no lock, so it may use
/// the breaker; what it causes is told when it has returned. It is called by the thread that caused the
/// event, or by one that is just telling another event of the same circuit: that one then tells them all, in
/// order, and the caller whose call caused it may have gone on. It should be quick: a caller of the protected
/// function waits for it. One that panics harms nobody: the panic ends there.
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
    /// Something happened.
    fn on_event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Listener for F {
    fn on_event(&self, event: &Event) {
        self(event);
    }
}

impl StateChange {
    pub(crate) const fn new(id: CircuitId, transition: Arc<Transition>) -> Self {
        Self { id, transition }
    }

    /// The name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.name()
    }

    /// The key of the circuit, if its breaker has one for each key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.id.key()
    }

    /// What changed, and why.
    #[must_use]
    pub fn transition(&self) -> &Transition {
        &self.transition
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
            Self::Conflict(conflict) => conflict.fmt(out),
        }
    }
}
