//! The time at which a circuit must be looked at again.
//!
//! Changes of its state and of its record arrive by themselves. A look is needed for what arrives in no other way: the
//! time, the calls that an open circuit rejects, and what the calls of a closed one say about the dependency. So a
//! process with many open circuits does not look at each of them at every tick.

use std::time::Duration;

use super::{Member, Surroundings, until};
use crate::fleet::coordinator::pace::LookIntervals;
use crate::fleet::coordinator::view::LocalState;
use crate::fleet::protocol::{RecordState, SharedRecord};

impl Member {
    /// Returns when the circuit must be looked at again, in the time of this process.
    pub(in super::super) fn next_look(
        &self,
        record: &SharedRecord,
        around: &Surroundings<'_>,
        intervals: LookIntervals,
    ) -> Duration {
        let now = around.local;
        let regular = now.saturating_add(self.interval(record, around.now, intervals));
        let expected = self.expected_looks(record, around, intervals.tick);
        expected.into_iter().flatten().fold(regular, Duration::min).max(now)
    }

    fn interval(&self, record: &SharedRecord, store_time: u64, intervals: LookIntervals) -> Duration {
        let has_command = self.command.is_some() || record.command_at(store_time).is_some();
        if self.lease.is_some() {
            return intervals.trial;
        }
        if self.demand.is_due() {
            return intervals.due;
        }
        match (record.state, self.view.state) {
            _ if self.is_changing || has_command => intervals.tick,
            (RecordState::Open, LocalState::Open { .. })
            | (RecordState::Closed, LocalState::Open { .. } | LocalState::HalfOpen) => intervals.idle,
            (RecordState::Open, LocalState::Closed | LocalState::HalfOpen)
            | (RecordState::Closed, LocalState::Closed)
            | (_, LocalState::ForcedOpen | LocalState::Disabled) => intervals.tick,
        }
    }

    /// Returns when something is due.
    fn expected_looks(
        &self,
        record: &SharedRecord,
        around: &Surroundings<'_>,
        tick: Duration,
    ) -> [Option<Duration>; 4] {
        if record.state == RecordState::Closed {
            return [None; 4];
        }
        let now = around.local;
        let due = now.saturating_add(until(record.due, around.now));
        let is_due = record.due <= around.now;
        // The calls that are rejected later show a demand for trial calls.
        let before = due.saturating_sub(tick);
        let baseline =
            if before > now { Some(before) } else { (self.seen.saturating_add(tick) < now).then_some(now) };
        let lease = record.lease_at(around.now).filter(|_| self.lease.is_none());
        [
            baseline.filter(|_| !is_due),
            Some(due).filter(|_| !is_due),
            lease.map(|lease| now.saturating_add(until(lease.expires, around.now))),
            self.end_of_hold(due, around),
        ]
    }

    /// Returns when an open circuit must be held again.
    fn end_of_hold(&self, due: Duration, around: &Surroundings<'_>) -> Option<Duration> {
        const AFTERWARDS: Duration = Duration::from_millis(1);
        let due_here = around.local.saturating_add(self.due_in(around.local)?);
        let end = due_here.saturating_sub(around.hold / 2).max(due.saturating_sub(around.hold));
        let next = end.saturating_add(AFTERWARDS);
        (around.can_lease && next > around.local).then_some(next)
    }
}
