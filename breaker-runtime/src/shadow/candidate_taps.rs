//! The circuits of a candidate beside all circuits of one breaker, including those of keys that are used later.

use std::sync::{Arc, Weak};

use super::played_circuit::PlayedCircuit;
use super::report::History;
use super::tally::Tally;
use crate::breaker::{CallTap, Circuit, CircuitBreaker, Identity, TapSource, TapsStart};
use crate::clock::{Clock, Moment};
use crate::config::{
    Adopt, Config, ConfigBuilder, ConfigError, Mode, Name, Setting, SettingSource, SharedConfig, Sharing,
};
use crate::registry::BreakerSettings;
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::sync::{Mutex, lock};

/// Creates the circuits of a candidate, and keeps what they count.
#[derive(Debug)]
pub(super) struct CandidateTaps {
    name: Name,
    settings: ConfigBuilder,
    /// The settings of the breaker at the start.
    live: BreakerSettings,
    /// The settings over those that all circuits of the breaker shared at the start.
    config: Config,
    clock: Clock,
    began: TapsStart,
    tally: Arc<Tally>,
    former: Arc<Mutex<History>>,
    circuits: Mutex<PlayedCircuits>,
}

/// The circuits that exist. Those that were dropped are removed from time to time.
#[derive(Debug, Default)]
struct PlayedCircuits {
    all: Vec<Weak<PlayedCircuit>>,
    /// The length at which dropped circuits are removed.
    prune_at: usize,
}

/// The figures of all circuits of a candidate.
pub(super) struct PlayedFigures {
    pub(super) state: State,
    pub(super) history: History,
}

/// The smallest length at which dropped circuits are removed.
const MIN_PRUNE: usize = 64;

impl CandidateTaps {
    /// Creates the taps of a candidate with these settings beside a breaker with `live`.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings contradict each other or those of the breaker.
    pub(super) fn new(
        name: Name,
        settings: ConfigBuilder,
        live: BreakerSettings,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        let config = candidate_config(&settings, live.of(None))?;
        Ok(Self {
            name,
            settings,
            live,
            config,
            began: TapsStart::now(&clock),
            clock,
            tally: Arc::default(),
            former: Arc::default(),
            circuits: Mutex::default(),
        })
    }

    pub(super) fn breaker_name(&self) -> &str {
        self.name.as_str()
    }

    pub(super) const fn settings(&self) -> &ConfigBuilder {
        &self.settings
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(super) const fn began(&self) -> Moment {
        self.began.moment()
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the settings of a live circuit at the start. A circuit that is created later, such as that of a new key,
    /// may have others already, which do not apply to the candidate.
    fn live_config(&self, circuit: &Circuit) -> SharedConfig {
        let key = match circuit.identity() {
            Identity::Alone { .. } => None,
            Identity::Member { .. } if circuit.has_own_settings() => return circuit.config(),
            Identity::Member { key, .. } => key.as_deref(),
        };
        self.live.of(key).clone()
    }

    pub(super) fn figures(&self) -> PlayedFigures {
        let circuits: Vec<_> = lock(&self.circuits).all.iter().filter_map(Weak::upgrade).collect();
        let snapshots: Vec<Snapshot> = circuits.iter().map(|circuit| circuit.snapshot()).collect();
        let mut history = *lock(&self.former);
        for snapshot in &snapshots {
            history.add(History::of(snapshot));
        }
        let worst = snapshots.iter().max_by_key(|snapshot| snapshot.severity());
        PlayedFigures { state: worst.map_or(State::Closed, |snapshot| snapshot.state), history }
    }
}

impl TapSource for CandidateTaps {
    fn tap(&self, circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
        if circuit.identity().name().as_str() != self.name.as_str() {
            return None;
        }
        // The settings of one key may contradict those of the candidate.
        let config = candidate_config(&self.settings, &self.live_config(circuit))
            .unwrap_or_else(|_| self.config.clone());
        let identity = Identity::Alone { name: self.name.clone() };
        let played = SharedConfig::new(without_overlap(config), SettingSource::Default);
        let own = CircuitBreaker::new_unchecked(identity, played, self.clock.clone());
        let (tally, former) = (Arc::clone(&self.tally), Arc::clone(&self.former));
        let played = Arc::new(PlayedCircuit::new(own, self.began, tally, former));
        lock(&self.circuits).add(Arc::downgrade(&played));
        Some(played)
    }
}

impl PlayedCircuits {
    fn add(&mut self, circuit: Weak<PlayedCircuit>) {
        if self.all.len() >= self.prune_at {
            self.all.retain(|circuit| circuit.strong_count() > 0);
            self.prune_at = (2 * self.all.len()).max(MIN_PRUNE);
        }
        self.all.push(circuit);
    }
}

/// Returns the settings of a candidate over those of a live circuit. A candidate always enforces, and alone.
fn candidate_config(settings: &ConfigBuilder, live: &Config) -> Result<Config, ConfigError> {
    let settings = settings.clone().over(live.to_builder());
    settings.mode(Mode::Enforce).shared(Sharing::Local).adopt(Adopt::UnlessHealthy).build()
}

/// Returns these settings without those of calls that overlap. A played call ends when it begins.
fn without_overlap(config: Config) -> Config {
    let overlapping = [Setting::MaxConcurrent, Setting::MaxWait, Setting::Hang];
    let others = overlapping.into_iter().fold(config.to_builder(), ConfigBuilder::unset);
    others.build().unwrap_or(config)
}
