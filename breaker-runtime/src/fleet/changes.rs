//! The names of the circuits that have changed, from the threads that change them to the background task.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::protocol::SharedName;
use crate::event::{Event, Listener};
use crate::state::Cause;
use crate::sync::{Mutex, lock};

/// The names that the background task has not read.
#[derive(Default)]
struct Names(Mutex<BTreeSet<SharedName>>);

/// Collects the names of circuits that change their state. Each is kept once, so there are never more than circuits.
pub(super) struct ChangeListener {
    names: Arc<Names>,
    signal: mpsc::Sender<()>,
}

/// Reads the names of circuits that have changed their state.
pub(super) struct ChangeReader {
    names: Arc<Names>,
    signal: mpsc::Receiver<()>,
}

/// Returns both ends.
pub(super) fn changes() -> (ChangeListener, ChangeReader) {
    let (sender, receiver) = mpsc::channel(1);
    let names = Arc::<Names>::default();
    (ChangeListener { names: Arc::clone(&names), signal: sender }, ChangeReader { names, signal: receiver })
}

impl Listener for ChangeListener {
    fn on_event(&self, event: &Event) {
        let name = match event {
            // The task itself has made this change, and has looked at the circuit since.
            Event::StateChanged(change) if is_by_fleet(change.transition().cause) => return,
            Event::StateChanged(change) => SharedName::new(change.name(), change.key()),
            Event::ChangesLost(changes) => SharedName::new(changes.name(), changes.key()),
            Event::Evicted(eviction) => SharedName::new(eviction.name(), eviction.key()),
            // Without a key, the task looks at the circuits of all keys.
            Event::SettingsChanged(change) => SharedName::new(change.name(), change.key()),
            Event::Conflict(_) | Event::Waived(_) | Event::DrillStarted(_) | Event::DrillEnded(_) => return,
        };
        lock(&self.names.0).insert(name);
        // A full channel already wakes the task.
        _ = self.signal.try_send(());
    }
}

const fn is_by_fleet(cause: Cause) -> bool {
    matches!(cause, Cause::FleetOpened | Cause::FleetClosed | Cause::FleetTrial)
}

impl ChangeReader {
    /// Returns the names, once there are any. Registers the task to be woken otherwise.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<BTreeSet<SharedName>> {
        // The listener exists as long as the registry.
        match self.signal.poll_recv(context) {
            Poll::Ready(Some(())) => Poll::Ready(std::mem::take(&mut *lock(&self.names.0))),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
