//! Health for a readiness endpoint: 503 while a critical circuit, or every circuit of a critical breaker with
//! keys, rejects calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use serde::Serialize;

use super::cache::{Cached, Cost, Reader};
use super::error::HttpError;
use super::query::Criticality;
use super::response::encode;
use super::view::cost_of_all;
use crate::breaker::CircuitBreaker;
use crate::integrations::serde::seconds;
use crate::registry::{AnyBreaker, KeyedBreaker, Registry};
use crate::snapshot::Snapshot;
use crate::state::State;

/// The cost of a breaker besides its keys. Its JSON is much shorter than that of the other routes.
const BREAKER_COST: Cost = 2;

/// The state of the route for health. Its reader is its own, so that readiness never waits for another route.
#[derive(Debug)]
pub(super) struct HealthState {
    registry: Registry,
    reader: Arc<Reader>,
    latest: Cached<HealthReport>,
}

/// The JSON of all circuits, and the circuits that make the service unready.
#[derive(Clone, Debug)]
pub(super) struct HealthReport {
    body: Bytes,
    has_critical_rejection: bool,
    has_rejection: bool,
}

/// A breaker, as far as its health needs it.
struct BreakerHealth {
    /// The snapshot of the circuit. With keys, that of the worst circuit, with the totals of all of them and
    /// without a window.
    snapshot: Snapshot,
    /// `true` if the circuit, or the circuit of every key, rejects calls and no trial call is due.
    rejects: bool,
}

/// The states of the circuits of a breaker with keys. Only circuits that may be the worst, or may reject calls,
/// are read further.
#[derive(Default)]
struct KeySurvey {
    worst: Option<Snapshot>,
    has_key: bool,
    /// `true` if the circuit of a key admits calls, or a trial call of it is due.
    admits: bool,
}

#[derive(Serialize)]
struct Health<'a> {
    status: HealthStatus,
    circuits: BTreeMap<&'a str, CircuitHealth>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum HealthStatus {
    Healthy,
    Degraded,
}

#[derive(Serialize)]
struct CircuitHealth {
    state: State,
    error_rate: Option<f64>,
    total_calls: u64,
    rejected_calls: u64,
    retry_after: Option<f64>,
    critical: bool,
}

impl HealthState {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            reader: Arc::new(Reader::new(registry)),
            latest: Cached::default(),
        }
    }

    /// Reads the health of all circuits, or returns a recent result; see [`Cached::get`].
    pub(super) async fn report(&self) -> Result<HealthReport, HttpError> {
        let (registry, cost) = (self.registry.clone(), cost_of_all(&self.registry, BREAKER_COST));
        self.latest.get(&self.reader, cost, move || HealthReport::read(&registry)).await
    }
}

impl HealthReport {
    /// Reads all circuits except functions that have never been called.
    fn read(registry: &Registry) -> Self {
        let breakers: Vec<_> = registry.breakers().iter().map(BreakerHealth::of).collect();
        Self {
            body: encode(&Health::of(&breakers)),
            has_critical_rejection: breakers.iter().any(|it| it.rejects && it.snapshot.critical),
            has_rejection: breakers.iter().any(|it| it.rejects),
        }
    }

    /// Returns `true` if none of the critical circuits rejects calls.
    pub(super) fn is_ready(&self, criticality: Criticality) -> bool {
        match criticality {
            Criticality::AsConfigured => !self.has_critical_rejection,
            Criticality::AllCircuits => !self.has_rejection,
        }
    }

    pub(super) fn into_body(self) -> Bytes {
        self.body
    }
}

impl BreakerHealth {
    fn of(breaker: &AnyBreaker) -> Self {
        match breaker {
            AnyBreaker::Single(breaker) => {
                let snapshot = breaker.snapshot();
                Self { rejects: snapshot.rejects(), snapshot }
            }
            AnyBreaker::Keyed(breaker) => Self::of_keys(breaker),
        }
    }

    fn of_keys(breaker: &KeyedBreaker) -> Self {
        let mut survey = KeySurvey::default();
        breaker.for_each(|circuit| survey.add(circuit));
        let worst = survey.worst.unwrap_or_else(|| breaker.snapshot());
        Self {
            snapshot: Snapshot {
                window: None,
                totals: breaker.totals(),
                critical: breaker.config().critical(),
                ..worst
            },
            // A new key gets a new circuit, which admits its calls.
            rejects: survey.has_key && !survey.admits,
        }
    }
}

impl KeySurvey {
    fn add(&mut self, circuit: &CircuitBreaker) {
        let state = circuit.state();
        // The overflow circuit belongs to no key.
        let is_key = circuit.key().is_some();
        self.has_key |= is_key;
        let may_reject = match state {
            State::Open | State::ForcedOpen => true,
            State::Closed | State::HalfOpen | State::Disabled => false,
        };
        let is_worse = self.worst.as_ref().is_none_or(|worst| rank(state) > rank(worst.state));
        if !may_reject && !is_worse {
            self.admits |= is_key;
            return;
        }
        let snapshot = circuit.snapshot();
        self.admits |= is_key && !snapshot.rejects();
        if self.worst.as_ref().is_none_or(|worst| snapshot.badness() > worst.badness()) {
            self.worst = Some(snapshot);
        }
    }
}

/// Returns a rank from 0 for the best state.
const fn rank(state: State) -> u8 {
    match state {
        State::Closed => 0,
        State::Disabled => 1,
        State::HalfOpen => 2,
        State::Open | State::ForcedOpen => 3,
    }
}

impl<'a> Health<'a> {
    fn of(breakers: &'a [BreakerHealth]) -> Self {
        let is_healthy = breakers.iter().all(|it| it.snapshot.state == State::Closed);
        let circuits = breakers.iter().map(|it| (it.snapshot.name(), CircuitHealth::of(&it.snapshot)));
        Self {
            status: if is_healthy { HealthStatus::Healthy } else { HealthStatus::Degraded },
            circuits: circuits.collect(),
        }
    }
}

impl CircuitHealth {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            state: snapshot.state,
            error_rate: error_rate(snapshot),
            total_calls: snapshot.totals.calls(),
            rejected_calls: snapshot.totals.rejected,
            retry_after: snapshot.retry_after.map(seconds),
            critical: snapshot.critical,
        }
    }
}

/// Returns the failure rate of the window or, if it holds no call, of all calls. The window of a circuit that
/// has just opened is empty.
#[expect(clippy::cast_precision_loss, reason = "the share of 2^53 calls need not be exact")]
fn error_rate(snapshot: &Snapshot) -> Option<f64> {
    let totals = snapshot.totals;
    let calls = totals.successes + totals.failed();
    let of_totals = || (calls > 0).then(|| totals.failed() as f64 / calls as f64);
    snapshot.window.and_then(|window| window.failure_rate()).or_else(of_totals)
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    use tokio::runtime::Builder;
    use tokio::task::spawn;

    use super::super::app_state::AppState;
    use super::super::bearer::{ReadAccess, Tokens};
    use super::super::query::Criticality;
    use super::super::shutdown::Shutdown;
    use super::HealthState;
    use crate::config::Config;
    use crate::registry::Registry;

    #[test]
    fn health_does_not_wait_for_the_readings_of_other_routes() {
        let registry = Registry::new();
        let hosts = registry.register_keyed("host", Config::default(), 1_000).unwrap();
        (0..1_000).for_each(|key| drop(hosts.get(&key.to_string())));
        let tokens = Tokens { reading: ReadAccess::AnyClient, commands: None };
        let app = Arc::new(AppState::new(&registry, tokens, Shutdown::default()));
        let health = HealthState::new(&registry);
        Builder::new_current_thread().build().unwrap().block_on(async {
            let ((started, mut has_started), (done, is_done)) =
                (tokio::sync::mpsc::unbounded_channel(), channel::<()>());
            let other = Arc::clone(&app);
            let reading = spawn(async move {
                let read = move || {
                    started.send(()).unwrap();
                    _ = is_done.recv();
                };
                other.reader.run(1_000, read).await.is_ok()
            });
            has_started.recv().await.unwrap();
            assert!(health.report().await.unwrap().is_ready(Criticality::AllCircuits));
            drop(done);
            assert!(reading.await.unwrap());
        });
    }
}
