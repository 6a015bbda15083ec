//! The records of the store, as far as this process has seen them, and how lost ones are found and restored.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::protocol::{InstanceId, Push, RecordState, Reply, SharedName, SharedRecord};

/// The largest number of records that are kept, so that a foreign program cannot fill the memory through the store.
const MAX_RECORDS: usize = 100_000;

/// The records of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cache {
    /// This process.
    instance: InstanceId,
    records: BTreeMap<SharedName, SharedRecord>,
    /// The meaning of a missing record.
    missing: SharedRecord,
    /// The version up to which all records are known.
    cursor: u64,
    incarnation: Option<u64>,
    /// While all records are read again: those that the store has not confirmed.
    unconfirmed: Option<BTreeSet<SharedName>>,
    /// The records that the store has lost.
    lost: BTreeSet<SharedName>,
    /// The records that are open or have a command, which may have ended by itself.
    in_force: BTreeSet<SharedName>,
    /// The closed records with a vote of this process, and the open ones with its dissent.
    marked: BTreeSet<SharedName>,
}

/// The effect of a reply on the cache.
pub(super) enum CacheUpdate {
    /// The names of the records that have changed.
    Applied(Vec<SharedName>),
    /// All records must be read again, because the store is another one, or has lost data.
    ReadAgain { has_lost_data: bool },
}

impl Cache {
    pub(super) fn new(instance: InstanceId) -> Self {
        Self {
            instance,
            records: BTreeMap::new(),
            missing: SharedRecord::closed(),
            cursor: 0,
            incarnation: None,
            unconfirmed: None,
            lost: BTreeSet::new(),
            in_force: BTreeSet::new(),
            marked: BTreeSet::new(),
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

    /// Returns `true` if the record is open or has a command that applies at this time of the store.
    pub(super) fn is_in_force(&self, name: &SharedName, now: u64) -> bool {
        self.in_force.contains(name) && self.get(name).is_in_force(now)
    }

    /// Returns the circuits whose records list a vote or a dissent of this process.
    pub(super) fn marked(&self) -> impl Iterator<Item = &SharedName> {
        self.marked.iter()
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

    /// Applies the records of a reply. `sent` is the cursor of its request: a message may have moved the cursor since.
    pub(super) fn receive(&mut self, reply: Reply, sent: u64) -> CacheUpdate {
        let is_other = self.incarnation.is_some_and(|known| known != reply.incarnation);
        let has_lost_data = is_other || reply.version < sent;
        self.incarnation = Some(reply.incarnation);
        if has_lost_data || (reply.is_new_server && sent > 0) {
            self.cursor = 0;
            self.unconfirmed = Some(self.records.keys().cloned().collect());
            return CacheUpdate::ReadAgain { has_lost_data };
        }
        let mut changed = Vec::new();
        for (name, record) in reply.records {
            if self.apply(&name, record) {
                changed.push(name);
            }
        }
        for name in reply.lost {
            self.mark_lost(name);
        }
        self.cursor = self.cursor.max(reply.version);
        if !reply.has_more {
            self.finish_reading();
        }
        CacheUpdate::Applied(changed)
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
        let apply = |(name, record)| self.apply(&name, record).then_some(name);
        push.records.into_iter().filter_map(apply).collect()
    }

    /// Applies a record that the store has sent. Returns `true` if it replaces the known one. One that comes late does
    /// not. A lower epoch that is not late means that the store has lost the known record.
    fn apply(&mut self, name: &SharedName, record: SharedRecord) -> bool {
        let known = self.get(name);
        // The versions of a store that has lost data begin again.
        let reads_again = self.unconfirmed.is_some();
        let is_newer = reads_again || record.is_newer_than(known);
        let is_lost = record.epoch < known.epoch && (reads_again || record.version > known.version);
        if let Some(unconfirmed) = &mut self.unconfirmed {
            unconfirmed.remove(name);
        }
        if is_lost {
            self.mark_lost(name.clone());
        }
        !is_lost && is_newer && self.store(name, record)
    }

    /// Stores a record. Returns `false` if there are too many.
    fn store(&mut self, name: &SharedName, record: SharedRecord) -> bool {
        let has_space = self.records.len() < MAX_RECORDS || self.records.contains_key(name);
        if has_space {
            self.lost.remove(name);
            // The votes of an open record are those that opened it.
            let marks = match record.state {
                RecordState::Closed => &record.votes,
                RecordState::Open => &record.dissents,
            };
            let is_in_force = record.state == RecordState::Open || record.command.is_some();
            set(&mut self.in_force, name, is_in_force);
            set(&mut self.marked, name, marks.contains(&self.instance));
            self.records.insert(name.clone(), record);
        }
        has_space
    }

    /// Restores the records that the store no longer has, if they matter. A closed one is kept as well: another process
    /// may restore an older one.
    fn finish_reading(&mut self) {
        for name in self.unconfirmed.take().into_iter().flatten() {
            if self.in_force.contains(&name) {
                self.lost.insert(name);
            }
        }
    }

    /// Remembers to restore a record. Until then the store would ignore what this process reports about it.
    fn mark_lost(&mut self, name: SharedName) {
        if self.records.contains_key(&name) {
            self.lost.insert(name);
        }
    }
}

/// Adds a name to a set, or removes it.
fn set(names: &mut BTreeSet<SharedName>, name: &SharedName, is_member: bool) {
    if is_member {
        names.insert(name.clone());
    } else {
        names.remove(name);
    }
}
