//! The last changes of each breaker, since the router was made, and when they happened.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::event::{Event, StateChange, Subscription};
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

/// So many of each breaker.
pub(super) const LAST: usize = 10;

/// Listens for as long as it lives.
pub(super) struct Log {
    entries: Arc<Entries>,
    clock: Clock,
    _listening: Subscription,
}

#[derive(Default)]
struct Entries(Mutex<HashMap<String, VecDeque<Entry>>>);

struct Entry {
    at: Moment,
    change: StateChange,
}

impl Log {
    pub(super) fn of(registry: &Registry) -> Self {
        let (entries, clock) = (Arc::new(Entries::default()), registry.clock().clone());
        let listening = registry.listen({
            let (entries, clock) = (Arc::clone(&entries), clock.clone());
            move |event: &Event| {
                if let Event::StateChanged(change) = event {
                    entries.add(Entry { at: clock.now(), change: change.clone() });
                }
            }
        });
        Self { entries, clock, _listening: listening }
    }

    /// The last changes of this breaker, the newest first, and how long ago they were.
    pub(super) fn of_breaker(&self, name: &str) -> Vec<(Duration, StateChange)> {
        let now = self.clock.now();
        let entries = lock(&self.entries.0);
        let newest_first = entries.get(name).into_iter().flatten().rev();
        newest_first.map(|entry| (now.since(entry.at), entry.change.clone())).collect()
    }
}

impl Entries {
    fn add(&self, entry: Entry) {
        let mut entries = lock(&self.0);
        // The names are those of a registry, which forgets none: there are no more lists than breakers.
        let Some(list) = entries.get_mut(entry.change.name()) else {
            entries.insert(entry.change.name().to_owned(), VecDeque::from([entry]));
            return;
        };
        if list.len() == LAST {
            list.pop_front();
        }
        list.push_back(entry);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Log").finish_non_exhaustive()
    }
}
