//! The decisions of one process about the circuits that it shares, without I/O and without a clock.
//!
//! [`Coordinator::step`] receives what has happened and returns what to do. Equal inputs with equal seeds have equal
//! results, so the background task, a model checker and a simulation use the same code.
//!
//! | file | contents |
//! |---|---|
//! | `member.rs` | the decisions about one circuit |
//! | `view.rs` | a circuit of this process, as it is now, and how it can be changed |
//! | `lease_outcome.rs` | what happens to a lease of this process |
//! | `demand.rs` | whether this process asks for the lease of a circuit that is due |
//! | `cache.rs` | the records of the store, as far as this process has seen them |
//! | `link.rs` | the connection to the store |
//! | `store_clock.rs` | the time of the store |
//! | `pace.rs` | how often this process exchanges with the store |
//! | `random.rs` | random numbers from a seed |
//! | `event.rs` | what a coordinator receives, and what it decides |
//! | `counts.rs` | what this process has done so far |
//! | `exchange.rs` | a request that has not been answered |
//! | `outbox.rs` | what the next request contains |
//! | `inbox.rs` | what an answer or a message of the store changes |

mod cache;
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

use self::cache::Cache;
pub use self::counts::FleetCounts;
pub use self::event::{Input, Notice, Output};
use self::exchange::{Exchange, PendingCommand};
use self::link::StoreLink;
use self::member::{Decided, Member, Surroundings};
use self::pace::Pace;
use self::random::Random;
use self::store_clock::StoreClock;
pub use self::view::{CircuitChange, CircuitView, Evidence, LocalState};
use super::protocol::{InstanceId, RecordState, Report, SharedName, SharedRecord};
use super::store::StoreErrorKind;

/// The shortest time between two exchanges with the store.
const MIN_GAP: Duration = Duration::from_millis(50);

/// The interval at which a circuit that is due, or under a lease of this process, is looked at.
const WINDOW: Duration = Duration::from_millis(demand::WINDOW);

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
    members: BTreeMap<SharedName, Member>,
    /// Commands of operators that have not been sent.
    commands: Vec<PendingCommand>,
    exchange: Option<Exchange>,
    last_sync: Duration,
    next_sync: Duration,
    /// When to exchange earlier than that, if there still is an urgent report.
    urgent_sync: Option<Duration>,
    /// When the circuits must be looked at again.
    next_look: Duration,
    /// Circuits that this process has not looked at so far, although the fleet now concerns them. While there are any,
    /// the next tick is about them alone.
    unseen: Vec<SharedName>,
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
            next_look: now,
            unseen: Vec::new(),
            departure: Departure::None,
            conflicts: BTreeSet::new(),
            counts: FleetCounts::default(),
        }
    }

    /// Takes note of an input at this time, and returns what to do. Time never goes back.
    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        match input {
            // They have been passed before.
            Input::Tick if !self.unseen.is_empty() => self.unseen.clear(),
            Input::Tick => self.look(now, &mut outputs),
            Input::Circuit(view) => self.observe(now, *view, &mut outputs),
            Input::Removed(name) => self.forget(name, &mut outputs),
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
        match self.exchange {
            _ if !self.unseen.is_empty() => Duration::ZERO,
            Some(_) => self.next_look,
            None => self.next_look.min(self.next_sync).min(self.urgent_sync.unwrap_or(Duration::MAX)),
        }
    }

    /// Returns the circuits that must be passed before a tick at this time: none if only a request is due.
    pub fn wanted_at(&self, now: Duration) -> impl Iterator<Item = &SharedName> {
        let is_due = !self.unseen.is_empty() || now >= self.next_look;
        self.wanted().take(if is_due { usize::MAX } else { 0 })
    }

    /// Returns the circuits that must be passed before each tick, whenever it is.
    pub fn wanted(&self) -> impl Iterator<Item = &SharedName> {
        let unknown = self.cache.in_force().filter(|name| !self.members.contains_key(*name));
        let all = if self.unseen.is_empty() { usize::MAX } else { 0 };
        self.unseen.iter().chain(self.members.keys().chain(unknown).take(all))
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
    fn forget(&mut self, name: SharedName, outputs: &mut Vec<Output>) {
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

    /// Looks at all circuits, if it is time to.
    fn look(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        if now >= self.next_look {
            self.next_look = now.saturating_add(self.pace.tick());
            self.decide_all(now, outputs);
        }
    }

    /// Decides about all circuits as they were passed last.
    fn decide_all(&mut self, now: Duration, outputs: &mut Vec<Output>) {
        let names: Vec<_> = self.members.keys().cloned().collect();
        for name in names {
            self.decide(now, &name, outputs);
            self.plan_look(now, &name);
        }
    }

    /// Makes sure that the circuit is looked at again when its record is due, when a lease ends, and often while it is
    /// due.
    fn plan_look(&mut self, now: Duration, name: &SharedName) {
        let (Some(member), Some(clock)) = (self.members.get(name), &self.clock) else { return };
        let record = self.cache.get(name);
        let store_time = clock.at(now);
        let next = if member.waits_for_lease() || member.has_lease() {
            now.saturating_add(WINDOW)
        } else if record.state == RecordState::Open && record.due > store_time {
            clock.local(record.due)
        } else if let Some(lease) = record.lease_at(store_time) {
            clock.local(lease.expires)
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
        if self.departure == Departure::Done {
            return;
        }
        let store_time = self.store_time(now);
        let Some(member) = self.members.get_mut(name) else { return };
        let record = self.cache.get(name);
        if !self.link.is_up() {
            if let Some(change) = member.next_alone(record, store_time) {
                outputs.push(Output::Circuit { name: name.clone(), change });
            }
            return;
        }
        let around = surroundings(&self.instance, self.pace, self.is_read_only, store_time);
        let Decided { change, lease } = member.next(record, &around);
        member.update_demand(record, &around, &mut self.random);
        let (is_urgent, has_verdict) = (member.is_urgent(record, &around), member.has_lease());
        if member.is_idle() && !self.cache.is_in_force(name) && change.is_none() {
            self.members.remove(name);
        }
        if let Some(outcome) = lease {
            self.counts.add(outcome);
        }
        if let Some(change) = change {
            outputs.push(Output::Circuit { name: name.clone(), change });
        }
        if is_urgent && self.knows_time {
            let spread = if has_verdict { Duration::ZERO } else { self.pace.spread(self.members.len()) };
            self.hasten(now, spread);
        }
    }

    /// Exchanges with the store soon, after a random wait of up to `spread`.
    fn hasten(&mut self, now: Duration, spread: Duration) {
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
fn surroundings(instance: &InstanceId, pace: Pace, is_read_only: bool, now: u64) -> Surroundings<'_> {
    // A store that refuses changes grants no leases, so each process tries the dependency by itself.
    let hold = if is_read_only { Duration::ZERO } else { pace.hold() };
    Surroundings { instance, now, alive: pace.alive(), hold, can_lease: !is_read_only, is_leaving: false }
}
