//! Calls that another circuit has made, played through this one.

use super::admission::{Admission, Call};
use super::circuit::Circuit;
use super::stamp::Stamp;
use super::tap::CompletedCall;
use crate::outcome::{Completion, Outcome};
use crate::totals::Total;

/// The decision of a circuit about a played call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlayedCall {
    Admitted,
    Rejected,
}

impl Circuit {
    /// Plays a call that has ended: admits or rejects it now, and settles it at once with this outcome if it is
    /// admitted. It counts as one that took as long, and occupies no slot meanwhile. The lease of a trial call that took
    /// longer than `half_open_timeout` ends when the call does.
    pub(crate) fn play(&self, outcome: Outcome, call: &CompletedCall) -> PlayedCall {
        let Ok(Admission(Call { ticket, stamp, .. })) = self.try_admit() else {
            return PlayedCall::Rejected;
        };
        let slot = if stamp.is_in_bulkhead() { Stamp::IN_BULKHEAD } else { Stamp::NONE };
        let stamp = match ticket.trial() {
            Some(trial) => {
                self.machine.end_exceeded_lease(trial.after(call.leased), &self.clock);
                slot.since(self.clock.now().before(call.leased))
            }
            None => slot,
        };
        let is_slow = self.config().slow_call().is_some_and(|limit| call.duration >= limit);
        let total = match outcome {
            Outcome::Success if !is_slow => {
                self.record_success(ticket, stamp);
                return PlayedCall::Admitted;
            }
            Outcome::Success => Total::Successes,
            Outcome::Failure => Total::Failures,
            Outcome::Ignored => {
                self.record_ignored(ticket, stamp);
                return PlayedCall::Admitted;
            }
        };
        self.counters.add(total);
        self.release_slot(ticket, stamp);
        self.record_fault_or_trial(ticket, stamp, Completion { outcome, is_slow }, &|| None);
        PlayedCall::Admitted
    }
}
