//! The last transitions of each breaker and of each circuit since the router was created, with their times.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use crate::event::{Audience, Event, StateChange, Subscription};
use crate::registry::Registry;
use crate::sync::{Mutex, lock};

/// Maximum number of transitions per breaker, and per circuit of a breaker with keys.
pub(super) const MAX_TRANSITIONS: usize = 10;
/// Maximum number of circuits per breaker with keys whose transitions are kept.
const MAX_CIRCUITS: usize = 100;

/// A listener that records transitions until it is dropped.
pub(super) struct TransitionLog {
    records: Arc<Records>,
    _subscription: Subscription,
}

/// The transitions of each breaker by its name.
#[derive(Default)]
struct Records(Mutex<HashMap<String, BreakerRecords>>);

/// The transitions of one breaker.
#[derive(Default)]
struct BreakerRecords {
    all: RecordList,
    /// The circuits with a key that changed last, the latest at the end.
    circuits: VecDeque<CircuitRecords>,
}

/// The transitions of the circuit of one key.
struct CircuitRecords {
    /// The key as the circuit holds it. A later circuit of the same key holds another copy of the text.
    key: Arc<str>,
    list: RecordList,
}

/// The last transitions, oldest first. A transition can be noticed after later ones of other circuits.
#[derive(Default)]
struct RecordList(VecDeque<StateChange>);

impl TransitionLog {
    pub(super) fn new(registry: &Registry) -> Self {
        let records = Arc::new(Records::default());
        let subscription = registry.store().hub().listen(Audience::Changes, {
            let records = Arc::clone(&records);
            move |event: &Event| {
                if let Event::StateChanged(change) = event {
                    records.add(change);
                }
            }
        });
        Self { records, _subscription: subscription }
    }

    /// Returns the transitions of one breaker, newest first.
    pub(super) fn of_breaker(&self, name: &str) -> Vec<StateChange> {
        self.read(name, |breaker| Some(&breaker.all))
    }

    /// Returns the transitions of the circuit that holds this key, newest first. They do not include those of an earlier
    /// circuit of the key, which was removed or evicted.
    pub(super) fn of_circuit(&self, name: &str, key: &Arc<str>) -> Vec<StateChange> {
        self.read(name, |breaker| {
            let circuit = breaker.circuits.iter().find(|circuit| Arc::ptr_eq(&circuit.key, key));
            circuit.map(|circuit| &circuit.list)
        })
    }

    fn read(
        &self,
        name: &str,
        list: impl FnOnce(&BreakerRecords) -> Option<&RecordList>,
    ) -> Vec<StateChange> {
        let records = lock(&self.records.0);
        let newest_first = records.get(name).and_then(list).into_iter().flat_map(|list| list.0.iter().rev());
        newest_first.cloned().collect()
    }
}

impl Records {
    fn add(&self, change: &StateChange) {
        let mut records = lock(&self.0);
        // A registry never removes a name, so there are at most as many entries as breakers.
        match records.get_mut(change.name()) {
            Some(breaker) => breaker.add(change),
            None => records.entry(change.name().to_owned()).or_default().add(change),
        }
    }
}

impl BreakerRecords {
    fn add(&mut self, change: &StateChange) {
        if let Some(key) = &change.id.key {
            let mut circuit = self.take(key);
            circuit.list.add(change);
            self.circuits.push_back(circuit);
        }
        self.all.add(change);
    }

    /// Removes and returns the records of one circuit, which are empty if it is new. Of too many circuits, it also
    /// removes the one that has not changed for the longest time.
    fn take(&mut self, key: &Arc<str>) -> CircuitRecords {
        let known = self.circuits.iter().position(|circuit| Arc::ptr_eq(&circuit.key, key));
        if let Some(circuit) = known.and_then(|index| self.circuits.remove(index)) {
            return circuit;
        }
        if self.circuits.len() == MAX_CIRCUITS {
            self.circuits.pop_front();
        }
        CircuitRecords { key: Arc::clone(key), list: RecordList::default() }
    }
}

impl RecordList {
    fn add(&mut self, change: &StateChange) {
        let index = self.0.partition_point(|other| other.at <= change.at);
        self.0.insert(index, change.clone());
        if self.0.len() > MAX_TRANSITIONS {
            self.0.pop_front();
        }
    }
}

impl fmt::Debug for TransitionLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TransitionLog").finish_non_exhaustive()
    }
}
