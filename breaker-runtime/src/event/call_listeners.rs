//! The listeners of call events.
//!
//! A path that could report an event first reads one number of the process. While no listener exists anywhere, it
//! does nothing else.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::call_event::{CallEvent, CallEvents};
use crate::sync::process_count::{Counted, ProcessCount};
use crate::sync::{AtomicBool, Mutex, Ordering, catch_panic, lock, per_thread};

/// The number of listeners of call events in the process.
static LISTENERS: ProcessCount = ProcessCount::new();

per_thread! {
    static IS_REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// The listeners of call events of one registry, or of one breaker.
#[derive(Default)]
pub(super) struct CallListeners(Mutex<Vec<Arc<CallListener>>>);

/// One listener, and the events that it wants.
pub(super) struct CallListener {
    wanted: CallEvents,
    notify: Box<dyn Fn(&CallEvent) + Send + Sync>,
    /// `false` once its subscription was dropped. An event that is being delivered no longer reaches it.
    is_active: AtomicBool,
    _counted: Counted,
}

/// Returns `true` if a listener of call events exists in the process.
#[inline]
pub(crate) fn call_listeners_exist() -> bool {
    !LISTENERS.is_zero()
}

/// Runs `report`, unless this thread is in it already: the calls that a listener makes cause no call events, or one
/// of them could cause the next without end. Does nothing while the thread destroys its local values.
pub(crate) fn unless_reporting(report: impl FnOnce()) {
    if IS_REPORTING
        .try_with(|is_reporting| is_reporting.replace(true))
        .is_ok_and(|was_reporting| !was_reporting)
    {
        report();
        _ = IS_REPORTING.try_with(|is_reporting| is_reporting.set(false));
    }
}

impl CallListener {
    pub(super) fn new(wanted: CallEvents, notify: impl Fn(&CallEvent) + Send + Sync + 'static) -> Self {
        let is_active = AtomicBool::new(true);
        Self { wanted, notify: Box::new(notify), is_active, _counted: LISTENERS.count() }
    }
}

impl CallListeners {
    pub(super) fn add(&self, listener: Arc<CallListener>) {
        lock(&self.0).push(listener);
    }

    pub(super) fn remove(&self, removed: &Arc<CallListener>) {
        removed.is_active.store(false, Ordering::Relaxed);
        lock(&self.0).retain(|listener| !Arc::ptr_eq(listener, removed));
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Returns the events that at least one listener wants.
    pub(super) fn wanted(&self) -> CallEvents {
        lock(&self.0).iter().fold(CallEvents::default(), |wanted, listener| wanted | listener.wanted)
    }

    /// Passes an event to the listeners that want it. No lock is held while they run.
    pub(super) fn notify(&self, event: &CallEvent) {
        let listeners = lock(&self.0).clone();
        for listener in listeners {
            if listener.wanted.contains(event.selector()) && listener.is_active.load(Ordering::Relaxed) {
                catch_panic(|| (listener.notify)(event));
            }
            // This may be the last reference, and dropping the closure may panic.
            catch_panic(|| drop(listener));
        }
    }
}

impl Drop for CallListeners {
    /// Drops the listeners, which may panic; see the `Hub` that they belong to.
    fn drop(&mut self) {
        let listeners = std::mem::take(&mut *lock(&self.0));
        for listener in listeners {
            catch_panic(|| drop(listener));
        }
    }
}

impl fmt::Debug for CallListeners {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CallListeners").finish_non_exhaustive()
    }
}
