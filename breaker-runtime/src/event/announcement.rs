//! A change that has taken effect, and of which listeners have not been notified. An async task makes such a change, and
//! a thread that may block runs the listeners.

use std::fmt;

/// Notifies the listeners of a change, which may take any time, when it is dropped. It does so even if it is dropped with
/// a task that its runtime no longer runs.
#[must_use = "listeners are notified when it is dropped"]
pub(crate) struct Announcement(Option<Box<dyn FnOnce() + Send>>);

impl Announcement {
    /// Returns an announcement that calls `notify` once.
    pub(crate) fn new(notify: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(notify)))
    }

    /// Drops the announcement, and notifies no listener.
    #[allow(dead_code, reason = "only the queue of commands over HTTP is bounded")]
    pub(crate) fn discard(mut self) {
        self.0 = None;
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Some(notify) = self.0.take() {
            notify();
        }
    }
}

impl fmt::Debug for Announcement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Announcement")
    }
}
