//! The last changes of the settings of each breaker since the router was created, with their times.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::event::{Audience, Event, SettingsChange, Subscription};
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

/// Maximum number of changes per breaker.
const MAX_CHANGES: usize = 10;

/// A listener that records new settings until it is dropped.
pub(super) struct SettingsLog {
    records: Arc<SettingsRecords>,
    clock: Clock,
    _subscription: Subscription,
}

/// A change of settings, as the dashboard shows it.
#[derive(Debug)]
pub(super) struct SettingsChangeView {
    /// Time since the change.
    pub(super) ago: Duration,
    pub(super) change: SettingsChange,
}

/// The changes of each breaker by its name, oldest first.
#[derive(Default)]
struct SettingsRecords(Mutex<HashMap<String, VecDeque<RecordedChange>>>);

struct RecordedChange {
    at: Moment,
    change: SettingsChange,
}

impl SettingsLog {
    pub(super) fn new(registry: &Registry) -> Self {
        let (records, clock) = (Arc::new(SettingsRecords::default()), registry.clock().clone());
        let subscription = registry.store().hub().listen(Audience::Changes, {
            let (records, clock) = (Arc::clone(&records), clock.clone());
            move |event: &Event| {
                if let Event::SettingsChanged(change) = event {
                    records.add(RecordedChange { at: clock.now(), change: change.clone() });
                }
            }
        });
        Self { records, clock, _subscription: subscription }
    }

    /// Returns the changes of a breaker or, with a key, those that concern its circuit, newest first.
    pub(super) fn of(&self, name: &str, key: Option<&str>) -> Vec<SettingsChangeView> {
        let now = self.clock.now();
        let records = lock(&self.records.0);
        let newest_first = records.get(name).into_iter().flat_map(|changes| changes.iter().rev());
        let concerns = |record: &&RecordedChange| {
            key.is_none() || record.change.key().is_none() || record.change.key() == key
        };
        let view =
            |it: &RecordedChange| SettingsChangeView { ago: now.since(it.at), change: it.change.clone() };
        newest_first.filter(concerns).map(view).collect()
    }
}

impl SettingsRecords {
    fn add(&self, record: RecordedChange) {
        let mut records = lock(&self.0);
        // A registry never removes a name, so there are at most as many entries as breakers.
        let changes = records.entry(record.change.name().to_owned()).or_default();
        if changes.len() == MAX_CHANGES {
            changes.pop_front();
        }
        changes.push_back(record);
    }
}

impl fmt::Debug for SettingsLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SettingsLog").finish_non_exhaustive()
    }
}
