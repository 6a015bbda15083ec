//! What each kind of report does to a record.

use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::fleet::protocol::{
    Command, CommandKind, ForceKind, InstanceId, ProbeLease, RecordState, ReportKind, SharedRecord,
};

use super::ranking::Ranking;

const MAX_DISSENTS: usize = 10;
const MAX_MILLIS: u64 = 1 << 40;

/// The process that reports, and the fleet at this moment.
pub(super) struct Exchange<'a> {
    pub(super) now: u64,
    pub(super) instance: &'a InstanceId,
    pub(super) is_leaving: bool,
    pub(super) alive: u32,
    pub(super) members: &'a Ranking<InstanceId>,
    pub(super) has_fencing: bool,
}

impl Exchange<'_> {
    /// Returns the changed record; `None` if the report changes nothing.
    pub(super) fn apply(&self, before: &SharedRecord, kind: &ReportKind) -> Option<SharedRecord> {
        let mut record = before.clone();
        let is_open = record.state == RecordState::Open;
        match kind {
            ReportKind::Vote { open, policy, reason, .. } => {
                if !is_open && record.command.is_none() {
                    record.votes = self.joined(&record.votes);
                    if record.votes.len() >= needed(policy.needed(self.alive)) {
                        record.state = RecordState::Open;
                        record.rounds = 0;
                        self.stay_open(&mut record, *open, reason);
                    }
                }
            }
            ReportKind::Withdraw => {
                if !is_open {
                    record.votes.retain(|other| other != self.instance);
                }
                record.dissents.retain(|other| other != self.instance);
                let is_mine = record.lease_at(self.now).is_some_and(|lease| lease.owner == *self.instance);
                if self.is_leaving && is_mine {
                    record.lease = None;
                }
            }
            ReportKind::Dissent { policy } => {
                if is_open {
                    self.dissent(&mut record, needed(policy.needed(self.alive)));
                }
            }
            ReportKind::AskLease { lease, .. } => self.ask_lease(&mut record, *lease),
            ReportKind::Passed { token } => {
                if self.holds_lease(&record, *token) {
                    self.close(&mut record);
                }
            }
            ReportKind::Failed { token, open, reason } => {
                if self.holds_lease(&record, *token) {
                    record.rounds += 1;
                    self.stay_open(&mut record, *open, reason);
                }
            }
            ReportKind::Assert { record: known } => {
                // The server reads the record from its text, as a client does.
                let known = SharedRecord::read(&known.to_string())?;
                if known.epoch > record.epoch {
                    let token = known.token.max(record.token);
                    record = SharedRecord { token, lease: None, ..known };
                    record.command = record.command_at(self.now).copied();
                }
            }
            ReportKind::Force { kind, lasts, by, why } => {
                // A release without a command changes nothing.
                if *kind == ForceKind::Release && record.command.is_none() && record.version > 0 {
                    return None;
                }
                self.force(&mut record, *kind, *lasts);
                (record.by, record.why) = (Arc::clone(by), Arc::clone(why));
            }
        }
        (record != *before).then_some(record)
    }

    /// Begins an epoch in which the circuit is open.
    fn stay_open(&self, record: &mut SharedRecord, open: Duration, reason: &Arc<str>) {
        self.begin_epoch(record);
        record.due = self.now + millis(open);
        record.reason = Arc::clone(reason);
        record.dissents.clear();
    }

    fn dissent(&self, record: &mut SharedRecord, needed: usize) {
        record.dissents = self.joined(&record.dissents);
        record.dissents.truncate(MAX_DISSENTS);
        let is_free = self.now >= record.due && record.lease_at(self.now).is_none();
        if is_free && record.dissents.len() >= needed {
            self.close(record);
        }
    }

    fn ask_lease(&self, record: &mut SharedRecord, lease: Duration) {
        let is_free = record.command.is_none() && record.lease_at(self.now).is_none();
        if record.state == RecordState::Open && is_free && self.now >= record.due {
            record.token = self.now.max(record.token + 1);
            let expires = self.now + millis(lease);
            record.lease = Some(ProbeLease { owner: self.instance.clone(), expires });
        }
    }

    fn force(&self, record: &mut SharedRecord, kind: ForceKind, lasts: Option<Duration>) {
        let kind = match kind {
            ForceKind::Open => Some(CommandKind::Open),
            ForceKind::Disabled => Some(CommandKind::Disabled),
            ForceKind::Closed => {
                self.close(record);
                (record.command, record.closing) = (None, record.epoch);
                return;
            }
            ForceKind::Release => None,
        };
        self.begin_epoch(record);
        let until = lasts.map_or(0, |lasts| self.now + millis(lasts));
        (record.command, record.closing) = (kind.map(|kind| Command { kind, until }), 0);
    }

    fn begin_epoch(&self, record: &mut SharedRecord) {
        record.epoch = self.now.max(record.epoch + 1);
        record.lease = None;
    }

    fn close(&self, record: &mut SharedRecord) {
        self.begin_epoch(record);
        record.state = RecordState::Closed;
        (record.due, record.rounds, record.reason) = (0, 0, Arc::from(""));
        record.votes.clear();
        record.dissents.clear();
    }

    fn holds_lease(&self, record: &SharedRecord, token: u64) -> bool {
        let holds = || {
            record.token == token
                && record.lease_at(self.now).is_some_and(|lease| lease.owner == *self.instance)
        };
        record.state == RecordState::Open && (!self.has_fencing || holds())
    }

    /// Returns the instances of a list that belong to the fleet, with this one.
    fn joined(&self, list: &[InstanceId]) -> Vec<InstanceId> {
        let mut members: Vec<_> = list.iter().filter(|other| self.members.contains(other)).cloned().collect();
        if !self.is_leaving && !members.contains(self.instance) {
            members.push(self.instance.clone());
        }
        members
    }
}

fn needed(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns a duration as the script receives it.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_MILLIS)
}
