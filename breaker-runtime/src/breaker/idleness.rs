//! Decides whether the circuit of a key can be evicted, and how soon.

use super::circuit::Circuit;
use crate::clock::Moment;
use crate::config::SharedConfig;
use crate::state::State;
use crate::state::machine::Inspection;
use crate::sync::Ordering;

/// The reason why an idle circuit can be evicted. A smaller value is evicted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Idleness {
    /// Closed, and no rule counts a failure or a slow call.
    Clean,
    /// Closed, and the last failure or slow call is at least `recovery_timeout` old.
    OldFaults,
    /// Open, and no call has arrived for ten recovery timeouts since a trial call was due; or half-open, and none has
    /// arrived for as long since the last trial call ended.
    Abandoned {
        /// The moment from which the circuit admitted a trial call and none arrived.
        due: Moment,
    },
}

/// The earliest moment at which a circuit may become idle without a call or an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NotIdleUntil(pub(crate) Moment);

/// Number of recovery timeouts after which a circuit without a caller is abandoned that is not closed.
const ABANDONED_AFTER: u32 = 10;

impl Circuit {
    /// Returns why the circuit can be evicted. The caller checks that no call uses it and that it has no other handle.
    ///
    /// # Errors
    ///
    /// Returns the earliest moment at which the circuit may become idle, if it has recent failures, is open or
    /// half-open and not abandoned, forced open, disabled or closing gradually, has a listener, or has other settings
    /// than `shared`.
    pub(crate) fn idleness(&self, shared: &SharedConfig, now: Moment) -> Result<Idleness, NotIdleUntil> {
        let inspected = self.machine.inspect(now, self.hung_call(), |settings| {
            let is_shared = !settings.is_of_one_circuit() || settings.is_equal_to(shared);
            is_shared.then(|| settings.recovery_timeout())
        });
        let Inspection { state, until, from_settings: Some(recovery_timeout), .. } = inspected else {
            return Err(NotIdleUntil(Moment::NEVER));
        };
        if self.has_listeners() {
            return Err(NotIdleUntil(Moment::NEVER));
        }
        if state == State::Closed && until != Moment::NEVER {
            // The circuit of a key that came back would admit every call.
            return Err(NotIdleUntil(until));
        }
        // The fleet moves `until` although no call arrives.
        let followed = inspected.followed.filter(|followed| followed.calls == self.calls_and_questions());
        let unused_from = followed.map(|followed| followed.unused_from);
        let until = unused_from.unwrap_or(until);
        let abandoned_at = until.after(recovery_timeout.saturating_mul(ABANDONED_AFTER));
        match state {
            State::Closed => {
                if !self.has_faults(inspected.generation, inspected.run) {
                    return Ok(Idleness::Clean);
                }
                idle_from(self.last_fault_or_trial().after(recovery_timeout), now, Idleness::OldFaults)
            }
            State::Open => idle_from(abandoned_at, now, Idleness::Abandoned { due: until }),
            State::HalfOpen if inspected.until == Moment::NEVER => {
                let due = unused_from.unwrap_or(inspected.since).max(self.last_fault_or_trial());
                let abandoned_at = due.after(recovery_timeout.saturating_mul(ABANDONED_AFTER));
                idle_from(abandoned_at, now, Idleness::Abandoned { due })
            }
            State::HalfOpen => Err(NotIdleUntil(abandoned_at)),
            State::ForcedOpen | State::Disabled => Err(NotIdleUntil(Moment::NEVER)),
        }
    }

    /// Records the end of a failure, a slow call or a trial call.
    pub(super) fn record_fault_or_trial_time(&self) {
        if self.identity().is_member() {
            self.last_fault_or_trial
                .store(self.clock.coarse_now().nanos().saturating_add(1), Ordering::Relaxed);
        }
    }

    /// Returns the moment at which the last failure, slow call or trial call ended.
    fn last_fault_or_trial(&self) -> Moment {
        Moment::from_nanos(self.last_fault_or_trial.load(Ordering::Relaxed).saturating_sub(1))
    }

    /// Returns `true` if a rule counts failures in a row. Those of a shared circuit are known also without one.
    fn has_run_rule(&self) -> bool {
        self.config().rules().consecutive.is_some()
    }

    /// Returns `true` if a rule counts a failure or a slow call of this closed generation.
    fn has_faults(&self, generation: u64, run: u32) -> bool {
        // Most circuits have never seen one, and reading a window takes longer.
        self.last_fault_or_trial.load(Ordering::Relaxed) != 0
            && ((run > 0 && self.has_run_rule())
                || self.options.get().is_some_and(|options| options.has_faults(generation, &self.clock)))
    }
}

/// Returns `idleness`, if it holds from `start` on and that moment has come.
fn idle_from(start: Moment, now: Moment, idleness: Idleness) -> Result<Idleness, NotIdleUntil> {
    if start <= now { Ok(idleness) } else { Err(NotIdleUntil(start)) }
}
