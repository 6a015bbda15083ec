//! The candidates that run in a registry.

use std::sync::Arc;

use super::candidate_taps::{CandidateTaps, PlayedFigures};
use super::error::{MAX_CANDIDATES, MAX_NAME, ShadowError};
use super::report::{CandidateReport, History, ShadowSide, compare};
use super::tally::OutcomeCounts;
use crate::breaker::{AttachmentOwner, TapSource};
use crate::config::{ConfigBuilder, Name, SettingSource};
use crate::registry::{
    AnyBreaker, ConfigSection, ConfigureError, Registry, TapRegistration, UnannouncedReport,
};
use crate::state::State;
use crate::sync::{AtomicU32, Mutex, Ordering, lock};

/// A candidate from its start to its end.
#[derive(Debug)]
pub(super) struct Running {
    name: Arc<str>,
    taps: Arc<CandidateTaps>,
    /// The figures of the live breaker at the start.
    live_before: History,
    /// 1 while a promotion runs, so that only one applies the settings.
    promotes: AtomicU32,
    stage: Mutex<Stage>,
}

/// The stage of a candidate.
#[derive(Debug)]
enum Stage {
    Runs(#[expect(dead_code, reason = "its drop ends the candidate")] TapRegistration),
    /// The candidate has ended, and this is its last report. Its circuits exist no longer.
    Ended(Box<CandidateReport>),
}

/// The candidates of one registry.
#[derive(Debug, Default)]
struct Candidates(Mutex<Vec<Arc<Running>>>);

fn candidates(registry: &Registry) -> Arc<Candidates> {
    registry.store().attachments().get_or_create(AttachmentOwner::Registry, Candidates::default)
}

/// Starts a candidate.
pub(super) fn start(
    registry: &Registry,
    circuit: &str,
    name: Arc<str>,
    settings: ConfigBuilder,
) -> Result<Arc<Running>, ShadowError> {
    let unknown = || ShadowError::UnknownBreaker { circuit: circuit.to_owned() };
    let live = registry.store().get(circuit).ok_or_else(unknown)?;
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(ShadowError::InvalidName { circuit: circuit.to_owned() });
    }
    let invalid = |error| ShadowError::InvalidSettings { circuit: circuit.to_owned(), error };
    let breaker_name = Name::new(circuit.to_owned().into()).map_err(invalid)?;
    let clock = registry.clock().clone();
    let live_before = History::of(&live.snapshot());
    let taps = CandidateTaps::new(breaker_name, settings, live.settings(), clock).map_err(invalid)?;
    if matches!(live, AnyBreaker::Single(_)) {
        taps.config().check_without_keys().map_err(invalid)?;
    }
    let taps = Arc::new(taps);
    // Attached before others find the candidate, so that a promotion detaches the taps.
    let registration = registry.shared_store().attach_taps(Arc::clone(&taps) as Arc<dyn TapSource>);
    let running = Arc::new(Running {
        name,
        taps,
        live_before,
        promotes: AtomicU32::new(0),
        stage: Mutex::new(Stage::Runs(registration)),
    });
    candidates(registry).add(&running)?;
    Ok(running)
}

/// Returns the reports of the candidates of a breaker, in the order in which they started.
pub(crate) fn reports(registry: &Registry, circuit: &str) -> Vec<CandidateReport> {
    let all = lock(&candidates(registry).0).clone();
    all.iter()
        .filter(|running| running.circuit() == circuit)
        .map(|running| running.report(registry))
        .collect()
}

/// Promotes the candidate of this name, and runs no listener; `None` if there is none.
#[allow(dead_code, reason = "only the integration `axum` finds candidates by name")]
pub(crate) fn promote(
    registry: &Registry,
    circuit: &str,
    name: &str,
    operator: &str,
) -> Option<Result<Option<UnannouncedReport>, ConfigureError>> {
    let all = lock(&candidates(registry).0).clone();
    let running = all.iter().find(|running| running.circuit() == circuit && *running.name == *name)?;
    Some(running.promote(registry, operator))
}

impl Candidates {
    fn add(&self, running: &Arc<Running>) -> Result<(), ShadowError> {
        let mut all = lock(&self.0);
        let circuit = running.circuit();
        let mut beside = all.iter().filter(|other| other.circuit() == circuit);
        if beside.clone().any(|other| other.name == running.name) {
            let candidate = running.name.as_ref().to_owned();
            return Err(ShadowError::NameInUse { circuit: circuit.to_owned(), candidate });
        }
        if beside.nth(MAX_CANDIDATES - 1).is_some() {
            return Err(ShadowError::TooMany { circuit: circuit.to_owned() });
        }
        all.push(Arc::clone(running));
        Ok(())
    }
}

impl Running {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn circuit(&self) -> &str {
        self.taps.breaker_name()
    }

    pub(super) fn taps(&self) -> &CandidateTaps {
        &self.taps
    }

    /// Ends the candidate: its circuits are dropped, and its report no longer changes.
    pub(super) fn stop(&self, registry: &Registry) {
        if self.last_report().is_none() {
            self.end_with(registry, self.compare_now(registry));
        }
    }

    /// Makes the settings of the candidate those of the live breaker, and ends the candidate. Runs no listener. Returns
    /// `None` and changes nothing if it has ended, or if another thread promotes it.
    pub(super) fn promote(
        &self,
        registry: &Registry,
        operator: &str,
    ) -> Result<Option<UnannouncedReport>, ConfigureError> {
        if self.promotes.swap(1, Ordering::Acquire) == 1 {
            return Ok(None);
        }
        let promoted = self.promote_alone(registry, operator);
        self.promotes.store(0, Ordering::Release);
        promoted
    }

    fn promote_alone(
        &self,
        registry: &Registry,
        operator: &str,
    ) -> Result<Option<UnannouncedReport>, ConfigureError> {
        if self.last_report().is_some() {
            return Ok(None);
        }
        // Afterwards, no setting differs.
        let last = self.compare_now(registry);
        let source = SettingSource::Operator { name: operator.into() };
        let settings = self.taps.settings().clone();
        let section = ConfigSection::for_breaker(self.circuit().to_owned(), settings, source);
        let report = registry.merge_operator_section(section)?;
        self.end_with(registry, last);
        Ok(Some(report))
    }

    pub(super) fn report(&self, registry: &Registry) -> CandidateReport {
        self.last_report().unwrap_or_else(|| self.compare_now(registry))
    }

    /// Returns the last report, or `None` while the candidate runs.
    fn last_report(&self) -> Option<CandidateReport> {
        match &*lock(&self.stage) {
            Stage::Runs(_) => None,
            Stage::Ended(last) => Some((**last).clone()),
        }
    }

    /// Ends the candidate with this report, unless it has ended already.
    fn end_with(&self, registry: &Registry, last: CandidateReport) {
        let mut stage = lock(&self.stage);
        let before = match *stage {
            Stage::Runs(_) => std::mem::replace(&mut *stage, Stage::Ended(Box::new(last))),
            Stage::Ended(_) => return,
        };
        drop(stage);
        lock(&candidates(registry).0).retain(|running| !std::ptr::eq(&raw const **running, self));
        // Drops the circuits, without a lock.
        drop(before);
    }

    fn compare_now(&self, registry: &Registry) -> CandidateReport {
        let tally = self.taps.tally();
        let (admitted, rejected): (OutcomeCounts, OutcomeCounts) = (tally.admitted(), tally.rejected());
        let PlayedFigures { state, history } = self.taps.figures();
        let live_config = registry.store().registered(self.circuit()).map(|live| live.config());
        let settings = live_config.map_or_else(Vec::new, |live| compare(&live, self.taps.config()));
        CandidateReport {
            circuit: self.circuit().into(),
            candidate: Arc::clone(&self.name),
            running_for: self.taps.clock().now().since(self.taps.began()),
            successes: admitted.successes + rejected.successes,
            failures: admitted.failures + rejected.failures,
            ignored: admitted.ignored + rejected.ignored,
            unseen: tally.unseen(),
            spared_failures: rejected.failures,
            lost_successes: rejected.successes,
            live: self.live_side(registry),
            shadow: ShadowSide::new(state, history, History::default(), rejected.sum()),
            settings,
        }
    }

    fn live_side(&self, registry: &Registry) -> ShadowSide {
        let unseen = self.taps.tally().unseen();
        let live = registry.store().registered(self.circuit()).map(|live| live.snapshot());
        let Some(live) = live else {
            return ShadowSide::new(State::Closed, self.live_before, self.live_before, unseen);
        };
        ShadowSide::new(live.state, History::of(&live), self.live_before, unseen)
    }
}
