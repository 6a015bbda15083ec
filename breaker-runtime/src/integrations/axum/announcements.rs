//! The changes of commands whose listeners have not been notified. One thread for blocking work notifies them, in the
//! order of the commands.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::sync::{Mutex, catch_panic, lock};

/// A queue of changes. Dropping a change notifies its listeners.
#[derive(Debug, Default)]
pub(super) struct Announcements(Mutex<UnannouncedChanges>);

#[derive(Debug, Default)]
struct UnannouncedChanges {
    changes: VecDeque<Box<dyn Any + Send>>,
    /// `true` while an [`Announcer`] exists, which will find every change that is added.
    is_announcing: bool,
}

/// Drops the changes of a queue, one after the other, when it is dropped: also with a task that its runtime no longer
/// runs.
struct Announcer(Arc<Announcements>);

impl Announcements {
    /// Adds changes, and notifies their listeners after those of all earlier ones. Does not wait for listeners.
    pub(super) fn add(self: &Arc<Self>, changes: impl Send + 'static) {
        let mut pending = lock(&self.0);
        pending.changes.push_back(Box::new(changes));
        if std::mem::replace(&mut pending.is_announcing, true) {
            return;
        }
        drop(pending);
        let announcer = Announcer(Arc::clone(self));
        drop(spawn_blocking(move || drop(announcer)));
    }

    /// Returns the next change. Without one, the announcer ends.
    fn next(&self) -> Option<Box<dyn Any + Send>> {
        let mut pending = lock(&self.0);
        let next = pending.changes.pop_front();
        pending.is_announcing = next.is_some();
        next
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        while let Some(change) = self.0.next() {
            // A panic must not keep the listeners of later changes from being notified.
            catch_panic(|| drop(change));
        }
    }
}
