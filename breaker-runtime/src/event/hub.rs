//! The listeners of a registry or of one breaker, and how they are notified.
//!
//! Listeners are called one after the other, without a lock. A panic in one listener does not affect the
//! others. The hub does not know which events exist or when they occur.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

use once_cell::sync::OnceCell;
use tokio::sync::broadcast;

use super::call_event::{CallEvent, CallEvents};
use super::call_listeners::{CallListener, CallListeners};
use super::waiters::{Waiter, Waiters};
use super::{Event, Events, Listener};
use crate::sync::{AtomicBool, Mutex, Ordering, catch_panic, lock};

/// Number of unread events that are kept for each reader; a slower reader loses the oldest ones.
const EVENT_BUFFER: usize = 1024;

/// The listeners of one registry, or of one breaker.
#[derive(Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<Arc<Registered>>>,
    call_listeners: CallListeners,
    stream: OnceCell<broadcast::Sender<Event>>,
    waiters: Waiters,
}

// A panic leaves both lists usable. The compiler knows that only if tokio does not have its feature `parking_lot`.
impl UnwindSafe for Hub {}
impl RefUnwindSafe for Hub {}

// A subscription only removes its listener, and never calls it.
impl UnwindSafe for Subscription {}
impl RefUnwindSafe for Subscription {}

/// A listener, and who registered it.
struct Registered {
    listener: Box<dyn Listener>,
    audience: Audience,
    /// `false` once its subscription was dropped. An event that is being delivered no longer reaches it.
    is_active: AtomicBool,
}

/// The part of a program that a listener informs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The program itself, which handles every event as it likes.
    Program,
    /// An integration that shows state changes and new settings only.
    #[allow(dead_code, reason = "only the integration `axum` has such a listener")]
    Changes,
    /// The fleet, which shares the state of circuits with other processes.
    #[allow(dead_code, reason = "only the feature `redis` has such a listener")]
    Fleet,
}

/// The registration of a [`Listener`], or of a listener of call events.
///
/// Dropping it removes the listener. [`detach`](Self::detach) keeps the listener registered instead.
///
/// ```
/// use breaker_runtime::{Event, Registry};
///
/// let registry = Registry::new();
/// registry.listen(|event: &Event| println!("{event}")).detach();
/// ```
#[must_use = "dropping a subscription removes its listener; call detach() to keep it"]
pub struct Subscription {
    /// A dangling reference once the subscription is detached.
    hub: Weak<Hub>,
    listener: Subscriber,
}

/// The listener of a subscription.
enum Subscriber {
    Events(Arc<Registered>),
    Calls(Arc<CallListener>),
}

impl Hub {
    /// Registers a listener for all events from now on.
    pub(crate) fn listen(
        self: &Arc<Self>,
        audience: Audience,
        listener: impl Listener + 'static,
    ) -> Subscription {
        let is_active = AtomicBool::new(true);
        let listener = Arc::new(Registered { listener: Box::new(listener), audience, is_active });
        lock(&self.listeners).push(Arc::clone(&listener));
        Subscription { hub: Arc::downgrade(self), listener: Subscriber::Events(listener) }
    }

    /// Registers a listener for the call events that it wants, from now on.
    pub(crate) fn listen_to_calls(
        self: &Arc<Self>,
        wanted: CallEvents,
        listener: impl Fn(&CallEvent) + Send + Sync + 'static,
    ) -> Subscription {
        let listener = Arc::new(CallListener::new(wanted, listener));
        self.call_listeners.add(Arc::clone(&listener));
        Subscription { hub: Arc::downgrade(self), listener: Subscriber::Calls(listener) }
    }

    /// Returns the call events that at least one listener wants.
    pub(crate) fn wanted_call_events(&self) -> CallEvents {
        self.call_listeners.wanted()
    }

    /// Passes a call event to the listeners that want it.
    pub(crate) fn notify_of_call(&self, event: &CallEvent) {
        self.call_listeners.notify(event);
    }

    /// Returns a stream of all events from now on.
    pub(crate) fn subscribe(&self) -> Events {
        Events::new(self.stream.get_or_init(|| broadcast::Sender::new(EVENT_BUFFER)).subscribe())
    }

    /// Returns a task that can wait for the next call of [`wake_waiters`](Self::wake_waiters).
    pub(crate) fn waiter(&self) -> Waiter<'_> {
        self.waiters.waiter()
    }

    /// Wakes all tasks that wait for a state change.
    pub(crate) fn wake_waiters(&self) {
        self.waiters.wake_all();
    }

    /// Returns `true` if a listener of any kind is registered or a reader of the stream exists now.
    pub(crate) fn is_used(&self) -> bool {
        !lock(&self.listeners).is_empty() || !self.call_listeners.is_empty() || self.has_readers()
    }

    /// Returns `true` if the program is notified of every event: by a listener, or by a reader of the stream.
    pub(crate) fn informs_program(&self) -> bool {
        lock(&self.listeners).iter().any(|registered| registered.audience == Audience::Program)
            || self.has_readers()
    }

    /// Returns `true` if a fleet listens to the circuits.
    pub(crate) fn informs_fleet(&self) -> bool {
        lock(&self.listeners).iter().any(|registered| registered.audience == Audience::Fleet)
    }

    fn has_readers(&self) -> bool {
        self.stream.get().is_some_and(|stream| stream.receiver_count() > 0)
    }

    /// Passes an event to the stream and to all listeners.
    pub(crate) fn notify(&self, event: &Event) {
        self.notify_integrations(event);
        self.notify_program(event);
    }

    /// Passes an event to the fleet, and to the integrations that show changes. They do not block, and run no user
    /// code.
    pub(crate) fn notify_integrations(&self, event: &Event) {
        self.call_listeners_for(event, |audience| match audience {
            Audience::Changes | Audience::Fleet => true,
            Audience::Program => false,
        });
    }

    /// Passes an event to the fleet only, which does not depend on the order of events.
    pub(crate) fn notify_fleet(&self, event: &Event) {
        self.call_listeners_for(event, |audience| audience == Audience::Fleet);
    }

    /// Passes an event to the stream, and to the listeners of the program.
    pub(crate) fn notify_program(&self, event: &Event) {
        if let Some(stream) = self.stream.get() {
            // Sending fails only if the stream has no reader.
            catch_panic(|| _ = stream.send(event.clone()));
        }
        self.call_listeners_for(event, |audience| audience == Audience::Program);
    }

    fn call_listeners_for(&self, event: &Event, is_meant: impl Fn(Audience) -> bool) {
        let listeners: Vec<_> = lock(&self.listeners)
            .iter()
            .filter(|registered| is_meant(registered.audience))
            .cloned()
            .collect();
        for registered in listeners {
            if registered.is_active.load(Ordering::Relaxed) {
                catch_panic(|| registered.listener.on_event(event));
            }
            // This may be the last reference, and the listener's `drop` may panic. It must not run while a
            // panic of `on_event` unwinds: a second panic would abort the process.
            catch_panic(|| drop(registered));
        }
    }
}

impl Drop for Hub {
    /// Drops the listeners, which may panic, so that no caller is affected that drops the last handle of a circuit. A
    /// second panic would abort the process.
    fn drop(&mut self) {
        let listeners = std::mem::take(&mut *lock(&self.listeners));
        for listener in listeners {
            catch_panic(|| drop(listener));
        }
    }
}

impl Subscription {
    /// Keeps the listener registered for as long as its registry or breaker exists.
    pub fn detach(mut self) {
        self.hub = Weak::new();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(hub) = self.hub.upgrade() else {
            return;
        };
        match &self.listener {
            Subscriber::Events(own) => {
                own.is_active.store(false, Ordering::Relaxed);
                lock(&hub.listeners).retain(|registered| !Arc::ptr_eq(registered, own));
            }
            Subscriber::Calls(own) => hub.call_listeners.remove(own),
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Subscription").finish_non_exhaustive()
    }
}
