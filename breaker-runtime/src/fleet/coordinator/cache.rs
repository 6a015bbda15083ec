//! The records of the store, as far as this process has seen them, and how lost ones are found and restored.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::protocol::{Push, RecordState, Reply, SharedName, SharedRecord};

/// The largest number of records that are kept, so that a foreign program cannot fill the memory through the store.
const MAX_RECORDS: usize = 100_000;

/// The records of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cache {
    records: BTreeMap<SharedName, SharedRecord>,
    /// What a missing record means.
    missing: SharedRecord,
    /// The version up to which all records are known.
    cursor: u64,
    incarnation: Option<u64>,
    /// While all records are read again: those that the store has not confirmed.
    unconfirmed: Option<BTreeSet<SharedName>>,
    /// The records that the store has lost.
    lost: BTreeSet<SharedName>,
}

/// What a reply meant.
pub(super) enum Received {
    Applied,
    /// All records must be read again, because the store is another one, or has lost data.
    ReadAgain {
        has_lost_data: bool,
    },
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            records: BTreeMap::new(),
            missing: SharedRecord::closed(),
            cursor: 0,
            incarnation: None,
            unconfirmed: None,
            lost: BTreeSet::new(),
        }
    }

    pub(super) const fn cursor(&self) -> u64 {
        self.cursor
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&SharedName, &SharedRecord)> {
        self.records.iter()
    }

    /// Returns the record of a circuit, which is closed if there is none.
    pub(super) fn get(&self, name: &SharedName) -> &SharedRecord {
        self.records.get(name).unwrap_or(&self.missing)
    }

    /// Returns `true` if the record is open or has a command.
    pub(super) fn is_in_force(&self, name: &SharedName) -> bool {
        is_in_force(self.get(name))
    }

    /// Returns the circuits whose records are open or have a command.
    pub(super) fn in_force(&self) -> impl Iterator<Item = &SharedName> {
        self.records.iter().filter(|(_, record)| is_in_force(record)).map(|(name, _)| name)
    }

    /// Returns the records that the store has lost.
    pub(super) fn to_assert(&self) -> impl Iterator<Item = &SharedName> {
        self.lost.iter()
    }

    pub(super) fn must_assert(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Takes note that these records have been sent to the store.
    pub(super) fn has_asserted(&mut self, names: Vec<SharedName>) {
        for name in names {
            self.lost.remove(&name);
        }
    }

    /// Applies the records of a reply.
    pub(super) fn receive(&mut self, reply: Reply) -> Received {
        let is_other = self.incarnation.is_some_and(|known| known != reply.incarnation);
        let has_lost_data = is_other || reply.version < self.cursor;
        self.incarnation = Some(reply.incarnation);
        if has_lost_data || (reply.is_new_server && self.cursor > 0) {
            self.cursor = 0;
            self.unconfirmed = Some(self.records.keys().cloned().collect());
            return Received::ReadAgain { has_lost_data };
        }
        for (name, record) in reply.records {
            self.apply(name, record);
        }
        for name in reply.lost {
            self.mark_lost(name);
        }
        self.cursor = reply.version;
        if !reply.has_more {
            self.finish_reading();
        }
        Received::Applied
    }

    /// Returns `true` if a message is from the store that the cache knows.
    pub(super) fn accepts(&self, push: &Push) -> bool {
        self.incarnation == Some(push.incarnation) && self.unconfirmed.is_none()
    }

    /// Applies the records of a message, and returns the names of those that have changed.
    pub(super) fn receive_push(&mut self, push: Push) -> Vec<SharedName> {
        if self.cursor >= push.previous {
            self.cursor = self.cursor.max(push.version);
        }
        let mut changed = Vec::new();
        for (name, record) in push.records {
            // Messages may arrive late.
            if record.is_newer_than(self.get(&name)) && self.store(name.clone(), record) {
                changed.push(name);
            }
        }
        changed
    }

    /// Applies a record of a reply, which is what the store has now.
    fn apply(&mut self, name: SharedName, record: SharedRecord) {
        let known = self.get(&name);
        let is_older = record.epoch < known.epoch;
        // The versions of a store that has lost data begin again.
        let is_newer = self.unconfirmed.is_some() || record.is_newer_than(known);
        if let Some(unconfirmed) = &mut self.unconfirmed {
            unconfirmed.remove(&name);
        }
        if is_older {
            self.mark_lost(name);
        } else if is_newer {
            self.store(name, record);
        }
    }

    /// Stores a record. Returns `false` if there are too many.
    fn store(&mut self, name: SharedName, record: SharedRecord) -> bool {
        let has_room = self.records.len() < MAX_RECORDS || self.records.contains_key(&name);
        if has_room {
            self.lost.remove(&name);
            self.records.insert(name, record);
        }
        has_room
    }

    /// Handles the records that the store no longer has: closed ones are forgotten, others restored.
    fn finish_reading(&mut self) {
        for name in self.unconfirmed.take().into_iter().flatten() {
            if self.is_in_force(&name) {
                self.lost.insert(name);
            } else {
                self.records.remove(&name);
            }
        }
    }

    /// Remembers to restore a record, if it matters.
    fn mark_lost(&mut self, name: SharedName) {
        if self.is_in_force(&name) {
            self.lost.insert(name);
        }
    }
}

fn is_in_force(record: &SharedRecord) -> bool {
    record.state == RecordState::Open || record.command.is_some()
}
