//! The shared circuits of this process: how the coordinator sees them, and how its decisions change them.
//!
//! Reading a circuit takes a snapshot, and changing it needs the lock of its state machine for a moment. Neither runs
//! user code: listeners are notified on a thread for blocking work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::coordinator::{CircuitChange, CircuitView, LocalState};
use super::description::Description;
use super::evidence::{INTERVAL, Sample};
use super::protocol::{Policy, SharedName};
use crate::breaker::{CircuitBreaker, Unannounced};
use crate::config::{Adopt, Config, Mode, Sharing};
use crate::printable::escape_hidden;
use crate::registry::{AnyBreaker, Registry};
use crate::snapshot::Snapshot;
use crate::state::{Adoption, Cause, State};
use crate::totals::Totals;

/// The most circuits whose calls are counted before the fleet is concerned with them.
const MAX_SAMPLES: usize = 2000;

/// The longest lease, so that a process that dies delays the others for a bounded time.
const MAX_LEASE: Duration = Duration::from_secs(60 * 60);

/// The shared circuits of a registry.
pub(super) struct Circuits {
    registry: Registry,
    /// The calls of each circuit when they were last counted.
    samples: BTreeMap<SharedName, Sample>,
    /// The circuits that the fleet is or was concerned with.
    descriptions: BTreeMap<SharedName, Description>,
    /// The time at which the calls of all circuits were last counted.
    sampled: Option<Duration>,
}

impl Circuits {
    pub(super) const fn new(registry: Registry) -> Self {
        Self { registry, samples: BTreeMap::new(), descriptions: BTreeMap::new(), sampled: None }
    }

    /// Counts the calls of all shared circuits from time to time. When the fleet opens one of them, they show whether
    /// the dependency works for this process.
    pub(super) fn sample(&mut self, now: Duration) {
        if self.sampled.is_some_and(|at| now.saturating_sub(at) < INTERVAL) {
            return;
        }
        let before = self.sampled.replace(now);
        let single = self.registry.iter();
        let keyed = self.registry.iter_keyed().flat_map(|breaker| breaker.sharable_circuits());
        let circuits = single.chain(keyed);
        let shared = circuits.filter(|breaker| breaker.circuit().config().shared().is_shared());
        for breaker in shared.take(MAX_SAMPLES) {
            let name = SharedName::new(breaker.name(), breaker.key());
            let first = || first_sample(now, before, &breaker.snapshot());
            self.samples.entry(name).or_insert_with(first).update(now, &breaker.circuit().totals());
        }
        self.samples.retain(|_, sample| sample.is_recent(now));
        self.descriptions.retain(|name, _| self.samples.contains_key(name));
    }

    /// Returns the shared circuits that are not closed. No change of their state may announce them: they opened before
    /// the process connected.
    pub(super) fn not_closed(&self) -> Vec<SharedName> {
        let keyed = self.registry.iter_keyed().flat_map(|breaker| breaker.sharable_circuits());
        self.registry.iter().chain(keyed).filter_map(|breaker| name_if_not_closed(&breaker)).collect()
    }

    /// Returns the shared circuits of the keys of this breaker that are not closed. New settings of the breaker share
    /// them without a change of their state.
    pub(super) fn not_closed_keys(&self, name: &SharedName) -> Vec<SharedName> {
        match self.registry.store().get(&name.breaker()) {
            Some(AnyBreaker::Keyed(breaker)) if name.key().is_none() => {
                breaker.sharable_circuits().filter_map(|circuit| name_if_not_closed(&circuit)).collect()
            }
            Some(AnyBreaker::Keyed(_) | AnyBreaker::Single(_)) | None => Vec::new(),
        }
    }

    /// Returns what the circuit is now, or `None` if this process does not share a circuit of this name. `now` is the
    /// time of the fleet.
    pub(super) fn view(&mut self, name: &SharedName, now: Duration) -> Option<CircuitView> {
        let view = self.find(name).and_then(|breaker| self.view_of(name, &breaker, now));
        if view.is_none() {
            self.samples.remove(name);
            self.descriptions.remove(name);
        }
        view
    }

    fn view_of(&mut self, name: &SharedName, breaker: &CircuitBreaker, now: Duration) -> Option<CircuitView> {
        let config = breaker.circuit().config();
        let policy = match config.shared() {
            Sharing::Local => return None,
            Sharing::Quorum => Policy::Quorum,
            Sharing::First => Policy::First,
        };
        let snapshot = breaker.snapshot();
        let first = || first_sample(now, self.sampled, &snapshot);
        let sample = self.samples.entry(name.clone()).or_insert_with(first);
        let described = self.descriptions.entry(name.clone());
        let description = described
            .and_modify(|known| {
                if !known.is_about(&snapshot, &config) {
                    *known = Description::new(&snapshot, config.clone());
                }
            })
            .or_insert_with(|| Description::new(&snapshot, config.clone()));
        Some(CircuitView {
            name: name.clone(),
            state: local_state(&snapshot),
            generation: snapshot.generation,
            policy,
            adopts_always: config.adopt() == Adopt::Always,
            evidence: sample.evidence(now, &snapshot, &config),
            rejected: rejected(&snapshot.totals, &config)
                .saturating_add(breaker.circuit().refused_questions()),
            lease: breaker.circuit().next_lease().min(MAX_LEASE),
            recovery: config.recovery_timeout(),
            reason: Arc::clone(&description.reason),
            settings: Arc::clone(&description.settings),
        })
    }

    /// Changes a circuit as the coordinator has decided. Returns the change if listeners must be notified of it.
    pub(super) fn change(&self, name: &SharedName, change: CircuitChange) -> Option<Unannounced> {
        let breaker = self.find(name)?;
        let circuit = breaker.circuit();
        let pending = match change {
            CircuitChange::Open { wait, rounds, reason } => {
                circuit.adopt(Adoption::Open { wait, rounds, reason: Some(reason) })
            }
            CircuitChange::Close => circuit.adopt(Adoption::Close),
            CircuitChange::ForceClose { by, why } => {
                circuit.adopt(Adoption::ForceClose { initiator: initiator(&by, &why) })
            }
            CircuitChange::Trial { rounds } => {
                let calls = breaker.config().half_open_max_calls();
                circuit.adopt(Adoption::Trial { calls, rounds })
            }
            CircuitChange::Hold { generation, wait } => circuit.adopt(Adoption::Hold { generation, wait }),
            CircuitChange::ForceOpen { by, why } => {
                circuit.apply_command(Cause::ForcedOpen, initiator(&by, &why))
            }
            CircuitChange::Disable { by, why } => {
                circuit.apply_command(Cause::Disabled, initiator(&by, &why))
            }
            CircuitChange::Release { by, why } => {
                circuit.apply_command(Cause::Released, initiator(&by, &why))
            }
        };
        Unannounced::new(breaker, pending)
    }

    fn find(&self, name: &SharedName) -> Option<CircuitBreaker> {
        let breaker = self.registry.store().get(&name.breaker())?;
        match (breaker, name.key()) {
            (AnyBreaker::Single(breaker), None) => Some(breaker),
            (AnyBreaker::Keyed(breaker), Some(key)) => breaker.find(&key),
            // The overflow circuit has no key, and is not shared.
            (AnyBreaker::Single(_), Some(_)) | (AnyBreaker::Keyed(_), None) => None,
        }
    }
}

/// Returns the first sample of a circuit. If the circuit is younger than the time at which all circuits were last counted,
/// all its calls are recent. An older one was not shared then, or there were too many.
fn first_sample(now: Duration, last: Option<Duration>, snapshot: &Snapshot) -> Sample {
    let is_younger = |last| snapshot.generation == 0 && snapshot.time_in_state < now.saturating_sub(last);
    if last.is_some_and(is_younger) {
        Sample::of_new(now, &snapshot.totals)
    } else {
        Sample::new(now, &snapshot.totals)
    }
}

fn name_if_not_closed(breaker: &CircuitBreaker) -> Option<SharedName> {
    let is_concerned = breaker.state() != State::Closed && breaker.circuit().config().shared().is_shared();
    is_concerned.then(|| SharedName::new(breaker.name(), breaker.key()))
}

/// Returns the number of calls that show a demand for trial calls: of those that the circuit rejects, or would reject.
fn rejected(totals: &Totals, config: &Config) -> u64 {
    // An open circuit admits calls in shadow mode, and above the limit of open circuits.
    let admits_when_open = config.mode() == Mode::Shadow || config.has_max_open();
    if admits_when_open { totals.calls() } else { totals.rejected }
}

fn local_state(snapshot: &Snapshot) -> LocalState {
    match snapshot.state {
        State::Closed => LocalState::Closed,
        State::Open => LocalState::Open { due_in: snapshot.retry_after },
        State::HalfOpen => LocalState::HalfOpen,
        State::ForcedOpen => LocalState::ForcedOpen,
        State::Disabled => LocalState::Disabled,
    }
}

/// Returns the initiator of a transition that a command caused. Other programs may have written both texts to Redis.
fn initiator(by: &str, why: &str) -> Arc<str> {
    let (by, why) = (escape_hidden(by), escape_hidden(why));
    let by = if by.is_empty() { "(unnamed)" } else { &by };
    Arc::from(if why.is_empty() { format!("{by} (fleet)") } else { format!("{by} (fleet): {why}") })
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::super::coordinator::Evidence;
    use super::{Circuits, SharedName, initiator, rejected};
    use crate::breaker::CircuitBreaker;
    use crate::config::{Config, ConfigBuilder, Mode, Sharing};
    use crate::error::BreakerError;
    use crate::registry::{ConfigLayer, ConfigSection, Registry};
    use crate::totals::Totals;

    fn shared() -> ConfigBuilder {
        Config::builder().shared(Sharing::First)
    }

    #[test]
    fn every_admitted_call_of_an_open_circuit_in_shadow_mode_shows_a_demand_for_trial_calls() {
        let totals = Totals { rejected: 1, successes: 2, timeouts: 4, injected: 8, ..Totals::default() };
        let shadow = Config::builder().mode(Mode::Shadow).build().unwrap();
        assert_eq!([rejected(&totals, &Config::default()), rejected(&totals, &shadow)], [1, 15]);
    }

    #[test]
    fn the_calls_of_a_key_are_counted_if_its_own_settings_share_it() {
        let registry = Registry::new();
        let hosts = registry.register_keyed("hosts", Config::default(), 9).unwrap();
        let tenants = registry.register_keyed("tenants", shared().build().unwrap(), 9).unwrap();
        let _circuits = ["eu", "us"].map(|key| [hosts.get(key), tenants.get(key)]);
        let local = Config::builder().shared(Sharing::Local);
        let sections = [
            ConfigSection::new("hosts", shared()).for_key("eu"),
            ConfigSection::new("hosts", shared()).for_key("not used"),
            ConfigSection::new("tenants", local).for_key("eu"),
        ];
        registry.apply_layer(ConfigLayer::File, sections).unwrap();
        let mut circuits = Circuits::new(registry);
        circuits.sample(Duration::ZERO);
        let expected = [("hosts", "eu"), ("tenants", "us")];
        let expected: BTreeSet<_> = expected.map(|(name, key)| SharedName::new(name, Some(key))).into();
        assert_eq!(circuits.samples.into_keys().collect::<BTreeSet<_>>(), expected);
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn succeed_ten_times(breaker: &CircuitBreaker) {
        assert!((0..10).all(|_| breaker.call(|| Ok::<_, BreakerError>(())).is_ok()));
    }

    #[test]
    fn the_earlier_calls_of_a_circuit_that_set_config_shares_are_no_evidence() {
        let registry = Registry::new();
        let hosts = registry.register_keyed("hosts", Config::default(), 9).unwrap();
        let breakers = [hosts.get("eu"), registry.register("search", Config::default()).unwrap()];
        let mut circuits = Circuits::new(registry);
        // Their age is measured by another clock than the time of the fleet, and is more than this.
        let now = Duration::from_nanos(1);
        circuits.sample(Duration::ZERO);
        for breaker in breakers {
            succeed_ten_times(&breaker);
            breaker.set_config(shared().build().unwrap());
            let name = SharedName::new(breaker.name(), breaker.key());
            let mut evidence = || circuits.view(&name, now).unwrap().evidence;
            assert!(matches!(evidence(), Evidence::Unknown));
            succeed_ten_times(&breaker);
            assert!(matches!(evidence(), Evidence::Healthy));
        }
    }

    #[test]
    fn all_calls_of_a_new_circuit_are_evidence_also_after_set_config() {
        let registry = Registry::new();
        let mut circuits = Circuits::new(registry.clone());
        circuits.sample(Duration::ZERO);
        let config = shared().build().unwrap();
        let breaker = registry.register("search", config.clone()).unwrap();
        succeed_ten_times(&breaker);
        breaker.set_config(config);
        let name = SharedName::new("search", None);
        assert!(matches!(circuits.view(&name, SECOND).unwrap().evidence, Evidence::Healthy));
    }

    #[test]
    fn shared_circuits_that_are_not_closed_are_found_without_a_change_of_their_state() {
        let registry = Registry::new();
        let single = registry.register("payment", shared().build().unwrap()).unwrap();
        let hosts = registry.register_keyed("hosts", Config::default(), 9).unwrap();
        let _closed = hosts.get("us");
        [&single, &hosts.get("eu")].into_iter().for_each(CircuitBreaker::force_open);
        let circuits = Circuits::new(registry);
        let name = SharedName::new;
        assert_eq!(circuits.not_closed(), [name("payment", None)]);
        hosts.set_config(shared().build().unwrap());
        assert_eq!(circuits.not_closed(), [name("payment", None), name("hosts", Some("eu"))]);
        assert_eq!(circuits.not_closed_keys(&name("hosts", None)), [name("hosts", Some("eu"))]);
        for other in [name("hosts", Some("eu")), name("payment", None), name("unknown", None)] {
            assert_eq!(circuits.not_closed_keys(&other), []);
        }
    }

    #[test]
    fn a_question_whether_an_open_circuit_would_admit_a_call_shows_a_demand_for_trial_calls() {
        let registry = Registry::new();
        let single = registry.register("payment", shared().build().unwrap()).unwrap();
        let hosts = registry.register_keyed("hosts", shared().build().unwrap(), 9).unwrap();
        let host = hosts.get("eu");
        let mut circuits = Circuits::new(registry);
        let names = [SharedName::new("payment", None), SharedName::new("hosts", Some("eu"))];
        let mut demand =
            || names.each_ref().map(|name| circuits.view(name, Duration::ZERO).unwrap().rejected);
        assert_eq!(demand(), [0, 0]);
        assert!(single.would_admit() && hosts.would_admit("eu"));
        assert_eq!(demand(), [0, 0], "a closed circuit needs no trial call");
        [&single, &host].into_iter().for_each(CircuitBreaker::force_open);
        assert!(!single.would_admit() && !hosts.would_admit("eu"));
        assert_eq!(demand(), [1, 1]);
    }

    #[test]
    fn texts_of_a_command_that_came_from_redis_cannot_forge_a_line() {
        assert_eq!(&*initiator("ada", "new provider"), "ada (fleet): new provider");
        assert_eq!(&*initiator("", ""), "(unnamed) (fleet)");
        assert_eq!(&*initiator("a\n\u{1b}", "x\u{202e}"), r"a\n\u{1b} (fleet): x\u{202e}");
    }
}
