//! The reports of a process about a circuit: votes, dissents, requests for the lease, and the results of trial calls.

use std::sync::Arc;
use std::time::Duration;

use super::{CastVote, HeldLease, Member, Surroundings};
use crate::fleet::coordinator::view::LocalState;
use crate::fleet::protocol::{InstanceId, RecordState, Report, ReportKind, SharedRecord};

impl Member {
    /// Returns what this process reports about the circuit now: nothing while it is being changed, because an open
    /// circuit that is about to close is no vote.
    pub(in super::super) fn report(
        &mut self,
        record: &SharedRecord,
        around: &Surroundings<'_>,
    ) -> Option<Report> {
        if self.is_changing {
            return None;
        }
        let kind = self.report_kind(record, around)?;
        Some(Report { name: self.view.name.clone(), epoch: record.epoch, kind })
    }

    fn report_kind(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Option<ReportKind> {
        if let Some(lease) = self.lease {
            return self.verdict(lease, around.local).or(around.is_leaving.then_some(ReportKind::Withdraw));
        }
        if record.command_at(around.now).is_some() {
            return None;
        }
        let is_in = |list: &[InstanceId]| list.contains(around.instance);
        match (record.state, self.view.state) {
            (RecordState::Closed, LocalState::Open { .. }) => {
                let policy = self.view.policy;
                self.vote = Some(self.next_vote(record));
                let (reason, settings) = (Arc::clone(&self.view.reason), Arc::clone(&self.view.settings));
                let open = self.due_in(around.local).unwrap_or(Duration::MAX);
                self.is_vote_needed(record, around).then_some(ReportKind::Vote {
                    open,
                    policy,
                    reason,
                    settings,
                })
            }
            (RecordState::Closed, LocalState::Closed | LocalState::ForcedOpen | LocalState::Disabled) => {
                self.vote = None;
                is_in(&record.votes).then_some(ReportKind::Withdraw)
            }
            (RecordState::Open, LocalState::Closed) => {
                // The store counts dissents when one arrives, and closes only a circuit that is due.
                let is_due = around.now >= record.due && record.lease_at(around.now).is_none();
                let has_effect = is_due || !is_in(&record.dissents);
                (has_effect && self.dissents(record))
                    .then_some(ReportKind::Dissent { policy: self.view.policy })
            }
            (RecordState::Open, LocalState::Open { .. }) if around.can_lease && self.demand.asks() => {
                let (lease, settings) = (self.view.lease, Arc::clone(&self.view.settings));
                Some(ReportKind::AskLease { lease, settings })
            }
            (RecordState::Open, LocalState::Open { .. } | LocalState::HalfOpen)
                if is_in(&record.dissents) =>
            {
                Some(ReportKind::Withdraw)
            }
            (RecordState::Closed, LocalState::HalfOpen)
            | (
                RecordState::Open,
                LocalState::Open { .. }
                | LocalState::HalfOpen
                | LocalState::ForcedOpen
                | LocalState::Disabled,
            ) => None,
        }
    }

    /// Returns the result of the trial calls, once they have ended the half-open state. An operator may have ended it
    /// as well, and then there is no result.
    pub(super) fn verdict(&self, lease: HeldLease, local: Duration) -> Option<ReportKind> {
        const TRANSITIONS: u64 = 2; // to the half-open state, and out of it
        if self.view.generation != lease.generation.saturating_add(TRANSITIONS) {
            return None;
        }
        match self.view.state {
            LocalState::Closed => Some(ReportKind::Passed { token: lease.token }),
            LocalState::Open { .. } => Some(ReportKind::Failed {
                token: lease.token,
                open: self.due_in(local).unwrap_or(Duration::MAX),
                reason: Arc::clone(&self.view.reason),
            }),
            LocalState::HalfOpen | LocalState::ForcedOpen | LocalState::Disabled => None,
        }
    }

    /// Returns `true` if there may be something to report about the circuit, now or after some time. It depends on the
    /// circuit, the record and the number of processes alone, except for the lease that this process asks for.
    pub(in super::super) fn may_report(&self, record: &SharedRecord, around: &Surroundings<'_>) -> bool {
        let instance = around.instance;
        if self.lease.is_some() || self.demand.asks() {
            return true;
        }
        match (record.state, self.view.state) {
            (RecordState::Closed, LocalState::Open { .. }) => {
                self.vote != Some(self.next_vote(record))
                    || !record.votes.contains(instance)
                    || self.has_enough_votes(record, around)
            }
            (RecordState::Closed, LocalState::Closed | LocalState::ForcedOpen | LocalState::Disabled) => {
                self.vote.is_some() || record.votes.contains(instance)
            }
            (RecordState::Open, LocalState::Closed) => true,
            (RecordState::Open, LocalState::Open { .. } | LocalState::HalfOpen) => {
                record.dissents.contains(instance)
            }
            (RecordState::Closed, LocalState::HalfOpen)
            | (RecordState::Open, LocalState::ForcedOpen | LocalState::Disabled) => false,
        }
    }

    /// Returns `true` if a report should not wait for the next tick.
    pub(in super::super) fn is_urgent(&self, record: &SharedRecord, around: &Surroundings<'_>) -> bool {
        if self.is_changing {
            return false;
        }
        if let Some(lease) = self.lease {
            return self.verdict(lease, around.local).is_some();
        }
        let has_new_vote = record.state == RecordState::Closed
            && record.command_at(around.now).is_none()
            && matches!(self.view.state, LocalState::Open { .. })
            && self.sent_vote != Some(self.next_vote(record))
            && self.is_vote_needed(record, around);
        has_new_vote || self.demand.asks()
    }

    /// Returns `true` if a vote for an open circuit has an effect: the record does not list this process, or it lists
    /// enough processes to open. While processes are still connecting, their number does not count.
    fn is_vote_needed(&self, record: &SharedRecord, around: &Surroundings<'_>) -> bool {
        !record.votes.contains(around.instance)
            || (around.is_complete && self.has_enough_votes(record, around))
    }

    /// Returns `true` if the record lists enough processes to open. The store counts votes when one arrives, and fewer may
    /// be needed since the last one.
    fn has_enough_votes(&self, record: &SharedRecord, around: &Surroundings<'_>) -> bool {
        let listed = u32::try_from(record.votes.len()).unwrap_or(u32::MAX);
        listed >= self.view.policy.needed(around.alive)
    }

    const fn next_vote(&self, record: &SharedRecord) -> CastVote {
        CastVote { epoch: record.epoch, generation: self.view.generation }
    }

    /// Takes note that a report of this circuit has been sent.
    pub(in super::super) fn has_reported(&mut self, report: &ReportKind) {
        self.demand.has_asked();
        if matches!(report, ReportKind::Vote { .. }) {
            self.sent_vote = self.vote;
        }
    }

    /// Takes note that the store may not have received the last report.
    pub(in super::super) const fn has_lost_report(&mut self) {
        self.sent_vote = None;
    }
}
