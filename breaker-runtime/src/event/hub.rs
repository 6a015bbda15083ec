//! Who listens, and how they are told: one after the other, under no lock, each behind a wall that its
//! panics do not pass.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use once_cell::sync::OnceCell;
use tokio::sync::{Notify, broadcast};

use super::{Event, Events, Listener};
use crate::sync::{Mutex, lock};

/// So many events a slow reader may be behind before he loses the oldest.
const BACKLOG: usize = 1024;

/// All who listen to one registry, or to one breaker.
#[derive(Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<Arc<dyn Listener>>>,
    stream: OnceCell<broadcast::Sender<Event>>,
    changed: Notify,
}

/// That a [`Listener`] listens: until this is dropped, or for ever.
///
/// ```
/// use breaker_runtime::{Event, Registry};
///
/// let registry = Registry::new();
/// registry.listen(|event: &Event| println!("{event}")).detach();
/// ```
#[must_use = "when it is dropped the listening ends; detach() keeps it"]
pub struct Subscription {
    hub: Weak<Hub>,
    listener: Arc<dyn Listener>,
}

impl Hub {
    pub(crate) fn listen(self: &Arc<Self>, listener: impl Listener + 'static) -> Subscription {
        let listener: Arc<dyn Listener> = Arc::new(listener);
        lock(&self.listeners).push(Arc::clone(&listener));
        Subscription { hub: Arc::downgrade(self), listener }
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events::new(self.stream.get_or_init(|| broadcast::Sender::new(BACKLOG)).subscribe())
    }

    /// Wakes when something changes from now on.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    /// Wakes those who wait for a change.
    pub(crate) fn wake(&self) {
        behind_a_wall(|| self.changed.notify_waiters());
    }

    pub(crate) fn tell(&self, event: &Event) {
        if let Some(stream) = self.stream.get() {
            // An error says that nobody reads.
            behind_a_wall(|| _ = stream.send(event.clone()));
        }
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            behind_a_wall(|| listener.on_event(event));
            // It may have ceased to listen, and is then dropped here: not while its own panic unwinds, for
            // a second one would end the process.
            behind_a_wall(|| drop(listener));
        }
    }
}

/// Runs what is not ours: a listener, somebody's waker. Its panic ends here, and with it what it threw, which
/// is never dropped: that could panic as well.
fn behind_a_wall(theirs: impl FnOnce()) {
    if let Err(thrown) = catch_unwind(AssertUnwindSafe(theirs)) {
        std::mem::forget(thrown);
    }
}

impl Subscription {
    /// Never ends the listening.
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
