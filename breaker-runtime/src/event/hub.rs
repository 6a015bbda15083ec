//! The listeners of a registry or of one breaker, and how they are notified.
//!
//! Listeners are called one after the other, without a lock. A panic in one listener does not affect the
//! others. The hub does not know which events exist or when they occur.

use std::fmt;
use std::sync::{Arc, Weak};

use once_cell::sync::OnceCell;
use tokio::sync::broadcast;

use super::waiters::{Waiter, Waiters};
use super::{Event, Events, Listener};
use crate::sync::{Mutex, catch_panic, lock};

/// Number of unread events that are kept for each reader; a slower reader loses the oldest ones.
const EVENT_BUFFER: usize = 1024;

/// The listeners of one registry, or of one breaker.
#[derive(Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<Arc<dyn Listener>>>,
    stream: OnceCell<broadcast::Sender<Event>>,
    waiters: Waiters,
}

/// The registration of a [`Listener`].
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
    listener: Arc<dyn Listener>,
}

impl Hub {
    /// Registers a listener for all events from now on.
    pub(crate) fn listen(self: &Arc<Self>, listener: impl Listener + 'static) -> Subscription {
        let listener: Arc<dyn Listener> = Arc::new(listener);
        lock(&self.listeners).push(Arc::clone(&listener));
        Subscription { hub: Arc::downgrade(self), listener }
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

    /// Returns `true` if a listener is registered or a reader of the stream exists now.
    pub(crate) fn is_used(&self) -> bool {
        !lock(&self.listeners).is_empty()
            || self.stream.get().is_some_and(|stream| stream.receiver_count() > 0)
    }

    /// Passes an event to the stream and to all listeners.
    pub(crate) fn notify(&self, event: &Event) {
        if let Some(stream) = self.stream.get() {
            // Sending fails only if the stream has no reader.
            catch_panic(|| _ = stream.send(event.clone()));
        }
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            catch_panic(|| listener.on_event(event));
            // This may be the last reference, and the listener's `drop` may panic. It must not run while a
            // panic of `on_event` unwinds: a second panic would abort the process.
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
        if let Some(hub) = self.hub.upgrade() {
            lock(&hub.listeners).retain(|listener| !Arc::ptr_eq(listener, &self.listener));
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
