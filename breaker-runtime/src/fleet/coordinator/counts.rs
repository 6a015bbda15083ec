//! The numbers of votes, dissents and leases of a process of a fleet.

use super::lease_outcome::LeaseOutcome;
use crate::fleet::protocol::ReportKind;

/// The numbers of votes, dissents and leases of this process so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FleetCounts {
    pub votes: u64,
    pub dissents: u64,
    pub lease_requests: u64,
    pub granted: u64,
    pub passed: u64,
    pub failed: u64,
    pub expired: u64,
}

impl FleetCounts {
    pub(super) const fn add(&mut self, outcome: LeaseOutcome) {
        match outcome {
            LeaseOutcome::Granted => self.granted += 1,
            LeaseOutcome::Passed => self.passed += 1,
            LeaseOutcome::Failed => self.failed += 1,
            LeaseOutcome::Expired => self.expired += 1,
        }
    }

    pub(super) const fn count_report(&mut self, kind: &ReportKind) {
        match kind {
            ReportKind::Vote { .. } => self.votes += 1,
            ReportKind::Dissent { .. } => self.dissents += 1,
            ReportKind::AskLease { .. } => self.lease_requests += 1,
            ReportKind::Withdraw
            | ReportKind::Passed { .. }
            | ReportKind::Failed { .. }
            | ReportKind::Assert { .. }
            | ReportKind::Force { .. } => {}
        }
    }
}
