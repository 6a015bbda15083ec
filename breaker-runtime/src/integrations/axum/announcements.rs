//! The changes of commands whose listeners have not been notified. One thread for blocking work notifies them, in the
//! order of the commands.
//!
//! A listener that does not return lets them wait. The transitions of a circuit wait in the circuit, which limits their
//! number, and the circuit is in the queue once. Of new settings and drills, the latest [`MAX_EVENTS`] wait.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::breaker::Unannounced;
use crate::event::Announcement;
use crate::registry::UnannouncedReport;
use crate::sync::{Mutex, catch_panic, lock};
use crate::warning::warn;

/// Maximum number of announcements of settings and drills that wait for listeners, as many as transitions of one circuit.
const MAX_EVENTS: usize = 1024;

/// A queue of changes. Dropping a change notifies its listeners.
#[derive(Debug, Default)]
pub(super) struct Announcements(Mutex<UnannouncedChanges>);

/// The effects of a command.
#[derive(Debug, Default)]
pub(super) struct CommandEffects {
    pub(super) states: Vec<Unannounced>,
    /// The events of settings or of a drill.
    pub(super) events: Option<Announcement>,
}

/// The rest of the work for changes that were added. It runs user code, so it is done without a lock.
#[must_use = "no thread notifies the listeners otherwise"]
pub(super) struct Announcing {
    announcer: Option<Announcer>,
    /// The announcement that is dropped, because too many wait.
    lost: Option<Announcement>,
    /// `true` for the first loss since the queue was empty.
    warns: bool,
}

#[derive(Debug, Default)]
struct UnannouncedChanges {
    /// The changes, the oldest first.
    order: VecDeque<QueuedChange>,
    /// The changes of states by the addresses of the circuits.
    states: HashMap<usize, Unannounced>,
    /// Number of events of settings and drills.
    events: usize,
    /// `true` while an [`Announcer`] exists, which will find every change that is added.
    is_announcing: bool,
    /// `true` if an announcement was lost since the queue was empty.
    has_lost: bool,
}

#[derive(Debug)]
enum QueuedChange {
    /// The state of the circuit at this address.
    State(usize),
    Events(Announcement),
}

/// Drops the changes of a queue, one after the other, when it is dropped: also with a task that its runtime no longer
/// runs.
struct Announcer(Arc<Announcements>);

impl Announcements {
    /// Adds changes, whose listeners are notified after those of all earlier ones.
    pub(super) fn add(self: &Arc<Self>, CommandEffects { states, events }: CommandEffects) -> Announcing {
        let mut pending = lock(&self.0);
        for state in states {
            pending.add_state(state);
        }
        let lost = events.and_then(|events| pending.add_events(events));
        let warns = lost.is_some() && !std::mem::replace(&mut pending.has_lost, true);
        let starts = !pending.order.is_empty() && !std::mem::replace(&mut pending.is_announcing, true);
        Announcing { announcer: starts.then(|| Announcer(Arc::clone(self))), lost, warns }
    }

    /// Returns the next change. Without one, the announcer ends.
    fn next(&self) -> Option<CommandEffects> {
        let mut pending = lock(&self.0);
        let next = pending.next();
        pending.is_announcing = next.is_some();
        pending.has_lost &= next.is_some();
        next
    }
}

impl Announcing {
    /// Starts to notify listeners, unless a thread does already. Does not wait for listeners.
    pub(super) fn start(self) {
        let Self { announcer, lost, warns } = self;
        if let Some(lost) = lost {
            lost.discard();
        }
        if let Some(announcer) = announcer {
            drop(spawn_blocking(move || drop(announcer)));
        }
        if warns {
            warn(format_args!(
                "a listener does not return, and more than {MAX_EVENTS} events of commands wait for it; the oldest \
                 events of settings and drills are lost"
            ));
        }
    }
}

impl UnannouncedChanges {
    /// Adds a change of a state. If the circuit is in the queue already, one notification is for both changes.
    fn add_state(&mut self, state: Unannounced) {
        let Some(address) = state.address() else { return };
        match self.states.entry(address) {
            Entry::Occupied(mut queued) => queued.get_mut().merge(state),
            Entry::Vacant(entry) => {
                entry.insert(state);
                self.order.push_back(QueuedChange::State(address));
            }
        }
    }

    /// Adds an announcement of settings or of a drill. Returns the oldest one if there are too many.
    fn add_events(&mut self, events: Announcement) -> Option<Announcement> {
        let lost = if self.events < MAX_EVENTS { None } else { self.take_oldest_events() };
        self.order.push_back(QueuedChange::Events(events));
        self.events += 1;
        lost
    }

    fn take_oldest_events(&mut self) -> Option<Announcement> {
        let index = self.order.iter().position(|change| matches!(change, QueuedChange::Events(_)))?;
        match self.order.remove(index)? {
            QueuedChange::Events(oldest) => {
                self.events -= 1;
                Some(oldest)
            }
            QueuedChange::State(_) => None,
        }
    }

    /// Removes and returns the oldest change.
    fn next(&mut self) -> Option<CommandEffects> {
        Some(match self.order.pop_front()? {
            QueuedChange::State(address) => {
                CommandEffects { states: self.states.remove(&address).into_iter().collect(), events: None }
            }
            QueuedChange::Events(events) => {
                self.events -= 1;
                CommandEffects { states: Vec::new(), events: Some(events) }
            }
        })
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

impl From<Option<UnannouncedReport>> for CommandEffects {
    fn from(report: Option<UnannouncedReport>) -> Self {
        report.map_or_else(Self::default, |UnannouncedReport { states, announcement, .. }| Self {
            states,
            events: Some(announcement),
        })
    }
}

impl From<Option<Announcement>> for CommandEffects {
    fn from(events: Option<Announcement>) -> Self {
        Self { states: Vec::new(), events }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::sync::Arc;

    use super::{Announcements, Announcing, CommandEffects, MAX_EVENTS};
    use crate::config::Config;
    use crate::event::{Announcement, Event};
    use crate::registry::Registry;
    use crate::state::Cause;
    use crate::sync::{Mutex, lock};

    /// A queue that a test announces, and what its listeners received.
    #[derive(Default)]
    struct TestQueue {
        queue: Arc<Announcements>,
        received: Arc<Mutex<Vec<usize>>>,
    }

    impl TestQueue {
        fn add(&self, number: usize) -> Announcing {
            let received = Arc::clone(&self.received);
            let events = Announcement::new(move || lock(&received).push(number));
            self.queue.add(CommandEffects::from(Some(events)))
        }
    }

    #[test]
    fn the_oldest_events_of_too_many_are_lost_and_the_first_loss_of_a_backlog_is_reported() {
        let test = TestQueue::default();
        for backlog in [1, 2] {
            let announcer = test.add(0).announcer;
            let mut losses = Vec::new();
            for number in 1..=MAX_EVENTS + 1 {
                let announcing = test.add(number);
                if announcing.lost.is_some() {
                    losses.push(announcing.warns);
                }
                assert!(announcing.announcer.is_none());
                announcing.start();
            }
            assert_eq!(losses, [true, false], "{backlog}");
            drop(announcer);
            let expected: Vec<_> = (2..=MAX_EVENTS + 1).collect();
            assert_eq!(std::mem::take(&mut *lock(&test.received)), expected, "{backlog}");
        }
    }

    #[test]
    fn a_circuit_waits_once_and_no_transition_is_lost() {
        let test = TestQueue::default();
        let registry = Registry::new();
        let payment = registry.register("payment", Config::default()).unwrap();
        let mut events = registry.subscribe();
        let announcer = test.add(0).announcer;
        for nth in 0..100 {
            let cause = if nth % 2 == 0 { Cause::ForcedOpen } else { Cause::Released };
            let states = payment.command_unannounced(cause, "alice").into_iter().collect();
            test.queue.add(CommandEffects { states, events: None }).start();
            test.add(nth).start();
        }
        assert_eq!(lock(&test.queue.0).states.len(), 1);
        assert!(events.try_next().is_none());
        drop(announcer);
        let received = std::iter::from_fn(|| events.try_next());
        assert_eq!(received.filter(|it| matches!(it, Ok(Event::StateChanged(_)))).count(), 100);
        assert_eq!(lock(&test.received).len(), 101);
    }
}
