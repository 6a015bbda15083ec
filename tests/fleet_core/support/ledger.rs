//! A model of the script that keeps the shared records of a fleet in Redis. `tests/fleet_script.rs` compares the two.
//!
//! Other tests use the model as their server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use breaker_runtime::fleet::protocol::{
    InstanceId, Push, RecordState, Reply, Report, ReportKind, Request, SettingsConflict, SharedName,
    SharedRecord,
};

mod decisions;
mod ranking;

use decisions::Exchange;
use ranking::Ranking;

const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
const PRUNED_AT_ONCE: usize = 8;
const CORRECTED_AT_ONCE: usize = 1_000;
const PUBLISHED_AT_ONCE: usize = 50;
const PUBLISHED_EVERY_MS: u64 = 50;
const MAX_NUMBER: u64 = 1 << 52;
const MAX_LIFETIME_MS: u64 = 45_000;

/// The request reached the server after its deadline. It had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;

/// What the server knows about one fleet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    limit: usize,
    has_fencing: bool,
    meta: Option<Meta>,
    records: BTreeMap<SharedName, Stored>,
    log: Ranking<SharedName>,
    members: Ranking<InstanceId>,
    settings: BTreeMap<SharedName, (Arc<str>, InstanceId)>,
    message: Option<Push>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Meta {
    incarnation: u64,
    version: u64,
    published_at: u64,
    published: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Stored {
    Record(SharedRecord),
    /// A text that no record has.
    Unreadable(Arc<str>),
}

struct Changes {
    names: Vec<SharedName>,
    version: u64,
    has_more: bool,
}

impl Ledger {
    /// Creates an empty server, which returns at most `limit` records at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            has_fencing: true,
            meta: None,
            records: BTreeMap::new(),
            log: Ranking::new(),
            members: Ranking::new(),
            settings: BTreeMap::new(),
            message: None,
        }
    }

    /// Creates a server with a fault: it accepts every verdict about an open circuit, also a late one.
    #[must_use]
    pub fn without_fencing(limit: usize) -> Self {
        Self { has_fencing: false, ..Self::new(limit) }
    }

    /// Performs one exchange at this time of the server.
    ///
    /// # Errors
    ///
    /// Returns an error if the deadline of the request has passed.
    pub fn sync(&mut self, now: u64, request: &Request) -> Result<Reply, Stale> {
        if request.deadline > 0 && now > request.deadline {
            return Err(Stale);
        }
        let newest = self.version();
        let new_meta = Meta { incarnation: now, version: newest, published_at: 0, published: None };
        let meta = self.meta.get_or_insert(new_meta);
        let published = meta.published.unwrap_or(meta.version);
        let mut gone = BTreeSet::new();
        if request.is_leaving {
            self.members.remove(&request.instance);
            gone.insert(request.instance.clone());
        } else {
            self.members.insert(request.instance.clone(), now);
        }
        self.members.remove_above(now + MAX_LIFETIME_MS);
        let oldest = self.oldest_heartbeat(now);
        let late: Vec<_> = self.members.below(oldest).cloned().collect();
        if late.len() < 2 || late.len() * 2 < self.members.len() {
            gone.extend(late);
        }
        self.members.remove_below(oldest);
        self.remove_reports_of(now, &gone);
        let (mut conflicts, mut lost) = (Vec::new(), Vec::new());
        for report in &request.reports {
            lost.extend(self.receive(now, request, report));
            conflicts.extend(self.compare_settings(&request.instance, report));
        }
        self.prune(now);
        self.publish(now, published);
        let mut reply = self.read(now, request.cursor);
        reply.conflicts = conflicts;
        reply.lost = lost;
        Ok(reply)
    }

    /// Returns what has changed, and changes nothing.
    #[must_use]
    pub fn read(&self, now: u64, cursor: u64) -> Reply {
        let changes = self.changes_after(cursor, self.limit);
        let oldest = self.oldest_heartbeat(now);
        let mut reply = Reply {
            incarnation: self.meta.map_or(0, |meta| meta.incarnation),
            version: changes.version,
            now,
            alive: count(self.members.count_within(oldest, now + MAX_LIFETIME_MS)),
            has_more: changes.has_more,
            records: Vec::new(),
            unreadable: Vec::new(),
            conflicts: Vec::new(),
            lost: Vec::new(),
            is_new_server: false,
        };
        for name in changes.names {
            match self.records.get(&name) {
                Some(Stored::Record(record)) => reply.records.push((name, record.clone())),
                Some(Stored::Unreadable(_)) => reply.unreadable.push(name.as_str().to_owned()),
                None => {}
            }
        }
        reply
    }

    /// Returns the message that the last exchange has published. Each message is returned once.
    pub fn take_message(&mut self) -> Option<Push> {
        self.message.take()
    }

    /// Returns the record of a circuit; `None` if there is none, or if it cannot be read.
    #[must_use]
    pub fn record(&self, name: &SharedName) -> Option<&SharedRecord> {
        match self.records.get(name)? {
            Stored::Record(record) => Some(record),
            Stored::Unreadable(_) => None,
        }
    }

    /// Returns the number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Returns `true` if there are no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the texts of all records, as the server has them.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<String, String> {
        let text = |stored: &Stored| match stored {
            Stored::Record(record) => record.to_string(),
            Stored::Unreadable(text) => text.to_string(),
        };
        self.records.iter().map(|(name, stored)| (name.as_str().to_owned(), text(stored))).collect()
    }

    /// Removes all data, as `FLUSHALL` does.
    pub fn flush(&mut self) {
        *self = Self { has_fencing: self.has_fencing, ..Self::new(self.limit) };
    }

    /// Removes the key with the incarnation and the versions.
    pub fn evict_meta(&mut self) {
        self.meta = None;
    }

    /// Removes the key with the records.
    pub fn evict_records(&mut self) {
        self.records.clear();
    }

    /// Removes the key with the versions of the records.
    pub fn evict_log(&mut self) {
        self.log = Ranking::new();
    }

    /// Removes the key with the heartbeats.
    pub fn evict_members(&mut self) {
        self.members = Ranking::new();
    }

    /// Writes a heartbeat of any time, as anyone with access to the server can.
    pub fn forge_heartbeat(&mut self, instance: InstanceId, time: u64) {
        self.members.insert(instance, time);
    }

    /// Writes the text of a record, as anyone with access to the server can.
    pub fn overwrite(&mut self, name: SharedName, text: &str) {
        let stored =
            SharedRecord::read(text).map_or_else(|| Stored::Unreadable(Arc::from(text)), Stored::Record);
        self.records.insert(name, stored);
    }

    fn oldest_heartbeat(&self, now: u64) -> u64 {
        let members = u64::from(count(self.members.len()));
        now.saturating_sub((3 * members).clamp(5_000, MAX_LIFETIME_MS))
    }

    fn alive(&self) -> u32 {
        count(self.members.len())
    }

    fn version(&self) -> u64 {
        self.meta.map_or_else(|| self.log.highest().unwrap_or(0), |meta| meta.version)
    }

    fn changes_after(&self, version: u64, limit: usize) -> Changes {
        let after = self.log.after(version);
        let names: Vec<_> = after.clone().take(limit).map(|(_, name)| name.clone()).collect();
        let has_more = after.clone().nth(limit).is_some();
        let last = after.take(limit).last().map(|(version, _)| version);
        let version = last.filter(|_| has_more).unwrap_or_else(|| self.version());
        Changes { names, version, has_more }
    }

    /// Returns the record of a circuit, without a command that has ended.
    fn load(&self, now: u64, name: &SharedName) -> SharedRecord {
        let mut record = self.record(name).cloned().unwrap_or_else(SharedRecord::closed);
        if record.command_at(now).is_none() {
            record.command = None;
        }
        record
    }

    fn store(&mut self, now: u64, name: &SharedName, mut record: SharedRecord) {
        let Some(meta) = &mut self.meta else { return };
        meta.version = now.max(meta.version + 1);
        record.version = meta.version;
        self.records.insert(name.clone(), Stored::Record(record));
        self.log.insert(name.clone(), meta.version);
    }

    /// Removes the votes and dissents of processes that no longer belong to the fleet.
    fn remove_reports_of(&mut self, now: u64, gone: &BTreeSet<InstanceId>) {
        if gone.is_empty() {
            return;
        }
        let mut names: Vec<_> = self.log.after(0).map(|(_, name)| name.clone()).collect();
        names.reverse();
        for name in names.into_iter().take(CORRECTED_AT_ONCE) {
            let mut record = self.load(now, &name);
            let before = (record.votes.len(), record.dissents.len());
            if record.state == RecordState::Closed {
                record.votes.retain(|process| !gone.contains(process));
            }
            record.dissents.retain(|process| !gone.contains(process));
            if before != (record.votes.len(), record.dissents.len()) {
                self.store(now, &name, record);
            }
        }
    }

    /// Applies a report. Returns the name of its circuit if its record was lost.
    fn receive(&mut self, now: u64, request: &Request, report: &Report) -> Option<SharedName> {
        let mut record = self.load(now, &report.name);
        let mut lost = None;
        if !matches!(report.kind, ReportKind::Force { .. } | ReportKind::Assert { .. }) {
            lost = (report.epoch > record.epoch).then(|| report.name.clone());
            if record.epoch == 0 && report.epoch < MAX_NUMBER {
                record.epoch = report.epoch;
            }
            if record.epoch != report.epoch {
                return lost;
            }
        }
        let exchange = Exchange {
            now,
            instance: &request.instance,
            is_leaving: request.is_leaving,
            alive: self.alive(),
            members: &self.members,
            has_fencing: self.has_fencing,
        };
        if let Some(changed) = exchange.apply(&record, &report.kind) {
            self.store(now, &report.name, changed);
        }
        lost
    }

    /// Keeps the settings of one process of the fleet, and returns them to a process with others.
    fn compare_settings(&mut self, instance: &InstanceId, report: &Report) -> Option<SettingsConflict> {
        let (ReportKind::Vote { settings, .. } | ReportKind::AskLease { settings, .. }) = &report.kind else {
            return None;
        };
        self.record(&report.name).filter(|record| record.version > 0)?;
        let is_other = |owner| owner != instance && self.members.contains(owner);
        let kept = self.settings.get(&report.name).filter(|(_, owner)| is_other(owner));
        let Some((kept, _)) = kept else {
            self.settings.insert(report.name.clone(), (Arc::clone(settings), instance.clone()));
            return None;
        };
        (kept != settings).then(|| SettingsConflict { name: report.name.clone(), settings: Arc::clone(kept) })
    }

    /// Forgets closed circuits that have not changed for a day.
    fn prune(&mut self, now: u64) {
        let Some(oldest) = now.checked_sub(KEPT_MS) else { return };
        let names: Vec<_> = self.log.below(oldest).take(PRUNED_AT_ONCE).cloned().collect();
        for name in names {
            let record = self.load(now, &name);
            if record.state == RecordState::Closed && record.command.is_none() {
                self.records.remove(&name);
                self.settings.remove(&name);
                self.log.remove(&name);
            } else {
                self.store(now, &name, record);
            }
        }
    }

    /// Publishes the changes since the last message, if that one is not too recent.
    fn publish(&mut self, now: u64, published: u64) {
        self.message = None;
        let Some(meta) = self.meta else { return };
        let (mut published, mut published_at) = (published, meta.published_at);
        if meta.version > published && now.abs_diff(published_at) >= PUBLISHED_EVERY_MS {
            let changes = self.changes_after(published, PUBLISHED_AT_ONCE);
            let pair = |name: SharedName| self.record(&name).cloned().map(|record| (name, record));
            let has_only_votes = |(_, record): &(SharedName, SharedRecord)| {
                let is_closed = record.state == RecordState::Closed && record.command_at(now).is_none();
                is_closed && !record.votes.is_empty()
            };
            let (omitted, records): (Vec<_>, Vec<_>) =
                changes.names.into_iter().filter_map(pair).partition(has_only_votes);
            if !records.is_empty() {
                self.message = Some(Push {
                    incarnation: meta.incarnation,
                    previous: published,
                    version: if omitted.is_empty() { changes.version } else { published },
                    now,
                    alive: self.alive(),
                    records,
                    unreadable: Vec::new(),
                });
                published_at = now;
            }
            published = changes.version;
        }
        self.meta = Some(Meta { published_at, published: Some(published), ..meta });
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
