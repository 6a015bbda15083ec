//! The last transitions of each breaker since the router was created, with their times.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::event::{Audience, Event, StateChange, Subscription};
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

/// Maximum number of transitions per breaker.
pub(super) const MAX_TRANSITIONS: usize = 10;

/// A listener that records transitions until it is dropped.
pub(super) struct TransitionLog {
    records: Arc<Records>,
    clock: Clock,
    _subscription: Subscription,
}

/// The transitions of each breaker by its name, oldest first.
#[derive(Default)]
struct Records(Mutex<HashMap<String, VecDeque<TransitionRecord>>>);

struct TransitionRecord {
    at: Moment,
    change: StateChange,
}

impl TransitionLog {
    pub(super) fn new(registry: &Registry) -> Self {
        let (records, clock) = (Arc::new(Records::default()), registry.clock().clone());
        let subscription = registry.store().hub().listen(Audience::StateChanges, {
            let (records, clock) = (Arc::clone(&records), clock.clone());
            move |event: &Event| {
                if let Event::StateChanged(change) = event {
                    records.add(TransitionRecord { at: clock.now(), change: change.clone() });
                }
            }
        });
        Self { records, clock, _subscription: subscription }
    }

    /// Returns the transitions of one breaker, newest first, each with the time since it happened.
    pub(super) fn of_breaker(&self, name: &str) -> Vec<(Duration, StateChange)> {
        let now = self.clock.now();
        let records = lock(&self.records.0);
        let newest_first = records.get(name).into_iter().flatten().rev();
        newest_first.map(|record| (now.since(record.at), record.change.clone())).collect()
    }
}

impl Records {
    fn add(&self, record: TransitionRecord) {
        let mut records = lock(&self.0);
        // A registry never removes a name, so there are at most as many lists as breakers.
        let Some(list) = records.get_mut(record.change.name()) else {
            records.insert(record.change.name().to_owned(), VecDeque::from([record]));
            return;
        };
        if list.len() == MAX_TRANSITIONS {
            list.pop_front();
        }
        list.push_back(record);
    }
}

impl fmt::Debug for TransitionLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TransitionLog").finish_non_exhaustive()
    }
}
