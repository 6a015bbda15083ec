//! The decisions of one process about the circuits that it shares, without I/O and without a clock.
//!
//! [`Coordinator::step`] receives what has happened and returns what to do. Equal inputs with equal seeds have equal
//! results, so the background task, a model checker and a simulation use the same code.
//!
//! | file | contents |
//! |---|---|
//! | `agenda.rs` | the circuits that must be looked at again, in the order of their times |
//! | `member.rs` | the decisions about one circuit |
//! | `view.rs` | a circuit of this process, as it is now, and how it can be changed |
//! | `lease_outcome.rs` | what happens to a lease of this process |
//! | `demand.rs` | whether this process asks for the lease of a circuit that is due |
//! | `cache.rs` | the records of the store, as far as this process has seen them |
//! | `closings.rs` | the circuits that operators have closed, until this process has followed |
//! | `link.rs` | the connection to the store |
//! | `store_clock.rs` | the time of the store |
//! | `pace.rs` | how often this process exchanges with the store |
//! | `random.rs` | random numbers from a seed |
//! | `event.rs` | what a coordinator receives, and what it decides |
//! | `counts.rs` | what this process has done so far |
//! | `exchange.rs` | a request that has not been answered |
//! | `outbox.rs` | what the next request contains |
//! | `inbox.rs` | what an answer or a message of the store changes |

mod agenda;
mod cache;
mod closings;
mod counts;
mod demand;
mod event;
mod exchange;
mod inbox;
mod lease_outcome;
mod link;
mod member;
mod outbox;
mod pace;
mod random;
mod store_clock;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::agenda::Agenda;
use self::cache::Cache;
use self::closings::Closings;
pub use self::counts::FleetCounts;
pub use self::event::{Input, Notice, Output};
use self::exchange::{Exchange, PendingCommand};
use self::link::StoreLink;
use self::member::{Decided, Member, Surroundings};
use self::pace::Pace;
use self::random::Random;
use self::store_clock::StoreClock;
pub use self::view::{CircuitChange, CircuitView, Evidence, LocalState};
use super::protocol::{InstanceId, Report, SharedName, SharedRecord};
use super::store::StoreErrorKind;

/// The shortest time between two exchanges with the store.
const MIN_GAP: Duration = Duration::from_millis(50);

/// The part of the fleet that one process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    instance: InstanceId,
    random: Random,
    link: StoreLink,
    clock: Option<StoreClock>,
    /// `true` if the clock is good enough for the deadline of a request.
    knows_time: bool,
    /// `true` while the store answers, but refuses every change.
    is_read_only: bool,
    pace: Pace,
    cache: Cache,
    closings: Closings,
    members: BTreeMap<SharedName, Member>,
    /// Commands of operators that have not been sent.
    commands: Vec<PendingCommand>,
    exchange: Option<Exchange>,
    last_sync: Duration,
    next_sync: Duration,
    /// The time of an earlier exchange, if there still is an urgent report.
    urgent_sync: Option<Duration>,
    /// The time at which to wake if nothing else is due.
    next_tick: Duration,
    /// The circuits that must be passed again: the members, and those that the fleet is concerned with, but this
    /// process does not have.
    agenda: Agenda,
    /// The members about which there may be something to report.
    reporters: BTreeSet<SharedName>,
    departure: Departure,
    conflicts: BTreeSet<SharedName>,
    counts: FleetCounts,
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
    /// fewer than 2,000 processes.
    #[must_use]
    pub fn new(instance: InstanceId, seed: u64, tick: Duration, now: Duration) -> Self {
        Self {
            cache: Cache::new(instance.clone()),
            instance,
            closings: Closings::default(),
            random: Random::new(seed),
            link: StoreLink::new(),
            clock: None,
            knows_time: false,
            is_read_only: false,
            pace: Pace::new(tick),
            members: BTreeMap::new(),
            commands: Vec::new(),
            exchange: None,
            last_sync: now,
            next_sync: now,
            urgent_sync: None,
            next_tick: now,
            agenda: Agenda::new(),
            reporters: BTreeSet::new(),
            departure: Departure::None,
            conflicts: BTreeSet::new(),
            counts: FleetCounts::default(),
        }
    }

    /// Takes note of an input at this time, and returns what to do. Time never goes back.
    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        match input {
            Input::Tick => {
                if now >= self.next_tick {
                    self.next_tick = now.saturating_add(self.pace.tick());
                }
            }
            Input::Circuit(view) => self.observe(now, *view, &mut outputs),
            Input::Removed(name) => self.forget(now, name, &mut outputs),
            Input::Reply(reply) => self.receive_reply(now, *reply, &mut outputs),
            Input::Failed { kind, partial } => self.receive_failure(now, kind, partial, &mut outputs),
            Input::Pushed(push) => self.receive_push(now, *push, &mut outputs),
            Input::Command { id, command } => self.receive_command(now, id, *command, &mut outputs),
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
        let look = self.next_tick.min(self.agenda.next().unwrap_or(Duration::MAX));
        match self.exchange {
            Some(_) => look,
            None => look.min(self.next_sync).min(self.urgent_sync.unwrap_or(Duration::MAX)),
        }
    }

    /// Returns the circuits that must be passed before a tick at this time: those whose time has come.
    pub fn wanted_at(&self, now: Duration) -> impl Iterator<Item = &SharedName> {
        self.agenda.due(now)
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
        self.pace.alive()
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

    fn receive_command(&mut self, now: Duration, id: u64, command: Report, outputs: &mut Vec<Output>) {
        if matches!(self.departure, Departure::Sent | Departure::Done) {
            outputs.push(Output::Commanded { id, error: Some(StoreErrorKind::Unreachable) });
            return;
        }
        self.commands.push(PendingCommand { id, command });
        self.urgent_sync = Some(self.soonest_sync(now));
    }

    /// Forgets a circuit that is no longer shared, and ends the command of the fleet there.
    fn forget(&mut self, now: Duration, name: SharedName, outputs: &mut Vec<Output>) {
        self.reporters.remove(&name);
        _ = self.closings.take(&name);
        self.plan_unknown(&name, now.saturating_add(self.pace.tick()));
        if let Some(mut member) = self.members.remove(&name)
            && let Some(change) = member.release(self.cache.get(&name))
        {
            outputs.push(Output::Circuit { name, change });
        }
    }

    /// Ends the commands of the fleet in this process, which no longer belongs to it.
    pub fn release_commands(&mut self) -> Vec<Output> {
        let release = |(name, member): (&SharedName, &mut Member)| {
            let change = member.release(self.cache.get(name))?;
            Some(Output::Circuit { name: name.clone(), change })
        };
        self.members.iter_mut().filter_map(release).collect()
    }

    /// Decides about all circuits as they were passed last.
    fn decide_all(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let names: Vec<_> = self.members.keys().cloned().collect();
        for name in names {
            self.decide(now, &name, outputs);
        }
    }

    /// Plans when to look at a circuit again.
    fn plan_look(&mut self, now: Duration, name: &SharedName) {
        let Some(member) = self.members.get(name) else {
            return self.plan_unknown(name, now.saturating_add(self.pace.tick()));
        };
        let around = surroundings(&self.instance, self.pace, self.is_read_only, now, self.store_time(now));
        let intervals = self.pace.looks();
        self.agenda.plan(name, member.next_look(self.cache.get(name), &around, intervals));
    }

    /// Plans to look for a circuit that this process may get later, if the fleet is concerned with it.
    fn plan_unknown(&mut self, name: &SharedName, at: Duration) {
        if self.concerns_fleet(name, at) {
            self.agenda.plan(name, at);
        } else {
            self.agenda.remove(name);
        }
    }

    fn observe(&mut self, now: Duration, view: CircuitView, outputs: &mut Vec<Output>) {
        let name = view.name.clone();
        let is_idle = view.state == LocalState::Closed && !self.concerns_fleet(&name, now);
        match self.members.get_mut(&name) {
            Some(member) => member.observe(view, now),
            None if is_idle => return self.agenda.remove(&name),
            None => _ = self.members.insert(name.clone(), Member::new(view, now)),
        }
        self.decide(now, &name, outputs);
    }

    /// Decides about one circuit, whether its report can wait for the next tick, and when to look at it again.
    fn decide(&mut self, now: Duration, name: &SharedName, outputs: &mut Vec<Output>) {
        if self.departure != Departure::Done {
            self.decide_now(now, name, outputs);
        }
        self.pace.set_circuits(self.members.len());
        self.plan_look(now, name);
    }

    fn decide_now(&mut self, now: Duration, name: &SharedName, outputs: &mut Vec<Output>) {
        let store_time = self.store_time(now);
        let Some(member) = self.members.get_mut(name) else { return };
        if self.closings.take(name) {
            member.close_later();
        }
        let record = self.cache.get(name);
        if !self.link.is_up() {
            if let Some(change) = member.next_alone(record, store_time) {
                outputs.push(Output::Circuit { name: name.clone(), change });
            }
            return;
        }
        let around = surroundings(&self.instance, self.pace, self.is_read_only, now, store_time);
        let Decided { change, lease } = member.next(record, &around);
        member.update_demand(record, &around, &mut self.random);
        let (is_urgent, has_verdict) = (member.is_urgent(record, &around), member.has_lease());
        if !member.may_report(record, &around) {
            self.reporters.remove(name);
        } else if !self.reporters.contains(name) {
            self.reporters.insert(name.clone());
        }
        if member.is_idle() && !record.is_in_force(store_time) && change.is_none() {
            self.members.remove(name);
            self.reporters.remove(name);
        }
        if let Some(outcome) = lease {
            self.counts.add(outcome);
        }
        if let Some(change) = change {
            outputs.push(Output::Circuit { name: name.clone(), change });
        }
        if is_urgent && self.knows_time {
            self.hasten(now, has_verdict);
        }
    }

    /// Returns `true` if the fleet has a state or a command for this circuit, or an operator has just closed it.
    fn concerns_fleet(&self, name: &SharedName, at: Duration) -> bool {
        self.cache.is_in_force(name, self.store_time(at)) || self.closings.contains(name)
    }

    /// Exchanges with the store soon if a report should not wait for the next tick.
    fn hasten_if_urgent(&mut self, now: Duration) {
        if !self.link.is_up() || !self.knows_time {
            return;
        }
        let around = surroundings(&self.instance, self.pace, self.is_read_only, now, self.store_time(now));
        let urgent = self.reporters.iter().filter_map(|name| {
            let member = self.members.get(name)?;
            member.is_urgent(self.cache.get(name), &around).then(|| member.has_lease())
        });
        // Verdicts first.
        if let Some(has_verdict) = urgent.max() {
            self.hasten(now, has_verdict);
        }
    }

    /// Exchanges with the store soon: at once with the result of trial calls, and after a random wait with other
    /// reports.
    fn hasten(&mut self, now: Duration, has_verdict: bool) {
        let spread = if has_verdict { Duration::ZERO } else { self.pace.spread() };
        let soonest = self.soonest_sync(now);
        let latest = soonest.saturating_add(spread);
        if self.urgent_sync.is_none_or(|planned| planned > latest) {
            self.urgent_sync = Some(soonest.saturating_add(self.random.time_below(spread)));
        }
    }

    fn soonest_sync(&self, now: Duration) -> Duration {
        now.max(self.last_sync.saturating_add(MIN_GAP))
    }
}

/// Returns what decisions depend on, besides a circuit and its record.
fn surroundings(
    instance: &InstanceId,
    pace: Pace,
    is_read_only: bool,
    local: Duration,
    now: u64,
) -> Surroundings<'_> {
    // A store that refuses changes grants no leases, so each process tries the dependency by itself.
    let hold = if is_read_only { Duration::ZERO } else { pace.hold() };
    Surroundings {
        instance,
        now,
        local,
        alive: pace.alive(),
        is_complete: pace.is_complete(local),
        hold,
        can_lease: !is_read_only,
        is_leaving: false,
    }
}
