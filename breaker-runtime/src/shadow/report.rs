//! The comparison of a candidate with the live circuit, as plain data.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Setting, SettingValue};
use crate::printable::Quoted;
use crate::snapshot::Snapshot;
use crate::state::{State, TransitionCounts};

/// The figures of a candidate and of the live circuit, since the candidate started.
///
/// The figures are read one after the other, so they may differ by a few calls while calls are running. With the
/// feature `serde` the report implements `Serialize`: times are in seconds.
///
/// ```
/// use breaker_runtime::{Config, Outcome, Registry};
///
/// let registry = Registry::new();
/// let search = registry.register("search", Config::default())?;
/// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(1))?;
/// search.try_acquire()?.settle(Outcome::Failure);
/// search.try_acquire()?.settle(Outcome::Success);
///
/// let report = candidate.report();
/// assert_eq!((report.successes, report.failures), (1, 1));
/// assert_eq!((report.spared_failures, report.lost_successes), (0, 1));
/// assert_eq!(report.settings.len(), 1);
/// assert_eq!(report.settings[0].to_string(), "failure_threshold 5 -> 1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CandidateReport {
    /// The name of the breaker.
    pub circuit: Arc<str>,
    /// The name of the candidate.
    pub candidate: Arc<str>,
    /// Time since the candidate started, until now or until it ended.
    pub running_for: Duration,
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed, including timeouts, calls that were cancelled after `cancelled_after`, and those that a drill
    /// failed.
    pub failures: u64,
    /// Calls that are no evidence, such as those that were cancelled early.
    pub ignored: u64,
    /// Calls that the live circuit rejected. Their outcome is unknown, so the candidate does not know them.
    pub unseen: u64,
    /// Failing calls that the candidate would have rejected: what it spares the dependency and the callers.
    pub spared_failures: u64,
    /// Successful calls that the candidate would have rejected: what it costs.
    pub lost_successes: u64,
    /// The live circuit.
    pub live: ShadowSide,
    /// The candidate.
    pub shadow: ShadowSide,
    /// The settings that differ.
    pub settings: Vec<SettingComparison>,
}

/// One side of a comparison: the live circuit or the candidate, since the candidate started. With keys, the figures are
/// sums over the circuits.
///
/// ```
/// use breaker_runtime::{Config, Outcome, Registry, State};
///
/// let registry = Registry::new();
/// let search = registry.register("search", Config::default())?;
/// let candidate = registry.shadow("search", "strict", Config::builder().failure_threshold(1))?;
/// search.try_acquire()?.settle(Outcome::Failure);
/// search.try_acquire()?.settle(Outcome::Failure);
///
/// let report = candidate.report();
/// assert_eq!((report.live.state, report.live.opened, report.live.rejected), (State::Closed, 0, 0));
/// assert_eq!((report.shadow.state, report.shadow.opened, report.shadow.rejected), (State::Open, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowSide {
    /// The state now. With keys, that of the worst circuit.
    pub state: State,
    /// The number of times it opened.
    pub opened: u64,
    /// The number of times it closed.
    pub closed: u64,
    /// The time that it was open.
    pub time_open: Duration,
    /// Calls that it rejected. In shadow mode, calls that it would have rejected.
    pub rejected: u64,
}

/// A setting that differs between the live circuit and a candidate.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Registry, Setting};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let settings = Config::builder().recovery_timeout(Duration::from_secs(5));
/// let candidate = registry.shadow("search", "quick", settings)?;
/// let differing = candidate.report().settings;
/// let comparison = differing.iter().find(|comparison| comparison.setting == Setting::RecoveryTimeout).unwrap();
/// assert_eq!(comparison.to_string(), r#"recovery_timeout "30s" -> "5s""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SettingComparison {
    /// The setting.
    pub setting: Setting,
    /// The value of the live circuit, or `None` if the setting is off.
    pub live: Option<SettingValue<'static>>,
    /// The value of the candidate, or `None` if the setting is off.
    pub shadow: Option<SettingValue<'static>>,
}

/// The cumulative figures of circuits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct History {
    changes: TransitionCounts,
    time_open: Duration,
    /// Calls that shadow mode admitted.
    shadow_rejections: u64,
}

impl History {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let Snapshot { changes, time_open, shadow_rejections, .. } = *snapshot;
        Self { changes, time_open, shadow_rejections }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.changes.add(other.changes);
        self.time_open += other.time_open;
        self.shadow_rejections += other.shadow_rejections;
    }

    fn opened(&self) -> u64 {
        self.changes.to(State::Open) - self.changes.count(State::Open, State::Open)
    }

    fn closed(&self) -> u64 {
        self.changes.to(State::Closed) - self.changes.count(State::Closed, State::Closed)
    }
}

impl ShadowSide {
    /// Returns the side with these figures. `rejected` counts the calls that were not made.
    pub(super) fn new(state: State, history: History, since: History, rejected: u64) -> Self {
        let shadow_rejections = history.shadow_rejections.saturating_sub(since.shadow_rejections);
        Self {
            state,
            opened: history.opened().saturating_sub(since.opened()),
            closed: history.closed().saturating_sub(since.closed()),
            time_open: history.time_open.saturating_sub(since.time_open),
            rejected: rejected + shadow_rejections,
        }
    }
}

/// Returns the settings that differ, without those that have no effect in a candidate.
pub(super) fn compare(live: &Config, shadow: &Config) -> Vec<SettingComparison> {
    let has_effect = |setting: &Setting| !matches!(setting, Setting::Mode | Setting::Shared | Setting::Adopt);
    let differing = live.differences(shadow).filter(has_effect);
    let comparison =
        |setting| SettingComparison { setting, live: live.value(setting), shadow: shadow.value(setting) };
    differing.map(comparison).collect()
}

/// Displays the setting with both values: `failure_threshold 5 -> 2`.
impl fmt::Display for SettingComparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<SettingValue<'_>>| {
            value.as_ref().map_or_else(|| "off".to_owned(), ToString::to_string)
        };
        write!(out, "{} {} -> {}", self.setting, text(&self.live), text(&self.shadow))
    }
}

/// Displays a table with one column for the live circuit and one for the candidate.
impl fmt::Display for CandidateReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live, shadow, .. } = self;
        writeln!(out, "circuit breaker {}, candidate {}", Quoted(&self.circuit), Quoted(&self.candidate))?;
        for setting in &self.settings {
            writeln!(out, "  {setting}")?;
        }
        writeln!(
            out,
            "  {} successes, {} failures, {} ignored in {:.1?}",
            self.successes, self.failures, self.ignored, self.running_for
        )?;
        writeln!(out, "  {:<18}{:>12}{:>12}", "", "live", "candidate")?;
        writeln!(out, "  {:<18}{:>12}{:>12}", "state", live.state.label(), shadow.state.label())?;
        writeln!(out, "  {:<18}{:>12}{:>12}", "opened", live.opened, shadow.opened)?;
        writeln!(out, "  {:<18}{:>12}{:>12}", "closed", live.closed, shadow.closed)?;
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let (live_open, shadow_open) = (seconds(live.time_open), seconds(shadow.time_open));
        writeln!(out, "  {:<18}{live_open:>12}{shadow_open:>12}", "time open")?;
        writeln!(out, "  {:<18}{:>12}{:>12}", "rejected", live.rejected, shadow.rejected)?;
        writeln!(out, "  {:<18}{:>12}{:>12}", "spared failures", "unknown", self.spared_failures)?;
        write!(out, "  {:<18}{:>12}{:>12}", "lost successes", "unknown", self.lost_successes)
    }
}
