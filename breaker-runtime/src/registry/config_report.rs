//! The results of a configuration: what it changed, or why it was refused.

use std::error::Error;
use std::fmt;

use super::layers::{ConfigSection, SectionError};
use crate::breaker::Unannounced;
use crate::event::{Announcement, SettingsChange};
use crate::printable::Excerpt;

/// The effects of a configuration that was applied.
///
/// ```
/// use breaker_runtime::{Config, ConfigLayer, ConfigSection, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
/// let sections = ["search", "serach"].map(|name| {
///     ConfigSection::new(name, Config::builder().failure_threshold(9))
/// });
/// let report = registry.apply_layer(ConfigLayer::File, sections)?;
/// assert_eq!(report.changes().count(), 1);
/// let unmatched: Vec<_> = report.unmatched().map(|section| section.name()).collect();
/// assert_eq!(unmatched, ["serach"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConfigReport {
    pub(super) changes: Vec<SettingsChange>,
    pub(super) unmatched: Vec<ConfigSection>,
    pub(super) overridden: Vec<String>,
    pub(super) contradictions: Vec<SectionError>,
}

/// The report of an update that has taken effect, and of which listeners have not been notified.
#[derive(Debug)]
pub(crate) struct UnannouncedReport {
    pub(super) report: ConfigReport,
    /// The changes of states that the settings caused.
    pub(crate) states: Vec<Unannounced>,
    /// The announcement of the settings.
    pub(crate) announcement: Announcement,
}

/// A configuration that was refused. It changed nothing.
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// let search = registry.register("search", Config::default())?;
/// let error = registry.configure("search", Config::builder().failure_rate(0.5)).unwrap_err(); // without a window
/// assert_eq!(error.errors().count(), 1);
/// assert_eq!(search.config(), Config::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigureError(pub(super) Vec<SectionError>);

impl ConfigReport {
    /// Returns the changes of effective settings: one for each breaker that has changed, and one for each key whose own
    /// settings have changed otherwise.
    pub fn changes(&self) -> impl Iterator<Item = &SettingsChange> {
        self.changes.iter()
    }

    /// Returns the sections whose name matches no registered breaker and no annotated function, and those with a key
    /// for breakers without keys, or with a key of more than 255 bytes, which gets no circuit of its own. They apply to
    /// breakers that are registered later.
    pub fn unmatched(&self) -> impl Iterator<Item = &ConfigSection> {
        self.unmatched.iter()
    }

    /// Returns the names of breakers that keep settings of [`set_config`](crate::CircuitBreaker::set_config), all of
    /// them or those of a key for which there is a section. Such settings take precedence over all layers.
    pub fn overridden(&self) -> impl Iterator<Item = &str> {
        self.overridden.iter().map(String::as_str)
    }

    /// Returns the errors of sections that do not apply to a breaker, because they contradict its settings and it was
    /// registered after them. The other sections apply to it. These sections apply as well as soon as a configuration
    /// has removed the contradiction.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.configure("*", Config::builder().failure_rate(0.5))?;
    /// let late = registry.register("late", Config::default())?; // without a window
    /// assert_eq!(late.config(), Config::default());
    ///
    /// let report = registry.configure("search", Config::builder().jitter(0.5))?;
    /// assert_eq!(report.contradictions().next().unwrap().name(), "late");
    ///
    /// let report = registry.configure("late", Config::builder().window_calls(100))?;
    /// assert_eq!(report.contradictions().count(), 0);
    /// assert_eq!(late.config().failure_rate(), Some(0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contradictions(&self) -> impl Iterator<Item = &SectionError> {
        self.contradictions.iter()
    }
}

impl UnannouncedReport {
    /// Notifies the listeners.
    pub(crate) fn announce(self) -> ConfigReport {
        drop(self.states);
        drop(self.announcement);
        self.report
    }
}

impl ConfigureError {
    /// Returns `true` if settings of `set_config` take precedence.
    #[allow(dead_code, reason = "only commands of operators are refused")]
    pub(crate) fn is_overridden(&self) -> bool {
        self.0.iter().any(SectionError::is_overridden)
    }

    /// Returns the errors: one for each section with a setting that is out of range or that one key cannot have,
    /// otherwise at most one for each breaker.
    pub fn errors(&self) -> impl Iterator<Item = &SectionError> {
        self.0.iter()
    }
}

/// Displays one line for each of the first 20 errors, and then how many follow, in at most 8 KiB.
impl fmt::Display for ConfigureError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Excerpt(&self.0).fmt(out)
    }
}

impl Error for ConfigureError {}
