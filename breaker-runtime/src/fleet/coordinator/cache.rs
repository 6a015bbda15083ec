//! The records of the store, as far as this process has seen them, and how lost ones are found and restored.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::protocol::{InstanceId, Push, RecordState, Reply, SharedName, SharedRecord};

/// The largest number of records that are kept, so that a foreign program cannot fill the memory through the store.
const MAX_RECORDS: usize = 100_000;

/// Milliseconds after the last change of a closed record from which it is forgotten: one day more than in the store,
/// which removes a few at a time. The store ignores reports of a process that has forgotten a record before it has.
const KEPT_MS: u64 = 2 * DAY_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const HOUR_MS: u64 = 60 * 60 * 1000;

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
    /// The time of the store at which to look for old records; `None` while it is not known since when all records have
    /// been read.
    next_cleanup: Option<u64>,
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
            next_cleanup: None,
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
            self.next_cleanup = None;
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
            self.finish_reading(reply.now);
            self.clean_up(reply.now);
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
    fn finish_reading(&mut self, now: u64) {
        for name in self.unconfirmed.take().into_iter().flatten() {
            if self.is_in_force(&name, now) {
                self.lost.insert(name);
            }
        }
    }

    /// Forgets closed records that have not changed for long, so that there is space for others. The version of a
    /// record is at least the time of its last change.
    fn clean_up(&mut self, now: u64) {
        // Until then, the store has had the time to remove what was old when this process read it.
        let planned = *self.next_cleanup.get_or_insert(now.saturating_add(DAY_MS));
        if now < planned {
            return;
        }
        self.next_cleanup = Some(now.saturating_add(HOUR_MS));
        let newest = now.saturating_sub(KEPT_MS);
        let Self { records, in_force, lost, marked, .. } = self;
        records.retain(|name, record| {
            let is_kept = record.version > newest || record.is_in_force(now);
            if !is_kept {
                in_force.remove(name);
                lost.remove(name);
                marked.remove(name);
            }
            is_kept
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000_000_000;

    fn reply(now: u64, records: Vec<(SharedName, SharedRecord)>) -> Reply {
        Reply {
            incarnation: 1,
            version: now,
            now,
            alive: 2,
            has_more: false,
            records,
            unreadable: Vec::new(),
            conflicts: Vec::new(),
            is_new_server: false,
            lost: Vec::new(),
        }
    }

    fn record(name: &str, state: RecordState, version: u64) -> (SharedName, SharedRecord) {
        let votes = vec![InstanceId::new("a", 1)];
        let record = SharedRecord { state, epoch: version, version, votes, ..SharedRecord::closed() };
        (SharedName::new(name, None), record)
    }

    fn names(cache: &Cache) -> Vec<&str> {
        cache.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn closed_records_are_forgotten_two_days_after_their_last_change() {
        let mut cache = Cache::new(InstanceId::new("a", 1));
        let known = [("closed", RecordState::Closed), ("open", RecordState::Open)];
        let known = known.map(|(name, state)| record(name, state, START));
        cache.receive(reply(START, known.into()), 0);
        for (hours, expected) in [(47, 3), (48, 2), (49, 2), (72, 1)] {
            let now = START + hours * HOUR_MS;
            let recent = (hours == 47).then(|| record("recent", RecordState::Closed, START + DAY_MS));
            cache.receive(reply(now, recent.into_iter().collect()), 0);
            assert_eq!(names(&cache).len(), expected, "after {hours} hours: {:?}", names(&cache));
        }
        assert_eq!((names(&cache), cache.marked().count()), (vec!["open"], 0));
    }

    #[test]
    fn old_records_of_a_store_are_kept_for_a_day_after_they_were_read_from_another_server() {
        let mut cache = Cache::new(InstanceId::new("b", 1));
        let old = || vec![record("old", RecordState::Closed, START)];
        let now = START + 10 * DAY_MS;
        cache.receive(reply(now, old()), 0);
        let other = Reply { is_new_server: true, ..reply(now + 2 * DAY_MS, Vec::new()) };
        assert!(matches!(cache.receive(other, now), CacheUpdate::ReadAgain { has_lost_data: false }));
        for (days, expected) in [(2, 1), (3, 0)] {
            let records = if days == 2 { old() } else { Vec::new() };
            cache.receive(reply(now + days * DAY_MS, records), 0);
            assert_eq!(names(&cache).len(), expected, "after {days} days");
        }
    }

    #[test]
    fn a_process_that_has_seen_very_many_circuits_has_space_for_a_new_one() {
        let mut cache = Cache::new(InstanceId::new("b", 1));
        for day in 0..5 {
            let now = START + day * DAY_MS;
            let name = |number| format!("{day} {number}");
            let records = (0..40_000).map(|number| record(&name(number), RecordState::Closed, now));
            cache.receive(reply(now, records.collect()), 0);
        }
        let now = START + 5 * DAY_MS;
        cache.receive(reply(now, vec![record("new", RecordState::Open, now)]), 0);
        assert!(cache.is_in_force(&SharedName::new("new", None), now));
        assert!(cache.iter().count() <= MAX_RECORDS);
    }
}
