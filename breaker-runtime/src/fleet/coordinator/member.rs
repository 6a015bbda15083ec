//! The decisions about one circuit: what this process does with it, and what it reports.
//!
//! Both follow from the circuit, the record and the time alone, so a lost message is repaired by the next one.
//!
//! | file | contents |
//! |---|---|
//! | `report.rs` | what this process reports about the circuit |
//! | `look.rs` | when the circuit must be looked at again |

mod look;
mod report;

use std::sync::Arc;
use std::time::Duration;

use super::demand::Demand;
use super::lease_outcome::LeaseOutcome;
use super::random::Random;
use super::view::{CircuitChange, CircuitView, Evidence, LocalState};
use crate::fleet::protocol::{CommandKind, InstanceId, RecordState, ReportKind, SharedRecord};

/// A circuit of this process that the fleet is concerned with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Member {
    view: CircuitView,
    /// The time at which the view was taken.
    seen: Duration,
    /// The epoch of the open record that the open circuit follows.
    followed: Option<u64>,
    /// The vote for the current opening of the circuit.
    vote: Option<CastVote>,
    /// The vote that was sent last, unless the exchange has failed. The store can ignore it, for example because the
    /// process keeps no further record and does not know the epoch. Sending it again is not urgent then.
    sent_vote: Option<CastVote>,
    /// The lease of this process, until its verdict is known.
    lease: Option<HeldLease>,
    /// The command that was executed last, until it is released.
    command: Option<ExecutedCommand>,
    /// The epoch of an open record under which trial calls of this process have succeeded.
    recovered: Option<u64>,
    demand: Demand,
    /// `true` from the closing of the fleet's circuit by an operator until this process has followed.
    must_close: bool,
    /// `true` from a decided change until the circuit has been seen again.
    is_changing: bool,
}

/// A vote that has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CastVote {
    epoch: u64,
    generation: u64,
}

/// The permission of this process to run trial calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct HeldLease {
    epoch: u64,
    token: u64,
    /// The generation of the circuit when the lease was granted.
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ExecutedCommand {
    epoch: u64,
    kind: CommandKind,
    /// The generation of the circuit that the command began; `None` until the circuit has been seen since.
    generation: Option<u64>,
}

/// The operator who gave the last command, and the reason.
struct Author {
    by: Arc<str>,
    why: Arc<str>,
}

/// The facts that a decision depends on, besides the circuit and its record.
pub(super) struct Surroundings<'a> {
    pub(super) instance: &'a InstanceId,
    /// The time of the store, in milliseconds.
    pub(super) now: u64,
    /// The time of this process.
    pub(super) local: Duration,
    /// Number of processes.
    pub(super) alive: u32,
    /// `true` once all processes have had the time to connect to the store since this one has.
    pub(super) is_complete: bool,
    /// The time for which a circuit is held open at a time.
    pub(super) hold: Duration,
    /// `true` if the store grants leases, and this process may ask for one.
    pub(super) can_lease: bool,
    /// `true` if the process leaves the fleet with this report.
    pub(super) is_leaving: bool,
}

/// The consequences of a decision.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) change: Option<CircuitChange>,
    pub(super) lease: Option<LeaseOutcome>,
}

impl Member {
    pub(super) fn new(view: CircuitView, now: Duration) -> Self {
        let demand = Demand::new(view.rejected);
        Self {
            view,
            seen: now,
            followed: None,
            vote: None,
            sent_vote: None,
            lease: None,
            command: None,
            recovered: None,
            demand,
            must_close: false,
            is_changing: false,
        }
    }

    /// Takes note of what the circuit is now.
    pub(super) fn observe(&mut self, view: CircuitView, now: Duration) {
        if view.generation < self.view.generation {
            // The circuit of a key that was removed, and created again since.
            *self = Self::new(view, now);
            return;
        }
        self.is_changing = false;
        let was_open = matches!(self.view.state, LocalState::Open { .. } | LocalState::HalfOpen);
        // Closed by trial calls that no lease covered, because the store was away.
        if was_open && view.state == LocalState::Closed && self.lease.is_none() {
            self.recovered = self.followed.take();
        }
        if view.evidence == Evidence::Failing || matches!(view.state, LocalState::Open { .. }) {
            self.recovered = None;
        }
        if let Some(command) = &mut self.command {
            command.generation = command.generation.or(Some(view.generation));
        }
        self.view = view;
        self.seen = now;
    }

    /// Returns the time until a trial call of an open circuit is due; `None` if never, or if the circuit is not open.
    fn due_in(&self, local: Duration) -> Option<Duration> {
        let LocalState::Open { due_in: Some(due_in) } = self.view.state else { return None };
        Some(due_in.saturating_sub(local.saturating_sub(self.seen)))
    }

    /// Returns `true` if the fleet is no longer concerned with the circuit.
    pub(super) fn is_idle(&self) -> bool {
        self.view.state == LocalState::Closed
            && self.vote.is_none()
            && self.followed.is_none()
            && self.lease.is_none()
            && self.command.is_none()
            && self.recovered.is_none()
            && !self.must_close
    }

    /// Takes note that an operator has closed the circuit of the fleet.
    pub(super) const fn close_later(&mut self) {
        self.must_close = true;
    }

    /// Decides what this process does with the circuit, unless an earlier decision is being executed.
    pub(super) fn next(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Decided {
        if self.is_changing {
            return Decided::default();
        }
        let decided = self.decide(record, around);
        self.is_changing = decided.change.is_some();
        decided
    }

    /// Decides what this process does while the store is away: it ends a command in time.
    pub(super) fn next_alone(&mut self, record: &SharedRecord, now: u64) -> Option<CircuitChange> {
        if self.is_changing || record.command_at(now).is_some() {
            return None;
        }
        let change = self.release(record)?;
        self.is_changing = true;
        Some(change)
    }

    fn decide(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Decided {
        if let Some(change) = self.follow_command(record, around) {
            return Decided { change: Some(change), lease: None };
        }
        match (self.view.state, record.state) {
            _ if self.lease.is_some() => self.follow_lease(record, around),
            (LocalState::Closed, RecordState::Open) => self.adopt(record, around),
            (LocalState::Open { .. }, RecordState::Open) => self.follow_open(record, around),
            // Trial calls without a lease, which began while the store was away, or refused changes.
            (LocalState::HalfOpen, RecordState::Open) if around.can_lease => self.open(record, around),
            (LocalState::HalfOpen, RecordState::Open) => Decided::default(),
            (LocalState::ForcedOpen | LocalState::Disabled, _) => {
                self.must_close = false;
                Decided::default()
            }
            (LocalState::Closed, RecordState::Closed) => {
                self.followed = None;
                self.recovered = None;
                self.end_ramp(record)
            }
            (LocalState::Open { .. } | LocalState::HalfOpen, RecordState::Closed) => {
                self.follow_closed(record, around.instance)
            }
        }
    }

    /// Executes a command once, and releases it when it has ended.
    fn follow_command(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Option<CircuitChange> {
        match record.command_at(around.now) {
            Some(command) => self.execute(command.kind, record),
            None => self.release(record),
        }
    }

    fn execute(&mut self, kind: CommandKind, record: &SharedRecord) -> Option<CircuitChange> {
        let epoch = record.epoch;
        if self.command.is_some_and(|executed| executed.epoch == epoch) {
            return None;
        }
        self.command = Some(ExecutedCommand { epoch, kind, generation: None });
        self.lease = None;
        let Author { by, why } = Author::of(record);
        Some(match kind {
            CommandKind::Open => CircuitChange::ForceOpen { by, why },
            CommandKind::Disabled => CircuitChange::Disable { by, why },
        })
    }

    /// Ends the command that was executed last, unless an operator of this process has overruled it.
    pub(super) fn release(&mut self, record: &SharedRecord) -> Option<CircuitChange> {
        let executed = self.command.take()?;
        if executed.generation.is_some_and(|begun| begun != self.view.generation) {
            return None;
        }
        let is_in_effect = match executed.kind {
            CommandKind::Open => self.view.state == LocalState::ForcedOpen,
            CommandKind::Disabled => self.view.state == LocalState::Disabled,
        };
        let Author { by, why } = Author::of(record);
        is_in_effect.then_some(CircuitChange::Release { by, why })
    }

    /// Opens a closed circuit because the fleet has opened it, unless the calls of this process succeed.
    fn adopt(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Decided {
        if self.dissents(record) { Decided::default() } else { self.open(record, around) }
    }

    /// Returns `true` if the circuit stays closed although that of the fleet is open.
    fn dissents(&self, record: &SharedRecord) -> bool {
        let has_recovered = self.recovered == Some(record.epoch) && self.view.evidence != Evidence::Failing;
        !self.view.adopts_always && (has_recovered || self.view.evidence == Evidence::Healthy)
    }

    fn open(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Decided {
        self.followed = Some(record.epoch);
        let wait = until(record.due, around.now).max(around.hold);
        let reason = Arc::clone(&record.reason);
        Decided::change(CircuitChange::Open { wait, rounds: record.rounds, reason })
    }

    /// Keeps an open circuit open until the fleet tries the dependency, or tries it if this process has the lease.
    fn follow_open(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Decided {
        self.followed = Some(record.epoch);
        self.vote = None;
        let granted = record.lease_at(around.now).filter(|lease| lease.owner == *around.instance);
        if granted.is_some() {
            let generation = self.view.generation;
            self.lease = Some(HeldLease { epoch: record.epoch, token: record.token, generation });
            self.demand.wait();
            let change = Some(CircuitChange::Trial { rounds: record.rounds });
            return Decided { change, lease: Some(LeaseOutcome::Granted) };
        }
        let wait = until(record.due, around.now).max(around.hold);
        // The circuit is held again before the last hold ends, but not at every tick.
        let half = around.hold / 2;
        let is_held =
            |due_in| due_in >= wait.saturating_sub(half) && due_in <= wait.saturating_add(around.hold);
        if !around.can_lease || self.due_in(around.local).is_none_or(is_held) {
            return Decided::default();
        }
        Decided::change(CircuitChange::Hold { generation: self.view.generation, wait })
    }

    /// Watches the trial calls under the lease of this process.
    fn follow_lease(&mut self, record: &SharedRecord, around: &Surroundings<'_>) -> Decided {
        let Some(lease) = self.lease else { return Decided::default() };
        let is_open = record.state == RecordState::Open;
        let is_mine = is_open && record.epoch == lease.epoch && record.token == lease.token;
        if is_mine && record.lease_at(around.now).is_some() {
            return Decided::default();
        }
        // The store has accepted the verdict, or will accept none.
        self.lease = None;
        let outcome = match self.verdict(lease, around.local) {
            Some(ReportKind::Passed { .. }) if !is_open => LeaseOutcome::Passed,
            Some(ReportKind::Failed { .. }) if is_open && !is_mine => LeaseOutcome::Failed,
            Some(_) | None => LeaseOutcome::Expired,
        };
        if self.view.state == LocalState::Closed && is_open {
            self.recovered = Some(record.epoch);
        }
        Decided { lease: Some(outcome), ..self.decide(record, around) }
    }

    /// Closes a circuit that the fleet has closed, and leaves one alone that has opened by itself since, unless an
    /// operator closes it now.
    fn follow_closed(&mut self, record: &SharedRecord, instance: &InstanceId) -> Decided {
        let is_ordered = std::mem::take(&mut self.must_close) && record.is_closed_by_operator();
        let was_followed = self.followed.is_some_and(|epoch| epoch < record.epoch);
        let generation = self.view.generation;
        // A command and its release begin an epoch each, and keep the votes. Closing the circuit removes them.
        let has_voted_before = !record.votes.contains(instance)
            && self.vote.is_some_and(|vote| vote.epoch < record.epoch && vote.generation == generation);
        if !is_ordered && !was_followed && !has_voted_before {
            return Decided::default();
        }
        self.followed = None;
        self.vote = None;
        Decided::change(if record.is_closed_by_operator() {
            force_close(record)
        } else {
            CircuitChange::Close
        })
    }

    /// Lets a closed circuit admit all calls if an operator has closed that of the fleet.
    fn end_ramp(&mut self, record: &SharedRecord) -> Decided {
        let must_close = std::mem::take(&mut self.must_close) && record.is_closed_by_operator();
        if must_close { Decided::change(force_close(record)) } else { Decided::default() }
    }

    /// Returns what the circuit does when the store is away: it tries the dependency by itself when it is due, at a
    /// random time, so that a fleet does not do so all at once.
    pub(super) fn recover_alone(
        &mut self,
        record: &SharedRecord,
        now: u64,
        random: &mut Random,
    ) -> Option<CircuitChange> {
        let is_held = self.followed.is_some() && matches!(self.view.state, LocalState::Open { .. });
        (is_held && !self.is_changing).then(|| {
            self.is_changing = true;
            let wait = until(record.due, now).saturating_add(random.time_below(self.view.recovery));
            CircuitChange::Hold { generation: self.view.generation, wait }
        })
    }

    /// Draws whether this process asks for the lease of a circuit that is due.
    pub(super) fn update_demand(
        &mut self,
        record: &SharedRecord,
        around: &Surroundings<'_>,
        random: &mut Random,
    ) {
        let is_due = record.state == RecordState::Open
            && record.command_at(around.now).is_none()
            && around.now >= record.due;
        let is_grantable = is_due
            && matches!(self.view.state, LocalState::Open { .. })
            && self.lease.is_none()
            && record.lease_at(around.now).is_none()
            && around.can_lease;
        if is_grantable {
            // After a lease that ended without a verdict, the windows begin again.
            let since = record.lease.as_ref().map_or(record.due, |lease| lease.expires.max(record.due));
            self.demand.draw(self.view.rejected, around.now.saturating_sub(since), around.alive, random);
        } else if is_due {
            self.demand.wait();
        } else {
            self.demand.reset(self.view.rejected);
        }
    }

    /// Returns `true` if this process has the lease.
    pub(super) const fn has_lease(&self) -> bool {
        self.lease.is_some()
    }
}

impl Decided {
    fn change(change: CircuitChange) -> Self {
        Self { change: Some(change), lease: None }
    }
}

impl Author {
    fn of(record: &SharedRecord) -> Self {
        Self { by: Arc::clone(&record.by), why: Arc::clone(&record.why) }
    }
}

fn force_close(record: &SharedRecord) -> CircuitChange {
    let Author { by, why } = Author::of(record);
    CircuitChange::ForceClose { by, why }
}

/// Returns the time from `now` until `then`, both of the store.
fn until(then: u64, now: u64) -> Duration {
    Duration::from_millis(then.saturating_sub(now))
}
