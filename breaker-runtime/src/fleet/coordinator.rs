//! The decisions of one process about the circuits that it shares, without I/O and without a clock.
//!
//! [`Coordinator::step`] receives what has happened and returns what to do. Equal inputs with equal seeds have equal
//! results, so the background task, a model checker and a simulation use the same code.
//!
//! | file | contents |
//! |---|---|
//! | `member.rs` | the decisions about one circuit |
//! | `view.rs` | a circuit of this process, as it is now, and how it can be changed |
//! | `demand.rs` | whether this process asks for the lease of a circuit that is due |
//! | `cache.rs` | the records of the store, as far as this process has seen them |
//! | `link.rs` | the connection to the store |
//! | `store_clock.rs` | the time of the store |
//! | `random.rs` | random numbers from a seed |

mod cache;
mod demand;
mod link;
mod member;
mod random;
mod store_clock;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::cache::{Cache, Received};
use self::link::{Link, LinkChange};
pub use self::member::LeaseOutcome;
use self::member::{Decided, Member, Surroundings};
use self::random::Random;
use self::store_clock::StoreClock;
pub use self::view::{CircuitChange, CircuitView, Evidence, LocalState};
use super::protocol::{
    InstanceId, Push, RecordState, Reply, Report, ReportKind, Request, SettingsConflict, SharedName,
    SharedRecord,
};
use super::store::StoreErrorKind;

/// The shortest time between two exchanges with the store.
const MIN_GAP: Duration = Duration::from_millis(50);

/// The time that a request may take. The store ignores it afterwards.
pub const REQUEST_TIME: Duration = Duration::from_millis(150);

/// The interval at which a circuit that is due, or under a lease of this process, is looked at.
const WINDOW: Duration = Duration::from_millis(demand::WINDOW);

/// The time beyond two ticks for which a circuit is held open: longer than it takes to notice that the store is away.
const HOLD_MARGIN: Duration = Duration::from_secs(2);

/// The largest number of reports in one request.
const MAX_REPORTS: usize = 500;

/// The part of the fleet that one process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    instance: InstanceId,
    random: Random,
    link: Link,
    clock: Option<StoreClock>,
    /// `true` if the clock is good enough for the deadline of a request.
    knows_time: bool,
    /// `true` while the store answers, but refuses every change.
    is_read_only: bool,
    alive: u32,
    /// The interval between two exchanges in a small fleet.
    tick: Duration,
    cache: Cache,
    members: BTreeMap<SharedName, Member>,
    /// Commands of operators that have not been sent.
    commands: Vec<PendingCommand>,
    exchange: Option<Exchange>,
    last_sync: Duration,
    next_sync: Duration,
    /// When the circuits must be looked at again.
    next_look: Duration,
    departure: Departure,
    conflicts: BTreeSet<SharedName>,
    counts: FleetCounts,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The time that [`Coordinator::next_step`] returned has come. The [`wanted`](Coordinator::wanted) circuits have
    /// been passed before.
    Tick,
    /// A circuit of this process, as it is now. It is passed after each transition, and after each change that the
    /// coordinator has decided.
    Circuit(Box<CircuitView>),
    /// This process has no shared circuit of this name, or no longer.
    Removed(SharedName),
    /// The store has answered.
    Reply(Box<Reply>),
    /// The store has not answered, or refused the request. It may have sent records nevertheless.
    Failed { kind: StoreErrorKind, partial: Option<Box<Reply>> },
    /// The store has sent a message.
    Pushed(Box<Push>),
    /// An operator gives a command to all processes. `id` is returned with its result.
    Command { id: u64, command: Box<Report> },
    /// The process leaves the fleet.
    Leave,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Send this request, and pass the answer as an input. There is at most one request at a time.
    Sync(Box<Request>),
    /// Change a circuit of this process, and pass it as an input afterwards.
    Circuit { name: SharedName, change: CircuitChange },
    /// The command with this number has been executed, or has failed. A failed one may have been executed.
    Commanded { id: u64, error: Option<StoreErrorKind> },
    /// Report this to people.
    Notice(Notice),
    /// The process has left the fleet.
    Left,
}

/// What people should know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The store is connected.
    Connected,
    /// The store is away.
    Disconnected(StoreErrorKind),
    /// A record of the store cannot be read, and is ignored.
    Unreadable(String),
    /// Another process shares a circuit of this name with other settings.
    Conflict(SettingsConflict),
    /// The store has lost data, which this process restores as far as it knows it.
    DataLost,
    /// The store answers, but refuses every change.
    ReadOnly(StoreErrorKind),
}

/// What this process has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FleetCounts {
    pub votes: u64,
    pub dissents: u64,
    pub granted: u64,
    pub passed: u64,
    pub failed: u64,
    pub expired: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PendingCommand {
    id: u64,
    command: Report,
}

/// A request that has not been answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Exchange {
    commands: Vec<u64>,
    asserted: Vec<SharedName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Departure {
    None,
    Wanted,
    Sent,
    Done,
}

impl Coordinator {
    /// Creates the coordinator of a process at this time. `tick` is the interval between two exchanges in a fleet of
    /// up to 1,000 processes.
    #[must_use]
    pub fn new(instance: InstanceId, seed: u64, tick: Duration, now: Duration) -> Self {
        Self {
            instance,
            random: Random::new(seed),
            link: Link::new(),
            clock: None,
            knows_time: false,
            is_read_only: false,
            alive: 1,
            tick,
            cache: Cache::new(),
            members: BTreeMap::new(),
            commands: Vec::new(),
            exchange: None,
            last_sync: now,
            next_sync: now,
            next_look: now,
            departure: Departure::None,
            conflicts: BTreeSet::new(),
            counts: FleetCounts::default(),
        }
    }

    /// Takes note of an input at this time, and returns what to do. Time never goes back.
    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        match input {
            Input::Tick => self.look(now, &mut outputs),
            Input::Circuit(view) => self.observe(now, *view, &mut outputs),
            Input::Removed(name) => _ = self.members.remove(&name),
            Input::Reply(reply) => self.receive_reply(now, *reply, &mut outputs),
            Input::Failed { kind, partial } => self.receive_failure(now, kind, partial, &mut outputs),
            Input::Pushed(push) => self.receive_push(now, *push, &mut outputs),
            Input::Command { id, command } => {
                self.commands.push(PendingCommand { id, command: *command });
                self.hasten(now, Duration::ZERO);
            }
            Input::Leave => {
                if self.departure == Departure::None {
                    self.departure = Departure::Wanted;
                }
                self.next_sync = now;
            }
        }
        self.send_if_due(now, &mut outputs);
        outputs
    }

    /// Returns when the next [`Input::Tick`] is due.
    #[must_use]
    pub fn next_step(&self) -> Duration {
        match self.exchange {
            Some(_) => self.next_look,
            None => self.next_look.min(self.next_sync),
        }
    }

    /// Returns the circuits that must be passed before each tick.
    pub fn wanted(&self) -> impl Iterator<Item = &SharedName> {
        let unknown = self.cache.in_force().filter(|name| !self.members.contains_key(*name));
        self.members.keys().chain(unknown)
    }

    /// Returns `true` if the process is leaving the fleet, or has left it.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.departure != Departure::None
    }

    /// Returns `true` if the store is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// Returns the number of processes that the store has heard of lately.
    #[must_use]
    pub fn alive(&self) -> u32 {
        self.alive
    }

    /// Returns the time of the store in milliseconds; 0 before the first reply.
    #[must_use]
    pub fn store_time(&self, now: Duration) -> u64 {
        self.clock.as_ref().map_or(0, |clock| clock.at(now))
    }

    /// Returns the records of the store, as far as this process has seen them.
    pub fn records(&self) -> impl Iterator<Item = (&SharedName, &SharedRecord)> {
        self.cache.iter()
    }

    /// Returns what this process has done so far.
    #[must_use]
    pub const fn counts(&self) -> FleetCounts {
        self.counts
    }

    /// Looks at all circuits, because time has passed.
    fn look(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let names: Vec<_> = self.members.keys().cloned().collect();
        self.next_look = self.next_sync.max(now);
        for name in names {
            self.decide(now, &name, outputs);
            self.plan_look(now, &name);
        }
    }

    /// Makes sure that the circuit is looked at again when its record is due, and often while it is due.
    fn plan_look(&mut self, now: Duration, name: &SharedName) {
        let (Some(member), Some(clock)) = (self.members.get(name), &self.clock) else { return };
        let record = self.cache.get(name);
        let next = if member.waits_for_lease() || member.has_lease() {
            now.saturating_add(WINDOW)
        } else if record.state == RecordState::Open && record.due > clock.at(now) {
            clock.local(record.due)
        } else {
            return;
        };
        self.next_look = self.next_look.min(next);
    }

    fn observe(&mut self, now: Duration, view: CircuitView, outputs: &mut Vec<Output>) {
        let name = view.name.clone();
        match self.members.get_mut(&name) {
            Some(member) => member.observe(view),
            None if view.state == LocalState::Closed && !self.cache.is_in_force(&name) => return,
            None => _ = self.members.insert(name.clone(), Member::new(view)),
        }
        self.decide(now, &name, outputs);
        self.plan_look(now, &name);
    }

    /// Decides about one circuit, and whether its report can wait for the next tick.
    fn decide(&mut self, now: Duration, name: &SharedName, outputs: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(name) else { return };
        let record = self.cache.get(name);
        let store_time = self.clock.as_ref().map_or(0, |clock| clock.at(now));
        if !self.link.is_up() {
            if let Some(change) = member.next_alone(record, store_time) {
                outputs.push(Output::Circuit { name: name.clone(), change });
            }
            return;
        }
        let hold = hold_time(self.tick, self.alive);
        let around = Surroundings { instance: &self.instance, now: store_time, alive: self.alive, hold };
        let Decided { change, lease } = member.next(record, &around);
        member.update_demand(record, &around, &mut self.random);
        let is_urgent = member.is_urgent(record, &around);
        if member.is_idle() && !self.cache.is_in_force(name) && change.is_none() {
            // Its vote may still have to be withdrawn.
            if !record.votes.contains(&self.instance) {
                self.members.remove(name);
            }
        }
        if let Some(outcome) = lease {
            self.counts.add(outcome);
        }
        if let Some(change) = change {
            outputs.push(Output::Circuit { name: name.clone(), change });
        }
        if is_urgent {
            self.hasten(now, spread(self.alive));
        }
    }

    /// Exchanges with the store soon, after a random wait of up to `spread`.
    fn hasten(&mut self, now: Duration, spread: Duration) {
        if self.knows_time && self.link.is_up() || !self.commands.is_empty() {
            let soonest = now.max(self.last_sync.saturating_add(MIN_GAP));
            if self.next_sync > soonest.saturating_add(spread) {
                self.next_sync = soonest.saturating_add(self.random.time_below(spread));
            }
        }
    }

    fn send_if_due(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let is_over = matches!(self.departure, Departure::Sent | Departure::Done);
        if self.exchange.is_some() || now < self.next_sync || is_over {
            return;
        }
        let is_leaving = self.departure == Departure::Wanted;
        if is_leaving {
            self.departure = Departure::Sent;
        }
        let (reports, exchange) = self.collect_reports(now);
        let deadline = match &self.clock {
            Some(clock) if self.knows_time => clock.at(now.saturating_add(REQUEST_TIME)),
            Some(_) | None => 0,
        };
        let (instance, cursor) = (self.instance.clone(), self.cache.cursor());
        outputs.push(Output::Sync(Box::new(Request { instance, deadline, cursor, is_leaving, reports })));
        self.exchange = Some(exchange);
        self.last_sync = now;
    }

    /// Collects the reports of all circuits. There are none until the time of the store is known, because without a
    /// deadline a delayed report could act much later.
    fn collect_reports(&mut self, now: Duration) -> (Vec<Report>, Exchange) {
        let mut exchange = Exchange { commands: Vec::new(), asserted: Vec::new() };
        let mut reports = Vec::new();
        if !self.knows_time {
            return (reports, exchange);
        }
        for PendingCommand { id, command } in self.commands.drain(..) {
            exchange.commands.push(id);
            reports.push(command);
        }
        for name in self.cache.to_assert().take(MAX_REPORTS) {
            let record = self.cache.get(name).clone();
            exchange.asserted.push(name.clone());
            let (epoch, kind) = (record.epoch, ReportKind::Assert { record: Box::new(record) });
            reports.push(Report { name: name.clone(), epoch, kind });
        }
        let store_time = self.clock.as_ref().map_or(0, |clock| clock.at(now));
        let hold = hold_time(self.tick, self.alive);
        let around = Surroundings { instance: &self.instance, now: store_time, alive: self.alive, hold };
        for (name, member) in &mut self.members {
            if reports.len() >= MAX_REPORTS {
                break;
            }
            if let Some(report) = member.report(self.cache.get(name), &around) {
                self.counts.count_report(&report.kind);
                member.has_reported();
                reports.push(report);
            }
        }
        (reports, exchange)
    }

    fn receive_reply(&mut self, now: Duration, reply: Reply, outputs: &mut Vec<Output>) {
        let exchange = self.exchange.take();
        self.finish_commands(exchange.as_ref(), None, outputs);
        self.cache.has_asserted(exchange.map(|exchange| exchange.asserted).unwrap_or_default());
        if self.link.succeed() == LinkChange::Up {
            outputs.push(Output::Notice(Notice::Connected));
        }
        self.knows_time = true;
        self.is_read_only = false;
        let tick = tick_time(self.tick, reply.alive);
        let has_more = reply.has_more;
        let has_lost = self.receive_records(now, reply, outputs);
        let jittered = tick.mul_f64(0.8) + self.random.time_below(tick.mul_f64(0.4));
        self.next_sync = now.saturating_add(jittered);
        if has_more || has_lost || self.cache.must_assert() || !self.commands.is_empty() {
            self.next_sync = now;
        }
        if self.departure == Departure::Sent {
            self.leave(now, outputs);
        }
        self.look(now, outputs);
    }

    /// Applies what the store has sent. Returns `true` if it has lost data, so that all records must be read again.
    fn receive_records(&mut self, now: Duration, reply: Reply, outputs: &mut Vec<Output>) -> bool {
        self.clock = Some(StoreClock::new(reply.now, now));
        self.alive = reply.alive.max(1);
        for name in &reply.unreadable {
            outputs.push(Output::Notice(Notice::Unreadable(name.clone())));
        }
        for conflict in &reply.conflicts {
            if self.conflicts.len() < MAX_REPORTS && self.conflicts.insert(conflict.name.clone()) {
                outputs.push(Output::Notice(Notice::Conflict(conflict.clone())));
            }
        }
        match self.cache.receive(reply) {
            Received::Applied => false,
            Received::ReadAgain { has_lost_data } => {
                if has_lost_data {
                    outputs.push(Output::Notice(Notice::DataLost));
                }
                true
            }
        }
    }

    fn receive_failure(
        &mut self,
        now: Duration,
        kind: StoreErrorKind,
        partial: Option<Box<Reply>>,
        outputs: &mut Vec<Output>,
    ) {
        let exchange = self.exchange.take();
        self.finish_commands(exchange.as_ref(), Some(kind), outputs);
        // The time may have jumped, which would make every later request too late.
        self.knows_time = false;
        if let Some(reply) = partial {
            self.receive_records(now, *reply, outputs);
            // A store that can only be read is still followed.
            if kind != StoreErrorKind::TimedOut && self.link.is_up() {
                if !std::mem::replace(&mut self.is_read_only, true) {
                    outputs.push(Output::Notice(Notice::ReadOnly(kind)));
                }
                self.next_sync = now.saturating_add(tick_time(self.tick, self.alive));
                self.look(now, outputs);
                return;
            }
        }
        let had_link = self.link.is_up();
        if self.link.fail() == LinkChange::Down {
            outputs.push(Output::Notice(Notice::Disconnected(kind)));
        }
        self.next_sync = now.saturating_add(self.link.retry_wait(kind, &mut self.random));
        if had_link && !self.link.is_up() {
            self.let_go(now, outputs);
        }
        if self.departure == Departure::Sent {
            self.leave(now, outputs);
        }
        self.look(now, outputs);
    }

    fn receive_push(&mut self, now: Duration, push: Push, outputs: &mut Vec<Output>) {
        for name in &push.unreadable {
            outputs.push(Output::Notice(Notice::Unreadable(name.clone())));
        }
        if !self.link.is_up() || !self.cache.accepts(&push) {
            return;
        }
        self.clock = Some(StoreClock::new(push.now, now));
        self.alive = push.alive.max(1);
        for name in self.cache.receive_push(push) {
            self.decide(now, &name, outputs);
            self.plan_look(now, &name);
        }
    }

    fn finish_commands(
        &self,
        exchange: Option<&Exchange>,
        error: Option<StoreErrorKind>,
        outputs: &mut Vec<Output>,
    ) {
        let ids = exchange.map(|exchange| exchange.commands.iter()).into_iter().flatten();
        outputs.extend(ids.map(|&id| Output::Commanded { id, error }));
    }

    /// Lets all circuits recover by themselves, because the fleet no longer decides.
    fn let_go(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let store_time = self.store_time(now);
        for (name, member) in &mut self.members {
            if let Some(change) = member.let_go(self.cache.get(name), store_time, &mut self.random) {
                outputs.push(Output::Circuit { name: name.clone(), change });
            }
        }
    }

    fn leave(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        self.departure = Departure::Done;
        self.let_go(now, outputs);
        for PendingCommand { id, .. } in self.commands.drain(..) {
            outputs.push(Output::Commanded { id, error: Some(StoreErrorKind::Unreachable) });
        }
        outputs.push(Output::Left);
    }
}

impl FleetCounts {
    fn add(&mut self, outcome: LeaseOutcome) {
        match outcome {
            LeaseOutcome::Granted => self.granted += 1,
            LeaseOutcome::Passed => self.passed += 1,
            LeaseOutcome::Failed => self.failed += 1,
            LeaseOutcome::Expired => self.expired += 1,
        }
    }

    fn count_report(&mut self, kind: &ReportKind) {
        match kind {
            ReportKind::Vote { .. } => self.votes += 1,
            ReportKind::Dissent { .. } => self.dissents += 1,
            ReportKind::Withdraw
            | ReportKind::AskLease { .. }
            | ReportKind::Passed { .. }
            | ReportKind::Failed { .. }
            | ReportKind::Assert { .. }
            | ReportKind::Force { .. } => {}
        }
    }
}

/// Returns the interval between two exchanges. It grows with the fleet, so that the store gets about 1,000 requests per
/// second at most.
fn tick_time(tick: Duration, alive: u32) -> Duration {
    tick.saturating_mul((alive / 1000).clamp(1, 15))
}

/// Returns how long a circuit is held open at a time.
fn hold_time(tick: Duration, alive: u32) -> Duration {
    tick_time(tick, alive).saturating_mul(2).saturating_add(HOLD_MARGIN)
}

/// Returns the random wait that keeps the processes of a large fleet from reporting all at once.
fn spread(alive: u32) -> Duration {
    Duration::from_micros(100).saturating_mul(alive.min(1000))
}
